/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/drain.h"

#include "base/log.h"
#include "controlplane/daemon/link_events.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_paths.h"
#include "controlplane/daemon/status.h"

/* ---- the router's side ---- */

ON_CONTROL static void tell(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	struct control_msg msg = { .kind = CONTROL_DRAINING, .draining.ended = !node->draining.on };

	node_send_control(node, peer, &msg, now);
}

/* A router of ours sends nothing by us, unless it has reserved here, too. */
ON_CONTROL static bool may_send_by_us(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, peer);

	return !node_router_of(node, peer) || (link && link->reserved_until > now);
}

ON_CONTROL static unsigned tell_all(struct node *node, vd_ns now)
{
	struct peering_view view;
	unsigned told = 0;
	size_t at = 0;

	while (peering_each(node->link_peering, &at, &view)) {
		if (!view.up || !may_send_by_us(node, &view.peer, now))
			continue;
		tell(node, &view.peer, now);
		told++;
		node_pump_events(node, now); /* a machine holds the events of few calls */
	}
	if (told && node->draining.on)
		draining_told(&node->draining);
	return told;
}

/* It began, or ended. */
ON_CONTROL static unsigned carry_out(struct node *node, vd_ns now)
{
	bool on = node->draining.on;
	unsigned told;

	route_links_set_draining(node->links, on);
	peering_set_draining(node->link_peering, on);
	told = tell_all(node, now);
	vd_log(VD_LOG_INFO, VD_SUB_DAEMON, on ? "draining: told the links" : "draining no more",
	       VD_U64("links", told));
	return told;
}

/* Whether a peer that may be called here was told, and has not said that it left. */
ON_CONTROL static bool anybody_stays(struct node *node, vd_ns now)
{
	const struct route_link *link;
	uint32_t at = 0;

	while ((link = route_links_next(node->links, &at)))
		if (link->up && link->may_be_called && !link->left &&
		    may_send_by_us(node, &link->peer, now))
			return true;
	return false;
}

ON_CONTROL static void on_left(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	if (node->draining.on && route_links_left(node->links, peer))
		draining_left(&node->draining, now);
}

ON_CONTROL static void stop(struct node *node)
{
	node->stopping = true;
	cp_loop_stop(node->loop);
}

void node_pump_drain(struct node *node, vd_ns now)
{
	enum draining_event what;

	while (!node->stopping && (what = draining_next(&node->draining, now)))
		switch (what) {
		case DRAINING_TELL: (void)tell_all(node, now); break;
		case DRAINING_LOOK:
			draining_saw(&node->draining, node_switched(node), anybody_stays(node, now),
				     now);
			break;
		case DRAINING_STOP: stop(node); break;
		case DRAINING_NONE: break;
		}
}

vd_ns node_drain_deadline(const struct node *node)
{
	return node->stopping ? VD_NEVER : draining_deadline(&node->draining);
}

void node_drain_and_stop(struct node *node)
{
	bool began = !node->draining.on;
	vd_ns now = vd_now();

	if (!draining_stop(&node->draining, now)) { /* told twice: at once */
		stop(node);
		return;
	}
	if (began)
		(void)carry_out(node, now);
	node_pump(node);
}

/* A link that is new to who drains: it was there before, and has not heard. */
void node_drain_link_up(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	if (!node->draining.on || node->stopping || node_router_of(node, peer))
		return;
	draining_told(&node->draining);
	tell(node, peer, now);
}

/* ---- the edge's side ---- */

bool node_drains(const struct node *node, uint64_t link)
{
	for (uint32_t i = 0; i < node->routers.count; i++) {
		const struct node_router *router = &node->routers.rows[i];
		const struct route_link *row =
		    router->draining ? route_links_find(node->links, &router->peer) : NULL;

		if (row && row->number == link)
			return true;
	}
	return false;
}

/* Says so to a router that drains, once no session goes by it that could go elsewhere. */
ON_CONTROL static void say_left(struct node *node, const struct node_router *router, vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, &router->peer);
	struct control_msg msg = { .kind = CONTROL_DRAINING, .draining.left = true };

	if (link && !node_leaves(node, link->number))
		node_send_control(node, &router->peer, &msg, now);
}

void node_drain_moved(struct node *node, uint64_t from, vd_ns now)
{
	for (uint32_t i = 0; i < node->routers.count; i++) {
		const struct node_router *router = &node->routers.rows[i];
		const struct route_link *link =
		    router->draining ? route_links_find(node->links, &router->peer) : NULL;

		if (link && link->number == from)
			say_left(node, router, now);
	}
}

ON_CONTROL static void leave(struct node *node, struct node_router *router, vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, &router->peer);

	reserve_end(&router->reserve);
	seek_router_down(node->seek, node_router_number(&node->routers, router));
	if (link)
		node_leave_link(node, link->number, now);
}

void node_on_draining(struct node *node, const struct vd_peer_id *peer,
		      const struct control_msg *msg, vd_ns now)
{
	struct node_router *router = node_router_of(node, peer);

	if (msg->draining.left) {
		on_left(node, peer, now);
		return;
	}
	if (!router || !router->up)
		return;
	if (router->draining == !msg->draining.ended) {
		if (router->draining)
			say_left(node, router, now);
		return;
	}
	router->draining = !msg->draining.ended;
	vd_log(VD_LOG_INFO, VD_SUB_LINK,
	       router->draining ? "the router drains: sessions move away from it"
				: "the router drains no more",
	       VD_PEER("router", peer));
	if (router->draining) {
		leave(node, router, now);
		say_left(node, router, now);
		return;
	}
	if (route_links_find(node->links, peer))
		node_stay(node, route_links_find(node->links, peer)->number);
	if (node->config.link.reserve)
		reserve_begin(&router->reserve, now);
	(void)seek_router_up(node->seek, node_router_number(&node->routers, router), now);
}

/* ---- the command ---- */

void node_action_drain(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	const char *word = json_string_value(json_array_get(args, 0));
	bool cancel = word && strcmp(word, "cancel") == 0;
	vd_ns now = vd_now();
	unsigned told;

	if (json_array_size(args) && !cancel) {
		api_reply_error(reply, "drain takes no argument but cancel");
		return;
	}
	if (node->draining.stop) {
		api_reply_error(reply, "this daemon is stopping; start it again afterwards");
		return;
	}
	if (cancel)
		draining_end(&node->draining);
	else
		draining_begin(&node->draining, now);
	told = carry_out(node, now);
	node_pump(node);
	api_reply_ok(reply,
		     json_pack("{s:b, s:i}", "draining", node->draining.on, "links", (int)told));
}
