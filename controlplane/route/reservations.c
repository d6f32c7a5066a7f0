/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * reservations: what a router grants and answers to the peers of its links
 * (switch/SPEC.md, sections 12 and 13).
 */
#include "controlplane/route/links.h"
#include "controlplane/route/links_state.h"
#include "controlplane/route/overlay.h"

/* ---- reservations ---- */

ON_CONTROL static void publish_permit(struct route_links *links, const struct route_link *link)
{
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (link->generations[i].index)
			sw_link_set_permit(&links->plane->links, link->generations[i].index,
					   links_permit(link));
}

ON_CONTROL static void publish_rates(struct route_links *links, const struct route_link *link)
{
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (link->generations[i].index)
			sw_link_set_rates(&links->plane->links, link->generations[i].index,
					  link->policy.pps, link->policy.bps);
}

void route_links_set_policy(struct route_links *links, const struct vd_peer_id *peer,
			    const struct route_policy *policy)
{
	struct route_link *link = links_row(links, peer);

	if (!link)
		return;
	link->policy = *policy;
	link->may_be_called &= policy->reserve ? policy->realms : 0;
	publish_permit(links, link);
	publish_rates(links, link);
}

void route_links_set_draining(struct route_links *links, bool draining)
{
	links->draining = draining;
	for (uint32_t i = 0; i < links->high; i++)
		links->rows[i].left = false;
}

bool route_links_left(struct route_links *links, const struct vd_peer_id *peer)
{
	struct route_link *link = links_row(links, peer);

	if (!links->draining || !link || link->left)
		return false;
	link->left = true;
	return true;
}

void route_links_reserve(struct route_links *links, const struct vd_peer_id *peer,
			 const struct control_msg *reserve, vd_ns now,
			 struct control_msg *answer_out)
{
	struct route_link *link = links_row(links, peer);
	uint32_t asked = reserve->reserve.realms, granted = 0, ttl_s = reserve->reserve.ttl_s;

	*answer_out = (struct control_msg){
		.kind = CONTROL_RESERVED,
		.reserved = { .id = reserve->reserve.id, .status = CONTROL_REFUSED },
	};
	if (link && !sw_bucket_take(&link->reserves, 1, now)) {
		answer_out->reserved.status = CONTROL_LIMIT;
		return;
	}
	if (links->draining) { /* what is granted stays */
		answer_out->reserved.status = CONTROL_SHUTDOWN;
		return;
	}
	if (link && link->policy.reserve)
		granted = asked ? asked & link->policy.realms : link->policy.realms;
	if (!granted)
		return;
	if (ttl_s == 0 || ttl_s > ROUTE_TTL_MAX_S)
		ttl_s = ROUTE_TTL_MAX_S;
	link->may_be_called = granted;
	link->reserved_until = vd_ns_add(now, VD_SECONDS(ttl_s));
	publish_permit(links, link);
	answer_out->reserved.status = CONTROL_OK;
	answer_out->reserved.ttl_s = ttl_s;
	answer_out->reserved.realms = granted;
}

void links_expire(struct route_links *links, struct route_link *link, vd_ns now)
{
	if (!link->may_be_called || link->reserved_until > now)
		return;
	link->may_be_called = 0;
	publish_permit(links, link);
}

/* ---- route queries ---- */

static const struct route_link *find_overlay(const struct route_links *links,
					     const uint8_t overlay[SW_IPV6_ADDR])
{
	uint32_t row = key_map_find(&links->by_overlay, vd_bytes(overlay, SW_IPV6_ADDR));

	return row == KEY_MAP_NONE ? NULL : &links->rows[row];
}

static bool would_pass(const struct route_link *from, const struct route_link *to)
{
	return from != to && to->current && to->director &&
	       sw_permit_passes(links_permit(from), links_permit(to));
}

ON_CONTROL static enum control_status answer_query(struct route_links *links,
						   struct route_link *asker,
						   const struct control_msg *query, vd_ns now,
						   struct control_msg *answer)
{
	const struct route_link *target;

	if (query->query.malformed)
		return CONTROL_BAD;
	if (!asker || !sw_bucket_take(&asker->queries, 1, now))
		return CONTROL_LIMIT;
	if (links->draining)
		return CONTROL_SHUTDOWN;
	target = query->query.by_overlay ? find_overlay(links, query->query.overlay)
					 : links_row(links, &query->query.peer);
	if (!target || !would_pass(asker, target))
		return CONTROL_NOT_FOUND;
	answer->route.peer = target->peer;
	answer->route.label = target->director;
	answer->route.bits = (uint8_t)links->plane->config.width;
	answer->route.mtu =
	    target->payload_max < asker->payload_max ? target->payload_max : asker->payload_max;
	return CONTROL_OK;
}

void route_links_query(struct route_links *links, const struct vd_peer_id *peer,
		       const struct control_msg *query, vd_ns now, struct control_msg *answer_out)
{
	*answer_out = (struct control_msg){
		.kind = CONTROL_ROUTE,
		.route = { .id = query->query.id },
	};
	answer_out->route.status =
	    answer_query(links, links_row(links, peer), query, now, answer_out);
}
