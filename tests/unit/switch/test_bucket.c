/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/bucket.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const uint64_t rates[] = { 1, 3, 7, 50, 10000, 999983, 14880952, 1250000000 };

Test(bucket, a_full_bucket_holds_one_second_of_its_rate)
{
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		struct sw_bucket bucket = sw_bucket_of_rate(rates[i], 12345);

		cr_assert(sw_bucket_take(&bucket, rates[i], 12345), "rate %lu",
			  (unsigned long)rates[i]);
		if (rates[i] <= 10000) /* above, what was rounded down adds up to a unit */
			cr_assert(not(sw_bucket_take(&bucket, 1, 12345)));
	}
}

Test(bucket, units_come_back_at_the_rate)
{
	struct sw_bucket bucket = sw_bucket_of_rate(100, 0);
	unsigned passed = 0;

	cr_assert(sw_bucket_take(&bucket, 100, 0));
	for (vd_ns now = 0; now < VD_SECONDS(10); now += VD_MS(1))
		passed += sw_bucket_take(&bucket, 1, now);
	cr_assert(ge(uint, passed, 998));
	cr_assert(le(uint, passed, 1000));
}

Test(bucket, what_does_not_pass_costs_nothing)
{
	struct sw_bucket bucket = sw_bucket_of_rate(10, 0);

	cr_assert(not(sw_bucket_take(&bucket, 11, 0)));
	cr_assert(sw_bucket_take(&bucket, 10, 0));
}

Test(bucket, a_rate_of_zero_is_no_limit)
{
	struct sw_bucket bucket = sw_bucket_of_rate(0, 0);

	for (unsigned i = 0; i < 1000; i++)
		cr_assert(sw_bucket_take(&bucket, UINT32_MAX, 0));
}

Test(bucket, an_idle_bucket_is_full_however_long_it_idled)
{
	const vd_ns idle[] = { VD_SECONDS(1), VD_SECONDS(86400), VD_SECONDS(86400) * 300,
			       VD_SECONDS(86400) * 500, VD_SECONDS(86400) * 830 };

	for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++) {
		struct sw_bucket bucket = sw_bucket_of_rate(10, 0);

		cr_assert(sw_bucket_take(&bucket, 10, 0));
		cr_assert(sw_bucket_take(&bucket, 10, idle[i]), "row %zu", i);
	}
}
