/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "bench/bench.h"

static struct bench_series series_of(unsigned count, const double *values)
{
	struct bench_series series = { 0 };

	for (unsigned i = 0; i < count; i++)
		bench_series_add(&series, values[i]);
	return series;
}

Test(series, median_of_an_odd_count_is_the_middle_value)
{
	struct bench_series series = series_of(5, (double[]){ 9, 1, 5, 100, 3 });

	cr_assert(eq(dbl, bench_median(&series), 5));
}

Test(series, median_of_an_even_count_lies_between_the_two_in_the_middle)
{
	struct bench_series series = series_of(4, (double[]){ 8, 2, 1, 4 });

	cr_assert(eq(dbl, bench_median(&series), 3));
}

Test(series, spread_is_the_least_and_the_largest_value)
{
	struct bench_series series = series_of(3, (double[]){ 7, -2, 3 });

	cr_assert(eq(dbl, bench_min(&series), -2));
	cr_assert(eq(dbl, bench_max(&series), 7));
}

Test(series, an_empty_one_has_zeros)
{
	struct bench_series series = { 0 };

	cr_assert(eq(dbl, bench_median(&series), 0));
	cr_assert(eq(dbl, bench_min(&series), 0));
	cr_assert(eq(dbl, bench_max(&series), 0));
}

Test(series, values_beyond_its_room_are_left_out)
{
	struct bench_series series = { 0 };

	for (int i = 0; i < BENCH_ROUNDS_MAX + 5; i++)
		bench_series_add(&series, 1);
	cr_assert(eq(uint, series.count, BENCH_ROUNDS_MAX));
}

/* The type of the line's value under `name`, for a result with this ratio (0: not measured) and
 * goal. */
static json_type judged(const char *name, double ratio, double goal)
{
	struct bench_result result = bench_result("b", "v");

	if (ratio > 0)
		bench_series_add(&result.ratio, ratio);
	result.goal = goal;
	json_t *line = bench_result_line(&result);
	json_type type = json_typeof(json_object_get(line, name));
	json_decref(line);
	bench_result_drop(&result);
	return type;
}

Test(result, a_ratio_at_its_goal_meets_it)
{
	cr_assert(eq(int, judged("met", 0.3, 0.3), JSON_TRUE));
}

Test(result, a_ratio_below_its_goal_does_not_meet_it)
{
	cr_assert(eq(int, judged("met", 0.29, 0.3), JSON_FALSE));
}

Test(result, a_goal_without_a_measured_rival_is_not_met)
{
	cr_assert(eq(int, judged("met", 0, 0.3), JSON_FALSE));
	cr_assert(eq(int, judged("ratio", 0, 0.3), JSON_NULL));
}

Test(result, without_a_goal_nothing_is_met_or_missed)
{
	cr_assert(eq(int, judged("met", 0.3, 0), JSON_NULL));
	cr_assert(eq(int, judged("goal", 0.3, 0), JSON_NULL));
}
