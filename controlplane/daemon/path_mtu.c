/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/path_mtu.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/injects.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/session_moves.h"

enum {
	OVERHEAD = SW_SEAL_OVERHEAD + 1, /* of a switch payload around an overlay packet */
	INNER_INDEX = 1,                 /* of these, in the plaintext */
};

/* The machine for the path in use; NULL: none yet. What is done with it the next pump tells. */
ON_CONTROL static struct mtu_probe *machine(struct node *node, const struct route_session *session)
{
	struct mtu_paths *paths = route_sessions_mtu(node->sessions, &session->peer);
	struct peering_path path = node_path_of_route(&session->path);

	node->mtu_at = 0;
	return paths ? mtu_paths_find(paths, &path) : NULL;
}

/* The largest overlay packet that could pass, by what links and routers say, and this host. */
ON_CONTROL static uint32_t room(const struct node *node, const struct route_session *session)
{
	uint16_t payload = node_path_payload(node, &session->peer, &session->path);
	uint32_t ours = node->config.tun.mtu ? node->config.tun.mtu : dp_tun_mtu_max(node->dp);
	uint32_t theirs = payload > OVERHEAD ? (uint32_t)payload - OVERHEAD : 0;

	return theirs < ours ? theirs : ours;
}

uint16_t node_mtu_payload(const struct node *node, const struct vd_peer_id *peer,
			  const struct route_path *path)
{
	struct mtu_paths *paths = route_sessions_mtu(node->sessions, peer);
	struct peering_path of = node_path_of_route(path);
	const struct mtu_probe *mp = paths ? mtu_paths_find(paths, &of) : NULL;

	return mp ? (uint16_t)(mtu_probe_mtu(mp) + OVERHEAD) : 0;
}

enum mtu_state node_mtu_state(const struct node *node, const struct route_session *session)
{
	struct peering_path path = node_path_of_route(&session->path);
	const struct mtu_probe *mp =
	    mtu_paths_find(route_sessions_mtu(node->sessions, &session->peer), &path);

	return mp ? mp->state : MTU_DISABLED;
}

/* ---- what is known limits what is sent ---- */

ON_CONTROL static void apply(struct node *node, const struct route_session *session)
{
	struct sw_path data = node_data_path(node, &session->peer, &session->path);

	if (!session->current || !data.link || data.payload_max == session->data_path.payload_max)
		return;
	node_move_session(node, session, &session->path, &data);
}

/* Once a search is over, if it found something else than the one before. */
ON_CONTROL static void tell_found(struct node *node, const struct route_session *session)
{
	struct mtu_paths *paths = route_sessions_mtu(node->sessions, &session->peer);
	struct mtu_path *found = &paths->at[paths->current];

	if (found->probe.state != MTU_COMPLETE || found->told == found->probe.good)
		return;
	found->told = found->probe.good;
	vd_log(VD_LOG_INFO, VD_SUB_SESSION, "the path's MTU is found",
	       VD_PEER("peer", &session->peer), VD_U64("mtu", found->told));
}

/* What a live session asks of the TUN's MTU; 0: nothing. It rises when a search is over. */
ON_CONTROL static uint32_t wish(const struct node *node, const struct route_session *session)
{
	const struct mtu_probe *mp =
	    mtu_paths_current(route_sessions_mtu(node->sessions, &session->peer));
	uint32_t mtu;

	if (!session->current || !mp || !mp->known)
		return 0;
	mtu = mtu_probe_mtu(mp);
	return mp->state == MTU_COMPLETE || mtu < node->tun_mtu ? mtu : node->tun_mtu;
}

ON_CONTROL static void set_tun_mtu(struct node *node)
{
	const struct route_session *session;
	uint32_t at = 0, least = 0;

	if (node->config.tun.mtu || !node->tun_ifindex)
		return; /* set by hand, or no TUN */
	while ((session = route_sessions_next(node->sessions, &at))) {
		uint32_t mtu = wish(node, session);

		if (mtu && (!least || mtu < least))
			least = mtu;
	}
	if (!least || least == node->tun_mtu)
		return;
	if (cp_netlink_set_mtu(node->netlink, node->tun_ifindex, least))
		vd_log(VD_LOG_ERROR, VD_SUB_NET,
		       "cannot set the MTU of the TUN; it needs NET_ADMIN",
		       VD_STR("cause", strerror(errno)), VD_U64("mtu", least));
	else
		vd_log(VD_LOG_INFO, VD_SUB_NET, "MTU of the TUN", VD_U64("mtu", least),
		       VD_U64("before", node->tun_mtu));
	node->tun_mtu = least; /* not again and again */
}

/* ---- what comes in ---- */

void node_on_probed(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct mtu_paths *paths = route_sessions_mtu(node->sessions, &event->peer);
	struct mtu_probe *mp = paths ? mtu_paths_current(paths) : NULL;
	uint32_t size = event->size > INNER_INDEX ? (uint32_t)event->size - INNER_INDEX : 0;

	node->mtu_at = 0;
	if (mp && mtu_probe_answered(mp, event->id, size < MTU_PROBE_BASE ? 0 : size, now))
		node->counters.mtu_answered++;
}

void node_mtu_reported(struct node *node, const struct route_session *session, uint16_t limit,
		       vd_ns now)
{
	struct mtu_probe *mp = machine(node, session);

	if (mp)
		mtu_probe_reported(mp, limit > OVERHEAD ? (uint32_t)limit - OVERHEAD : 0, now);
}

ON_CONTROL static void look(struct node *node, const struct route_session *session, vd_ns now)
{
	struct mtu_paths *paths = route_sessions_mtu(node->sessions, &session->peer);
	struct peering_path path = node_path_of_route(&session->path);
	struct peering_view view;
	struct mtu_probe *mp;

	if (!session->current || peering_find(node->session_peering, &session->peer, &view) ||
	    !view.up || !node_path_payload(node, &session->peer, &session->path))
		return;
	mp = mtu_paths_use(paths, &path, room(node, session), now);
	if (session->host_sent_at == now)
		mtu_probe_traffic(mp);
}

void node_look_at_mtu(struct node *node, vd_ns now)
{
	const struct route_session *session;
	uint32_t at = 0;

	while ((session = route_sessions_next(node->sessions, &at)))
		look(node, session, now);
	node->mtu_at = 0;
	set_tun_mtu(node);
}

/* ---- what comes out ---- */

ON_CONTROL static void send_probe(struct node *node, const struct route_session *session,
				  const struct mtu_event *event)
{
	struct peering_path path = node_path_of_route(&session->path);
	size_t packet = (size_t)event->size + INNER_INDEX, len;
	uint8_t head[PEERING_PROBE_BYTES];

	if (!session->current ||
	    peering_probe(node->session_peering, &session->peer, event->id, head, &len))
		return;
	node_send_padded(node, session->current, &path, vd_bytes(head, len),
			 packet > len ? packet - len : 0);
	node->counters.mtu_sent++;
}

/* Another path that is known and not as small: a handshake over it moves the session there. */
ON_CONTROL static void leave(struct node *node, const struct route_session *session, vd_ns now)
{
	struct session_path *paths = route_sessions_paths(node->sessions, &session->peer);
	struct mtu_paths *known = route_sessions_mtu(node->sessions, &session->peer);

	for (int i = 0; i < paths->count; i++) {
		const struct mtu_probe *mp = mtu_paths_find(known, &paths->fallbacks[i]);

		if (mp && mp->state == MTU_ERROR)
			continue;
		(void)peering_dial(node->session_peering, &session->peer, &paths->fallbacks[i],
				   now);
		return;
	}
	node_seek_session(node, &session->peer, now);
}

ON_CONTROL static void carry_out(struct node *node, const struct route_session *session,
				 const struct mtu_event *event, vd_ns now)
{
	switch (event->kind) {
	case MTU_SEND: send_probe(node, session, event); return;
	case MTU_CHANGED:
		apply(node, session);
		tell_found(node, session);
		set_tun_mtu(node);
		return;
	case MTU_BLACK_HOLE:
		node->counters.mtu_black_holes++;
		vd_log(VD_LOG_WARN, VD_SUB_SESSION,
		       "packets of the size that passed vanish; searching again from 1280",
		       VD_PEER("peer", &session->peer));
		return;
	case MTU_TOO_SMALL:
		node->counters.mtu_too_small++;
		node_refuse_path(node, &session->peer, 0);
		if (!node->stopping)
			leave(node, session, now);
		return;
	case MTU_NONE: return;
	}
}

bool node_pump_mtu(struct node *node, vd_ns now)
{
	const struct route_session *session;
	uint32_t at = 0;
	bool any = false;

	if (now < node->mtu_at)
		return false;
	node->mtu_at = VD_NEVER;
	while (node->sessions && (session = route_sessions_next(node->sessions, &at))) {
		struct mtu_probe *mp =
		    mtu_paths_current(route_sessions_mtu(node->sessions, &session->peer));
		struct mtu_event event;

		if (!mp || !session->current)
			continue;
		while ((event = mtu_probe_next(mp, now)).kind != MTU_NONE) {
			carry_out(node, session, &event, now);
			any = true;
		}
		node->mtu_at = vd_ns_min(node->mtu_at, mtu_probe_deadline(mp));
	}
	return any;
}
