/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the daemon does when the links' machine says that a peer restarted (switch/SPEC.md, 4.2),
 * and whose address decides what a link may do. */
#include "controlplane/daemon/link_events.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_paths.h"
#include "controlplane/daemon/session_peers.h"
#include "tests/unit/route/plane_fixture.h"

enum { R = 1, OTHER = 2, B = 3, C = 4 }; /* two routers, and peers behind both */

static struct node node;
static const uint8_t self[16] = { 0xfd, 0x76, 1 }, key[32];

static void bring_up(uint8_t who)
{
	struct route_install install = {
		.peer = peer(who), .rx_key = key, .tx_key = key, .remote_index = 7
	};

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(node.links, &install, 0), VD_OK));
	cr_assert(ne(ptr, (void *)route_links_use(node.links, install.index), NULL));
	route_links_up(node.links, &install.peer);
}

static void learn(uint8_t who, uint8_t by)
{
	const struct learnt_route route = {
		.peer = peer(who), .via = peer(by), .label = 9, .bits = 8
	};

	cr_assert(learnt_routes_set(node.learnt, &route));
}

static uint32_t learnt(void)
{
	uint32_t at = 0, count = 0;

	while (learnt_routes_next(node.learnt, &at))
		count++;
	return count;
}

static void setup(void)
{
	const struct route_port port = { .socket = true };

	plane_setup();
	cr_assert(eq(int, (int)cp_netmap_new(&node.netmap), VD_OK));
	node.ways = ways_new(&plane, node.netmap, &port, 1);
	node.plane = plane;
	node.links = route_links_new(&plane, 4, 0xfd76);
	node.sessions = route_sessions_new(&plane, 4, 0xfd76, self);
	node.seek = seek_new(4);
	node.learnt = learnt_routes_new(8);
	cr_assert(node.ways && node.links && node.sessions && node.seek && node.learnt);
	for (uint8_t i = 0; i < 2; i++) {
		bring_up((uint8_t)(R + i));
		node.routers.rows[i] =
		    (struct node_router){ .peer = peer((uint8_t)(R + i)), .up = true };
		learn(B, (uint8_t)(R + i));
		(void)seek_router_up(node.seek, i, 0);
	}
	node.routers.count = 2;
}

static void teardown(void)
{
	seek_free(node.seek);
	learnt_routes_free(node.learnt);
	route_sessions_free(node.sessions);
	route_links_free(node.links);
	ways_free(node.ways);
	cp_netmap_free(node.netmap);
	plane_teardown();
}

TestSuite(link_events, .init = setup, .fini = teardown);

static void hear(enum peering_event_kind kind, uint8_t who)
{
	const struct peering_event event = { .kind = kind, .peer = peer(who) };

	node_on_link_event(&node, &event, VD_SECONDS(1));
}

static bool known_via(uint8_t who)
{
	struct vd_peer_id id = peer(who);
	const struct learnt_route *route;
	uint32_t at = 0;

	while ((route = learnt_routes_next(node.learnt, &at)))
		if (vd_peer_id_equal(&route->via, &id))
			return true;
	return false;
}

Test(link_events, a_peer_that_restarted_takes_the_routes_with_it_that_it_told)
{
	struct vd_peer_id id = peer(R);

	hear(PEERING_REBOOTED, R);
	cr_assert(not(known_via(R)));
	cr_assert(known_via(OTHER), "the others stay");
	cr_assert(ne(ptr, (void *)route_links_find(node.links, &id), NULL), "and so does the link");
	cr_assert(node.routers.rows[0].up);
}

Test(link_events, a_router_that_restarted_is_asked_and_reserved_at_anew)
{
	struct vd_peer_id wanted = peer(B);
	struct seek_event ask;
	unsigned asked[2] = { 0 };

	node.config.link.reserve = true;
	(void)seek_want(node.seek, &wanted, 0);
	while ((ask = seek_next(node.seek, 0)).kind != SEEK_NONE)
		asked[ask.router]++;
	cr_assert(all(eq(u32, asked[0], 1), eq(u32, asked[1], 1)));
	hear(PEERING_REBOOTED, R);
	while ((ask = seek_next(node.seek, VD_SECONDS(1))).kind != SEEK_NONE)
		asked[ask.router]++;
	cr_assert(ge(u32, asked[0], 2));
	cr_assert(eq(int, (int)node.routers.rows[0].reserve.state, RESERVE_ASKING));
}

Test(link_events, a_row_for_a_link_that_is_up_is_reserved_and_asked_at)
{
	struct vd_peer_id wanted = peer(B), third = peer(C);
	struct node_router *router = &node.routers.rows[2];
	struct seek_event ask;
	bool asked = false;

	node.config.link.reserve = true;
	*router = (struct node_router){ .peer = third };
	node.routers.count = 3;
	node_router_linked(&node, router, VD_SECONDS(1));
	cr_assert(not(router->up), "there is no link");
	bring_up(C);
	node_router_linked(&node, router, VD_SECONDS(1));
	cr_assert(router->up);
	cr_assert(eq(int, (int)router->reserve.state, RESERVE_ASKING));
	(void)seek_want(node.seek, &wanted, VD_SECONDS(1));
	while ((ask = seek_next(node.seek, VD_SECONDS(1))).kind != SEEK_NONE)
		asked |= ask.router == 2;
	cr_assert(asked);
}

/* A session with `who` by a route of router `by`. */
static const struct session_path *has_session(uint8_t who, uint8_t by)
{
	struct vd_peer_id id = peer(by);
	const struct route_path path = { .link = route_links_find(node.links, &id)->number,
					 .label = 9,
					 .bits = 8 };
	struct route_session_install install = {
		.peer = peer(who), .rx_key = key, .tx_key = key, .path = path
	};
	const struct peering_path used = node_path_of_route(&path);

	cr_assert(eq(int, (int)route_sessions_add(node.sessions, &install.peer, true), VD_OK));
	cr_assert(eq(int, (int)sw_session_reserve(&plane.sessions, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_sessions_install(node.sessions, &install), VD_OK));
	cr_assert(ne(ptr, (void *)route_sessions_use(node.sessions, install.index, 0), NULL));
	node_use_path(&node, &install.peer, &used, 0);
	return route_sessions_paths(node.sessions, &install.peer);
}

Test(link_events, sessions_by_a_router_that_restarted_doubt_their_path_and_ask_for_another)
{
	const struct session_path *by_it = has_session(B, R), *by_another = has_session(C, OTHER);
	struct vd_peer_id b = peer(B);
	struct seek_event ask;
	unsigned asked = 0;

	hear(PEERING_REBOOTED, R);
	cr_assert(all(by_it->suspect, not(by_another->suspect)));
	while ((ask = seek_next(node.seek, VD_SECONDS(1))).kind != SEEK_NONE) {
		cr_assert(vd_peer_id_equal(&ask.msg.query.peer, &b), "not for the other");
		asked++;
	}
	cr_assert(eq(u32, asked, 2), "both routers are asked");
}

Test(link_events, a_way_to_fall_back_on_by_a_router_that_restarted_is_forgotten)
{
	const struct session_path *paths = has_session(B, OTHER);
	struct vd_peer_id b = peer(B), r = peer(R);
	const struct route_path by_it = { .link = route_links_find(node.links, &r)->number,
					  .label = 9,
					  .bits = 8 };

	node_add_path(&node, &b, &by_it, 0);
	cr_assert(eq(u8, paths->count, 1));
	hear(PEERING_REBOOTED, R);
	cr_assert(eq(u8, paths->count, 0));
	cr_assert(not(paths->suspect));
}

Test(link_events, a_peer_that_no_session_is_wanted_with_takes_the_routes_to_it_with_it)
{
	struct vd_peer_id b = peer(B), r = peer(R);

	cr_assert(eq(int, (int)route_sessions_add(node.sessions, &b, false), VD_OK));
	cr_assert(eq(int, (int)route_sessions_add(node.sessions, &r, false), VD_OK));
	learn(C, R);
	node_del_session_peer(&node, &r); /* a router, too: the routes by it stay */
	cr_assert(eq(u32, learnt(), 3));
	node_del_session_peer(&node, &b);
	cr_assert(eq(u32, learnt(), 1));
	cr_assert(known_via(R));
}

Test(link_events, a_rekeying_takes_no_routes)
{
	hear(PEERING_UP, R);
	cr_assert(known_via(R) && known_via(OTHER));
}

/* ---- tiers by address ---- */

enum { NEAR = 1, FAR = 200 };

/* Everybody of 198.18.0.0/24 below .128 is in the tier `near`, the others in `far`. */
static void two_tiers(void)
{
	static const char text[] = "link:\n  tiers:\n"
				   "    - { name: near, peers: any, cidrs: [ 198.18.0.0/25 ], "
				   "call: true, realms: [ 3 ] }\n"
				   "    - { name: far, peers: any }\n";
	struct config_error error;

	config_default(&node.config);
	cr_assert(
	    eq(int, (int)config_parse(vd_bytes_of_text(text), "v", &node.config, &error), VD_OK),
	    "%s", error.text);
}

static struct peering_event generation_event(enum peering_event_kind kind, uint32_t index,
					     uint8_t last)
{
	const struct sw_endpoint endpoint = {
		.remote = { .ip = { [10] = 0xff, 0xff, 198, 18, 0, last }, .port = 4001 }
	};
	static const struct peering_keys generation;

	return (struct peering_event){ .kind = kind,
				       .peer = peer(B),
				       .index = index,
				       .path = node_path_of_endpoint(&endpoint),
				       .keys = &generation };
}

static uint32_t installed_from(uint8_t last)
{
	struct peering_event event;
	uint32_t index;

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &index), VD_OK));
	event = generation_event(PEERING_INSTALL, index, last);
	node_on_link_event(&node, &event, VD_SECONDS(1));
	return index;
}

static void used(uint32_t index, uint8_t last)
{
	struct peering_event event = generation_event(PEERING_USE, index, last);

	node_on_link_event(&node, &event, VD_SECONDS(1));
}

static const char *tier(void)
{
	struct vd_peer_id id = peer(B);

	return route_links_find(node.links, &id)->policy.tier;
}

static uint64_t permit_of(uint32_t index)
{
	return atomic_load(&sw_link_find(&plane.links, index)->permit);
}

Test(link_events, an_address_counts_for_the_tier_once_its_generation_is_used)
{
	uint32_t far, near;

	two_tiers();
	far = installed_from(FAR);
	used(far, FAR);
	cr_assert(eq(str, (char *)tier(), (char *)"far"));
	near = installed_from(NEAR);
	cr_assert(eq(str, (char *)tier(), (char *)"far"), "it may never be used");
	cr_assert(eq(u64, permit_of(near), permit_of(far)));
	used(near, NEAR);
	cr_assert(eq(str, (char *)tier(), (char *)"near"));
	cr_assert(eq(u64, permit_of(near), permit_of(far)), "whichever generation carries it");
	used(installed_from(FAR), FAR);
	cr_assert(eq(str, (char *)tier(), (char *)"far"));
	config_fini(&node.config);
}

Test(link_events, a_router_is_reserved_at_after_each_handshake)
{
	struct node_router *router = &node.routers.rows[0];
	struct vd_identity identity;
	const struct peering_config config = {
		.kind = PEERING_LINK, .identity = &identity, .boot = 1, .width = 8, .peers_max = 4
	};

	vd_identity_generate(&identity);
	cr_assert(eq(int, (int)peering_new(&config, &node.link_peering), VD_OK));
	two_tiers();
	node.config.link.reserve = true;
	*router = (struct node_router){ .peer = peer(B) };
	used(installed_from(NEAR), NEAR);
	cr_assert(eq(int, (int)router->reserve.state, RESERVE_IDLE), "it is not up");
	router->up = true;
	used(installed_from(NEAR), NEAR);
	cr_assert(eq(int, (int)router->reserve.state, RESERVE_ASKING));
	router->reserve.state = RESERVE_HELD;
	router->draining = true;
	used(installed_from(NEAR), NEAR);
	cr_assert(eq(int, (int)router->reserve.state, RESERVE_HELD), "it takes no more");
	config_fini(&node.config);
	peering_free(node.link_peering);
}
