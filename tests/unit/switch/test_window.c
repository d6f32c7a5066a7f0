/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/window.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

/* The plainest thing that is right: every counter seen, one byte each. */
enum { COUNTERS = 20000 };

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

Test(window, agrees_with_a_list_of_all_counters_for_random_arrivals)
{
	for (uint32_t seed = 1; seed <= 40; seed++) {
		static uint8_t seen[COUNTERS];
		struct sw_window window = { 0 };
		uint64_t top = 0;
		uint32_t state = seed;

		memset(seen, 0, sizeof seen);
		for (unsigned i = 0; i < 4000; i++) {
			/* jumps of up to 700 forward, back as far as 600 */
			uint32_t span = seed % 4 == 0 ? 1300 : 600 + seed;
			uint64_t counter = top + next_random(&state) % span;
			counter = counter > 600 ? counter - 600 : next_random(&state) % 600;
			if (counter >= COUNTERS)
				break;
			bool expected =
			    counter != 0 && counter + SW_WINDOW_BITS > top && !seen[counter];
			cr_assert(eq(int, sw_window_is_new(&window, top, counter), expected),
				  "seed %u, counter %lu, top %lu", seed, (unsigned long)counter,
				  (unsigned long)top);
			if (!expected)
				continue;
			sw_window_mark(&window, &top, counter);
			seen[counter] = 1;
		}
	}
}

Test(window, every_jump_forward_forgets_exactly_what_falls_out)
{
	for (uint64_t jump = 1; jump <= 1100; jump++) {
		struct sw_window window;
		uint64_t top = 5000;

		memset(&window, 0xff, sizeof window); /* all of (4488, 5000] seen */
		sw_window_mark(&window, &top, 5000 + jump);
		for (uint64_t counter = 5000 + jump - 511; counter <= 5000 + jump; counter++)
			cr_assert(eq(int, sw_window_is_new(&window, top, counter),
				     counter > 5000 && counter != 5000 + jump),
				  "jump %lu, counter %lu", (unsigned long)jump,
				  (unsigned long)counter);
	}
}

Test(window, the_last_counter_of_all_is_accepted_once)
{
	struct sw_window window = { 0 };
	uint64_t top = 1;

	cr_assert(sw_window_is_new(&window, top, UINT64_MAX));
	sw_window_mark(&window, &top, UINT64_MAX);
	cr_assert(not(sw_window_is_new(&window, top, UINT64_MAX)));
	cr_assert(sw_window_is_new(&window, top, UINT64_MAX - 511));
	cr_assert(not(sw_window_is_new(&window, top, UINT64_MAX - 512)));
}
