/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/accounts_api.h"

#include <stdlib.h>

#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"

enum {
	/* samples of a peer each: above, a scrape would tell more of links than of anything else */
	METRICS_PEERS_MAX = 1024,
	TOLD_MAX = 10000, /* peers in one answer, which is made at once */
};

static json_t *account_json(const struct vd_peer_id *peer, struct route_account total, bool linked)
{
	return json_pack("{s:o, s:b, s:I, s:I, s:I, s:I}", "peer", node_peer_json(peer), "linked",
			 linked, "rx_packets", (json_int_t)total.rx_frames, "rx_bytes",
			 (json_int_t)total.rx_bytes, "tx_packets", (json_int_t)total.tx_frames,
			 "tx_bytes", (json_int_t)total.tx_bytes);
}

/* Linked peers first, then those of the file that carried most. */
struct telling {
	struct node *node;
	json_t *rows;
	struct route_total *others; /* [2 * TOLD_MAX] */
	size_t count;
	size_t left_out;
};

static int heaviest_first(const void *a, const void *b)
{
	uint64_t x = accounts_weight(((const struct route_total *)a)->total);
	uint64_t y = accounts_weight(((const struct route_total *)b)->total);

	return (x < y) - (x > y);
}

static void keep_heaviest(struct telling *telling, size_t most)
{
	qsort(telling->others, telling->count, sizeof *telling->others, heaviest_first);
	if (telling->count <= most)
		return;
	telling->left_out += telling->count - most;
	telling->count = most;
}

/* Linked peers are told from their links, which are ahead of the file. */
ON_CONTROL static void note_other(void *context, const struct vd_peer_id *peer,
				  struct route_account total)
{
	struct telling *telling = context;

	if (route_links_find(telling->node->links, peer))
		return;
	if (telling->count == (size_t)2 * TOLD_MAX)
		keep_heaviest(telling, TOLD_MAX);
	telling->others[telling->count++] = (struct route_total){ *peer, total };
}

static void tell(struct telling *telling, const struct vd_peer_id *peer, struct route_account total,
		 bool linked)
{
	json_array_append_new(telling->rows,
			      node_named(telling->node, account_json(peer, total, linked), peer));
}

ON_CONTROL static void tell_links(struct telling *telling)
{
	const struct route_links *links = telling->node->links;
	const struct route_link *link;
	uint32_t at = 0;

	while ((link = route_links_next(links, &at))) {
		if (json_array_size(telling->rows) == TOLD_MAX)
			telling->left_out++;
		else
			tell(telling, &link->peer, route_links_total(links, link), true);
	}
}

ON_CONTROL static void tell_others(struct telling *telling)
{
	telling->others = calloc((size_t)2 * TOLD_MAX, sizeof *telling->others);
	if (!telling->others)
		return;
	accounts_each(telling->node->accounts, note_other, telling);
	keep_heaviest(telling, TOLD_MAX - json_array_size(telling->rows));
	for (size_t i = 0; i < telling->count; i++)
		tell(telling, &telling->others[i].peer, telling->others[i].total, false);
	free(telling->others);
}

void node_action_accounts(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	struct telling telling = { .node = node, .rows = json_array() };

	(void)args;
	tell_links(&telling);
	if (node->accounts)
		tell_others(&telling);
	api_reply_ok(reply, json_pack("{s:o, s:I}", "accounts", telling.rows, "left_out",
				      (json_int_t)telling.left_out));
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
	metrics_u64(m, node->store ? route_store_full(node->store) : 0, "what", "address_no_room");
	metrics_u64(m, node->accounts ? accounts_failed(node->accounts) : 0, "what",
		    "account_write");
	metrics_u64(m, node->accounts ? accounts_lost(node->accounts) : 0, "what", "account_lost");
	metrics_u64(m, node->accounts ? accounts_forgotten(node->accounts) : 0, "what",
		    "account_forgotten");
}
