/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * templates: when the kernel's routes change, links may leave by another next hop, interface
 * or source: their owners are asked to write the new headers. A slice of links at a time, so that
 * a change of one route holds nothing up at a router of many.
 */
#include "controlplane/daemon/node.h"

enum { LINKS_A_SLICE = 256 };

ON_CONTROL static void refresh(struct node *node, const struct route_link *link)
{
	struct sw_template send;

	/* Without a way now, the old headers stay: the way may come back. */
	if (!node_template(node, &link->endpoint, &send) ||
	    memcmp(&send, &link->send, sizeof send) == 0)
		return;
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (link->generations[i].index &&
		    !node_write_template(node, link->owner, link->generations[i].index, &send))
			return; /* the lane is full: at the next change */
	route_links_set_send(node->links, &link->peer, &send);
}

void node_begin_templates(struct node *node)
{
	node->templates_at = 0;
	node->templates_pending = true;
}

void node_refresh_templates(struct node *node)
{
	for (unsigned i = 0; i < LINKS_A_SLICE && node->templates_pending; i++) {
		const struct route_link *link = route_links_next(node->links, &node->templates_at);

		if (link)
			refresh(node, link);
		else
			node->templates_pending = false;
	}
}
