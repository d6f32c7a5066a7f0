/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/libp2p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/limits_metrics.h"
#include "controlplane/daemon/networks.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/why.h"
#include "controlplane/host/dialer.h"
#include "controlplane/host/limits.h"
#include "controlplane/host/perf.h"
#include "controlplane/host/swarm.h"
#include "controlplane/proto/pnet.h"

/* ---- life ---- */

ON_CONTROL static enum vd_err listen_all(struct swarm *swarm, const struct config_addresses *list,
					 const char *key, char why[NODE_WHY])
{
	for (uint32_t i = 0; i < list->count; i++) {
		char cause[HOST_WHY] = "out of memory", text[VD_MULTIADDR_TEXT];
		enum vd_err err = swarm_listen(swarm, &list->at[i], cause);

		if (err) {
			snprintf(why, NODE_WHY, "%s %s: %s", key,
				 vd_multiaddr_text(&list->at[i], text), cause);
			return err;
		}
	}
	return VD_OK;
}

static void serve_perf(struct host *host, const void *argument)
{
	const bool *serve = argument;

	if (*serve)
		(void)host_perf_serve(host); /* maybe it is served already */
	else
		host_unhandle(host, HOST_PERF_ID);
}

ON_CONTROL static enum vd_err tell_perf(const struct node *node, struct swarm *swarm)
{
	const bool *serve = &node->config.host.perf;

	return swarm_each_host(swarm, serve_perf, serve, sizeof *serve);
}

ON_CONTROL static void count_opened(void *context, const struct swarm_conn *conn)
{
	struct node *node = context;

	conn_counts_opened(&node->libp2p.conn_counts, &conn->info);
}

ON_CONTROL static void count_closed(void *context, const struct swarm_conn *conn, enum vd_err err,
				    const char *why)
{
	struct node *node = context;

	(void)err;
	(void)why;
	conn_counts_closed(&node->libp2p.conn_counts, &conn->info, vd_now());
}

/* In one network; `key` NULL: the public one. */
ON_CONTROL static enum vd_err open_swarm(struct node *node, const char *name,
					 const struct pnet_key *key, struct swarm **swarm_out,
					 char why[NODE_WHY])
{
	struct swarm_config config = {
		.host = {
			.loop = cp_loop_uv(node->loop),
			.identity = &node->identity,
			.agent = "viaduct/" VD_VERSION,
			.network_key = key,
			.network = name,
			.limits = node->libp2p.limits,
		},
		.threads = node->config.host.threads,
	};
	const struct swarm_events counted = { .opened = count_opened,
					      .closed = count_closed,
					      .context = node };
	enum vd_err err = swarm_new(&config, swarm_out);

	if (err) {
		snprintf(why, NODE_WHY, "cannot make the libp2p host: %s", vd_err_text(err));
		return err;
	}
	err = swarm_watch(*swarm_out, &counted);
	return err ? err : tell_perf(node, *swarm_out);
}

ON_CONTROL static enum vd_err open_public(struct node *node, char why[NODE_WHY])
{
	const struct config_addresses *listen = &node->config.host.listen;
	const char *forced = getenv("LIBP2P_FORCE_PNET"); /* libp2p/specs, pnet, "Safeguard" */
	enum vd_err err;

	if (!listen->count)
		return VD_OK;
	if (forced && strcmp(forced, "1") == 0) {
		snprintf(why, NODE_WHY,
			 "host.listen is for the public network, which "
			 "LIBP2P_FORCE_PNET=1 forbids; take one of them out");
		return VD_EUSER;
	}
	err = open_swarm(node, NULL, NULL, &node->libp2p.swarms[0], why);
	return err ? err : listen_all(node->libp2p.swarms[0], listen, "host.listen", why);
}

ON_CONTROL static enum vd_err open_private(struct node *node, uint32_t i, char why[NODE_WHY])
{
	const struct config_network *network = &node->config.host.networks[i];
	struct swarm **swarm = &node->libp2p.swarms[1 + i];
	char key_name[CONFIG_NAME + 32];
	struct pnet_key key;
	enum vd_err err = node_read_network_key(network, &key, why);

	if (err)
		return err;
	err = pnet_key_fingerprint(&key, node->libp2p.known[1 + i].fingerprint);
	if (!err)
		err = open_swarm(node, network->name, &key, swarm, why);
	pnet_key_fini(&key);
	snprintf(key_name, sizeof key_name, "host.networks %s: listen", network->name);
	return err ? err : listen_all(*swarm, &network->listen, key_name, why);
}

ON_CONTROL static enum vd_err open_limits(struct node *node)
{
	const struct config_host *host = &node->config.host;
	const struct host_limits_config config = {
		.connections = host->connections_max,
		.negotiating = host->negotiating_max,
		.prefix = host->prefix_connections_max,
		.peer_streams = host->peer_streams_max,
		.protocol_streams = host->protocol_streams_max,
		.buffered_bytes = (uint64_t)host->buffered_mb << 20,
	};

	if (!host->listen.count && !host->network_count)
		return VD_OK;
	return host_limits_new(&config, &node->libp2p.limits);
}

enum vd_err node_open_hosts(struct node *node, char why[NODE_WHY])
{
	enum vd_err err = open_limits(node);

	if (!err)
		err = open_public(node, why);
	for (uint32_t i = 0; !err && i < node->config.host.network_count; i++)
		err = open_private(node, i, why);
	return err;
}

void node_host_reload(struct node *node)
{
	for (size_t i = 0; i < NODE_SWARMS; i++)
		if (node->libp2p.swarms[i] && tell_perf(node, node->libp2p.swarms[i]))
			vd_log(VD_LOG_WARN, VD_SUB_HOST,
			       "host.perf is not as the configuration says; a stream thread is "
			       "behind: reload again");
}

enum vd_err node_give_listeners(struct node *node, unsigned user)
{
	enum vd_err err = VD_OK;

	for (size_t i = 0; !err && i < NODE_SWARMS; i++)
		if (node->libp2p.swarms[i])
			err = swarm_listens_give(node->libp2p.swarms[i], user);
	return err;
}

void node_close_hosts(struct node *node)
{
	for (size_t i = 0; i < NODE_SWARMS; i++) {
		swarm_free(node->libp2p.swarms[i]);
		node->libp2p.swarms[i] = NULL;
	}
	host_limits_free(node->libp2p.limits);
	node->libp2p.limits = NULL;
}

size_t node_host_listens(const struct node *node, struct vd_multiaddr out[NODE_LISTENS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < NODE_SWARMS; i++)
		if (node->libp2p.swarms[i])
			count += swarm_listens(node->libp2p.swarms[i], out + count);
	return count;
}

/* ---- networks ---- */

static const char *network_name(const struct node *node, size_t i)
{
	return i ? node->config.host.networks[i - 1].name : "public";
}

bool node_network(const struct node *node, const char *network, size_t *network_out)
{
	for (size_t i = 0; i < NODE_SWARMS; i++)
		if (node->libp2p.swarms[i] && strcmp(network_name(node, i), network) == 0) {
			*network_out = i;
			return true;
		}
	return false;
}

/* ---- `viaduct peers` ---- */

struct listing {
	const struct node *node;
	const char *network;
	json_t *array;
};

static json_t *conn_json(const struct listing *listing, const struct swarm_conn *conn)
{
	const struct node *node = listing->node;
	const struct host_conn_info *info = &conn->info;
	char address[VD_MULTIADDR_TEXT];

	return node_named(
	    node,
	    json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:I, s:I}", "peer",
		      node_peer_json(&info->peer), "address",
		      vd_multiaddr_text(&info->remote, address), "network", listing->network,
		      "direction", info->dialer ? "outbound" : "inbound", "security",
		      info->security, "muxer", info->muxer, "agent", info->agent, "streams",
		      (json_int_t)info->streams, "rtt_ms", node_rtt_json(info->rtt), "since_s",
		      (json_int_t)((vd_now() - info->since) / VD_NS_PER_S), "thread",
		      (json_int_t)conn->thread),
	    &info->peer);
}

static void add_conn(void *context, const struct swarm_conn *conn)
{
	struct listing *listing = context;

	json_array_append_new(listing->array, conn_json(listing, conn));
}

void node_action_peers(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	struct listing listing = { .node = node, .array = json_array() };

	(void)args;
	for (size_t i = 0; i < NODE_SWARMS; i++) {
		listing.network = network_name(node, i);
		if (node->libp2p.swarms[i])
			swarm_each(node->libp2p.swarms[i], add_conn, &listing);
	}
	api_reply_ok(reply, json_pack("{s:o}", "peers", listing.array));
}

/* ---- `viaduct disconnect`, `ping` of libp2p peers ---- */

void node_no_network(const char *network, struct api_reply *reply)
{
	char text[API_WHY];

	if (strcmp(network, "public") == 0)
		snprintf(text, sizeof text,
			 "not a link address, and this daemon is not in the public libp2p network; "
			 "write /ip4/198.18.1.1/udp/4001/viaduct/p2p/12D3…, or name a private "
			 "network with --network, or set host.listen and restart");
	else
		snprintf(text, sizeof text,
			 "no network `%.40s`; add it to host.networks and restart", network);
	api_reply_error(reply, text);
}

bool node_host_disconnect(struct node *node, const struct vd_peer_id *peer)
{
	unsigned count = 0;

	for (size_t i = 0; i < NODE_SWARMS; i++)
		if (node->libp2p.swarms[i])
			count += swarm_disconnect_peer(node->libp2p.swarms[i], peer);
	return count > 0;
}

/* The peer id at the address's end. */
static bool peer_of(const struct vd_multiaddr *address, struct vd_peer_id *peer_out)
{
	struct vd_multiaddr_part part = { 0 };
	size_t at = 0;

	while (vd_multiaddr_next(address, &at, &part))
		;
	return part.code == VD_MA_P2P && !vd_peer_id_of_bytes(part.value, peer_out);
}

bool node_host_disconnect_at(struct node *node, const char *text, struct api_reply *reply)
{
	struct vd_multiaddr address;
	struct vd_peer_id peer;

	if (!strstr(text, "/tcp/") || vd_multiaddr_of_text(text, &address))
		return false;
	if (!peer_of(&address, &peer))
		api_reply_error(reply, "the address does not say who is there; add /p2p/ and the "
				       "peer id");
	else if (!node_host_disconnect(node, &peer))
		api_reply_error(reply, "no connection to that peer; see `viaduct peers`");
	else
		api_reply_ok(reply, json_pack("{s:s, s:o, s:s}", "kind", "connection", "peer",
					      node_peer_json(&peer), "state", "closed"));
	return true;
}

struct host_asked {
	struct node *node;
	struct api_reply *reply;
	struct vd_peer_id peer;
	size_t network;       /* in which it is dialled */
	char why[DIALER_WHY]; /* that failed, where there was something to try; "": nowhere */
};

static void on_ping(void *context, enum vd_err err, vd_ns rtt)
{
	struct host_asked *asked = context;

	if (err)
		api_reply_error(asked->reply, vd_err_text(err));
	else
		api_reply_ok(asked->reply,
			     json_pack("{s:o, s:o, s:s}", "peer", node_peer_json(&asked->peer),
				       "rtt_ms", node_rtt_json(rtt), "via", "connection"));
	free(asked);
}

/* By its connection in the first network that has one, the public one first. */
ON_CONTROL static enum vd_err ping_any(struct node *node, struct host_asked *asked)
{
	for (size_t i = 0; i < NODE_SWARMS; i++) {
		const struct swarm_conn *conn =
		    node->libp2p.swarms[i] ? swarm_find(node->libp2p.swarms[i], &asked->peer)
					   : NULL;

		if (conn)
			return swarm_ping(node->libp2p.swarms[i], conn->id, on_ping, asked);
	}
	return VD_ENOTFOUND;
}

/* ---- without one it is dialled first, as `ipfs ping` does: network by network ---- */

static void on_dialled(void *context, const struct swarm_conn *conn, enum vd_err err,
		       const char *why);

/* False: there is no network left in which a dial began. */
ON_CONTROL static bool dial_on(struct host_asked *asked)
{
	const struct dialer_wish wish = { .peer = asked->peer, .anew = true };

	for (; asked->network < NODE_SWARMS; asked->network++) {
		struct dialer *dialer = asked->node->libp2p.dialers[asked->network];

		if (dialer && !dialer_connect(dialer, &wish, on_dialled, asked, NULL))
			return true;
	}
	return false;
}

static void tell_not_dialled(struct host_asked *asked)
{
	char text[DIALER_WHY + 32];

	snprintf(text, sizeof text, "cannot connect: %s", asked->why);
	api_reply_error(asked->reply,
			asked->why[0] ? text
				      : "no link, session or connection to this peer, and no "
					"address of it is known; name one to `viaduct connect`");
	free(asked);
}

ON_CONTROL static void on_dialled(void *context, const struct swarm_conn *conn, enum vd_err err,
				  const char *why)
{
	struct host_asked *asked = context;

	if (!err) {
		err = swarm_ping(asked->node->libp2p.swarms[asked->network], conn->id, on_ping,
				 asked);
		why = vd_err_text(err);
	}
	if (!err)
		return;
	if (err != VD_ENOTFOUND && !asked->why[0])
		snprintf(asked->why, sizeof asked->why, "%s", why);
	asked->network++;
	if (!dial_on(asked))
		tell_not_dialled(asked);
}

bool node_host_ping(struct node *node, const struct vd_peer_id *peer, struct api_reply *reply)
{
	struct host_asked *asked = malloc(sizeof *asked);

	if (!asked)
		return false;
	*asked = (struct host_asked){ .node = node, .reply = reply, .peer = *peer };
	if (!ping_any(node, asked) || dial_on(asked))
		return true;
	free(asked);
	return false;
}

/* ---- metrics: go-libp2p's names where it has one ---- */

static void count_direction(void *context, const struct swarm_conn *conn)
{
	uint64_t *count = context;

	count[conn->info.dialer]++;
}

static void add_counters(struct swarm_counters *sum, struct swarm_counters more)
{
	host_counters_add(&sum->hosts, &more.hosts);
	sum->letters_refused += more.letters_refused;
	sum->events_refused += more.events_refused;
	sum->retired += more.retired;
}

/* All networks together; false: this node is in none. */
ON_CONTROL static bool sum_swarms(const struct node *node, struct swarm_counters *sum,
				  uint64_t open[2])
{
	bool any = false;

	for (size_t i = 0; i < NODE_SWARMS; i++) {
		if (!node->libp2p.swarms[i])
			continue;
		any = true;
		add_counters(sum, swarm_counters(node->libp2p.swarms[i]));
		swarm_each(node->libp2p.swarms[i], count_direction, open);
	}
	return any;
}

void node_host_metrics(const struct node *node, struct metrics *m)
{
	uint64_t open[2] = { 0, 0 };
	struct swarm_counters sum = { 0 };
	const struct host_counters *c = &sum.hosts;

	if (!sum_swarms(node, &sum, open))
		return;
	node_limits_metrics(node->libp2p.limits, m);
	conn_counts_write(&node->libp2p.conn_counts, m);
	metrics_gauge(m, "viaduct_swarm_connections", "libp2p connections that are open");
	metrics_u64(m, open[0], "dir", "inbound");
	metrics_u64(m, open[1], "dir", "outbound");
	metrics_counter(m, "viaduct_swarm_streams", "streams opened, by who did");
	metrics_u64(m, c->streams_in, "dir", "inbound");
	metrics_u64(m, c->streams_out, "dir", "outbound");
	metrics_counter(m, "viaduct_swarm_turned_away", "what the libp2p host turned away, by why");
	metrics_u64(m, c->inbound_failed, "why", "not_negotiated");
	metrics_u64(m, c->connections_refused, "why", "too_many_connections");
	metrics_u64(m, c->accepts_put_off, "why", "no_descriptor");
	metrics_u64(m, c->streams_refused, "why", "no_protocol");
	metrics_u64(m, c->peers_broke, "why", "broke_protocol");
	metrics_u64(m, c->timeouts, "why", "timeout");
	metrics_u64(m, c->pushes_refused, "why", "too_many_pushes");
	metrics_u64(m, c->wrong_network, "why", "wrong_network");
	metrics_u64(m, sum.letters_refused, "why", "thread_behind");
	metrics_u64(m, sum.events_refused, "why", "control_behind");
	metrics_counter(m, "viaduct_swarm_retired",
			"connections closed as another to the peer is preferred");
	metrics_u64(m, sum.retired);
	metrics_counter(m, "libp2p_identify_identify", "exchanges of identify, by who asked");
	metrics_u64(m, c->identify_in, "dir", "inbound");
	metrics_u64(m, c->identify_out, "dir", "outbound");
	metrics_counter(m, "libp2p_identify_identify_push", "pushes of identify, by who pushed");
	metrics_u64(m, c->pushes_in, "dir", "inbound");
	metrics_u64(m, c->pushes_out, "dir", "outbound");
	metrics_counter(m, "libp2p_identify_identify_pushes_triggered",
			"changes that had to be pushed");
	metrics_u64(m, c->pushes_by_addresses, "trigger", "addresses_updated");
	metrics_u64(m, c->pushes_by_protocols, "trigger", "protocols_updated");
	metrics_counter(m, "libp2p_identify_conn_push_support", "connections by whether they push");
	metrics_u64(m, c->push_peers, "support", "supported");
	metrics_u64(m, c->no_push_peers, "support", "not supported");
	metrics_counter(m, "viaduct_swarm_bytes", "bytes of libp2p connections, on the socket");
	metrics_u64(m, c->bytes_in, "dir", "in");
	metrics_u64(m, c->bytes_out, "dir", "out");
}
