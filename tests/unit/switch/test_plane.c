/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/plane.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct sw_plane_config good = {
	.workers = 2, .width = 16, .links_max = 100, .sessions_max = 10, .delivery_per_s = 10000
};

Test(plane, everything_shared_is_there_and_is_taken_down_whole)
{
	struct sw_plane plane;

	rcu_register_thread();
	cr_assert(eq(int, sw_plane_init(&plane, &good), VD_OK));
	cr_assert(eq(u32, plane.links.delivery_per_s, 10000));
	cr_assert(eq(uint, plane.directors.width, 16));
	const struct sw_packet packet = { .len = 7 };
	struct sw_packet out;
	cr_assert(eq(u32, sw_lane_push_burst(sw_plane_lane(&plane, 0, 1), &packet, 1), 1));
	cr_assert(eq(u32, sw_lane_pop_burst(sw_plane_lane(&plane, 1, 0), &out, 1), 0));
	cr_assert(eq(u32, sw_lane_pop_burst(sw_plane_lane(&plane, 0, 1), &out, 1), 1));
	const struct sw_neighbour row = { .l2_len = 0 };
	sw_neighbours_retire(sw_rcu_swap(&plane.neighbours, sw_neighbours_new(&row, 1)));
	sw_plane_fini(&plane);
	rcu_unregister_thread();
}

Test(plane, a_configuration_out_of_range_is_refused)
{
	struct sw_plane_config bad[] = { good, good, good, good, good, good, good };
	struct sw_plane plane;

	bad[0].workers = 0;
	bad[1].workers = SW_WORKERS_MAX + 1;
	bad[2].width = 3;
	bad[3].width = 25;
	bad[4].links_max = 0;
	bad[5].links_max = (1u << 24) + 1;
	bad[6].sessions_max = (1u << 24) + 1;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert(eq(int, sw_plane_init(&plane, &bad[i]), VD_EUSER), "row %zu", i);
}

Test(plane, an_edge_needs_no_directors_and_a_router_no_sessions)
{
	struct sw_plane_config edge = good, router = good;
	struct sw_plane plane;

	rcu_register_thread();
	edge.width = 0;
	router.sessions_max = 0;
	cr_assert(eq(int, sw_plane_init(&plane, &edge), VD_OK));
	cr_assert(eq(ptr, (void *)plane.directors.words, NULL));
	sw_plane_fini(&plane);
	cr_assert(eq(int, sw_plane_init(&plane, &router), VD_OK));
	uint32_t index;
	cr_assert(eq(int, sw_session_reserve(&plane.sessions, &index), VD_ELIMIT));
	cr_assert(eq(ptr, sw_session_find(&plane.sessions, 0x100), NULL));
	sw_plane_fini(&plane);
	rcu_unregister_thread();
}
