/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/node.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/captures.h"
#include "controlplane/daemon/connects.h"
#include "controlplane/daemon/dials.h"
#include "controlplane/daemon/drain.h"
#include "controlplane/daemon/jobs.h"
#include "controlplane/daemon/known.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/link_events.h"
#include "controlplane/daemon/link_exchange.h"
#include "controlplane/daemon/path_mtu.h"
#include "controlplane/daemon/pings.h"
#include "controlplane/daemon/resume.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/session_moves.h"
#include "controlplane/daemon/session_paths.h"
#include "controlplane/daemon/templates.h"
#include "controlplane/daemon/traces.h"
#include "controlplane/host/listen_expand.h"

enum {
	DRAIN_MS = 300,      /* for closes to leave before the workers stop */
	CLOSE_MS = 500,      /* at most for giving them to the workers: links, and sessions */
	CLOSES_AT_ONCE = 16, /* of 4 generations each: see ROUTE_SESSIONS_WAITING */
};
static const vd_ns tick = VD_SECONDS(1), reap_again = VD_MS(1);

/* ---- running ---- */

static void note_link_traffic(void *context, uint32_t index, bool received, bool sent)
{
	struct node *node = context;

	if (received)
		peering_verified(node->link_peering, index, vd_now());
	if (received || sent)
		peering_carried(node->link_peering, index, vd_now());
}

ON_CONTROL static void on_tick(struct node *node, vd_ns now)
{
	if (node->store)
		route_store_poll(node->store, now);
	if (node->accounts)
		accounts_flush(node->accounts, node->links, now);
	node_known_tick(node, now);
	node_tell_links(node, now);
	node_dial_routers(node, now);
	node_expire_pings(node, now);
	node_expire_connects(node, now);
	node_warn_missing(node, now);
	node_tick_capture(node, now);
	node->next_tick = now + tick;
}

ON_CONTROL static bool pump_peering(struct node *node, vd_ns now)
{
	struct peering_event event = peering_next(node->link_peering);

	if (event.kind != PEERING_NONE) {
		node_on_link_event(node, &event, now);
		return true;
	}
	if (!node->session_peering)
		return false;
	event = peering_next(node->session_peering);
	if (event.kind == PEERING_NONE)
		return false;
	node_on_session_event(node, &event, now);
	return true;
}

/* One event of any machine; false when all are quiet. */
ON_CONTROL static bool pump_one(struct node *node, vd_ns now)
{
	struct seek_event found;

	if (pump_peering(node, now))
		return true;
	found = seek_next(node->seek, now);
	if (found.kind != SEEK_NONE) {
		node_on_seek_event(node, &found, now);
		return true;
	}
	return node_pump_paths(node, now) || node_pump_mtu(node, now);
}

void node_pump_events(struct node *node, vd_ns now)
{
	while (pump_one(node, now))
		;
}

static vd_ns deadline_of(const struct node *node)
{
	vd_ns at = vd_ns_min(node->next_tick, peering_deadline(node->link_peering));

	at = vd_ns_min(at, node->next_poll);
	at = vd_ns_min(at, vd_ns_min(node->next_look, node->paths_at));
	at = vd_ns_min(at, node->mtu_at);
	at = vd_ns_min(at, seek_deadline(node->seek));
	at = vd_ns_min(at, vd_ns_min(node_resume_deadline(node), node_drain_deadline(node)));
	at = vd_ns_min(at, node_trace_deadline(node));
	if (node->session_peering)
		at = vd_ns_min(at, peering_deadline(node->session_peering));
	return vd_ns_min(at, node_reserves_deadline(node));
}

/* They hold the events of few calls, and those that follow need room. */
ON_CONTROL static void drain_peerings(struct node *node, vd_ns now)
{
	while (pump_peering(node, now))
		;
}

ON_CONTROL static void expire_and_poll(struct node *node, vd_ns now)
{
	peering_expire(node->link_peering, now);
	if (node->session_peering)
		peering_expire(node->session_peering, now);
	drain_peerings(node, now);
	node->next_poll = route_links_poll(node->links, now, note_link_traffic, node);
	drain_peerings(node, now);
}

void node_pump(struct node *node)
{
	vd_ns now = vd_now();
	bool waiting;

	if (node->deaf)
		return;
	expire_and_poll(node, now);
	if (now >= node->next_tick)
		on_tick(node, now);
	node_resume(node, now);
	node_look_at_sessions(node, now);
	node_pump_drain(node, now);
	node_pump_trace(node, now);
	do
		node_pump_events(node, now);
	while (node_pump_reserves(node, now));
	node_tell_moves(node);
	node_refresh_templates(node);
	waiting = (node->sessions && route_sessions_reap(node->sessions)) || node->moves_pending ||
		  node->templates_pending;
	cp_timer_at(node->timer,
		    vd_ns_min(deadline_of(node), waiting ? now + reap_again : VD_NEVER));
}

/* What was injected so far is on its way, and records that waited for it are gone. */
ON_CONTROL static void let_injects_pass(struct node *node, vd_ns until)
{
	for (unsigned i = 0; i < node->plane.config.workers; i++) {
		const struct sw_lane *lane = &node->plane.injects[i];
		uint32_t mark = sw_lane_mark(lane);

		while (!sw_lane_passed(lane, mark) && vd_now() < until)
			cp_loop_turn(node->loop, vd_now() + reap_again);
	}
	if (node->sessions)
		(void)route_sessions_reap(node->sessions);
}

/* No more at once than lanes and records that wait have room for. */
ON_CONTROL static void close_peers(struct node *node, struct peering *peering)
{
	vd_ns until = vd_now() + VD_MS(CLOSE_MS);
	struct peering_view view;
	unsigned closed = 0;
	size_t at = 0;

	let_injects_pass(node, until); /* what draining said */
	while (peering_each(peering, &at, &view)) {
		peering_undial(peering, &view.peer, vd_now());
		if (view.up)
			peering_close(peering, &view.peer, CONTROL_SHUTDOWN, "going down",
				      vd_now());
		node_pump_events(node, vd_now());
		if (++closed % CLOSES_AT_ONCE == 0)
			let_injects_pass(node, until);
	}
}

/* Until the workers have sealed what tells the sessions' peers: it goes by links. */
ON_CONTROL static void let_closes_leave(struct node *node)
{
	vd_ns until = vd_now() + VD_MS(DRAIN_MS);

	while (node->sessions && route_sessions_reap(node->sessions) && vd_now() < until)
		cp_loop_turn(node->loop, vd_now() + reap_again);
}

void node_run(struct node *node)
{
	vd_ns until;

	for (uint32_t i = 0; node->sessions && i < node->config.session.connect.count; i++)
		node_seek_session(node, &node->config.session.connect.ids[i], vd_now());
	node_dial_routers(node, vd_now());
	node_pump(node);
	cp_loop_run(node->loop); /* until SIGTERM, and drained */

	vd_log(VD_LOG_INFO, VD_SUB_DAEMON, "stopping: telling the peers");
	if (node->session_peering)
		close_peers(node, node->session_peering);
	let_closes_leave(node);
	close_peers(node, node->link_peering);
	until = vd_now() + VD_MS(DRAIN_MS);
	while (vd_now() < until)
		cp_loop_turn(node->loop, until);
}

/* When its handle goes a signal has its default again, which is to die: one that comes late is to
 * do nothing. */
ON_CONTROL static void ignore_signals(struct node *node)
{
	cp_signal_free(node->sighup);
	cp_signal_free(node->sigint);
	cp_signal_free(node->sigterm);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
}

/*
 * What is closed later turns the loop, and a callback there must not find what is closed already.
 */
ON_CONTROL static void turn_deaf(struct node *node)
{
	node->deaf = true;
	if (node->loop)
		cp_loop_on_sleep(node->loop, NULL, NULL, NULL);
	cp_watch_free(node->wake);
	cp_netlink_close(node->netlink);
	api_free(node->api);
}

void node_close(struct node *node)
{
	if (node->dp)
		dp_stop(node->dp);
	node_close_dialers(node); /* whose last words the api carries */
	turn_deaf(node);
	node_finish_jobs(node);
	node_close_store(node);
	node_close_hosts(node);
	node_close_known(node);
	node_close_link_exchange(node);
	if (node->session_peering)
		peering_free(node->session_peering);
	if (node->link_peering)
		peering_free(node->link_peering);
	learnt_routes_free(node->learnt);
	route_sessions_free(node->sessions);
	route_links_free(node->links);
	seek_free(node->seek);
	ways_free(node->ways);
	cp_netmap_free(node->netmap);
	cp_timer_free(node->timer);
	if (node->dp)
		dp_close(node->dp);
	if (node->plane.counters)
		sw_plane_fini(&node->plane);
	ignore_signals(node);
	if (node->loop)
		cp_loop_free(node->loop);
	vd_identity_fini(&node->identity);
	names_fini(&node->names);
	config_fini(&node->config);
}

/* ---- telling ---- */

static void append_listen(const struct node *node, const struct vd_udp_addr *addr, char *out,
			  size_t cap)
{
	struct vd_multiaddr multiaddr;
	char text[VD_MULTIADDR_TEXT];
	size_t len = strlen(out);

	vd_multiaddr_of_link(addr, &node->identity.id, &multiaddr);
	snprintf(out + len, cap - len, "%s%s", len && out[len - 1] == '=' ? "" : ",",
		 vd_multiaddr_text(&multiaddr, text));
}

ON_CONTROL static void append_host_listens(const struct node *node, char *out, size_t cap)
{
	struct vd_multiaddr listens[LISTEN_EXPAND_MAX];
	char text[VD_MULTIADDR_TEXT], peer[VD_PEER_ID_TEXT];
	size_t count = node_host_addresses(node, listens);

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(out);

		snprintf(out + len, cap - len, "%s%s/p2p/%s", len && out[len - 1] == '=' ? "" : ",",
			 vd_multiaddr_text(&listens[i], text),
			 vd_peer_id_text(&node->identity.id, peer));
	}
}

void node_ready_line(const struct node *node, char *out, size_t cap)
{
	char peer[VD_PEER_ID_TEXT];

	snprintf(out, cap, "ready peer=%s listen=", vd_peer_id_text(&node->identity.id, peer));
	for (uint32_t i = 0; i < node->config.link.listen.count; i++) {
		struct vd_udp_addr addr;

		if (!vd_multiaddr_to_link(&node->config.link.listen.at[i], &addr, NULL))
			append_listen(node, &addr, out, cap);
	}
	for (unsigned i = 0; node->config.link.listen.count == 0 && i < dp_port_count(node->dp);
	     i++) {
		struct dp_port_view view;

		dp_port_view(node->dp, i, &view);
		append_listen(node, &view.bind, out, cap);
	}
	append_host_listens(node, out, cap);
}
