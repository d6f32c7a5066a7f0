/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/link.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>
#include <string.h>

enum { CAPACITY = 16 };

static struct sw_link_table table;
static const struct sw_link_config config = {
	.rx_key = { 1, 2, 3 },
	.tx_key = { 4, 5, 6 },
	.remote_index = 77,
	.director = 5,
	.permit = 3,
	.path = 9,
	.owner = 2,
	.keepalive = true,
	.send = { .outer_len = 28 },
};

static void setup(void)
{
	cr_assert(ge(int, sodium_init(), 0));
	rcu_register_thread();
	cr_assert(eq(int, sw_link_table_init(&table, CAPACITY), VD_OK));
}

static void teardown(void)
{
	rcu_barrier();
	sw_link_table_fini(&table);
	rcu_unregister_thread();
}

static uint32_t reserve(void)
{
	uint32_t index = 0;

	cr_assert(eq(int, sw_link_reserve(&table, &index), VD_OK));
	cr_assert(ne(u32, index, 0));
	return index;
}

TestSuite(link, .init = setup, .fini = teardown);

Test(link, a_reserved_index_is_not_found_until_published)
{
	uint32_t index = reserve();

	cr_assert(eq(ptr, sw_link_find(&table, index), NULL));
	sw_link_publish(&table, index, &config, 99);
	struct sw_link *link = sw_link_find(&table, index);
	cr_assert(ne(ptr, link, NULL));
	cr_assert(eq(u32, link->remote_index, 77));
	cr_assert(eq(u32, link->reverse, 0xa0000000), "director 5, mirrored");
	cr_assert(eq(u32, link->tx_reverse, link->reverse));
	cr_assert(eq(u8, link->tx_owner, 2));
	cr_assert(eq(u64, link->tx_last_ns, 99));
	cr_assert(eq(u8, link->rx_key[1], 2));
	cr_assert(eq(u8, link->tx_key[1], 5));
}

Test(link, a_retired_index_is_not_found_and_its_keys_are_wiped)
{
	uint32_t index = reserve();

	sw_link_publish(&table, index, &config, 0);
	struct sw_link *link = sw_link_find(&table, index);
	sw_link_retire(&table, index);
	cr_assert(eq(ptr, sw_link_find(&table, index), NULL));
	rcu_barrier();
	cr_assert(sodium_is_zero((uint8_t *)link, sizeof *link));
}

Test(link, a_slot_rests_until_the_grace_period_then_returns_under_another_generation)
{
	uint32_t indices[CAPACITY], index;

	for (unsigned i = 0; i < CAPACITY; i++)
		indices[i] = reserve();
	cr_assert(eq(int, sw_link_reserve(&table, &index), VD_ELIMIT));
	sw_link_publish(&table, indices[3], &config, 0);
	sw_link_retire(&table, indices[3]);
	rcu_barrier();
	index = reserve();
	cr_assert(eq(u32, index >> 8, indices[3] >> 8));
	cr_assert(ne(u32, index, indices[3]));
	cr_assert(eq(int, sw_link_reserve(&table, &index), VD_ELIMIT));
}

Test(link, the_generation_of_an_index_is_drawn_anew)
{
	unsigned steps_of_one = 0;
	uint32_t last = reserve();

	for (unsigned i = 0; i < 100; i++) {
		sw_link_release(&table, last);
		uint32_t index = reserve();

		cr_assert(eq(u32, index >> 8, last >> 8));
		steps_of_one += (uint8_t)(index - last) == 1;
		last = index;
	}
	cr_assert(lt(uint, steps_of_one, 20), "a row of numbers could be foretold");
}

Test(link, a_released_index_is_free_at_once)
{
	uint32_t first = reserve();

	sw_link_release(&table, first);
	sw_link_publish(&table, first, &config, 0);
	cr_assert(eq(ptr, sw_link_find(&table, first), NULL), "no longer ours");
	uint32_t second = reserve();
	cr_assert(eq(u32, second >> 8, first >> 8));
	cr_assert(ne(u32, second, first));
}

Test(link, index_zero_is_never_given_out)
{
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t index = reserve();

		cr_assert(eq(u32, index >> 8, 0));
		sw_link_release(&table, index);
	}
}

Test(link, retiring_twice_or_a_stranger_changes_nothing)
{
	uint32_t index = reserve();

	sw_link_retire(&table, index);
	sw_link_publish(&table, index, &config, 0);
	sw_link_retire(&table, index ^ 1);
	sw_link_retire(&table, 0xffffff00);
	cr_assert(ne(ptr, sw_link_find(&table, index), NULL));
	sw_link_retire(&table, index);
	sw_link_retire(&table, index);
	sw_link_release(&table, index);
	rcu_barrier();
	cr_assert(eq(u32, reserve() >> 8, index >> 8));
	cr_assert(eq(u32, reserve() >> 8, (index >> 8) + 1), "the slot came back once");
}

Test(link, single_words_are_set_on_live_links_only)
{
	uint32_t index = reserve();

	sw_link_set_permit(&table, index, 1);
	sw_link_publish(&table, index, &config, 0);
	struct sw_link *link = sw_link_find(&table, index);
	sw_link_set_permit(&table, index, 0x500000004);
	sw_link_set_path(&table, index, 1234);
	sw_link_set_keepalive(&table, index, false);
	cr_assert(eq(u64, link->permit, 0x500000004));
	cr_assert(eq(u64, link->tx_permit, 0x500000004));
	cr_assert(eq(u32, link->path, 1234));
	cr_assert(eq(u8, link->keepalive, 0));
	sw_link_set_path(&table, index ^ 1, 1);
	cr_assert(eq(u32, link->path, 1234));
}

Test(link, only_links_with_a_rate_are_policed)
{
	uint32_t plain = reserve(), rated = reserve();
	struct sw_link_config with_rate = config;

	with_rate.bps = 1;
	sw_link_publish(&table, plain, &config, 0);
	sw_link_publish(&table, rated, &with_rate, 0);
	cr_assert(eq(u8, sw_link_find(&table, plain)->rx_flags, 0));
	cr_assert(eq(u8, sw_link_find(&table, rated)->rx_flags, SW_LINK_POLICED));
	cr_assert(eq(u8, sw_link_find(&table, rated)->tx_flags, SW_LINK_POLICED));
	cr_assert(gt(u64, table.police[rated >> 8].rx.bytes.cost, 0), "1 bit/s is not unlimited");
}

Test(link, capacities_out_of_range_are_refused)
{
	struct sw_link_table other;

	cr_assert(eq(int, sw_link_table_init(&other, 0), VD_EUSER));
	cr_assert(eq(int, sw_link_table_init(&other, (1u << 24) + 1), VD_EUSER));
}
