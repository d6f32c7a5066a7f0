/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/link_events.h"

#include "base/log.h"
#include "controlplane/daemon/connects.h"
#include "controlplane/daemon/drain.h"
#include "controlplane/daemon/injects.h"
#include "controlplane/daemon/jobs.h"
#include "controlplane/daemon/link_exchange.h"
#include "controlplane/daemon/link_moves.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/permits.h"
#include "controlplane/daemon/pings.h"
#include "controlplane/daemon/resume.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/traces.h"

/* ---- generations ---- */

/* A generation that waits changes nothing: what it proves counts once it is used (on_use). */
ON_CONTROL static struct route_policy policy_of_install(const struct node *node,
							const struct route_install *install)
{
	const struct route_link *link = route_links_find(node->links, &install->peer);
	const struct tier_claim claim = { .peer = &install->peer,
					  .ip = install->endpoint.remote.ip,
					  .token = install->token_hash };

	return link && link->current ? link->policy : node_policy_of(node, &claim);
}

ON_CONTROL static void on_install(struct node *node, const struct peering_event *event, vd_ns now)
{
	const struct peering_keys *generation = event->keys;
	struct route_install install = {
		.peer = event->peer,
		.index = event->index,
		.remote_index = generation->remote_index,
		.rx_key = generation->rx_tag_key,
		.tx_key = generation->tx_tag_key,
		.endpoint = node_endpoint_of_path(&event->path),
		.owner = node->worker_now,
		.asked_us = !generation->initiator,
		.token_hash = generation->has_token ? generation->token_hash : NULL,
	};
	bool fresh;
	enum vd_err err;

	install.policy = policy_of_install(node, &install);
	fresh = !route_links_find(node->links, &event->peer);
	/* Without a way it is published all the same: it can receive. */
	(void)node_template(node, &install.endpoint, &install.send);
	err = route_links_install(node->links, &install, now);
	if (!err) {
		if (fresh && node->accounts)
			route_links_set_before(node->links, &event->peer,
					       accounts_find(node->accounts, &event->peer));
		return;
	}
	vd_log(VD_LOG_WARN, VD_SUB_LINK, "no room for another link; raise link.links_max",
	       VD_PEER("peer", &event->peer), VD_ERR(err));
	peering_close(node->link_peering, &event->peer, CONTROL_LIMIT, "no room", now);
}

ON_CONTROL static void on_use(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct node_router *router = node_router_of(node, &event->peer);

	if (!route_links_use(node->links, event->index))
		return;
	node_link_moved(node, &event->peer);
	if (router && router->up)
		node_reserve_at(node, router, now);
	/* its address may be another one */
	node_remember(node, &event->peer);
	node_review_link(node, &event->peer, "in no tier from this address", now);
}

/* ---- up and down ---- */

ON_CONTROL static void on_up(struct node *node, const struct peering_event *event, vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, &event->peer);
	struct node_router *router = node_router_of(node, &event->peer);
	const struct route_session *session;

	route_links_up(node->links, &event->peer);
	vd_log(VD_LOG_INFO, VD_SUB_LINK, "link up", VD_PEER("peer", &event->peer),
	       VD_STR("tier", link ? link->policy.tier : NULL));
	if (router) {
		node_router_up(node, router, now);
	} else {
		peering_undial(node->link_peering, &event->peer, now); /* dialled once, by resume */
		node_drain_link_up(node, &event->peer, now);
	}
	/* A session with the neighbour itself needs no route. */
	session = node->sessions ? route_sessions_find(node->sessions, &event->peer) : NULL;
	if (session && session->connect && !session->current)
		node_seek_session(node, &event->peer, now);
}

/* The link stays, with what we told the peer of it; what the peer told us is void. */
ON_CONTROL static void on_rebooted(struct node *node, const struct peering_event *event, vd_ns now)
{
	on_up(node, event, now);
	node_routes_died(node, &event->peer, now);
}

ON_CONTROL static void close_account(struct node *node, const struct vd_peer_id *peer)
{
	const struct route_link *link = route_links_find(node->links, peer);

	if (node->accounts && link)
		accounts_gone(node->accounts, peer, route_links_total(node->links, link));
}

ON_CONTROL static void on_down(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct node_router *router = node_router_of(node, &event->peer);

	vd_log(VD_LOG_INFO, VD_SUB_LINK, "link down", VD_PEER("peer", &event->peer),
	       VD_STR("cause",
		      event->status == CONTROL_OK ? "silence" : control_status_text(event->status)),
	       VD_STR("text", event->text));
	if (router) {
		node_router_down(node, router);
	}
	if (event->status != CONTROL_OK && !node->stopping)
		node_forget(node, &event->peer); /* it said goodbye */
	close_account(node, &event->peer);
	route_links_drop(node->links, &event->peer, now);
	node_link_moved(node, &event->peer);
}

/* ---- control messages ---- */

void node_send_control(struct node *node, const struct vd_peer_id *peer,
		       const struct control_msg *msg, vd_ns now)
{
	uint8_t bytes[CONTROL_MSG_MAX];
	size_t len = control_msg_encode(msg, bytes);

	(void)peering_send_control(node->link_peering, peer, vd_bytes(bytes, len), now);
}

static void on_observed(const struct control_msg *msg)
{
	struct vd_multiaddr address;
	char text[VD_MULTIADDR_TEXT];

	if (vd_multiaddr_of_bytes(vd_bytes(msg->observed.address, msg->observed.len), &address))
		return;
	vd_log(VD_LOG_DEBUG, VD_SUB_LINK, "observed address",
	       VD_STR("address", vd_multiaddr_text(&address, text)));
}

ON_CONTROL static void on_reserved(struct node *node, const struct vd_peer_id *peer,
				   const struct control_msg *msg, vd_ns now)
{
	struct node_router *router = node_router_of(node, peer);

	if (!router || reserve_recv(&router->reserve, msg, now))
		return;
	if (router->reserve.state == RESERVE_HELD)
		vd_log(VD_LOG_INFO, VD_SUB_LINK, "reserved", VD_PEER("router", peer),
		       VD_U64("ttl_s", msg->reserved.ttl_s),
		       VD_U64("realms", msg->reserved.realms));
	else if (router->reserve.state == RESERVE_ASKING)
		vd_log(VD_LOG_DEBUG, VD_SUB_LINK, "asked for a reservation too often: asks again",
		       VD_PEER("router", peer));
	else if (msg->reserved.status == CONTROL_SHUTDOWN)
		vd_log(VD_LOG_INFO, VD_SUB_LINK, "the router drains: no reservation there for now",
		       VD_PEER("router", peer));
	else
		vd_log(VD_LOG_WARN, VD_SUB_LINK,
		       "reservation refused; ask the router's operator for a tier with reserve",
		       VD_PEER("router", peer),
		       VD_STR("status", control_status_text(msg->reserved.status)));
}

ON_CONTROL static void on_control(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct node_router *router = node_router_of(node, &event->peer);
	struct control_msg msg, answer;

	if (control_msg_decode(event->frame, &msg)) {
		node->counters.bad_control++;
		return;
	}
	switch (msg.kind) {
	case CONTROL_OBSERVED: on_observed(&msg); return;
	case CONTROL_RESERVE:
		route_links_reserve(node->links, &event->peer, &msg, now, &answer);
		if (answer.reserved.status == CONTROL_OK)
			node_remember(node, &event->peer);
		node_send_control(node, &event->peer, &answer, now);
		return;
	case CONTROL_RESERVED: on_reserved(node, &event->peer, &msg, now); return;
	case CONTROL_QUERY:
		route_links_query(node->links, &event->peer, &msg, now, &answer);
		node_send_control(node, &event->peer, &answer, now);
		return;
	case CONTROL_ROUTE:
		if (router)
			(void)seek_recv(node->seek, node_router_number(&node->routers, router),
					&msg, now);
		return;
	case CONTROL_DRAINING: node_on_draining(node, &event->peer, &msg, now); return;
	case CONTROL_CHALLENGE:
	case CONTROL_ANSWER:
	case CONTROL_CLOSE: return; /* peering's own */
	}
}

/* ---- all events ---- */

/* The operator asked for the peer, not for this link: once is enough. */
ON_CONTROL static void hold_told(struct node *node, struct node_router *router, vd_ns now)
{
	router->held = true;
	peering_undial(node->link_peering, &router->peer, now);
}

/* A peer that we dialled once because of its reservation: it is for the peer to come back. */
ON_CONTROL static void give_up(struct node *node, const struct peering_event *event, vd_ns now)
{
	vd_log(VD_LOG_INFO, VD_SUB_LINK, "a peer that had reserved does not answer",
	       VD_PEER("peer", &event->peer));
	peering_undial(node->link_peering, &event->peer, now);
	node_forget(node, &event->peer);
}

static void log_trouble(const struct peering_event *event)
{
	if (event->kind == PEERING_REFUSED_BY && event->status == CONTROL_SHUTDOWN)
		vd_log(VD_LOG_INFO, VD_SUB_LINK, "the router goes away; it is tried again later",
		       VD_PEER("router", &event->peer), VD_STR("text", event->text));
	else if (event->kind == PEERING_REFUSED_BY)
		vd_log(VD_LOG_WARN, VD_SUB_LINK,
		       "refused by the router; ask its operator to add this peer to a tier",
		       VD_PEER("router", &event->peer), VD_STR("text", event->text));
	else if (event->kind == PEERING_DENIED)
		vd_log(VD_LOG_WARN, VD_SUB_LINK, "link refused: the peer is in no tier",
		       VD_PEER("peer", &event->peer));
	else
		vd_log(VD_LOG_WARN, VD_SUB_LINK,
		       "no answer; is the router running, are its address and its peer id right?",
		       VD_PEER("router", &event->peer));
}

ON_CONTROL static void on_trouble(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct node_router *router = node_router_of(node, &event->peer);

	if (!router) {
		give_up(node, event, now);
		return;
	}
	log_trouble(event);
	if (router->told && event->kind == PEERING_REFUSED_BY)
		hold_told(node, router, now);
	else if (router->told)
		node_link_told_silent(node, router);
}

void node_on_link_event(struct node *node, const struct peering_event *event, vd_ns now)
{
	node_note_connect(node, event, false);
	switch (event->kind) {
	case PEERING_SEND: node_send_datagram(node, &event->path, event->frame); return;
	case PEERING_INSTALL: on_install(node, event, now); return;
	case PEERING_USE: on_use(node, event, now); return;
	case PEERING_RETIRE: route_links_retire(node->links, event->index, now); return;
	case PEERING_UP: on_up(node, event, now); return;
	case PEERING_MOVED:
		vd_log(VD_LOG_INFO, VD_SUB_LINK, "link moved to another address",
		       VD_PEER("peer", &event->peer));
		node_move_link(node, &event->peer, &event->path);
		node_review_link(node, &event->peer, "in no tier from this address", now);
		return;
	case PEERING_REBOOTED: on_rebooted(node, event, now); return;
	case PEERING_DOWN: on_down(node, event, now); return;
	case PEERING_REFUSED_BY:
	case PEERING_SILENT: on_trouble(node, event, now); return;
	case PEERING_DENIED:
		if (node->draining.on)
			vd_log(VD_LOG_INFO, VD_SUB_LINK, "link refused: this node drains",
			       VD_PEER("peer", &event->peer));
		else
			log_trouble(event);
		return;
	case PEERING_CONTROL: on_control(node, event, now); return;
	case PEERING_PONG: node_pong(node, &event->peer, false, event->rtt); return;
	case PEERING_JOB: node_do_job(node, node->link_peering, event->job); return;
	case PEERING_PROBED: (void)node_on_trace_pong(node, event, now); return;
	case PEERING_SEND_INNER: /* sessions only */
	case PEERING_GRANTED:    /* ping, which is peering's own */
	case PEERING_NONE: return;
	}
}
