/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "switch/director.h"

static struct sw_director_table table;

static void setup(void)
{
	cr_assert(ge(int, sodium_init(), 0));
	cr_assert(eq(int, sw_director_table_init(&table, 4), VD_OK));
}

static void teardown(void)
{
	sw_director_table_fini(&table);
}

TestSuite(director, .init = setup, .fini = teardown);

static uint32_t draw(vd_ns now)
{
	uint32_t director = 0;

	cr_assert(eq(int, sw_director_draw(&table, now, &director), VD_OK));
	return director;
}

Test(director, all_but_zero_are_drawn_once_each)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < 15; i++) {
		uint32_t director = draw(0);

		cr_assert(lt(u32, director, 16));
		cr_assert(eq(uint, seen >> director & 1, 0));
		seen |= 1u << director;
	}
	cr_assert(eq(uint, seen, 0xfffe));
	uint32_t none;
	cr_assert(eq(int, sw_director_draw(&table, 0, &none), VD_ELIMIT));
}

Test(director, they_are_drawn_at_random)
{
	unsigned ascending = 0;

	for (unsigned round = 0; round < 8; round++) {
		uint32_t before = 0;

		teardown();
		setup();
		for (unsigned i = 0; i < 15; i++) {
			uint32_t director = draw(0);

			ascending += director > before;
			before = director;
		}
	}
	cr_assert(lt(uint, ascending, 8 * 13), "120 draws, about half of them");
	cr_assert(gt(uint, ascending, 8 * 3));
}

Test(director, one_given_back_leads_nowhere_and_rests_ten_minutes)
{
	uint32_t director = 0, none;
	const vd_ns start = VD_MS(1999);

	for (unsigned i = 0; i < 15; i++)
		director = draw(0);
	sw_director_set(&table, director, 0x1234);
	sw_director_rest(&table, director, start);
	cr_assert(eq(u32, table.words[director], 0));
	cr_assert(eq(int, sw_director_draw(&table, start + VD_SECONDS(600), &none), VD_ELIMIT));
	cr_assert(eq(u32, draw(start + VD_SECONDS(601)), director));
}

Test(director, directors_that_lead_somewhere_are_not_drawn)
{
	for (uint32_t director = 1; director < 15; director++)
		sw_director_set(&table, director, 0x100 + director);
	cr_assert(eq(u32, draw(0), 15));
}

Test(director, zero_and_those_beyond_the_width_are_left_alone)
{
	sw_director_set(&table, 0, 1);
	sw_director_set(&table, 16, 1);
	sw_director_rest(&table, 16, 0);
	sw_director_rest(&table, 3, 0);
	cr_assert(eq(u32, table.words[0], 0));
	cr_assert(eq(u32, table.taken, 0));
}

Test(director, widths_out_of_range_are_refused)
{
	struct sw_director_table other;

	cr_assert(eq(int, sw_director_table_init(&other, 3), VD_EUSER));
	cr_assert(eq(int, sw_director_table_init(&other, 25), VD_EUSER));
}
