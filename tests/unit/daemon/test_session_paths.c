/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Handshakes over paths whose routers drain (switch/SPEC.md, 12.6). */
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_paths.h"
#include "tests/unit/route/plane_fixture.h"

enum { R = 1, OTHER = 2, B = 3 }; /* two routers, and a peer behind both */

static struct node node;
static const uint8_t self[16] = { 0xfd, 0x76, 1 }, key[16];

static struct peering_path by(uint8_t router)
{
	struct vd_peer_id id = peer(router);
	const struct route_path route = { .link = route_links_find(node.links, &id)->number,
					  .label = 9,
					  .bits = 8 };

	return node_path_of_route(&route);
}

static void setup(void)
{
	struct vd_peer_id id = peer(B);

	plane_setup();
	node.links = route_links_new(&plane, 4, 0xfd76);
	node.sessions = route_sessions_new(&plane, 4, 0xfd76, self);
	cr_assert(node.links && node.sessions);
	cr_assert(eq(int, (int)route_sessions_add(node.sessions, &id, true), VD_OK));
	for (uint8_t i = 0; i < 2; i++) {
		struct route_install install = { .peer = peer((uint8_t)(R + i)),
						 .rx_key = key,
						 .tx_key = key };

		cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
		cr_assert(eq(int, (int)route_links_install(node.links, &install, 0), VD_OK));
		node.routers.rows[i] = (struct node_router){ .peer = install.peer, .up = true };
	}
	node.routers.count = 2;
}

static void teardown(void)
{
	route_sessions_free(node.sessions);
	route_links_free(node.links);
	plane_teardown();
}

TestSuite(session_paths, .init = setup, .fini = teardown);

static const struct session_path *shake_hands_by(uint8_t router)
{
	struct vd_peer_id id = peer(B);
	struct peering_path path = by(router);

	node_use_path(&node, &id, &path, VD_SECONDS(1));
	return route_sessions_paths(node.sessions, &id);
}

Test(session_paths, a_path_left_by_a_handshake_stays_as_a_fallback)
{
	(void)shake_hands_by(R);
	cr_assert(eq(u8, shake_hands_by(OTHER)->count, 1));
}

Test(session_paths, but_not_if_its_router_drains)
{
	(void)shake_hands_by(R);
	node.routers.rows[0].draining = true;
	cr_assert(eq(u8, shake_hands_by(OTHER)->count, 0));
}

Test(session_paths, a_path_by_a_router_that_drains_is_left_again)
{
	const struct session_path *paths = shake_hands_by(OTHER);

	cr_assert(zero(u64, paths->leaving));
	node.routers.rows[0].draining = true;
	paths = shake_hands_by(R);
	cr_assert(ne(u64, paths->leaving, 0));
	cr_assert(eq(u8, paths->count, 1), "there is where to go");
}
