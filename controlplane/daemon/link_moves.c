/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/link_moves.h"

#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/resume.h"
#include "controlplane/daemon/templates.h"

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
