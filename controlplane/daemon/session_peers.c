/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/session_peers.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/node.h"

/* The kernel sends overlay packets of known peers, and of no others, to the TUN. */
ON_CONTROL static void route_overlay(struct node *node, const struct vd_peer_id *peer, bool add)
{
	const struct route_session *session = route_sessions_find(node->sessions, peer);
	enum vd_err err;

	if (!session || !node->tun_ifindex)
		return;
	err = add ? cp_netlink_route_add(node->netlink, node->tun_ifindex, session->overlay)
		  : cp_netlink_route_del(node->netlink, node->tun_ifindex, session->overlay);
	if (err)
		vd_log(VD_LOG_ERROR, VD_SUB_NET,
		       "cannot change an overlay route; it needs NET_ADMIN",
		       VD_STR("cause", strerror(errno)));
}

enum vd_err node_add_session_peer(struct node *node, const struct vd_peer_id *peer, bool connect)
{
	enum vd_err err = route_sessions_add(node->sessions, peer, connect);

	if (!err)
		route_overlay(node, peer, true);
	return err;
}

void node_del_session_peer(struct node *node, const struct vd_peer_id *peer)
{
	route_overlay(node, peer, false);
	learnt_routes_forget_to(node->learnt, peer);
	route_sessions_del(node->sessions, peer);
}
