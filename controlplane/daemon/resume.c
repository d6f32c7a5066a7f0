/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/resume.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/permits.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/why.h"

enum { ROUNDS = 5 }; /* while there is no way to some yet */
static const vd_ns spread = VD_SECONDS(2), next_round = VD_SECONDS(1);

/* ---- remembering ---- */

void node_remember(struct node *node, const struct vd_peer_id *peer)
{
	const struct route_link *link = route_links_find(node->links, peer);

	if (node->store && link && link->may_be_called)
		route_store_put(node->store, peer, &link->endpoint.remote);
}

void node_forget(struct node *node, const struct vd_peer_id *peer)
{
	if (node->store)
		route_store_put(node->store, peer, NULL);
}

/* ---- opening ---- */

/* Peers that the configuration does not let in any more are forgotten. */
ON_CONTROL static void take(void *context, const struct vd_peer_id *peer,
			    const struct vd_udp_addr *address)
{
	struct node *node = context;
	struct node_resume *resume = &node->resume;
	struct tier_claim claim = { .peer = peer, .ip = address->ip };

	if (node_router_of(node, peer) || resume->count == node->config.link.links_max)
		return; /* routers are dialled anyway */
	if (!node_policy_of(node, &claim).reserve)
		node_forget(node, peer);
	else
		resume->known[resume->count++] = (struct node_resume_peer){ *peer, *address };
}

enum vd_err node_open_store(struct node *node, char why[NODE_WHY])
{
	char cause[ROUTE_STORE_WHY];
	enum vd_err err;

	if (!node->config.link.state[0])
		return VD_OK;
	err = route_store_open(node->loop, node->config.link.state, &node->store, cause);
	if (err == VD_EUSER)
		snprintf(why, NODE_WHY, "link.state: %s", cause);
	if (!err)
		err = accounts_open(node->loop, node->store, &node->accounts);
	if (err == VD_ESYS)
		snprintf(why, NODE_WHY, "link.state: %s cannot be written; make room on its disk",
			 node->config.link.state);
	if (err)
		return err;
	node->resume.known = calloc(node->config.link.links_max, sizeof *node->resume.known);
	if (!node->resume.known)
		return VD_ENOMEM;
	node->resume.began = vd_now();
	err = route_store_each(node->store, take, node);
	if (err)
		snprintf(why, NODE_WHY, "link.state: cannot read %s; move it away",
			 node->config.link.state);
	else if (node->resume.count)
		vd_log(VD_LOG_INFO, VD_SUB_LINK, "opening links to peers that had reserved",
		       VD_U64("peers", node->resume.count));
	return err;
}

void node_close_store(struct node *node)
{
	accounts_close(node->accounts, node->links);
	node->accounts = NULL;
	route_store_close(node->store);
	free(node->resume.known);
	node->store = NULL;
	node->resume = (struct node_resume){ 0 };
}

static vd_ns due(const struct node_resume *resume)
{
	return resume->began + spread * resume->next / resume->count;
}

vd_ns node_resume_deadline(const struct node *node)
{
	return node->resume.count && !node->stopping ? due(&node->resume) : VD_NEVER;
}

/* VD_ENOTFOUND: no way yet. VD_AGAIN: peering has to be drained first. */
ON_CONTROL static enum vd_err open_link(struct node *node, const struct node_resume_peer *known,
					vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, &known->peer);
	struct sw_endpoint endpoint;
	struct peering_path path;

	if (link && link->current)
		return VD_OK; /* it was faster */
	if (ways_find(node->ways, &known->address, &endpoint))
		return VD_ENOTFOUND;
	path = node_path_of_endpoint(&endpoint);
	return peering_dial(node->link_peering, &known->peer, &path, now);
}

static void end_round(struct node_resume *resume, vd_ns now)
{
	resume->count = ++resume->rounds < ROUNDS ? resume->again : 0;
	resume->next = resume->again = 0;
	resume->began = now + next_round;
}

void node_resume(struct node *node, vd_ns now)
{
	struct node_resume *resume = &node->resume;

	while (resume->count && !node->stopping && due(resume) <= now) {
		enum vd_err err = open_link(node, &resume->known[resume->next], now);

		if (err == VD_AGAIN)
			return;
		if (err == VD_ENOTFOUND)
			resume->known[resume->again++] = resume->known[resume->next];
		if (++resume->next == resume->count)
			end_round(resume, now);
	}
}
