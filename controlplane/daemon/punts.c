/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/punts.h"

#include "controlplane/daemon/link_moves.h"
#include "controlplane/daemon/lost_frames.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/path_reports.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/session_events.h"
#include "multigram/frame.h"

enum { PUNTS_A_TURN = 64 }; /* of one lane of one worker, so that none starves the others */

/* While stopping, handshakes are ignored rather than refused, so that peers retry later. */
static bool is_too_late(const struct node *node, const struct sw_punt *punt)
{
	return node->stopping && punt->len && punt->bytes[0] == MG_HANDSHAKE;
}

static void on_datagram(struct node *node, const struct sw_punt *punt)
{
	struct peering_path path = node_path_of_endpoint(&punt->from);

	if (is_too_late(node, punt))
		return;
	/* What is wrong with it, the machine counts. */
	(void)peering_recv(node->link_peering, &path, vd_bytes(punt->bytes, punt->len), punt->at);
}

ON_CONTROL static void on_payload(struct node *node, const struct sw_punt *punt)
{
	const struct route_link *link = route_links_of_index(node->links, punt->link);
	struct sw_route back = sw_label_way_back(punt->label, punt->used);
	struct route_path route;
	struct peering_path path;

	if (!link || punt->len == 0 || is_too_late(node, punt))
		return;
	if (!node->session_peering)
		return;
	route = (struct route_path){ .link = link->number, .label = back.label, .bits = back.bits };
	path = node_path_of_route(&route);
	(void)peering_recv(node->session_peering, &path, vd_bytes(punt->bytes, punt->len),
			   punt->at);
}

/* The way that a delivered frame came, and the way back; false: its link is gone. */
ON_CONTROL static bool path_of(const struct node *node, const struct sw_punt *punt,
			       struct peering_path *path_out)
{
	const struct route_link *link = route_links_of_index(node->links, punt->link);
	struct sw_route back = sw_label_way_back(punt->label, punt->used);

	if (!link)
		return false;
	*path_out = node_path_of_route(
	    &(struct route_path){ .link = link->number, .label = back.label, .bits = back.bits });
	return true;
}

/* The plaintext; what was cut off it is zeros: padding of a ping, or nothing that we take. */
static struct vd_bytes whole(const struct sw_punt *punt)
{
	static uint8_t plain[UINT16_MAX];

	if (punt->frame_len <= punt->len)
		return vd_bytes(punt->bytes, punt->len);
	memcpy(plain, punt->bytes, punt->len);
	return vd_bytes(plain, punt->frame_len);
}

ON_CONTROL static void on_inner(struct node *node, const struct sw_punt *punt)
{
	struct peering_path path;

	if (node->session_peering)
		(void)peering_recv_inner(node->session_peering, punt->session,
					 path_of(node, punt, &path) ? &path : NULL, whole(punt),
					 punt->at);
}

ON_CONTROL static void on_want_session(struct node *node, const struct sw_punt *punt)
{
	const struct route_session *session;

	if (!node->sessions)
		return;
	session = route_sessions_of_overlay(node->sessions, punt->overlay);
	if (session && !session->current)
		node_seek_session(node, &session->peer, punt->at);
}

ON_CONTROL static void on_punt(struct node *node, const struct sw_punt *punt)
{
	switch ((enum sw_punt_kind)punt->kind) {
	case SW_PUNT_DATAGRAM: on_datagram(node, punt); return;
	case SW_PUNT_PAYLOAD: on_payload(node, punt); return;
	case SW_PUNT_INNER: on_inner(node, punt); return;
	case SW_PUNT_WANT_SESSION: on_want_session(node, punt); return;
	case SW_PUNT_MOVED: node_on_moved(node, punt); return;
	case SW_PUNT_REPORT: node_on_report(node, punt); return;
	case SW_PUNT_UNKNOWN: node_on_unknown(node, punt); return;
	}
}

ON_CONTROL static bool take_from(struct node *node, unsigned worker, enum sw_punt_lane which)
{
	struct sw_lane *lane = sw_plane_punts(&node->plane, worker, which);
	const struct sw_punt *punt;
	unsigned taken = 0;

	node->worker_now = (uint8_t)worker;
	while (taken < PUNTS_A_TURN && (punt = sw_lane_peek(lane))) {
		on_punt(node, punt);
		sw_lane_release(lane);
		node_pump(node);
		taken++;
	}
	node->worker_now = 0;
	return taken > 0;
}

bool node_take_punts(struct node *node)
{
	bool any = false;

	for (unsigned lane = 0; lane < SW_PUNT_LANES; lane++)
		for (unsigned worker = 0; worker < node->plane.config.workers; worker++)
			any |= take_from(node, worker, (enum sw_punt_lane)lane);
	return any;
}
