/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/templates.h"

#include "controlplane/daemon/injects.h"
#include "controlplane/daemon/node.h"

enum { LINKS_A_SLICE = 256 };

/* False when the owner's lane is full. */
ON_CONTROL static bool refresh(struct node *node, uint32_t index, const struct route_way *way)
{
	struct sw_template send;

	/* Without a way now, the old headers stay: the way may come back. */
	if (!node_template(node, &way->endpoint, &send) ||
	    memcmp(&send, &way->send, sizeof send) == 0)
		return true;
	if (!node_write_template(node, way->owner, index, &send))
		return false;
	route_links_set_send(node->links, index, &send);
	return true;
}

bool node_refresh_link(struct node *node, const struct route_link *link)
{
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (link->generations[i].index &&
		    !refresh(node, link->generations[i].index, &link->ways[i]))
			return false;
	return true;
}

void node_begin_templates(struct node *node)
{
	node->templates_at = 0;
	node->templates_pending = true;
}

void node_refresh_templates(struct node *node)
{
	for (unsigned i = 0; i < LINKS_A_SLICE && node->templates_pending; i++) {
		uint32_t next = node->templates_at;
		const struct route_link *link = route_links_next(node->links, &next);

		if (link && !node_refresh_link(node, link))
			return;
		node->templates_at = next;
		node->templates_pending = link != NULL;
	}
}
