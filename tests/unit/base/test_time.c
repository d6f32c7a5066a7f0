/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/time.h"

#include "tests/unit/base/vectors.h"

Test(time, a_sum_that_overflows_never_comes)
{
	cr_assert(eq(u64, vd_ns_add(VD_SECONDS(1), VD_MS(5)), UINT64_C(1005000000)));
	cr_assert(eq(u64, vd_ns_add(VD_NEVER, 1), VD_NEVER));
	cr_assert(eq(u64, vd_ns_add(VD_NEVER - 1, 1), VD_NEVER));
	cr_assert(eq(u64, vd_ns_min(VD_NEVER, 3), 3));
}

Test(time, the_clock_does_not_go_back)
{
	vd_ns before = vd_now();

	for (int i = 0; i < 1000; i++) {
		vd_ns now = vd_now();
		cr_assert(ge(u64, now, before));
		before = now;
	}
}

Test(time, unix_time_is_in_milliseconds)
{
	/* After 2020 and before 2100: neither seconds nor nanoseconds would be. */
	cr_assert(gt(u64, vd_unix_ms(), UINT64_C(1577836800000)));
	cr_assert(lt(u64, vd_unix_ms(), UINT64_C(4102444800000)));
}
