/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/disconnects.h"

#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/asked.h"
#include "controlplane/daemon/connects.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/session_peers.h"

/* ---- ending ---- */

static const char gone_text[] = "disconnected by its operator";

void node_end_link(struct node *node, const struct vd_peer_id *peer)
{
	struct node_router *router = node_router_of(node, peer);

	if (router && router->asked) {
		node_drop_router(node, router, gone_text, vd_now());
		return;
	}
	if (router) {
		node_router_restore(router);
		router->held = true;
	}
	peering_undial(node->link_peering, peer, vd_now());
	peering_close(node->link_peering, peer, CONTROL_SHUTDOWN, gone_text, vd_now());
	node_pump(node);
}

void node_end_session(struct node *node, const struct vd_peer_id *peer)
{
	node_del_asked(node, peer);
	node_let_go(node, peer);
	peering_close(node->session_peering, peer, CONTROL_SHUTDOWN, gone_text, vd_now());
	node_pump(node); /* the close leaves while the peer is known */
	if (node_may_session(node, peer))
		return;
	node_del_session_peer(node, peer);
	(void)route_sessions_publish(node->sessions);
}

/* ---- the command ---- */

/* The peer whose link goes to `address`. */
static bool peer_at(const struct node *node, const struct vd_udp_addr *address,
		    struct vd_peer_id *peer_out)
{
	struct peering_view view;
	size_t at = 0;

	while (peering_each(node->link_peering, &at, &view)) {
		struct sw_endpoint endpoint = node_endpoint_of_path(&view.path);

		if (!vd_udp_addr_equal(&endpoint.remote, address))
			continue;
		*peer_out = view.peer;
		return true;
	}
	return false;
}

ON_CONTROL static bool wants_session(const struct node *node, const struct vd_peer_id *peer)
{
	const struct route_session *session =
	    node->sessions ? route_sessions_find(node->sessions, peer) : NULL;

	return session && (session->current || session->connect);
}

ON_CONTROL static bool wants_link(struct node *node, const struct vd_peer_id *peer)
{
	struct peering_view view;

	return node_router_of(node, peer) || !peering_find(node->link_peering, peer, &view);
}

/* Of a router that was disconnected before. */
ON_CONTROL static bool link_is_over(struct node *node, const struct vd_peer_id *peer)
{
	const struct node_router *router = node_router_of(node, peer);
	struct peering_view view;

	return router && router->held && peering_find(node->link_peering, peer, &view);
}

/* A peer that has neither session nor link to end. */
ON_CONTROL static bool end_connection(struct node *node, const struct vd_peer_id *peer,
				      struct api_reply *reply)
{
	if (wants_link(node, peer) && !link_is_over(node, peer))
		return false;
	if (!node_host_disconnect(node, peer))
		return false;
	api_reply_ok(reply, json_pack("{s:s, s:o, s:s}", "kind", "connection", "peer",
				      node_peer_json(peer), "state", "closed"));
	return true;
}

void node_action_disconnect(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	const char *text = json_string_value(json_array_get(args, 0)), *why;
	struct vd_udp_addr address;
	struct vd_peer_id peer;
	bool link = node_read_link(text ? text : "", &address, &peer, &why), session;

	if (why && node_host_disconnect_at(node, text, reply))
		return;
	if (why || (!link && !node_target(node, text, &peer))) {
		api_reply_error(reply, why ? why : NODE_TARGET_WRONG);
		return;
	}
	if (link && !peer.len && !peer_at(node, &address, &peer)) {
		api_reply_error(reply, "no link to that address; see `viaduct links`");
		return;
	}
	session = !link && wants_session(node, &peer);
	if (!session && end_connection(node, &peer, reply))
		return;
	if (!session && !wants_link(node, &peer)) {
		api_reply_error(reply, "no link to and no session with that peer; see `viaduct "
				       "links`, `viaduct sessions` and `viaduct peers`");
		return;
	}
	vd_log(VD_LOG_INFO, VD_SUB_DAEMON, "disconnected by command",
	       VD_STR("kind", session ? "session" : "link"), VD_PEER("peer", &peer));
	if (session)
		node_end_session(node, &peer);
	else
		node_end_link(node, &peer);
	api_reply_ok(reply, json_pack("{s:s, s:o, s:s}", "kind", session ? "session" : "link",
				      "peer", node_peer_json(&peer), "state", "closed"));
}
