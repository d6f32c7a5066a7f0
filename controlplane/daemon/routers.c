/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/routers.h"

#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/link_events.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"

/* ---- rows ---- */

struct node_router *node_router_of(struct node *node, const struct vd_peer_id *peer)
{
	for (uint32_t i = 0; i < node->routers.count; i++)
		if (vd_peer_id_equal(&node->routers.rows[i].peer, peer))
			return &node->routers.rows[i];
	return NULL;
}

static struct node_router *free_router(struct node *node)
{
	for (uint32_t i = 0; i < node->routers.count; i++)
		if (!node->routers.rows[i].peer.len)
			return &node->routers.rows[i];
	return node->routers.count < CONFIG_ROUTERS_MAX ? &node->routers.rows[node->routers.count++]
							: NULL;
}

struct node_router *node_add_router(struct node *node, const struct vd_peer_id *peer,
				    const struct vd_udp_addr *address)
{
	struct node_router *router = node_router_of(node, peer);

	if (!router) {
		router = free_router(node);
		if (!router)
			return NULL;
		router->peer = *peer;
		reserve_init(&router->reserve, 0);
	}
	if (!vd_udp_addr_equal(&router->address, address))
		router->dialled = false; /* there, from now on */
	router->address = *address;
	return router;
}

void node_add_routers(struct node *node)
{
	for (uint32_t i = 0; i < node->config.link.routers.count; i++) {
		struct node_router *router;
		struct vd_udp_addr address;
		struct vd_peer_id peer;

		if (vd_multiaddr_to_link(&node->config.link.routers.at[i], &address, &peer) ||
		    peer.len == 0)
			continue; /* config_check has refused it */
		router = node_add_router(node, &peer, &address);
		if (!router) {
			vd_log(VD_LOG_WARN, VD_SUB_LINK,
			       "no room for a router of the configuration; disconnect one that was "
			       "connected by hand, and reload",
			       VD_PEER("router", &peer));
			continue;
		}
		if (router->held)
			router->held = router->dialled = false;
		/* the configuration's, from now on */
		router->asked = router->told = false;
		router->trial = NODE_TRIAL_NONE;
	}
}

static void set_free(struct node_router *router)
{
	*router = (struct node_router){ 0 };
	reserve_init(&router->reserve, 0);
}

void node_drop_router(struct node *node, struct node_router *router, const char *text, vd_ns now)
{
	struct vd_peer_id peer = router->peer;

	peering_undial(node->link_peering, &peer, now);
	peering_close(node->link_peering, &peer, CONTROL_SHUTDOWN, text, now);
	node_pump(node); /* while the row still tells whose link went down */
	set_free(router);
}

void node_forget_router(struct node *node, struct node_router *router)
{
	seek_router_down(node->seek, node_router_number(&node->routers, router));
	set_free(router);
}

/* ---- links to them ---- */

/* That of its link, if it goes there: another port would reach it from another address. */
ON_CONTROL static bool find_path(struct node *node, const struct node_router *router,
				 struct peering_path *path_out)
{
	struct sw_endpoint endpoint;
	struct peering_view view;

	if (node_is_linked_at(node, &router->peer, &router->address)) {
		(void)peering_find(node->link_peering, &router->peer, &view);
		*path_out = view.path;
		return true;
	}
	if (ways_find(node->ways, &router->address, &endpoint))
		return false;
	*path_out = node_path_of_endpoint(&endpoint);
	return true;
}

void node_dial_routers(struct node *node, vd_ns now)
{
	for (uint32_t i = 0; i < node->routers.count; i++) {
		struct node_router *router = &node->routers.rows[i];
		struct peering_path path;

		if (!router->peer.len || router->dialled || router->held ||
		    !find_path(node, router, &path))
			continue;
		router->dialled = !peering_dial(node->link_peering, &router->peer, &path, now);
	}
}

bool node_dial_router_at(struct node *node, struct node_router *router,
			 const struct vd_udp_addr *address)
{
	struct sw_endpoint endpoint;
	struct peering_path path;

	if (ways_find(node->ways, address, &endpoint))
		return false;
	path = node_path_of_endpoint(&endpoint);
	if (peering_dial_instead(node->link_peering, &router->peer, &path))
		return false;
	router->address = *address;
	return true;
}

void node_router_up(struct node *node, struct node_router *router, vd_ns now)
{
	router->up = true;
	router->draining = false;
	node_reserve_at(node, router, now);
	(void)seek_router_up(node->seek, node_router_number(&node->routers, router), now);
}

void node_router_down(struct node *node, struct node_router *router)
{
	router->up = router->draining = false;
	reserve_end(&router->reserve);
	seek_router_down(node->seek, node_router_number(&node->routers, router));
}

void node_router_linked(struct node *node, struct node_router *router, vd_ns now)
{
	const struct route_link *link = route_links_find(node->links, &router->peer);

	if (!router->up && link && link->up)
		node_router_up(node, router, now);
}

/* ---- reservations ---- */

void node_reserve_at(struct node *node, struct node_router *router, vd_ns now)
{
	if (node->config.link.reserve && !router->draining)
		reserve_begin(&router->reserve, now);
}

bool node_pump_reserves(struct node *node, vd_ns now)
{
	bool any = false;

	for (uint32_t i = 0; i < node->routers.count; i++) {
		struct control_msg msg;

		if (!reserve_send(&node->routers.rows[i].reserve, &msg, now))
			continue;
		node_send_control(node, &node->routers.rows[i].peer, &msg, now);
		any = true;
	}
	return any;
}

vd_ns node_reserves_deadline(const struct node *node)
{
	vd_ns at = VD_NEVER;

	for (uint32_t i = 0; i < node->routers.count; i++)
		at = vd_ns_min(at, reserve_deadline(&node->routers.rows[i].reserve));
	return at;
}

/* ---- where links go ---- */

bool node_is_linked(const struct node *node, const struct vd_peer_id *peer)
{
	struct peering_view view;

	return !peering_find(node->link_peering, peer, &view) && view.up;
}

bool node_where_linked(const struct node *node, const struct vd_peer_id *peer,
		       struct vd_udp_addr *address_out)
{
	struct peering_view view;

	if (peering_find(node->link_peering, peer, &view) || !view.up)
		return false;
	*address_out = node_endpoint_of_path(&view.path).remote;
	return true;
}

bool node_is_linked_at(const struct node *node, const struct vd_peer_id *peer,
		       const struct vd_udp_addr *address)
{
	struct vd_udp_addr there;

	return node_where_linked(node, peer, &there) && vd_udp_addr_equal(&there, address);
}

/* ---- trials ---- */

struct node_router *node_router_try(struct node *node, const struct vd_peer_id *peer,
				    const struct vd_udp_addr *address)
{
	struct node_router *router = node_router_of(node, peer);
	struct node_router before = router ? *router : (struct node_router){ 0 };

	router = node_add_router(node, peer, address);
	if (!router)
		return NULL;
	if (!before.peer.len) {
		router->asked = true;
		router->trial = NODE_TRIAL_NEW;
		router->found = node_is_linked(node, peer);
	} else if (!before.trial) {
		router->trial = NODE_TRIAL_OLD;
		router->before =
		    (struct node_router_before){ before.address, before.held, before.told };
	}
	router->held = router->dialled = false;
	return router;
}

void node_router_restore(struct node_router *router)
{
	if (router->trial == NODE_TRIAL_OLD) {
		router->address = router->before.address;
		router->held |= router->before.held; /* or refused meanwhile */
		router->told = router->before.told;
		router->dialled = false;
	}
	router->trial = NODE_TRIAL_NONE;
}

void node_router_keep(struct node *node, struct node_router *router)
{
	router->trial = NODE_TRIAL_NONE;
	node_router_linked(node, router, vd_now());
}

void node_router_try_on(struct node *node, struct node_router *router)
{
	router->found = true;
	router->dialled = false;
	node_dial_routers(node, vd_now());
}
