/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/timers.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "controlplane/proto/slots.h"

Test(timers, the_earliest_comes_first_whatever_was_set_and_taken_away)
{
	enum { OWNERS = 200 };
	struct timers timers;
	vd_ns expected[OWNERS];
	uint64_t random = 1;

	cr_assert(eq(int, timers_init(&timers, OWNERS), VD_OK));
	for (unsigned i = 0; i < OWNERS; i++)
		expected[i] = VD_NEVER;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t owner;
		vd_ns least = VD_NEVER;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		owner = (uint32_t)(random >> 33) % OWNERS;
		expected[owner] = random >> 62 ? (random >> 20) % 1000 : VD_NEVER;
		timers_set(&timers, owner, expected[owner]);
		for (unsigned i = 0; i < OWNERS; i++)
			least = vd_ns_min(least, expected[i]);
		cr_assert(eq(u64, timers_next(&timers), least));
		if (least != VD_NEVER)
			cr_assert(eq(u64, expected[timers_owner(&timers)], least));
	}
	timers_fini(&timers);
}

Test(slots, a_pool_gives_each_number_once_until_it_is_empty)
{
	struct slot_pool pool;
	bool out[10] = { 0 };

	cr_assert(eq(int, slot_pool_init(&pool, 10), VD_OK));
	for (unsigned i = 0; i < 10; i++) {
		uint32_t slot = slot_take(&pool);

		cr_assert(lt(u32, slot, 10));
		cr_assert(not(out[slot]));
		out[slot] = true;
	}
	cr_assert(eq(u32, slot_take(&pool), SLOT_NONE));
	slot_give(&pool, 3);
	cr_assert(eq(u32, slot_take(&pool), 3));
	cr_assert(eq(u32, pool.count, 10));
	slot_pool_fini(&pool);
}

Test(slots, a_chain_holds_what_was_added_and_not_deleted)
{
	struct slot_chains chains;
	unsigned count = 0;

	cr_assert(eq(int, slot_chains_init(&chains, 100), VD_OK));
	for (uint32_t i = 0; i < 50; i++)
		slot_chain_add(&chains, 7, i);
	for (uint32_t i = 0; i < 50; i += 2)
		slot_chain_del(&chains, 7, i);
	slot_chain_del(&chains, 7, 99);
	for (uint32_t i = slot_chain_first(&chains, 7); i != SLOT_NONE;
	     i = slot_chain_next(&chains, i)) {
		cr_assert(eq(u32, i % 2, 1));
		count++;
	}
	cr_assert(eq(u32, count, 25));
	slot_chains_fini(&chains);
}
