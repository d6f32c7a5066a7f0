/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/prefix_limit.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/init.h"

static struct prefix_limit limit;
static const vd_ns start = VD_SECONDS(1000);

static void begin(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	cr_assert(eq(int, prefix_limit_init(&limit), VD_OK));
}

static enum vd_err take(uint32_t prefix, vd_ns now)
{
	return prefix_limit_take(&limit, vd_bytes(&prefix, sizeof prefix), now);
}

static unsigned takes(uint32_t prefix, unsigned tries, vd_ns now)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < tries; i++)
		taken += take(prefix, now) == VD_OK;
	return taken;
}

Test(prefix_limit, lets_40_pass_at_once_and_20_a_second)
{
	begin();
	cr_assert(eq(u32, takes(1, 100, start), 40));
	cr_assert(eq(int, take(1, start), VD_ELIMIT));
	cr_assert(eq(u32, takes(1, 100, start + VD_SECONDS(1)), 20));
	cr_assert(eq(u32, takes(1, 100, start + VD_SECONDS(1) + VD_MS(50)), 1));
	cr_assert(eq(u32, takes(1, 100, start + VD_SECONDS(100)), 40));
	prefix_limit_fini(&limit);
}

Test(prefix_limit, is_for_each_prefix_and_its_length)
{
	static const uint8_t zeros[8];

	begin();
	cr_assert(eq(u32, takes(1, 100, start), 40));
	cr_assert(eq(int, take(2, start), VD_OK));
	cr_assert(eq(u32, takes(0, 100, start), 40));
	cr_assert(eq(int, prefix_limit_take(&limit, vd_bytes(zeros, 8), start), VD_OK));
	prefix_limit_fini(&limit);
}

Test(prefix_limit, of_4096_prefixes_lets_no_other_in_until_one_is_full_again)
{
	begin();
	for (uint32_t i = 0; i < 4096; i++)
		cr_assert(eq(int, take(i, start), VD_OK));
	cr_assert(eq(int, take(5000, start + VD_MS(49)), VD_ENOMEM));
	cr_assert(eq(int, take(7, start + VD_MS(49)), VD_OK), "who has one keeps it");
	cr_assert(eq(int, take(5000, start + VD_MS(50)), VD_OK));
	cr_assert(eq(u32, takes(7, 100, start + VD_MS(50)), 39), "one token is still out");
	prefix_limit_fini(&limit);
}

Test(prefix_limit, holds_nothing_once_all_are_full)
{
	begin();
	for (uint32_t i = 0; i < 100000; i++)
		cr_assert(eq(int, take(i, start + i * VD_MS(1)), VD_OK));
	cr_assert(le(u32, limit.pool.high, 51), "only those of the last 50 ms");
	prefix_limit_fini(&limit);
}
