/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/session_paths.h"

#include "base/log.h"
#include "controlplane/daemon/drain.h"
#include "controlplane/daemon/injects.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/path_mtu.h"
#include "controlplane/daemon/path_ranks.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/session_moves.h"
#include "multigram/frame.h"

static const vd_ns look_every = VD_MS(250);

/* The machine of `peer`; what is done with it is carried out by the next pump. */
ON_CONTROL static struct session_path *machine(struct node *node, const struct vd_peer_id *peer)
{
	node->paths_at = 0;
	return route_sessions_paths(node->sessions, peer);
}

/* ---- what comes in ---- */

void node_add_path(struct node *node, const struct vd_peer_id *peer, const struct route_path *route,
		   vd_ns now)
{
	struct session_path *paths = machine(node, peer);
	struct peering_path path = node_path_of_route(route);

	if (paths)
		session_path_add(paths, &path, now);
}

void node_doubt_path(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	struct session_path *paths = machine(node, peer);

	if (paths)
		session_path_doubt(paths, now);
}

/* Fallbacks over link `number`: all of them, or those by a route of its router. */
ON_CONTROL static void forget_over(struct session_path *paths, uint64_t number, bool direct_too)
{
	for (int i = paths->count; i > 0; i--) {
		struct peering_path path = paths->fallbacks[i - 1];
		struct route_path route = node_route_of_path(&path);

		if (route.link == number && (direct_too || route.bits))
			session_path_del(paths, &path);
	}
}

void node_forget_paths(struct node *node, uint64_t link, bool direct_too)
{
	const struct route_session *session;
	uint32_t at = 0;

	while (node->sessions && (session = route_sessions_next(node->sessions, &at)))
		forget_over(machine(node, &session->peer), link, direct_too);
}

/* ---- routers that drain ---- */

void node_leave_link(struct node *node, uint64_t link, vd_ns now)
{
	const struct route_session *session;
	uint32_t at = 0;

	node_forget_paths(node, link, false);
	while (node->sessions && (session = route_sessions_next(node->sessions, &at))) {
		if (!session->current || session->path.link != link || !session->path.bits)
			continue;
		session_path_leave(machine(node, &session->peer), now);
		node_seek_again(node, session, now);
	}
}

/* Whether another router than that of `link` is there to ask for a way. */
ON_CONTROL static bool is_elsewhere(const struct node *node, uint64_t link)
{
	for (uint32_t i = 0; i < node->routers.count; i++) {
		const struct node_router *router = &node->routers.rows[i];
		const struct route_link *row = route_links_find(node->links, &router->peer);

		if (router->up && !router->draining && row && row->number != link)
			return true;
	}
	return false;
}

bool node_leaves(const struct node *node, uint64_t link)
{
	const struct route_session *session;
	uint32_t at = 0;

	while (node->sessions && (session = route_sessions_next(node->sessions, &at)))
		if (session->current && session->path.link == link && session->path.bits &&
		    (session->paths.count || is_elsewhere(node, link)))
			return true;
	return false;
}

void node_stay(struct node *node, uint64_t link)
{
	const struct route_session *session;
	uint32_t at = 0;

	while (node->sessions && (session = route_sessions_next(node->sessions, &at)))
		if (session->path.link == link)
			session_path_stay(machine(node, &session->peer));
}

/* A path by a router that drains is taken no more, even if the peer asks for it. */
ON_CONTROL static bool is_void(const struct node *node, const struct peering_path *path)
{
	struct route_path route = node_route_of_path(path);

	return route.bits && node_drains(node, route.link);
}

ON_CONTROL static void forget_void(const struct node *node, struct session_path *paths)
{
	for (int i = paths->count; i > 0; i--) {
		struct peering_path path = paths->fallbacks[i - 1];

		if (is_void(node, &path))
			session_path_del(paths, &path);
	}
}

/* A handshake may have begun before its router drained, or the path left be by one that does. */
void node_use_path(struct node *node, const struct vd_peer_id *peer,
		   const struct peering_path *path, vd_ns now)
{
	struct session_path *paths = machine(node, peer);

	if (!paths)
		return;
	session_path_use(paths, path);
	forget_void(node, paths);
	if (is_void(node, path))
		session_path_leave(paths, now);
}

void node_on_session_control(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct session_path *paths = machine(node, &event->peer);
	struct control_msg msg;

	if (control_msg_decode(event->frame, &msg)) {
		node->counters.bad_control++;
		return;
	}
	if (is_void(node, &event->path))
		return;
	if (paths && msg.kind == CONTROL_CHALLENGE)
		session_path_challenged(paths, &event->path, now);
	else if (paths && msg.kind == CONTROL_ANSWER)
		(void)session_path_answered(paths, &event->path, msg.challenge, now);
}

/* ---- what comes out ---- */

ON_CONTROL static void send_challenge(struct node *node, const struct route_session *session,
				      const struct session_path_event *event)
{
	struct control_msg msg = { .kind = CONTROL_CHALLENGE };
	uint8_t plain[1 + CONTROL_MSG_MAX] = { MG_CONTROL };

	static_assert(sizeof msg.challenge == sizeof event->data, "one length");
	memcpy(msg.challenge, event->data, sizeof msg.challenge);
	if (session->current)
		node_send_inner(node, session->current, &event->path,
				vd_bytes(plain, 1 + control_msg_encode(&msg, plain + 1)));
}

ON_CONTROL static void move(struct node *node, const struct route_session *session,
			    const struct peering_path *path, vd_ns now)
{
	struct route_path route = node_route_of_path(path);
	struct sw_path data = node_data_path(node, &session->peer, &route);
	const struct route_link *link = route_links_of_number(node->links, route.link);
	uint64_t from = session->path.link;

	if (!data.link || !session->current)
		return; /* the link has just gone: the silence goes on */
	node_move_session(node, session, &route, &data);
	(void)peering_move(node->session_peering, &session->peer, path);
	node->counters.sessions_moved++;
	vd_log(VD_LOG_INFO, VD_SUB_SESSION, "session moved to another path",
	       VD_PEER("peer", &session->peer), VD_PEER("by", link ? &link->peer : NULL),
	       VD_U64("bits", route.bits));
	node_drain_moved(node, from, now);
}

ON_CONTROL static void carry_out(struct node *node, const struct route_session *session,
				 const struct session_path_event *event, vd_ns now)
{
	switch (event->kind) {
	case SESSION_PATH_CHALLENGE: send_challenge(node, session, event); return;
	case SESSION_PATH_MOVE: move(node, session, &event->path, now); return;
	case SESSION_PATH_DIAL:
		if (!node->stopping)
			(void)peering_dial(node->session_peering, &session->peer, &event->path,
					   now);
		return;
	case SESSION_PATH_NONE: return;
	}
}

bool node_pump_paths(struct node *node, vd_ns now)
{
	const struct route_session *session;
	uint32_t at = 0;
	bool any = false;

	if (now < node->paths_at)
		return false;
	node->paths_at = VD_NEVER;
	while (node->sessions && (session = route_sessions_next(node->sessions, &at))) {
		struct session_path *paths = route_sessions_paths(node->sessions, &session->peer);
		struct session_path_event event;

		while ((event = session_path_next(paths, now)).kind != SESSION_PATH_NONE) {
			carry_out(node, session, &event, now);
			if (event.kind == SESSION_PATH_MOVE)
				forget_void(node, paths);
			any = true;
		}
		node->paths_at = vd_ns_min(node->paths_at, session_path_deadline(paths));
	}
	return any;
}

/* ---- looking at the traffic ---- */

static void note_traffic(void *context, uint32_t index, bool received, bool sent)
{
	struct node *node = context;

	if (received)
		peering_verified(node->session_peering, index, vd_now());
	if (received || sent)
		peering_carried(node->session_peering, index, vd_now());
}

void node_look_at_sessions(struct node *node, vd_ns now)
{
	if (now < node->next_look)
		return;
	node->next_look = node->sessions ? now + look_every : VD_NEVER;
	if (!node->sessions)
		return;
	route_sessions_poll(node->sessions, note_traffic, node, now);
	node->paths_at = 0;
	node_look_at_mtu(node, now);
	node_seek_lost(node, now);
	node_rank_paths(node, now);
}
