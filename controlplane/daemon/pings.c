/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/pings.h"

#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"

static const vd_ns ping_timeout = VD_SECONDS(5);

/* Over the session if there is one, else over the link. */
static enum vd_err send_ping(struct node *node, const struct vd_peer_id *peer, bool *session_out)
{
	*session_out =
	    node->session_peering && !peering_ping(node->session_peering, peer, vd_now());
	return *session_out ? VD_OK : peering_ping(node->link_peering, peer, vd_now());
}

void node_action_ping(void *context, const char *target, struct api_reply *reply)
{
	struct node *node = context;
	struct node_ping *ping = NULL;
	struct vd_peer_id peer;
	bool session;

	for (unsigned i = 0; i < NODE_PINGS_MAX && !ping; i++)
		if (!node->pings[i].reply)
			ping = &node->pings[i];
	if (!ping) {
		api_reply_error(reply, "too many pings at once; try again later");
	} else if (!node_target(node, target, &peer)) {
		api_reply_error(reply, NODE_TARGET_WRONG);
	} else if (vd_peer_id_equal(&peer, &node->identity.id)) {
		api_reply_error(reply, "that is this daemon itself; name another peer");
	} else {
		enum vd_err err = send_ping(node, &peer, &session);

		if (err && err != VD_AGAIN && node_host_ping(node, &peer, reply))
			return;
		if (err == VD_AGAIN)
			api_reply_error(reply, "a ping to this peer is under way; try again");
		else if (err)
			api_reply_error(reply, "no link, session or connection to this "
					       "peer; see `viaduct links`, `viaduct "
					       "sessions`, `viaduct peers`");
		else
			*ping = (struct node_ping){ reply, peer, session, vd_now() + ping_timeout };
	}
	node_pump(node);
}

void node_pong(struct node *node, const struct vd_peer_id *peer, bool session, vd_ns rtt)
{
	for (unsigned i = 0; i < NODE_PINGS_MAX; i++) {
		struct node_ping *ping = &node->pings[i];

		if (!ping->reply || ping->session != session ||
		    !vd_peer_id_equal(&ping->peer, peer))
			continue;
		api_reply_ok(ping->reply,
			     json_pack("{s:o, s:o, s:s}", "peer", node_peer_json(peer), "rtt_ms",
				       node_rtt_json(rtt), "via", session ? "session" : "link"));
		ping->reply = NULL;
	}
}

void node_expire_pings(struct node *node, vd_ns now)
{
	for (unsigned i = 0; i < NODE_PINGS_MAX; i++) {
		if (!node->pings[i].reply || now < node->pings[i].until)
			continue;
		api_reply_error(node->pings[i].reply, "no answer within 5 s");
		node->pings[i].reply = NULL;
	}
}
