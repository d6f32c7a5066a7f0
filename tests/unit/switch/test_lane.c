/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/lane.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct sw_lane lane;

static void setup(void)
{
	cr_assert(eq(int, sw_lane_init(&lane, 8, sizeof(uint64_t)), VD_OK));
}

static void teardown(void)
{
	sw_lane_fini(&lane);
}

TestSuite(lane, .init = setup, .fini = teardown);

Test(lane, pop_of_empty_returns_zero)
{
	uint64_t out[4];

	cr_assert(eq(u32, sw_lane_pop_burst(&lane, out, 4), 0));
	cr_assert(eq(ptr, (void *)sw_lane_peek(&lane), NULL));
}

Test(lane, items_come_out_in_order_across_many_wraps)
{
	uint64_t next_in = 0, next_out = 0;

	for (unsigned round = 0; round < 1000; round++) {
		uint64_t in[5], out[5];
		uint32_t n = 1 + round % 5;

		for (uint32_t i = 0; i < n; i++)
			in[i] = next_in + i;
		next_in += sw_lane_push_burst(&lane, in, n);
		uint32_t got = sw_lane_pop_burst(&lane, out, 1 + round % 4);
		for (uint32_t i = 0; i < got; i++)
			cr_assert(eq(u64, out[i], next_out + i));
		next_out += got;
	}
	cr_assert(gt(u64, next_out, 2000));
}

Test(lane, push_takes_the_first_ones_that_fit)
{
	uint64_t in[10], out[10];

	for (uint64_t i = 0; i < 10; i++)
		in[i] = i;
	cr_assert(eq(u32, sw_lane_push_burst(&lane, in, 10), 8));
	cr_assert(eq(u32, sw_lane_push_burst(&lane, in, 1), 0));
	cr_assert(eq(ptr, sw_lane_reserve(&lane), NULL));
	cr_assert(eq(u32, sw_lane_pop_burst(&lane, out, 10), 8));
	cr_assert(eq(u64, out[7], 7));
}

Test(lane, items_filled_and_read_in_place_are_seen_after_commit_only)
{
	uint64_t *place = sw_lane_reserve(&lane);

	*place = 42;
	cr_assert(eq(ptr, (void *)sw_lane_peek(&lane), NULL));
	sw_lane_commit(&lane);
	const uint64_t *got = sw_lane_peek(&lane);
	cr_assert(eq(u64, *got, 42));
	cr_assert(eq(ptr, (void *)sw_lane_peek(&lane), (void *)got), "until it is released");
	sw_lane_release(&lane);
	cr_assert(eq(ptr, (void *)sw_lane_peek(&lane), NULL));
}

Test(lane, the_producer_sees_what_was_not_released)
{
	uint64_t in[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, out[8];

	lane.head = lane.tail = lane.tail_seen = lane.head_seen =
	    UINT32_MAX - 2; /* about to wrap */
	cr_assert(eq(u32, sw_lane_oldest(&lane), sw_lane_mark(&lane)), "nothing");
	cr_assert(eq(u32, sw_lane_push_burst(&lane, in, 8), 8));
	cr_assert(eq(u32, sw_lane_pop_burst(&lane, out, 3), 3));
	for (uint32_t at = sw_lane_oldest(&lane), i = 3; at != sw_lane_mark(&lane); at++, i++)
		cr_assert(eq(u64, *(const uint64_t *)sw_lane_behind(&lane, at), in[i]));
	cr_assert(eq(u32, sw_lane_mark(&lane) - sw_lane_oldest(&lane), 5));
}

Test(lane, positions_may_wrap_around_thirty_two_bits)
{
	uint64_t in[4] = { 1, 2, 3, 4 }, out[4];

	lane.head = lane.tail = lane.tail_seen = lane.head_seen = UINT32_MAX - 1;
	cr_assert(eq(u32, sw_lane_push_burst(&lane, in, 4), 4));
	cr_assert(eq(u32, sw_lane_pop_burst(&lane, out, 4), 4));
	cr_assert(eq(u64, out[3], 4));
}

Test(lane, capacities_that_are_no_power_of_two_are_refused)
{
	struct sw_lane other;

	cr_assert(eq(int, sw_lane_init(&other, 0, 8), VD_EBUG_STATE));
	cr_assert(eq(int, sw_lane_init(&other, 12, 8), VD_EBUG_STATE));
	cr_assert(eq(int, sw_lane_init(&other, 8, 12), VD_EBUG_STATE));
}
