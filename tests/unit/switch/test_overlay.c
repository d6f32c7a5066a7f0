/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "switch/neighbour.h"
#include "switch/overlay.h"

Test(overlay, every_route_is_found_whatever_the_order_they_came_in)
{
	const uint8_t self[SW_IPV6_ADDR] = { 0xfd, 0x76 };
	struct sw_overlay_route routes[100] = { 0 };

	for (unsigned i = 0; i < 100; i++) {
		routes[i].address[15] = (uint8_t)(i * 37);
		routes[i].address[0] = (uint8_t)(i * 91);
		routes[i].session = i + 1;
	}
	struct sw_overlay *overlay = sw_overlay_new(self, routes, 100);
	for (unsigned i = 0; i < 100; i++)
		cr_assert(eq(u32, sw_overlay_find(overlay, routes[i].address)->session, i + 1));
	uint8_t other[SW_IPV6_ADDR] = { 0xff, 1 };
	cr_assert(eq(ptr, (void *)sw_overlay_find(overlay, other), NULL));
	cr_assert(eq(int, memcmp(overlay->self, self, sizeof self), 0));
	free(overlay);
}

Test(overlay, an_empty_table_finds_nothing_and_is_retired_like_any)
{
	const uint8_t self[SW_IPV6_ADDR] = { 0 };

	rcu_register_thread();
	struct sw_overlay *overlay = sw_overlay_new(self, NULL, 0);
	cr_assert(eq(ptr, (void *)sw_overlay_find(overlay, self), NULL));
	sw_overlay_retire(overlay);
	sw_overlay_retire(NULL);
	rcu_barrier();
	rcu_unregister_thread();
}

Test(neighbour, a_table_is_a_copy_of_its_rows)
{
	struct sw_neighbour rows[2] = { { .l2_len = 0 }, { .l2_len = 14, .l2 = { 1, 2, 3 } } };

	rcu_register_thread();
	struct sw_neighbours *table = sw_neighbours_new(rows, 2);
	memset(rows, 0, sizeof rows);
	cr_assert(eq(u32, table->count, 2));
	cr_assert(eq(u8, table->rows[1].l2_len, 14));
	cr_assert(eq(u8, table->rows[1].l2[2], 3));
	sw_neighbours_retire(table);
	sw_neighbours_retire(NULL);
	rcu_barrier();
	rcu_unregister_thread();
}
