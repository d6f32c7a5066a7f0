/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Paths that sessions' owners are asked to write, when their lanes have no room. */
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/session_moves.h"
#include "tests/unit/route/plane_fixture.h"

enum { R = 1, B = 2, C = 3 }; /* a router, and peers behind it */

static struct node node;
static const uint8_t self[16] = { 0xfd, 0x76, 1 }, key[32];

/* A new generation of the router's link; returns its index. */
static uint32_t rekey_link(void)
{
	struct route_install install = { .peer = peer(R), .rx_key = key, .tx_key = key };

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(node.links, &install, 0), VD_OK));
	cr_assert(ne(ptr, (void *)route_links_use(node.links, install.index), NULL));
	return install.index;
}

static struct route_path by_router(void)
{
	struct vd_peer_id router = peer(R);

	return (struct route_path){ .link = route_links_find(node.links, &router)->number,
				    .label = 9,
				    .bits = 8 };
}

/* A new generation of the session with `who`, not used yet; returns its index. */
static uint32_t install_session(uint8_t who)
{
	struct route_session_install install = {
		.peer = peer(who), .rx_key = key, .tx_key = key, .path = by_router()
	};

	install.data_path = node_data_path(&node, &install.peer, &install.path);
	cr_assert(eq(int, (int)route_sessions_add(node.sessions, &install.peer, true), VD_OK));
	cr_assert(eq(int, (int)sw_session_reserve(&plane.sessions, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_sessions_install(node.sessions, &install), VD_OK));
	return install.index;
}

static void use_session(uint8_t who, uint32_t index)
{
	struct route_path path = by_router();
	const struct peering_event event = { .kind = PEERING_USE,
					     .peer = peer(who),
					     .index = index,
					     .path = node_path_of_route(&path) };

	node_on_session_event(&node, &event, VD_SECONDS(1));
}

static void setup(void)
{
	plane_setup();
	node.plane = plane;
	node.links = route_links_new(&plane, 4, 0xfd76);
	node.sessions = route_sessions_new(&plane, 4, 0xfd76, self);
	cr_assert(node.links && node.sessions);
}

static void teardown(void)
{
	route_sessions_free(node.sessions);
	route_links_free(node.links);
	plane_teardown();
}

TestSuite(session_moves, .init = setup, .fini = teardown);

/* But for `left` items. */
static void fill_lane(unsigned left)
{
	struct sw_lane *lane = &plane.injects[0];
	struct sw_inject *inject;

	for (unsigned i = left; i < SW_LANE_INJECTS && (inject = sw_lane_reserve(lane)); i++) {
		inject->kind = SW_INJECT_DATAGRAM;
		sw_lane_commit(lane);
	}
}

/* The owner takes all: by which link the session was last told to go; 0: it was not. */
static void take_lane(const uint32_t sessions[2], uint32_t links_out[2])
{
	const struct sw_inject *inject;

	memset(links_out, 0, 2 * sizeof *links_out);
	while ((inject = sw_lane_peek(&plane.injects[0]))) {
		for (unsigned i = 0; i < 2 && inject->kind == SW_INJECT_SESSION_PATH; i++)
			if (inject->session == sessions[i])
				links_out[i] = inject->path.link;
		sw_lane_release(&plane.injects[0]);
	}
}

Test(session_moves, of_more_sessions_than_the_lane_has_room_for_are_told_as_it_empties)
{
	uint32_t sessions[2], links[2], next;
	struct vd_peer_id router = peer(R);

	rekey_link();
	use_session(B, sessions[0] = install_session(B));
	use_session(C, sessions[1] = install_session(C));
	take_lane(sessions, links);
	next = rekey_link();
	fill_lane(1);
	node_link_moved(&node, &router);
	node_tell_moves(&node); /* in the same pump: the lane is still full */
	cr_assert(node.moves_pending);
	take_lane(sessions, links);
	cr_assert(all(eq(u32, links[0], next), eq(u32, links[1], 0)));
	node_tell_moves(&node);
	cr_assert(not(node.moves_pending));
	take_lane(sessions, links);
	cr_assert(all(eq(u32, links[0], 0), eq(u32, links[1], next)));
}

Test(session_moves, of_a_new_generation_are_told_even_if_the_old_one_went_the_same_way)
{
	uint32_t sessions[2], links[2], next;
	struct vd_peer_id router = peer(R);

	rekey_link();
	use_session(B, sessions[0] = install_session(B));
	sessions[1] = install_session(B); /* by the link as it was */
	next = rekey_link();
	node_link_moved(&node, &router);
	take_lane(sessions, links);
	cr_assert(all(eq(u32, links[0], next), eq(u32, links[1], 0)));
	fill_lane(0);
	use_session(B, sessions[1]);
	take_lane(sessions, links);
	cr_assert(eq(u32, links[1], 0));
	node_tell_moves(&node);
	take_lane(sessions, links);
	cr_assert(eq(u32, links[1], next));
}

Test(session_moves, that_wait_go_where_the_link_is_by_then)
{
	uint32_t sessions[2] = { 0 }, links[2], last;
	struct vd_peer_id router = peer(R);

	rekey_link();
	use_session(B, sessions[0] = install_session(B));
	take_lane(sessions, links);
	rekey_link();
	fill_lane(0);
	node_link_moved(&node, &router);
	last = rekey_link();
	node_link_moved(&node, &router);
	take_lane(sessions, links);
	cr_assert(eq(u32, links[0], 0));
	node_tell_moves(&node);
	take_lane(sessions, links);
	cr_assert(eq(u32, links[0], last));
}

Test(session_moves, that_wait_end_with_their_session)
{
	uint32_t index;
	struct vd_peer_id b = peer(B);

	rekey_link();
	index = install_session(B);
	fill_lane(0);
	use_session(B, index);
	cr_assert(node.moves_pending);
	route_sessions_drop(node.sessions, &b);
	node_tell_moves(&node);
	cr_assert(not(node.moves_pending));
}
