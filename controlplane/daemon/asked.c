/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/asked.h"

#include "controlplane/daemon/node.h"

static uint32_t asked_at(const struct node *node, const struct vd_peer_id *peer)
{
	uint32_t i = 0;

	while (i < node->asked.count && !vd_peer_id_equal(&node->asked.ids[i], peer))
		i++;
	return i;
}

bool node_is_asked(const struct node *node, const struct vd_peer_id *peer)
{
	return asked_at(node, peer) < node->asked.count;
}

bool node_ask(struct node *node, const struct vd_peer_id *peer)
{
	if (node->asked.count == NODE_ASKED_MAX)
		return false;
	node->asked.ids[node->asked.count++] = *peer;
	return true;
}

void node_del_asked(struct node *node, const struct vd_peer_id *peer)
{
	uint32_t at = asked_at(node, peer);

	if (at < node->asked.count)
		node->asked.ids[at] = node->asked.ids[--node->asked.count];
}

bool node_is_kept(const struct node *node, const struct vd_peer_id *peer)
{
	return node_is_asked(node, peer) || tier_peer_list_has(&node->config.session.connect, peer);
}

void node_let_go(struct node *node, const struct vd_peer_id *peer)
{
	route_sessions_keep(node->sessions, peer, false);
	seek_unwant(node->seek, peer);
	peering_undial(node->session_peering, peer, vd_now());
}
