/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* libp2p: the daemon's libp2p host: opening it, and what commands and metrics see of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/actions.h"
#include "controlplane/host/perf.h"

/* ---- life ---- */

static enum vd_err listen_all(struct node *node, char why[NODE_WHY])
{
	const struct vd_multiaddr_list *list = &node->config.host.listen;

	for (uint32_t i = 0; i < list->count; i++) {
		char cause[HOST_WHY] = "out of memory", text[VD_MULTIADDR_TEXT];
		enum vd_err err = host_listen(node->host, &list->at[i], cause);

		if (err) {
			snprintf(why, NODE_WHY, "host.listen %s: %s",
				 vd_multiaddr_text(&list->at[i], text), cause);
			return err;
		}
	}
	return VD_OK;
}

enum vd_err node_open_host(struct node *node, char why[NODE_WHY])
{
	struct host_config config = {
		.loop = cp_loop_uv(node->loop),
		.identity = &node->identity,
		.agent = "viaduct/" VD_VERSION,
	};
	enum vd_err err;

	if (!node->config.host.listen.count)
		return VD_OK;
	err = host_new(&config, &node->host);
	if (err) {
		snprintf(why, NODE_WHY, "cannot make the libp2p host: %s", vd_err_text(err));
		return err;
	}
	if (node->config.host.perf && host_perf_serve(node->host))
		return VD_ENOMEM;
	return listen_all(node, why);
}

void node_close_host(struct node *node)
{
	host_free(node->host);
	node->host = NULL;
}

size_t node_host_listens(const struct node *node, struct vd_multiaddr out[HOST_LISTEN_MAX])
{
	return node->host ? host_listens(node->host, out) : 0;
}

/* ---- `viaduct peers` ---- */

static json_t *conn_json(const struct node *node, const struct host_conn *conn)
{
	struct host_conn_info info;
	char address[VD_MULTIADDR_TEXT];

	host_conn_info(conn, &info);
	return node_named(node,
			  json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:I}", "peer",
				    node_peer_json(&info.peer), "address",
				    vd_multiaddr_text(&info.remote, address), "direction",
				    info.dialer ? "outbound" : "inbound", "security", info.security,
				    "muxer", info.muxer, "agent", info.agent, "streams",
				    (json_int_t)info.streams, "rtt_ms", node_rtt_json(info.rtt),
				    "since_s", (json_int_t)((vd_now() - info.since) / VD_NS_PER_S)),
			  &info.peer);
}

struct listing {
	const struct node *node;
	json_t *array;
};

static void add_conn(void *context, struct host_conn *conn)
{
	struct listing *listing = context;

	json_array_append_new(listing->array, conn_json(listing->node, conn));
}

void node_peers(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	struct listing listing = { node, json_array() };

	(void)args;
	if (node->host)
		host_each(node->host, add_conn, &listing);
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

bool node_host_connect(struct node *node, const char *text, struct api_reply *reply)
{
	struct vd_multiaddr address;
	enum vd_err err;

	if (!strstr(text, "/tcp/") || vd_multiaddr_of_text(text, &address))
		return false;
	if (!node->host) {
		api_reply_error(reply, "not a link address, and this daemon has no libp2p host; "
				       "write /ip4/198.18.1.1/udp/4001/viaduct/p2p/12D3…, or set "
				       "host.listen and restart");
		return true;
	}
	err = host_dial(node->host, &address, on_dialled, reply);
	if (err == VD_EUSER)
		api_reply_error(reply, "not an address of another peer; write "
				       "/ip4/198.18.1.1/tcp/4001/p2p/12D3…");
	else if (err)
		api_reply_error(reply, vd_err_text(err));
	return true;
}

bool node_host_disconnect(struct node *node, const struct vd_peer_id *peer)
{
	struct host_conn *conn = node->host ? host_connection(node->host, peer) : NULL;

	if (conn)
		host_disconnect(conn);
	return conn != NULL;
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
	struct host_conn *conn = node->host ? host_connection(node->host, peer) : NULL;
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

void node_host_metrics(const struct node *node, struct metrics *m)
{
	uint64_t open[2] = { 0, 0 };
	const struct host_counters *c;

	if (!node->host)
		return;
	c = host_counters(node->host);
	host_each(node->host, count_direction, open);
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
	metrics_counter(m, "viaduct_swarm_bytes", "bytes of libp2p connections, on the socket");
	metrics_u64(m, c->bytes_in, "dir", "in");
	metrics_u64(m, c->bytes_out, "dir", "out");
}
