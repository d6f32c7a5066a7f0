/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* libp2p: the daemon's libp2p host: opening it, and what commands and metrics see of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "controlplane/daemon/actions.h"
#include "controlplane/host/perf.h"
#include "controlplane/proto/pnet.h"

enum { HOSTS = 1 + VD_CONFIG_NETWORKS_MAX };

/* ---- life ---- */

static enum vd_err listen_all(struct host *host, const struct vd_multiaddr_list *list,
			      const char *key, char why[NODE_WHY])
{
	for (uint32_t i = 0; i < list->count; i++) {
		char cause[HOST_WHY] = "out of memory", text[VD_MULTIADDR_TEXT];
		enum vd_err err = host_listen(host, &list->at[i], cause);

		if (err) {
			snprintf(why, NODE_WHY, "%s %s: %s", key,
				 vd_multiaddr_text(&list->at[i], text), cause);
			return err;
		}
	}
	return VD_OK;
}

/* A host in one network; `key` NULL: the public one. */
ON_CONTROL static enum vd_err open_host(struct node *node, const char *name,
					const struct pnet_key *key, struct host **host_out,
					char why[NODE_WHY])
{
	struct host_config config = {
		.loop = cp_loop_uv(node->loop),
		.identity = &node->identity,
		.agent = "viaduct/" VD_VERSION,
		.network_key = key,
		.network = name,
	};
	enum vd_err err = host_new(&config, host_out);

	if (err) {
		snprintf(why, NODE_WHY, "cannot make the libp2p host: %s", vd_err_text(err));
		return err;
	}
	if (node->config.host.perf && host_perf_serve(*host_out))
		return VD_ENOMEM;
	return VD_OK;
}

ON_CONTROL static enum vd_err open_public(struct node *node, char why[NODE_WHY])
{
	const struct vd_multiaddr_list *listen = &node->config.host.listen;
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
	err = open_host(node, NULL, NULL, &node->hosts[0], why);
	return err ? err : listen_all(node->hosts[0], listen, "host.listen", why);
}

ON_CONTROL static enum vd_err open_private(struct node *node, uint32_t i, char why[NODE_WHY])
{
	const struct vd_config_network *network = &node->config.host.networks[i];
	struct host **host = &node->hosts[1 + i];
	char key_name[VD_CONFIG_NAME + 32];
	struct pnet_key key;
	enum vd_err err = node_read_network_key(network, &key, why);

	if (err)
		return err;
	err = open_host(node, network->name, &key, host, why);
	pnet_key_fini(&key);
	snprintf(key_name, sizeof key_name, "host.networks %s: listen", network->name);
	return err ? err : listen_all(*host, &network->listen, key_name, why);
}

enum vd_err node_open_hosts(struct node *node, char why[NODE_WHY])
{
	enum vd_err err = open_public(node, why);

	for (uint32_t i = 0; !err && i < node->config.host.network_count; i++)
		err = open_private(node, i, why);
	return err;
}

void node_close_hosts(struct node *node)
{
	for (size_t i = 0; i < HOSTS; i++) {
		host_free(node->hosts[i]);
		node->hosts[i] = NULL;
	}
}

size_t node_host_listens(const struct node *node, struct vd_multiaddr out[NODE_LISTENS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < HOSTS; i++)
		if (node->hosts[i])
			count += host_listens(node->hosts[i], out + count);
	return count;
}

/* ---- networks ---- */

static const char *network_name(const struct node *node, size_t i)
{
	return i ? node->config.host.networks[i - 1].name : "public";
}

/* NULL: this node is in no such network. */
static struct host *host_of(const struct node *node, const char *network)
{
	for (size_t i = 0; i < HOSTS; i++)
		if (node->hosts[i] && strcmp(network_name(node, i), network) == 0)
			return node->hosts[i];
	return NULL;
}

/* The first connection to the peer in any network, the public one first. */
static struct host_conn *any_connection(const struct node *node, const struct vd_peer_id *peer)
{
	struct host_conn *conn = NULL;

	for (size_t i = 0; i < HOSTS && !conn; i++)
		if (node->hosts[i])
			conn = host_connection(node->hosts[i], peer);
	return conn;
}

/* ---- `viaduct peers` ---- */

struct listing {
	const struct node *node;
	const char *network;
	json_t *array;
};

static json_t *conn_json(const struct listing *listing, const struct host_conn *conn)
{
	const struct node *node = listing->node;
	struct host_conn_info info;
	char address[VD_MULTIADDR_TEXT];

	host_conn_info(conn, &info);
	return node_named(node,
			  json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:I}", "peer",
				    node_peer_json(&info.peer), "address",
				    vd_multiaddr_text(&info.remote, address), "network",
				    listing->network, "direction",
				    info.dialer ? "outbound" : "inbound", "security", info.security,
				    "muxer", info.muxer, "agent", info.agent, "streams",
				    (json_int_t)info.streams, "rtt_ms", node_rtt_json(info.rtt),
				    "since_s", (json_int_t)((vd_now() - info.since) / VD_NS_PER_S)),
			  &info.peer);
}

static void add_conn(void *context, struct host_conn *conn)
{
	struct listing *listing = context;

	json_array_append_new(listing->array, conn_json(listing, conn));
}

void node_peers(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	struct listing listing = { .node = node, .array = json_array() };

	(void)args;
	for (size_t i = 0; i < HOSTS; i++) {
		listing.network = network_name(node, i);
		if (node->hosts[i])
			host_each(node->hosts[i], add_conn, &listing);
	}
	api_reply_ok(reply, json_pack("{s:o}", "peers", listing.array));
}

/* ---- `viaduct connect`, `disconnect`, `ping` of libp2p peers ---- */

static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct host_conn_info info;
	char text[API_WHY];

	if (err) {
		snprintf(text, sizeof text, "cannot connect: %s; is the address right?",
			 why ? why : vd_err_text(err));
		api_reply_error(context, text);
		return;
	}
	host_conn_info(conn, &info);
	api_reply_ok(context, json_pack("{s:s, s:o, s:s, s:b}", "kind", "connection", "peer",
					node_peer_json(&info.peer), "state", "up", "already", 0));
}

/* Why there is no host of a network, and the cure. */
static void no_network(const char *network, struct api_reply *reply)
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

bool node_host_connect(struct node *node, const char *text, const char *network,
		       struct api_reply *reply)
{
	struct vd_multiaddr address;
	struct host *host;
	enum vd_err err;

	if (!network)
		network = "public";

	if (!strstr(text, "/tcp/") || vd_multiaddr_of_text(text, &address))
		return false;
	host = host_of(node, network);
	if (!host) {
		no_network(network, reply);
		return true;
	}
	err = host_dial(host, &address, on_dialled, reply);
	if (err == VD_EUSER)
		api_reply_error(reply, "not an address of another peer; write "
				       "/ip4/198.18.1.1/tcp/4001/p2p/12D3…");
	else if (err)
		api_reply_error(reply, vd_err_text(err));
	return true;
}

bool node_host_disconnect(struct node *node, const struct vd_peer_id *peer)
{
	struct host_conn *conn;
	bool any = false;

	while ((conn = any_connection(node, peer)) != NULL) {
		host_disconnect(conn);
		any = true;
	}
	return any;
}

struct host_asked {
	struct api_reply *reply;
	struct vd_peer_id peer;
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

bool node_host_ping(struct node *node, const struct vd_peer_id *peer, struct api_reply *reply)
{
	struct host_conn *conn = any_connection(node, peer);
	struct host_asked *asked = conn ? malloc(sizeof *asked) : NULL;

	if (!asked)
		return false;
	*asked = (struct host_asked){ reply, *peer };
	if (!host_ping(conn, on_ping, asked))
		return true;
	free(asked);
	return false;
}

/* ---- metrics: go-libp2p's names where it has one ---- */

static void count_direction(void *context, struct host_conn *conn)
{
	uint64_t *count = context;
	struct host_conn_info info;

	host_conn_info(conn, &info);
	count[info.dialer]++;
}

/* All networks together; false: this node is in none. */
static bool sum_hosts(const struct node *node, struct host_counters *sum, uint64_t open[2])
{
	bool any = false;

	for (size_t i = 0; i < HOSTS; i++) {
		if (!node->hosts[i])
			continue;
		any = true;
		host_counters_add(sum, host_counters(node->hosts[i]));
		host_each(node->hosts[i], count_direction, open);
	}
	return any;
}

void node_host_metrics(const struct node *node, struct metrics *m)
{
	uint64_t open[2] = { 0, 0 };
	struct host_counters sum = { 0 }, *c = &sum;

	if (!sum_hosts(node, &sum, open))
		return;
	metrics_counter(m, "libp2p_swarm_connections_opened", "libp2p connections opened");
	metrics_u64(m, c->accepted, "dir", "inbound");
	metrics_u64(m, c->dialled, "dir", "outbound");
	metrics_gauge(m, "viaduct_swarm_connections", "libp2p connections that are open");
	metrics_u64(m, open[0], "dir", "inbound");
	metrics_u64(m, open[1], "dir", "outbound");
	metrics_counter(m, "libp2p_swarm_dial_errors", "dials of libp2p peers that failed");
	metrics_u64(m, c->dials_failed);
	metrics_counter(m, "viaduct_swarm_streams", "streams opened, by who did");
	metrics_u64(m, c->streams_in, "dir", "inbound");
	metrics_u64(m, c->streams_out, "dir", "outbound");
	metrics_counter(m, "viaduct_swarm_turned_away", "what the libp2p host turned away, by why");
	metrics_u64(m, c->inbound_failed, "why", "not_negotiated");
	metrics_u64(m, c->connections_refused, "why", "too_many_connections");
	metrics_u64(m, c->streams_refused, "why", "no_protocol");
	metrics_u64(m, c->peers_broke, "why", "broke_protocol");
	metrics_u64(m, c->timeouts, "why", "timeout");
	metrics_u64(m, c->wrong_network, "why", "wrong_network");
	metrics_counter(m, "viaduct_swarm_bytes", "bytes of libp2p connections, on the socket");
	metrics_u64(m, c->bytes_in, "dir", "in");
	metrics_u64(m, c->bytes_out, "dir", "out");
}
