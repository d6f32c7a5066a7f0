/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/dials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/why.h"
#include "controlplane/host/dialer.h"
#include "controlplane/host/listen_expand.h"
#include "controlplane/host/swarm.h"

enum { ADDRESSES_MAX = 16 }; /* of one command */

/* ---- life ---- */

enum vd_err node_open_dialer(struct node *node, size_t network, char why[NODE_WHY])
{
	struct dialer_config config = {
		.loop = cp_loop_uv(node->loop),
		.swarm = node->libp2p.swarms[network],
		.self = node->identity.id,
		.dns = node->config.host.dns,
		.routers = { &node->libp2p.known[network].router.router },
	};
	char cause[CP_DNS_WHY];
	enum vd_err err = dialer_new(&config, cause, &node->libp2p.dialers[network]);

	if (err)
		snprintf(why, NODE_WHY, "host.dns: %s", cause);
	return err;
}

void node_close_dialers(struct node *node)
{
	for (size_t i = 0; i < NODE_SWARMS; i++) {
		dialer_free(node->libp2p.dialers[i]);
		node->libp2p.dialers[i] = NULL;
	}
}

size_t node_host_addresses(const struct node *node, struct vd_multiaddr out[LISTEN_EXPAND_MAX])
{
	struct vd_multiaddr listens[NODE_LISTENS_MAX];

	return listen_expand(listens, node_host_listens(node, listens), out, LISTEN_EXPAND_MAX);
}

/* ---- what is asked for ---- */

struct target {
	struct vd_peer_id peer; /* len 0: not said yet */
	struct vd_multiaddr addresses[ADDRESSES_MAX];
	size_t count;
};

/* Its last component, if that is a peer. */
static bool ends_in_peer(const struct vd_multiaddr *address, struct vd_peer_id *peer_out)
{
	struct vd_multiaddr_part part = { .code = 0 };
	size_t at = 0;

	while (vd_multiaddr_next(address, &at, &part))
		;
	return part.code == VD_MA_P2P && !vd_peer_id_of_bytes(part.value, peer_out);
}

static uint32_t first_code(const struct vd_multiaddr *address)
{
	struct vd_multiaddr_part part;
	size_t at = 0;

	return vd_multiaddr_next(address, &at, &part) ? part.code : 0;
}

#define MANY_ADDRESSES "more than 16 addresses; name fewer"
static_assert(ADDRESSES_MAX == 16, "as MANY_ADDRESSES says");

/* NULL, or what is wrong and the cure. */
static const char *add_address(struct target *target, const char *text)
{
	struct vd_multiaddr *address = &target->addresses[target->count];
	struct vd_peer_id peer;

	if (target->count == ADDRESSES_MAX)
		return MANY_ADDRESSES;
	if (vd_multiaddr_of_text(text, address))
		return "not an address; write /ip4/198.18.1.1/tcp/4001/p2p/12D3…";
	if (ends_in_peer(address, &peer)) {
		if (target->peer.len && !vd_peer_id_equal(&target->peer, &peer))
			return "the addresses are of different peers; connect to one at a time";
		target->peer = peer;
	}
	target->count +=
	    first_code(address) != VD_MA_P2P; /* /p2p/12D3… alone names only the peer */
	return NULL;
}

ON_CONTROL static const char *read_target(const struct node *node, const json_t *args,
					  struct target *target)
{
	const char *why = NULL;

	*target = (struct target){ .count = 0 };
	for (size_t i = 0; !why && i < json_array_size(args); i++) {
		const char *text = json_string_value(json_array_get(args, i));

		if (i == 1 || !text)
			continue; /* the network */
		if (text[0] == '/')
			why = add_address(target, text);
		else if (!node_target(node, text, &target->peer))
			why = NODE_TARGET_WRONG;
	}
	if (why)
		return why;
	if (!target->peer.len)
		return "the address does not say who is there; add /p2p/ and the peer's id";
	if (vd_peer_id_equal(&target->peer, &node->identity.id))
		return "that is this daemon itself; name another peer";
	return NULL;
}

/* Of libp2p, not of a link: TCP, a name, or a peer by itself. */
static bool is_of_libp2p(const char *text)
{
	struct vd_multiaddr address;
	struct vd_udp_addr udp;

	if (vd_multiaddr_of_text(text, &address) || !vd_multiaddr_to_link(&address, &udp, NULL))
		return false;
	return strstr(text, "/tcp/") || name_walk_needed(&address) ||
	       first_code(&address) == VD_MA_P2P;
}

/* ---- the command ---- */

struct asked {
	struct api_reply *reply;
	bool already;
};

static void on_connected(void *context, const struct swarm_conn *conn, enum vd_err err,
			 const char *why)
{
	struct asked *asked = context;
	char text[DIALER_WHY + 32];

	if (err) {
		snprintf(text, sizeof text, "cannot connect: %s", why);
		api_reply_error(asked->reply, text);
	} else {
		api_reply_ok(asked->reply, json_pack("{s:s, s:o, s:s, s:b}", "kind", "connection",
						     "peer", node_peer_json(&conn->info.peer),
						     "state", "up", "already", asked->already));
	}
	free(asked);
}

/* A user who connects by hand wants it now, as with kubo's `ipfs swarm connect`: no back-off. */
ON_CONTROL static void dial(struct node *node, size_t network, const struct target *target,
			    struct api_reply *reply)
{
	struct dialer_wish wish = { .peer = target->peer,
				    .addresses = target->addresses,
				    .count = target->count,
				    .anew = true };
	struct dialer *dialer =
	    node->libp2p.dialers[network]; /* NULL: closed, and we are going down */
	struct asked *asked = dialer ? malloc(sizeof *asked) : NULL;
	enum vd_err err = asked ? VD_OK : dialer ? VD_ENOMEM : VD_ELINK_CLOSED;

	if (asked) {
		*asked =
		    (struct asked){ reply, swarm_find(node->libp2p.swarms[network], &wish.peer) };
		err = dialer_connect(dialer, &wish, on_connected, asked, NULL);
	}
	if (!err)
		return;
	free(asked);
	api_reply_error(reply, err == VD_ELIMIT ? "too many dials at once; try again later"
			       : !dialer ? "this daemon is stopping; start it again afterwards"
					 : vd_err_text(err));
}

bool node_host_connect(struct node *node, const json_t *args, struct api_reply *reply)
{
	const char *text = json_string_value(json_array_get(args, 0));
	const char *network = json_string_value(json_array_get(args, 1));
	struct target target;
	const char *why;
	size_t at;

	if (!text || (text[0] == '/' && !is_of_libp2p(text)))
		return false;
	if (!node_network(node, network ? network : "public", &at)) {
		if (text[0] != '/' && !network)
			return false; /* a peer, whom only libp2p could reach */
		node_no_network(network ? network : "public", reply);
		return true;
	}
	why = read_target(node, args, &target);
	if (why)
		api_reply_error(reply, why);
	else
		dial(node, at, &target, reply);
	return true;
}

/* ---- metrics: go-libp2p's names where it has one ---- */

struct sums {
	struct dialer_counters dials;
	struct cp_resolver_counters dns;
	uint64_t under_way;
};

static void add_counts(uint64_t *to, const uint64_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] += from[i];
}

ON_CONTROL static bool sum_dialers(const struct node *node, struct sums *sums)
{
	bool any = false;

	static_assert(sizeof sums->dials % sizeof(uint64_t) == 0 &&
			  sizeof sums->dns % sizeof(uint64_t) == 0,
		      "counters alone");
	for (size_t i = 0; i < NODE_SWARMS; i++) {
		const struct dialer *dialer = node->libp2p.dialers[i];

		if (!dialer)
			continue;
		any = true;
		add_counts((uint64_t *)&sums->dials, (const uint64_t *)dialer_counters(dialer),
			   sizeof sums->dials / sizeof(uint64_t));
		add_counts((uint64_t *)&sums->dns, (const uint64_t *)dialer_dns_counters(dialer),
			   sizeof sums->dns / sizeof(uint64_t));
		sums->under_way += dialer_count(dialer);
	}
	return any;
}

void node_dial_metrics(const struct node *node, struct metrics *m)
{
	static const char *const errors[DIALER_ERRORS] = { "canceled", "deadline", "timeout",
							   "connection refused", "other" };
	static const char *const tried[DIALER_TRIES_COUNTED] = {
		"0", "1", "2", "3", "4", "5", ">=6"
	};
	struct sums sums = { 0 };
	const struct dialer_counters *c = &sums.dials;

	if (!sum_dialers(node, &sums))
		return;
	metrics_counter(m, "libp2p_swarm_dial_errors", "attempts at addresses that failed");
	for (unsigned ip6 = 0; ip6 < 2; ip6++)
		for (unsigned i = 0; i < DIALER_ERRORS; i++)
			metrics_u64(m, c->errors[ip6][i], "transport", "tcp", "error", errors[i],
				    "ip_version", ip6 ? "ip6" : "ip4");
	metrics_counter(m, "libp2p_swarm_dials_per_peer",
			"peers dialled, by how many addresses were tried");
	for (unsigned won = 0; won < 2; won++)
		for (unsigned i = 0; i < DIALER_TRIES_COUNTED; i++)
			metrics_u64(m, c->ended[won][i], "outcome", won ? "success" : "failed",
				    "num_dials", tried[i]);
	metrics_gauge(m, "viaduct_swarm_dialling", "peers that are dialled now");
	metrics_u64(m, sums.under_way);
	metrics_counter(m, "viaduct_swarm_not_dialled", "what the dialler turned away, by why");
	metrics_u64(m, c->refused, "why", "too_many_peers");
	metrics_u64(m, c->backed_off, "why", "address_failed_lately");
	metrics_u64(m, sums.dns.refused, "why", "too_many_names");
	metrics_counter(m, "viaduct_dns_lookups", "names looked up for libp2p addresses");
	metrics_u64(m, sums.dns.lookups);
	metrics_counter(m, "viaduct_dns_lookups_failed", "of these, without an answer of use");
	metrics_u64(m, sums.dns.failed);
}
