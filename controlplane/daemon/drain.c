/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/drain.h"

#include "base/log.h"
#include "controlplane/daemon/actions.h"

#define PEER_TEXT(id) vd_peer_id_text((id), (char[VD_PEER_ID_TEXT]){ 0 })

enum { SENDS = 5 };
static const vd_ns first_repeat = VD_MS(500), look_every = VD_MS(100);
static const vd_ns quiet_for = VD_MS(500), stop_within = VD_MS(2500);

/* ---- the router's side ---- */

ON_CONTROL static void tell(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	struct control_msg msg = { .kind = CONTROL_DRAINING, .draining.ended = !node->drain.on };
	uint8_t bytes[CONTROL_MSG_MAX];

	(void)!peering_send_control(node->link_peering, peer,
				    vd_bytes(bytes, control_msg_encode(&msg, bytes)), now);
}

/* Those who are a router to us are not told: they send nothing by us. */
ON_CONTROL static unsigned tell_all(struct node *node, vd_ns now)
{
	struct peering_view view;
	unsigned told = 0;
	size_t at = 0;

	while (peering_each(node->link_peering, &at, &view)) {
		if (!view.up || node_router_of(node, &view.peer))
			continue;
		tell(node, &view.peer, now);
		told++;
		node_pump_events(node, now); /* a machine holds the events of few calls */
	}
	return told;
}

ON_CONTROL static unsigned set_drain(struct node *node, bool on, vd_ns now)
{
	unsigned told;

	node->drain = (struct node_drain){ .on = on,
					   .stop = on && node->drain.stop,
					   .sends = 1,
					   .next_send = on ? now + first_repeat : VD_NEVER,
					   .next_look = on ? now : VD_NEVER,
					   .stop_at = VD_NEVER,
					   .quiet_since = now };
	route_links_set_draining(node->links, on);
	peering_set_draining(node->link_peering, on);
	told = tell_all(node, now);
	node->drain.told = told > 0;
	vd_log(VD_INFO, VD_SUB_DAEMON, on ? "draining: told the links" : "draining no more",
	       VD_U64("links", told));
	return told;
}

/* Somebody who may be called here was told, and has not said that he left. */
ON_CONTROL static bool anybody_stays(struct node *node)
{
	const struct route_link *link;
	uint32_t at = 0;

	while ((link = route_links_next(node->links, &at)))
		if (link->up && link->may_be_called && !link->left &&
		    !node_router_of(node, &link->peer))
			return true;
	return false;
}

ON_CONTROL static void look(struct node *node, vd_ns now)
{
	uint64_t switched = node_switched(node);

	node->drain.next_look = now + look_every;
	if (switched != node->drain.switched || anybody_stays(node))
		node->drain.quiet_since = now;
	node->drain.switched = switched;
}

/* The first message reaches the links after it was sent: a moment is always waited. */
static bool is_done(const struct node_drain *drain, vd_ns now)
{
	return !drain->told || now >= drain->stop_at || now >= drain->quiet_since + quiet_for;
}

ON_CONTROL static void on_left(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	if (node->drain.on && route_links_left(node->links, peer))
		node->drain.quiet_since = now;
}

void node_pump_drain(struct node *node, vd_ns now)
{
	struct node_drain *drain = &node->drain;

	if (!drain->on || node->stopping)
		return;
	if (now >= drain->next_send) {
		drain->next_send =
		    ++drain->sends < SENDS ? now + (first_repeat << (drain->sends - 1)) : VD_NEVER;
		drain->told |= tell_all(node, now) > 0;
	}
	if (now >= drain->next_look)
		look(node, now);
	if (drain->stop && is_done(drain, now)) {
		node->stopping = true;
		cp_loop_stop(node->loop);
	}
}

vd_ns node_drain_deadline(const struct node *node)
{
	return node->drain.on && !node->stopping
		   ? vd_ns_min(node->drain.next_send, node->drain.next_look)
		   : VD_NEVER;
}

void node_drain_and_stop(struct node *node)
{
	vd_ns now = vd_now();

	if (node->drain.stop) { /* told twice: at once */
		node->stopping = true;
		cp_loop_stop(node->loop);
		return;
	}
	node->drain.stop = true;
	if (!node->drain.on)
		(void)set_drain(node, true, now);
	node->drain.stop_at = now + stop_within;
	node_pump(node);
}

/* A link that is new to who drains: it was there before, and has not heard. */
void node_drain_link_up(struct node *node, const struct vd_peer_id *peer, vd_ns now)
{
	if (!node->drain.on || node->stopping || node_router_of(node, peer))
		return;
	node->drain.told = true;
	tell(node, peer, now);
}

/* ---- the edge's side ---- */

bool node_drains(const struct node *node, uint64_t link)
{
	for (uint32_t i = 0; i < node->router_count; i++) {
		const struct node_router *router = &node->routers[i];
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
	uint8_t bytes[CONTROL_MSG_MAX];

	if (link && !node_leaves(node, link->number))
		(void)!peering_send_control(node->link_peering, &router->peer,
					    vd_bytes(bytes, control_msg_encode(&msg, bytes)), now);
}

void node_drain_moved(struct node *node, uint64_t from, vd_ns now)
{
	for (uint32_t i = 0; i < node->router_count; i++) {
		const struct node_router *router = &node->routers[i];
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
	seek_router_down(node->seek, (uint32_t)(router - node->routers));
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
	vd_log(VD_INFO, VD_SUB_LINK,
	       router->draining ? "the router drains: sessions move away from it"
				: "the router drains no more",
	       VD_STR("router", PEER_TEXT(peer)));
	if (router->draining) {
		leave(node, router, now);
		say_left(node, router, now);
		return;
	}
	if (route_links_find(node->links, peer))
		node_stay(node, route_links_find(node->links, peer)->number);
	if (node->config.link.reserve)
		reserve_begin(&router->reserve, now);
	(void)!seek_router_up(node->seek, (uint32_t)(router - node->routers), now);
}

/* ---- the command ---- */

void node_drain(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	const char *word = json_string_value(json_array_get(args, 0));
	bool cancel = word && strcmp(word, "cancel") == 0;
	unsigned told;

	if (json_array_size(args) && !cancel) {
		api_reply_error(reply, "drain takes no argument but cancel");
		return;
	}
	if (node->drain.stop) {
		api_reply_error(reply, "this daemon is stopping; start it again afterwards");
		return;
	}
	told = set_drain(node, !cancel, vd_now());
	node_pump(node);
	api_reply_ok(reply,
		     json_pack("{s:b, s:i}", "draining", node->drain.on, "links", (int)told));
}
