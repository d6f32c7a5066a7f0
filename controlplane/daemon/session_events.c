/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/session_events.h"

#include "base/log.h"
#include "controlplane/daemon/asked.h"
#include "controlplane/daemon/connects.h"
#include "controlplane/daemon/injects.h"
#include "controlplane/daemon/jobs.h"
#include "controlplane/daemon/link_events.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/path_mtu.h"
#include "controlplane/daemon/path_ranks.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/pings.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_moves.h"
#include "controlplane/daemon/session_paths.h"
#include "controlplane/daemon/traces.h"
#include "dataplane/inner.h"

enum {
	PAYLOAD_MIN = DP_MTU_MIN + SW_IP6_OVERHEAD,
};

bool node_admit_session(void *context, const struct peering_claim *claim)
{
	return node_may_session(context, claim->peer);
}

bool node_may_session(struct node *node, const struct vd_peer_id *peer)
{
	return tier_peer_list_has(&node->config.session.allow, peer) ||
	       tier_peer_list_has(&node->config.session.connect, peer) || node_is_asked(node, peer);
}

/* ---- paths ---- */

/* What we began we keep up; else it is up to the peer. */
void node_seek_again(struct node *node, const struct route_session *session, vd_ns now)
{
	struct peering_view view;

	if (session->connect ||
	    (!peering_find(node->session_peering, &session->peer, &view) && view.dialled))
		node_seek_session(node, &session->peer, now);
}

/* The link's record changed under these sessions, or went away. */
ON_CONTROL static void follow_link(struct node *node, const struct route_session *session,
				   vd_ns now)
{
	struct sw_path data = node_data_path(node, &session->peer, &session->path);

	if (data.link == session->data_path.link)
		return;
	if (data.link) {
		node_move_session(node, session, &session->path, &data);
	} else {
		node_seek_again(node, session, now);
		node_doubt_path(node, &session->peer, now);
	}
}

/* Fallbacks by links that are gone. */
ON_CONTROL static void forget_gone(struct node *node)
{
	const struct route_session *session;
	uint32_t at = 0;

	while ((session = route_sessions_next(node->sessions, &at))) {
		const struct session_path *paths =
		    route_sessions_paths(node->sessions, &session->peer);

		for (int i = paths->count; i > 0; i--) {
			struct route_path route = node_route_of_path(&paths->fallbacks[i - 1]);

			if (!route_links_of_number(node->links, route.link))
				node_forget_paths(node, route.link, true);
		}
	}
}

void node_link_moved(struct node *node, const struct vd_peer_id *peer)
{
	const struct route_link *link = route_links_find(node->links, peer);
	const struct route_session *session;
	uint32_t at = 0;

	if (!link)
		learnt_routes_forget_by(node->learnt, peer);
	if (!node->sessions)
		return;
	if (!link)
		forget_gone(node);
	while ((session = route_sessions_next(node->sessions, &at)))
		if (session->current && (!link || session->path.link == link->number))
			follow_link(node, session, vd_now());
}

void node_routes_died(struct node *node, const struct vd_peer_id *router, vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, router);
	const struct route_session *session;
	uint32_t at = 0;

	learnt_routes_forget_by(node->learnt, router);
	if (!node->sessions || !link)
		return;
	node_forget_paths(node, link->number, false);
	while ((session = route_sessions_next(node->sessions, &at))) {
		if (!session->current || session->path.link != link->number || !session->path.bits)
			continue;
		node_seek_again(node, session, now);
		node_doubt_path(node, &session->peer, now);
	}
}

/* ---- looking for ways ---- */

void node_refuse_path(struct node *node, const struct vd_peer_id *peer, uint16_t payload)
{
	node->counters.paths_refused++;
	vd_log(VD_LOG_WARN, VD_SUB_ROUTE,
	       "path refused: its MTU is too small for IPv6 inside; raise the MTU on the way to "
	       "1371 (over IPv6 1391) or more",
	       VD_PEER("peer", peer), VD_U64("payload", payload), VD_U64("needed", PAYLOAD_MIN));
}

static void dial(struct node *node, const struct vd_peer_id *peer, const struct route_path *route,
		 vd_ns now)
{
	struct peering_path path = node_path_of_route(route);

	if (peering_dial(node->session_peering, peer, &path, now))
		vd_log(VD_LOG_WARN, VD_SUB_SESSION, "too many sessions; raise session.sessions_max",
		       VD_PEER("peer", peer));
}

void node_seek_session(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, peer);

	if (node->stopping)
		return;
	if (link && link->current && link->payload_max < PAYLOAD_MIN)
		node_refuse_path(node, peer, link->payload_max);
	else if (link && link->current) {
		seek_unwant(node->seek, peer);
		dial(node, peer, &(struct route_path){ .link = link->number }, now);
		return;
	}
	if (seek_want(node->seek, peer, now))
		vd_log(VD_LOG_WARN, VD_SUB_ROUTE, "too many routes looked for at once",
		       VD_PEER("peer", peer));
}

void node_warn_missing(struct node *node, vd_ns now)
{
	const struct route_session *session;
	uint32_t at = 0;

	while (node->sessions && (session = route_sessions_missing(node->sessions, &at, now)))
		vd_log(
		    VD_LOG_WARN, VD_SUB_SESSION,
		    "no session yet; is the peer up and reserved at a router of ours, in a realm "
		    "that we share, and does it allow us? see `viaduct routes`",
		    VD_PEER("peer", &session->peer));
}

void node_seek_lost(struct node *node, vd_ns now)
{
	const struct route_session *session;
	uint32_t at = 0;

	while (node->sessions && (session = route_sessions_lost(node->sessions, &at, now)))
		node_seek_session(node, &session->peer, now);
}

/* A session that is up keeps its path until another one answers; one that is not is opened. */
ON_CONTROL static void take_path(struct node *node, const struct vd_peer_id *peer,
				 const struct route_path *path, bool first, vd_ns now)
{
	const struct route_session *session = route_sessions_find(node->sessions, peer);

	if (!session)
		return; /* no longer a peer */
	if (first && !session->current)
		dial(node, peer, path, now);
	else
		node_add_path(node, peer, path, now);
}

ON_CONTROL static void on_found(struct node *node, const struct seek_event *found, vd_ns now)
{
	const struct node_router *router = &node->routers.rows[found->router];
	const struct control_msg *msg = &found->msg;
	const struct route_link *link = route_links_find(node->links, &router->peer);
	struct learnt_route route = {
		.peer = msg->route.peer,
		.via = router->peer,
		.label = msg->route.label,
		.bits = msg->route.bits,
		.mtu = msg->route.mtu,
	};

	if (!link || !node->sessions || router->draining)
		return;
	if (msg->route.mtu < PAYLOAD_MIN || link->payload_max < PAYLOAD_MIN) {
		node_refuse_path(node, &route.peer,
				 msg->route.mtu < link->payload_max ? msg->route.mtu
								    : link->payload_max);
		return;
	}
	if (learnt_routes_set(node->learnt, &route))
		vd_log(VD_LOG_INFO, VD_SUB_ROUTE, "route found", VD_PEER("peer", &route.peer),
		       VD_PEER("router", &router->peer), VD_U64("bits", route.bits));
	take_path(
	    node, &route.peer,
	    &(struct route_path){ .link = link->number, .label = route.label, .bits = route.bits },
	    found->first, now);
}

void node_on_seek_event(struct node *node, const struct seek_event *event, vd_ns now)
{
	if (event->kind == SEEK_FOUND) {
		on_found(node, event, now);
		return;
	}
	/* Lost if the link has just gone; the search repeats it. */
	node_send_control(node, &node->routers.rows[event->router].peer, &event->msg, now);
}

/* ---- generations ---- */

/* With the route's MTU, if the path is a route that we learnt. */
uint16_t node_path_payload(const struct node *node, const struct vd_peer_id *peer,
			   const struct route_path *path)
{
	const struct route_link *link = route_links_of_number(node->links, path->link);
	const struct learnt_route *learnt =
	    link ? learnt_routes_find(node->learnt, peer, &link->peer) : NULL;

	if (!link)
		return 0;
	return learnt && learnt->label == path->label && learnt->mtu < link->payload_max
		   ? learnt->mtu
		   : link->payload_max;
}

struct sw_path node_data_path(const struct node *node, const struct vd_peer_id *peer,
			      const struct route_path *path)
{
	const struct route_link *link = route_links_of_number(node->links, path->link);
	uint16_t probed = node_mtu_payload(node, peer, path);
	struct sw_path data = { .label = path->label };

	if (!link)
		return data;
	data.link = link->current;
	data.payload_max = node_path_payload(node, peer, path);
	if (probed && probed < data.payload_max)
		data.payload_max = probed;
	return data;
}

ON_CONTROL static void on_install(struct node *node, const struct peering_event *event, vd_ns now)
{
	const struct peering_keys *generation = event->keys;
	struct route_path path = node_route_of_path(&event->path);
	const struct route_link *link = route_links_of_number(node->links, path.link);
	struct route_session_install install = {
		.peer = event->peer,
		.index = event->index,
		.remote_index = generation->remote_index,
		.cipher = generation->cipher,
		.rx_key = generation->rx_aead_key,
		.tx_key = generation->tx_aead_key,
		.owner = link ? link->owner : 0,
		.path = path,
		.data_path = node_data_path(node, &event->peer, &path),
	};
	enum vd_err err;

	static_assert(sizeof install.ip6 == sizeof generation->inner[0], "one list");
	memcpy(install.ip6, generation->inner[0], sizeof install.ip6);
	err = route_sessions_install(node->sessions, &install);
	if (!err)
		return;
	vd_log(VD_LOG_WARN, VD_SUB_SESSION,
	       "no room for another session; raise session.sessions_max",
	       VD_PEER("peer", &event->peer), VD_ERR(err));
	peering_close(node->session_peering, &event->peer, CONTROL_LIMIT, "no room", now);
}

/* The link may have moved since the generation was installed. */
ON_CONTROL static void on_use(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct route_path path = node_route_of_path(&event->path);
	struct sw_path data = node_data_path(node, &event->peer, &path);
	const struct route_session *session = route_sessions_use(node->sessions, event->index, now);

	if (!session)
		return;
	node_move_session(node, session, &path, &data);
	node_use_path(node, &event->peer, &event->path, now);
}

/* ---- up and down ---- */

ON_CONTROL static void on_up(struct node *node, const struct peering_event *event)
{
	const struct route_session *session = route_sessions_find(node->sessions, &event->peer);

	vd_log(VD_LOG_INFO, VD_SUB_SESSION, "session up", VD_PEER("peer", &event->peer),
	       VD_STR("cipher", session ? vd_cipher_name(session->cipher) : NULL));
}

ON_CONTROL static void on_down(struct node *node, const struct peering_event *event, vd_ns now)
{
	const struct route_session *session = route_sessions_find(node->sessions, &event->peer);

	vd_log(VD_LOG_INFO, VD_SUB_SESSION, "session down", VD_PEER("peer", &event->peer),
	       VD_STR("cause",
		      event->status == CONTROL_OK ? "silence" : control_status_text(event->status)),
	       VD_STR("text", event->text));
	route_sessions_drop(node->sessions, &event->peer);
	if (session && session->connect)
		node_seek_session(node, &event->peer, now);
	else
		peering_undial(node->session_peering, &event->peer, now);
}

static void log_trouble(const struct peering_event *event)
{
	if (event->kind == PEERING_REFUSED_BY)
		vd_log(VD_LOG_WARN, VD_SUB_SESSION,
		       "refused by the peer; ask its operator to add this peer to session.allow",
		       VD_PEER("peer", &event->peer), VD_STR("text", event->text));
	else if (event->kind == PEERING_DENIED)
		vd_log(VD_LOG_WARN, VD_SUB_SESSION,
		       "session refused: the peer is not in session.allow",
		       VD_PEER("peer", &event->peer));
	else
		vd_log(VD_LOG_WARN, VD_SUB_SESSION, "no answer from the peer over this route",
		       VD_PEER("peer", &event->peer));
}

/* A route that brings no answer may be stale: ask the routers again. */
ON_CONTROL static void on_silent(struct node *node, const struct peering_event *event, vd_ns now)
{
	log_trouble(event);
	node_seek_session(node, &event->peer, now);
}

void node_on_session_event(struct node *node, const struct peering_event *event, vd_ns now)
{
	node_note_connect(node, event, true);
	switch (event->kind) {
	case PEERING_SEND: node_send_payload(node, &event->path, event->frame); return;
	case PEERING_SEND_INNER:
		node_send_inner(node, event->index, &event->path, event->frame);
		return;
	case PEERING_INSTALL: on_install(node, event, now); return;
	case PEERING_USE: on_use(node, event, now); return;
	case PEERING_GRANTED:
		sw_session_set_ip6(&node->plane.sessions, event->index, event->keys->inner[0]);
		return;
	case PEERING_RETIRE: route_sessions_retire(node->sessions, event->index); return;
	case PEERING_UP: on_up(node, event); return;
	case PEERING_DOWN: on_down(node, event, now); return;
	case PEERING_SILENT: on_silent(node, event, now); return;
	case PEERING_REFUSED_BY:
	case PEERING_DENIED: log_trouble(event); return;
	case PEERING_PONG: node_pong(node, &event->peer, true, event->rtt); return;
	case PEERING_JOB: node_do_job(node, node->session_peering, event->job); return;
	case PEERING_CONTROL: node_on_session_control(node, event, now); return;
	case PEERING_PROBED:
		if (!node_on_trace_pong(node, event, now) && !node_on_rank_pong(node, event, now))
			node_on_probed(node, event, now);
		return;
	case PEERING_MOVED:    /* links only */
	case PEERING_REBOOTED: /* the peer's sessions died with it; a new one is up */
	case PEERING_NONE: return;
	}
}
