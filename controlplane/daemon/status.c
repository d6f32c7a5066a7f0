/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* report: what the API tells: JSON by the contract (docs/architecture.md), metrics. */
#include "controlplane/daemon/status.h"

#include <stdio.h>

#include "base/version.h"
#include "controlplane/daemon/accounts_api.h"
#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/captures.h"
#include "controlplane/daemon/dials.h"
#include "controlplane/daemon/known.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/link_exchange.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/path_mtu.h"
#include "controlplane/daemon/path_ranks.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/pings.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/host/listen_expand.h"

/* ---- small pieces ---- */

static json_t *u64_json(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *since_json(vd_ns since)
{
	return u64_json((vd_now() - since) / VD_NS_PER_S);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t sum_of(const struct node *node, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < node->plane.config.workers; i++)
		sum += load(
		    (const _Atomic uint64_t *)((const char *)&node->plane.counters[i] + offset));
	return sum;
}
#define SUM(node, field) sum_of((node), offsetof(struct sw_counters, field))

static uint64_t drops_of(const struct node *node, enum sw_drop drop)
{
	return sum_of(node, offsetof(struct sw_counters, drops) +
				(size_t)drop * sizeof(_Atomic uint64_t));
}

static uint32_t up_count(const struct peering *peering)
{
	struct peering_view view;
	uint32_t count = 0;
	size_t at = 0;

	while (peering && peering_each(peering, &at, &view))
		count += view.up;
	return count;
}

uint64_t node_switched(const struct node *node)
{
	return SUM(node, switched);
}

/* ---- the commands ---- */

/* Of our libp2p hosts, wildcards expanded. */
ON_CONTROL static void add_host_addresses(const struct node *node, json_t *addresses)
{
	struct vd_multiaddr hosts[LISTEN_EXPAND_MAX];
	char text[VD_MULTIADDR_TEXT], peer[VD_PEER_ID_TEXT];
	size_t count = node_host_addresses(node, hosts);

	vd_peer_id_text(&node->identity.id, peer);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		    addresses, json_sprintf("%s/p2p/%s", vd_multiaddr_text(&hosts[i], text), peer));
}

/* Once: several ports may be bound alike. */
static void add_link_address(const struct node *node, const struct vd_udp_addr *at,
			     json_t *addresses)
{
	struct vd_multiaddr address;
	char text[VD_MULTIADDR_TEXT];
	json_t *known;
	size_t i;

	vd_multiaddr_of_link(at, &node->identity.id, &address);
	(void)vd_multiaddr_text(&address, text);
	json_array_foreach(addresses, i, known)
	{
		if (strcmp(json_string_value(known), text) == 0)
			return;
	}
	json_array_append_new(addresses, json_string(text));
}

/* link.listen, else what ports are bound to; as the ready line. */
ON_CONTROL static void add_link_addresses(const struct node *node, json_t *addresses)
{
	const struct config_addresses *listen = &node->config.link.listen;

	for (uint32_t i = 0; i < listen->count; i++) {
		struct vd_udp_addr at;

		if (!vd_multiaddr_to_link(&listen->at[i], &at, NULL))
			add_link_address(node, &at, addresses);
	}
	for (unsigned i = 0; listen->count == 0 && i < dp_port_count(node->dp); i++) {
		struct dp_port_view view;

		dp_port_view(node->dp, i, &view);
		add_link_address(node, &view.bind, addresses);
	}
}

ON_CONTROL static json_t *tell_id(void *context)
{
	struct node *node = context;
	json_t *addresses = json_array();

	add_link_addresses(node, addresses);
	add_host_addresses(node, addresses);
	return json_pack("{s:o, s:o, s:o}", "peer", node_peer_json(&node->identity.id), "overlay",
			 node_overlay_json(node->overlay), "addresses", addresses);
}

static const char *state_of(const struct node *node)
{
	return node->stopping || node->draining.stop ? "stopping"
	       : node->draining.on                   ? "draining"
						     : "running";
}

static json_t *tell_status(void *context)
{
	struct node *node = context;

	return json_pack("{s:o, s:s, s:s, s:o, s:I, s:I, s:I}", "peer",
			 node_peer_json(&node->identity.id), "version", VD_VERSION, "state",
			 state_of(node), "uptime_s", since_json(node->started), "workers",
			 (json_int_t)node->plane.config.workers, "links",
			 (json_int_t)up_count(node->link_peering), "sessions",
			 (json_int_t)up_count(node->session_peering));
}

static json_t *total_json(struct route_account total)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "rx_packets", u64_json(total.rx_frames),
			 "rx_bytes", u64_json(total.rx_bytes), "tx_packets",
			 u64_json(total.tx_frames), "tx_bytes", u64_json(total.tx_bytes));
}

ON_CONTROL static json_t *link_json(struct node *node, const struct peering_view *view)
{
	const struct route_link *link = route_links_find(node->links, &view->peer);
	struct sw_endpoint endpoint = node_endpoint_of_path(&view->path);
	struct route_account account = { 0 }, total = { 0 };
	struct vd_multiaddr address;
	char text[VD_MULTIADDR_TEXT];

	if (link)
		account = route_links_account(node->links, link);
	if (link)
		total = route_links_total(node->links, link);
	vd_multiaddr_of_link(&endpoint.remote, NULL, &address);
	return json_pack(
	    "{s:o, s:s, s:s, s:I, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "peer",
	    node_peer_json(&view->peer), "address", vd_multiaddr_text(&address, text), "state",
	    view->up ? "up" : "connecting", "owner", (json_int_t)(link ? link->owner : 0), "tier",
	    link ? link->policy.tier : NULL, "rtt_ms", node_rtt_json(view->rtt), "rx_packets",
	    u64_json(account.rx_frames), "rx_bytes", u64_json(account.rx_bytes), "tx_packets",
	    u64_json(account.tx_frames), "tx_bytes", u64_json(account.tx_bytes), "since_s",
	    view->up ? since_json(view->since) : json_null(), "reserved",
	    link && link->may_be_called, "total", total_json(total));
}

ON_CONTROL static json_t *tell_links(void *context)
{
	struct node *node = context;
	json_t *links = json_array();
	struct peering_view view;
	size_t at = 0;

	while (peering_each(node->link_peering, &at, &view))
		json_array_append_new(links, node_named(node, link_json(node, &view), &view.peer));
	return json_pack("{s:o}", "links", links);
}

json_t *node_path_json(const struct node *node, const struct route_path *path)
{
	const struct route_link *link = route_links_of_number(node->links, path->link);
	char peer[VD_PEER_ID_TEXT], text[VD_PEER_ID_TEXT + 40];

	if (!link)
		return json_string("none");
	if (path->bits == 0)
		return json_string("direct");
	snprintf(text, sizeof text, "%s 0x%llx/%u", vd_peer_id_text(&link->peer, peer),
		 (unsigned long long)path->label, path->bits);
	return json_string(text);
}

ON_CONTROL static json_t *session_json(struct node *node, const struct peering_view *view)
{
	const struct route_session *session = route_sessions_find(node->sessions, &view->peer);
	struct route_account account = { 0 };
	int mtu = 0;

	if (!session)
		return NULL;
	account = route_sessions_account(node->sessions, session);
	if (session->data_path.payload_max > SW_SEAL_OVERHEAD)
		mtu = session->data_path.payload_max - SW_SEAL_OVERHEAD - 1;
	return json_pack(
	    "{s:o, s:o, s:o, s:s, s:i, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "peer",
	    node_peer_json(&view->peer), "overlay", node_overlay_json(session->overlay), "path",
	    node_path_json(node, &session->path), "cipher", vd_cipher_name(session->cipher), "mtu",
	    mtu, "mtu_state", mtu_state_name(node_mtu_state(node, session)), "rtt_ms",
	    node_rtt_json(view->rtt), "state", view->up ? "up" : "connecting", "rx_packets",
	    u64_json(account.rx_frames), "rx_bytes", u64_json(account.rx_bytes), "tx_packets",
	    u64_json(account.tx_frames), "tx_bytes", u64_json(account.tx_bytes), "since_s",
	    view->up ? since_json(view->since) : json_null());
}

ON_CONTROL static json_t *tell_sessions(void *context)
{
	struct node *node = context;
	json_t *sessions = json_array();
	struct peering_view view;
	size_t at = 0;

	while (node->session_peering && peering_each(node->session_peering, &at, &view)) {
		json_t *session = node_with_paths(
		    node, node_named(node, session_json(node, &view), &view.peer), &view.peer);

		if (session)
			json_array_append_new(sessions, session);
	}
	return json_pack("{s:o}", "sessions", sessions);
}

ON_CONTROL static json_t *tell_routes(void *context)
{
	struct node *node = context;
	json_t *routes = json_array();
	const struct learnt_route *route;
	uint32_t at = 0;

	while ((route = learnt_routes_next(node->learnt, &at))) {
		char label[24];

		snprintf(label, sizeof label, "0x%llx", (unsigned long long)route->label);
		json_array_append_new(
		    routes, node_named(node,
				       json_pack("{s:o, s:s, s:i, s:o, s:i}", "peer",
						 node_peer_json(&route->peer), "label", label,
						 "bits", route->bits, "via",
						 node_peer_json(&route->via), "mtu", route->mtu),
				       &route->peer));
	}
	return json_pack("{s:o}", "routes", routes);
}

static json_t *worker_json(const struct sw_counters *counters, unsigned id)
{
	uint64_t packets = load(&counters->packets), started = load(&counters->started_ns);
	uint64_t alive = started ? vd_now() - started : 0;

	return json_pack("{s:i, s:f, s:f, s:o}", "id", (int)id, "busy",
			 alive ? (double)load(&counters->busy_ns) / (double)alive : 0.0,
			 "cycles_per_packet",
			 packets ? (double)load(&counters->cycles) / (double)packets : 0.0,
			 "packets", u64_json(packets));
}

ON_CONTROL static json_t *tell_stats(void *context)
{
	struct node *node = context;
	json_t *drops = json_object(), *workers = json_array();

	for (int drop = 0; drop < SW_DROP_COUNT; drop++)
		json_object_set_new(drops, sw_drop_name((enum sw_drop)drop),
				    u64_json(drops_of(node, (enum sw_drop)drop)));
	for (unsigned i = 0; i < node->plane.config.workers; i++)
		json_array_append_new(workers, worker_json(&node->plane.counters[i], i));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "switched",
			 u64_json(SUM(node, switched)), "delivered", u64_json(SUM(node, delivered)),
			 "punted", u64_json(SUM(node, punted)), "drops", drops, "workers", workers,
			 "tun_overflows", u64_json(dp_tun_overflows(node->dp)));
}

static bool tell_ready(void *context, char why[API_WHY])
{
	struct node *node = context;

	if (node->stopping || node->draining.on) {
		snprintf(why, API_WHY, "%s", state_of(node));
		return false;
	}
	if (node->tun_gone) {
		snprintf(why, API_WHY, "the TUN is gone; restart viaductd");
		return false;
	}
	if (node->config.link.routers.count && up_count(node->link_peering) == 0) {
		snprintf(why, API_WHY, "no link to a router is up");
		return false;
	}
	return true;
}

/* ---- metrics ---- */

static void tell_peering(struct metrics *m, const char *kind, const struct peering_stats *stats)
{
	metrics_u64(m, stats->handshakes_begun, "kind", kind, "result", "begun");
	metrics_u64(m, stats->handshakes_done, "kind", kind, "result", "done");
	metrics_u64(m, stats->handshakes_failed, "kind", kind, "result", "failed");
	metrics_u64(m, stats->refused, "kind", kind, "result", "refused");
	metrics_u64(m, stats->bad_frames, "kind", kind, "result", "bad_frame");
	metrics_u64(m, stats->unknown_index, "kind", kind, "result", "unknown_index");
	metrics_u64(m, stats->unknown_inner, "kind", kind, "result", "unknown_inner");
	metrics_u64(m, stats->unexpected_peer, "kind", kind, "result", "unexpected_peer");
	metrics_u64(m, stats->cookies_asked, "kind", kind, "result", "cookie_asked");
	metrics_u64(m, stats->cookies_fit, "kind", kind, "result", "cookie_fit");
	metrics_u64(m, stats->cookies, "kind", kind, "result", "cookie_given");
	metrics_u64(m, stats->turned_away, "kind", kind, "result", "turned_away");
	metrics_u64(m, stats->jobs_late, "kind", kind, "result", "late");
}

static void tell_limits(struct metrics *m, const char *kind, const struct peering_stats *stats)
{
	for (int limit = 0; limit < PEERING_LIMITS; limit++)
		metrics_u64(m, stats->limits[limit], "kind", kind, "limit",
			    peering_limit_name((enum peering_limit)limit));
}

static void tell_lost(struct metrics *m, const char *kind, const struct peering_stats *stats)
{
	metrics_u64(m, stats->lost_sent, "kind", kind, "result", "sent");
	metrics_u64(m, stats->lost_limited, "kind", kind, "result", "limited");
	metrics_u64(m, stats->lost_believed, "kind", kind, "result", "believed");
	metrics_u64(m, stats->lost_disbelieved, "kind", kind, "result", "disbelieved");
}

ON_CONTROL static void tell_mtu_states(struct node *node, struct metrics *m)
{
	const struct route_session *session;
	uint64_t counts[MTU_STATES] = { 0 };
	uint32_t at = 0;

	while (node->sessions && (session = route_sessions_next(node->sessions, &at)))
		if (session->current)
			counts[node_mtu_state(node, session)]++;
	metrics_gauge(m, "viaduct_mtu_sessions", "sessions, by state of the search for their MTU");
	for (int i = 0; i < MTU_STATES; i++)
		metrics_u64(m, counts[i], "state", mtu_state_name((enum mtu_state)i));
}

ON_CONTROL static void tell_reports(struct node *node, struct metrics *m)
{
	static const char *const codes[SW_REPORT_CODES] = {
		[SW_REPORT_DIRECTOR] = "unknown_director", [SW_REPORT_EXHAUSTED] = "exhausted",
		[SW_REPORT_PERMISSION] = "not_permitted",  [SW_REPORT_RATE] = "over_rate",
		[SW_REPORT_TOO_BIG] = "too_big",
	};

	node_host_metrics(node, m);
	node_dial_metrics(node, m);
	node_known_metrics(node, m);
	node_link_exchange_metrics(node, m);
	metrics_counter(m, "viaduct_reports", "reports about frames of ours, believed");
	for (unsigned i = 1; i < SW_REPORT_CODES; i++)
		metrics_u64(m, node->counters.reports[i], "code", codes[i]);
}

ON_CONTROL static void tell_control(struct node *node, struct metrics *m)
{
	metrics_counter(m, "viaduct_handshakes", "handshakes and their frames, by outcome");
	tell_peering(m, "link", peering_stats(node->link_peering));
	if (node->session_peering)
		tell_peering(m, "session", peering_stats(node->session_peering));
	metrics_counter(m, "viaduct_handshake_limits", "what a limit turned away, by limit");
	tell_limits(m, "link", peering_stats(node->link_peering));
	if (node->session_peering)
		tell_limits(m, "session", peering_stats(node->session_peering));
	metrics_counter(m, "viaduct_link_moves", "new addresses of peers, by step");
	metrics_u64(m, peering_stats(node->link_peering)->challenges, "step", "challenge");
	metrics_u64(m, peering_stats(node->link_peering)->moves, "step", "moved");
	metrics_counter(m, "viaduct_lost_reports", "reports of lost frames, ours and the peers'");
	tell_lost(m, "link", peering_stats(node->link_peering));
	if (node->session_peering)
		tell_lost(m, "session", peering_stats(node->session_peering));
	metrics_counter(m, "viaduct_control_drops", "what the control thread turned away");
	metrics_u64(m, node->counters.injects_full, "reason", "inject_full");
	metrics_u64(m, node->counters.no_way, "reason", "no_way");
	metrics_u64(m, node->counters.bad_control, "reason", "bad_control");
	metrics_u64(m, node->counters.paths_refused, "reason", "path_mtu");
	metrics_counter(m, "viaduct_mtu_probes", "padded pings that look for paths' MTUs");
	metrics_u64(m, node->counters.mtu_sent, "result", "sent");
	metrics_u64(m, node->counters.mtu_answered, "result", "answered");
	metrics_counter(m, "viaduct_mtu_changes", "paths that turned out to carry less");
	metrics_u64(m, node->counters.mtu_black_holes, "kind", "black_hole");
	metrics_u64(m, node->counters.mtu_too_small, "kind", "too_small");
	node_tell_accounts(node, m);
	metrics_counter(m, "viaduct_sessions_moved", "sessions moved to another path");
	metrics_u64(m, node->counters.sessions_moved);
	tell_reports(node, m);
}

ON_CONTROL static void tell_ports(struct node *node, struct metrics *m)
{
	struct dp_port_view view;

	metrics_counter(m, "viaduct_port_packets", "packets of a port");
	for (unsigned i = 0; i < dp_port_count(node->dp); i++) {
		dp_port_view(node->dp, i, &view);
		metrics_u64(m, view.rx_packets, "port", view.name, "direction", "rx");
		metrics_u64(m, view.tx_packets, "port", view.name, "direction", "tx");
	}
	metrics_counter(m, "viaduct_port_errors", "packets that a port lost");
	for (unsigned i = 0; i < dp_port_count(node->dp); i++) {
		dp_port_view(node->dp, i, &view);
		metrics_u64(m, view.rx_missed, "port", view.name, "kind", "rx_missed");
		metrics_u64(m, view.tx_errors, "port", view.name, "kind", "tx_errors");
	}
}

static void tell_workers(struct node *node, struct metrics *m)
{
	char id[12];

	metrics_counter(m, "viaduct_worker_packets", "packets received by a worker");
	for (unsigned i = 0; i < node->plane.config.workers; i++) {
		snprintf(id, sizeof id, "%u", i);
		metrics_u64(m, load(&node->plane.counters[i].packets), "worker", id);
	}
	metrics_counter(m, "viaduct_worker_busy_seconds", "time of turns that did work");
	for (unsigned i = 0; i < node->plane.config.workers; i++) {
		snprintf(id, sizeof id, "%u", i);
		metrics_double(m,
			       (double)load(&node->plane.counters[i].busy_ns) / (double)VD_NS_PER_S,
			       "worker", id);
	}
}

ON_CONTROL static void tell_metrics(void *context, struct metrics *m)
{
	struct node *node = context;

	metrics_gauge(m, "viaduct_links", "links that are up");
	metrics_u64(m, up_count(node->link_peering));
	metrics_gauge(m, "viaduct_sessions", "sessions that are up");
	metrics_u64(m, up_count(node->session_peering));
	metrics_gauge(m, "viaduct_tun_mtu_bytes", "MTU of the TUN; 0: there is none");
	metrics_u64(m, node->tun_mtu);
	tell_mtu_states(node, m);
	metrics_counter(m, "viaduct_tun_overflows",
			"packets that the kernel dropped before the TUN was read");
	metrics_u64(m, dp_tun_overflows(node->dp));
	metrics_counter(m, "viaduct_switched", "frames that left by another link");
	metrics_u64(m, SUM(node, switched));
	metrics_counter(m, "viaduct_delivered", "frames for this node");
	metrics_u64(m, SUM(node, delivered));
	metrics_counter(m, "viaduct_punted", "packets handed to the control thread");
	metrics_u64(m, SUM(node, punted));
	metrics_counter(m, "viaduct_too_big_told", "Packet Too Big sent to this host by the TUN");
	metrics_u64(m, SUM(node, too_big_told));
	metrics_counter(m, "viaduct_captured", "packets copied for viaduct capture");
	metrics_u64(m, SUM(node, captured), "result", "copied");
	metrics_u64(m, SUM(node, capture_full), "result", "missed");
	metrics_counter(m, "viaduct_drops", "packets dropped, by reason");
	for (int drop = 0; drop < SW_DROP_COUNT; drop++)
		metrics_u64(m, drops_of(node, (enum sw_drop)drop), "reason",
			    sw_drop_name((enum sw_drop)drop));
	tell_control(node, m);
	tell_ports(node, m);
	tell_workers(node, m);
}

const struct api_source node_api_source = {
	.id = tell_id,
	.status = tell_status,
	.links = tell_links,
	.sessions = tell_sessions,
	.routes = tell_routes,
	.stats = tell_stats,
	.ping = node_action_ping,
	.capture = node_action_capture,
	.actions = node_actions,
	.metrics = tell_metrics,
	.ready = tell_ready,
};
