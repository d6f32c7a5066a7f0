/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* accounts_told: what peers' links have carried, for the API and for metrics. */
#include "controlplane/daemon/actions.h"

/* Samples of a peer each: above, a scrape would tell more of links than of anything else. */
enum { METRICS_PEERS_MAX = 1024 };

static json_t *account_json(const struct vd_peer_id *peer, struct route_account total, bool linked)
{
	return json_pack("{s:o, s:b, s:I, s:I, s:I, s:I}", "peer", node_peer_json(peer), "linked",
			 linked, "rx_packets", (json_int_t)total.rx_frames, "rx_bytes",
			 (json_int_t)total.rx_bytes, "tx_packets", (json_int_t)total.tx_frames,
			 "tx_bytes", (json_int_t)total.tx_bytes);
}

struct telling {
	struct node *node;
	json_t *rows;
};

/* Linked peers are told from their links, which are ahead of the file. */
ON_CONTROL static void tell_row(void *context, const struct vd_peer_id *peer,
				struct route_account total)
{
	struct telling *telling = context;
	struct node *node = telling->node;

	if (!route_links_find(node->links, peer))
		json_array_append_new(telling->rows,
				      node_named(node, account_json(peer, total, false), peer));
}

void node_accounts(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	struct telling telling = { .node = node, .rows = json_array() };
	const struct route_link *link;
	uint32_t at = 0;

	(void)args;
	while ((link = route_links_next(node->links, &at)))
		json_array_append_new(
		    telling.rows,
		    node_named(
			node, account_json(&link->peer, route_links_total(node->links, link), true),
			&link->peer));
	if (node->accounts)
		accounts_each(node->accounts, tell_row, &telling);
	api_reply_ok(reply, json_pack("{s:o}", "accounts", telling.rows));
}

/* ---- metrics ---- */

ON_CONTROL static void tell_peers(struct node *node, struct metrics *m, const char *name,
				  const char *help, size_t rx, size_t tx)
{
	const struct route_link *link;
	uint32_t at = 0;

	metrics_counter(m, name, help);
	if (route_links_count(node->links) > METRICS_PEERS_MAX)
		return;
	while ((link = route_links_next(node->links, &at))) {
		struct route_account total = route_links_total(node->links, link);
		char peer[VD_PEER_ID_TEXT];
		uint64_t in, out;

		memcpy(&in, (const char *)&total + rx, sizeof in);
		memcpy(&out, (const char *)&total + tx, sizeof out);
		vd_peer_id_text(&link->peer, peer);
		metrics_u64(m, in, "peer", peer, "direction", "rx");
		metrics_u64(m, out, "peer", peer, "direction", "tx");
	}
}

void node_tell_accounts(struct node *node, struct metrics *m)
{
	tell_peers(node, m, "viaduct_peer_packets", "frames of linked peers, over restarts",
		   offsetof(struct route_account, rx_frames),
		   offsetof(struct route_account, tx_frames));
	tell_peers(node, m, "viaduct_peer_bytes", "UDP payload of linked peers, over restarts",
		   offsetof(struct route_account, rx_bytes),
		   offsetof(struct route_account, tx_bytes));
	metrics_counter(m, "viaduct_store_failures", "what link.state did not take");
	metrics_u64(m, node->store ? route_store_failed(node->store) : 0, "what", "address_write");
	metrics_u64(m, node->store ? route_store_lost(node->store) : 0, "what", "address_lost");
	metrics_u64(m, node->accounts ? accounts_failed(node->accounts) : 0, "what",
		    "account_write");
	metrics_u64(m, node->accounts ? accounts_lost(node->accounts) : 0, "what", "account_lost");
}
