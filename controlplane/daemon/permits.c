/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/permits.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/asked.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/why.h"

ON_CONTROL static bool may_link(struct node *node, const struct tier_claim *claim)
{
	const struct vd_peer_id *peer = claim->peer;

	return config_tier_of(&node->config, claim) || node_router_of(node, peer) ||
	       tier_peer_list_has(&node->config.session.allow, peer) ||
	       tier_peer_list_has(&node->config.session.connect, peer) || node_is_asked(node, peer);
}

bool node_admit_link(void *context, const struct peering_claim *asked)
{
	struct sw_endpoint endpoint = node_endpoint_of_path(asked->path);
	struct node *node = context;
	struct tier_claim claim = { .peer = asked->peer,
				    .ip = endpoint.remote.ip,
				    .token = asked->token_hash };

	if (node->draining.on && !route_links_find(node->links, asked->peer))
		return false; /* those that are there may renew their keys */
	return may_link(node, &claim);
}

struct route_policy node_policy_of(const struct node *node, const struct tier_claim *claim)
{
	const struct tier *tier = config_tier_of(&node->config, claim);

	if (!tier)
		return (struct route_policy){ .tier = NULL };
	return (struct route_policy){
		.tier = tier->name,
		.realms = tier->realms,
		.call = tier->call,
		.reserve = tier->reserve,
		.pps = tier->pps,
		.bps = tier->bps,
	};
}

void node_review_link(struct node *node, const struct vd_peer_id *of, const char *text, vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, of);
	struct vd_peer_id peer = *of; /* the link's own, perhaps, which goes */
	struct route_policy policy;
	struct tier_claim claim;

	if (!link)
		return;
	claim = (struct tier_claim){ .peer = &peer,
				     .ip = link->endpoint.remote.ip,
				     .token = link->has_token ? link->token_hash : NULL };
	if (!may_link(node, &claim)) {
		peering_close(node->link_peering, &peer, CONTROL_REFUSED, text, now);
		return;
	}
	policy = node_policy_of(node, &claim);
	route_links_set_policy(node->links, &peer, &policy);
}

/* ---- our own token ---- */

enum vd_err node_read_token(struct node *node, char why[NODE_WHY])
{
	const char *path = node->config.link.token;
	uint8_t token[VD_TOKEN_MAX], len = 0;
	char cause[TIER_TOKEN_WHY];

	if (*path && tier_token_read(path, token, &len, cause)) {
		snprintf(why, NODE_WHY, "link.token: %s", cause);
		return VD_EUSER;
	}
	memcpy(node->token, token, len);
	node->token_len = len;
	sodium_memzero(token, sizeof token);
	return VD_OK;
}

/* Only our routers see it; sessions' peers and those that we remember do not. */
size_t node_token_for(void *context, const struct vd_peer_id *peer, uint8_t out[VD_TOKEN_MAX])
{
	struct node *node = context;

	if (!node_router_of(node, peer))
		return 0;
	memcpy(out, node->token, node->token_len);
	return node->token_len;
}
