/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* link_moves: links whose peer is at another address now, and proved that it is. */
#include "controlplane/daemon/node.h"

void node_on_moved(struct node *node, const struct sw_punt *punt)
{
	struct peering_path path = node_path_of_endpoint(&punt->from);

	peering_moved(node->link_peering, punt->link, &path, punt->frame_len, punt->at);
}

void node_move_link(struct node *node, const struct vd_peer_id *peer,
		    const struct peering_path *path)
{
	struct sw_endpoint endpoint = node_endpoint_of_path(path);
	const struct route_link *link = route_links_move(node->links, peer, &endpoint);

	if (!link)
		return;
	node_remember(node, peer);
	if (!node_refresh_link(node, link))
		node_begin_templates(node); /* soon */
}
