/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/mtu_paths.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct mtu_paths mps;
static vd_ns now = VD_SECONDS(1);

static struct peering_path path(uint8_t n)
{
	return (struct peering_path){ .bytes = { n } };
}

/* Uses path `n`, and is told at once that it carries all. */
static struct mtu_probe *searched(uint8_t n, uint32_t max)
{
	struct peering_path way = path(n);
	struct mtu_probe *mp = mtu_paths_use(&mps, &way, max, ++now);
	struct mtu_event event;

	for (unsigned i = 0; i < 100 && mp->state != MTU_COMPLETE; i++) {
		event = mtu_probe_next(mp, now);
		if (event.kind == MTU_SEND)
			(void)mtu_probe_answered(mp, event.id, event.size, now);
		else if (event.kind == MTU_NONE)
			now += VD_MS(100);
	}
	cr_assert(eq(int, mp->state, MTU_COMPLETE));
	while (mtu_probe_next(mp, now).kind != MTU_NONE)
		;
	return mp;
}

Test(mtu_paths, there_is_none_at_first)
{
	struct peering_path way = path(1);

	cr_assert(zero(ptr, mtu_paths_current(&mps)));
	cr_assert(zero(ptr, mtu_paths_find(&mps, &way)));
}

Test(mtu_paths, the_same_path_goes_on_whatever_the_keys)
{
	struct mtu_probe *mp = searched(1, 1409);
	struct peering_path way = path(1);

	cr_assert(eq(ptr, mtu_paths_use(&mps, &way, 1409, now), mp));
	cr_assert(eq(int, mp->state, MTU_COMPLETE));
	cr_assert(eq(u64, mtu_probe_deadline(mp), VD_NEVER), "nothing is searched again");
	cr_assert(eq(ptr, mtu_paths_current(&mps), mp));
}

Test(mtu_paths, another_path_is_searched_anew)
{
	struct mtu_probe *first = searched(1, 1409);
	struct peering_path way = path(2);
	struct mtu_probe *second = mtu_paths_use(&mps, &way, 1409, now);

	cr_assert(ne(ptr, second, first));
	cr_assert(eq(int, second->state, MTU_BASE));
	cr_assert(eq(ptr, mtu_paths_current(&mps), second));
}

Test(mtu_paths, a_path_used_again_is_confirmed_not_searched)
{
	struct mtu_probe *first = searched(1, 1409);
	struct peering_path way = path(1);

	(void)searched(2, 1300);
	cr_assert(eq(ptr, mtu_paths_use(&mps, &way, 1409, now), first));
	cr_assert(eq(int, first->state, MTU_COMPLETE));
	cr_assert(eq(u16, mtu_probe_mtu(first), 1409));
	cr_assert(eq(int, mtu_probe_next(first, now).kind, MTU_SEND));
}

Test(mtu_paths, the_one_used_longest_ago_makes_room)
{
	struct peering_path second = path(2), third = path(3);

	for (uint8_t n = 1; n <= MTU_PATHS; n++)
		(void)searched(n, 1409);
	(void)searched(1, 1409);
	(void)searched(9, 1409);
	cr_assert(zero(ptr, mtu_paths_find(&mps, &second)));
	cr_assert(not(zero(ptr, mtu_paths_find(&mps, &third))));
}
