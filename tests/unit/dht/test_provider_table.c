/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dht/provider_table.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/formats/key.h"
#include "base/init.h"

enum { ROOM = DHT_PROVIDERS_KEY + 8 };

static const vd_ns now = VD_SECONDS(1000), hour = VD_SECONDS(3600);
static struct dht_provider_table table;
static struct vd_identity identity;
static struct dht_provider found[DHT_PROVIDERS_KEY];

static struct vd_peer_id peer(unsigned number)
{
	struct vd_peer_id id = identity.id;

	id.bytes[id.len - 1] = (uint8_t)number;
	id.bytes[id.len - 2] = (uint8_t)(number >> 8);
	return id;
}

static enum vd_err add(const char *key, unsigned number, vd_ns expires)
{
	struct vd_peer_id id = peer(number);

	return dht_provider_table_add(&table, vd_bytes_of_text(key), &id, expires);
}

static size_t find(const char *key, vd_ns at)
{
	return dht_provider_table_find(&table, vd_bytes_of_text(key), at, found, DHT_PROVIDERS_KEY);
}

static void begin(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	vd_identity_generate(&identity);
	cr_assert(eq(int, dht_provider_table_init(&table, ROOM), VD_OK));
}

static void end(void)
{
	dht_provider_table_fini(&table);
}

TestSuite(provider_table, .init = begin, .fini = end);

Test(provider_table, providers_of_a_key_are_found_the_latest_first)
{
	struct vd_peer_id one = peer(1), two = peer(2);

	cr_assert(eq(int, add("a", 1, now + hour), VD_OK));
	cr_assert(eq(int, add("a", 2, now + hour), VD_OK));
	cr_assert(eq(int, add("b", 3, now + hour), VD_OK));
	cr_assert(eq(sz, find("a", now), 2));
	cr_assert(vd_peer_id_equal(&found[0].peer, &two));
	cr_assert(vd_peer_id_equal(&found[1].peer, &one));
	cr_assert(eq(u64, found[0].expires, now + hour));
	cr_assert(eq(sz, find("c", now), 0));
}

Test(provider_table, no_more_are_told_than_asked_for)
{
	for (unsigned i = 0; i < 5; i++)
		cr_assert(eq(int, add("a", i, now + hour), VD_OK));
	cr_assert(eq(sz, dht_provider_table_find(&table, vd_bytes_of_text("a"), now, found, 3), 3));
}

Test(provider_table, who_provides_again_is_there_once_and_longer)
{
	struct vd_peer_id one = peer(1);

	cr_assert(eq(int, add("a", 1, now + hour), VD_OK));
	cr_assert(eq(int, add("a", 2, now + hour), VD_OK));
	cr_assert(eq(int, add("a", 1, now + 2 * hour), VD_OK));
	cr_assert(eq(sz, dht_provider_table_count(&table), 2));
	cr_assert(eq(sz, find("a", now + hour), 1));
	cr_assert(vd_peer_id_equal(&found[0].peer, &one));
	cr_assert(eq(int, add("a", 1, now + hour), VD_OK)); /* never shorter */
	cr_assert(eq(sz, find("a", now + hour), 1));
}

Test(provider_table, what_ended_is_not_found_and_is_dropped_in_slices)
{
	cr_assert(eq(u64, dht_provider_table_deadline(&table), VD_NEVER));
	for (unsigned i = 0; i < 8; i++)
		cr_assert(eq(int, add("a", i, now + VD_SECONDS(1 + (i * 5) % 8)), VD_OK));
	cr_assert(eq(u64, dht_provider_table_deadline(&table), now + VD_SECONDS(1)));
	cr_assert(eq(sz, find("a", now + VD_SECONDS(5)), 3));
	cr_assert(eq(sz, dht_provider_table_count(&table), 8));
	cr_assert(eq(sz, dht_provider_table_expire(&table, now + VD_SECONDS(5), 2), 2));
	cr_assert(eq(sz, dht_provider_table_expire(&table, now + VD_SECONDS(5), 100), 3));
	cr_assert(eq(sz, dht_provider_table_count(&table), 3));
	cr_assert(eq(sz, find("a", now), 3));
	cr_assert(eq(u64, table.counters.expired, 5));
}

Test(provider_table, one_that_is_deleted_is_gone)
{
	struct vd_peer_id one = peer(1);

	cr_assert(eq(int, add("a", 1, now + hour), VD_OK));
	cr_assert(eq(int, add("a", 2, now + hour), VD_OK));
	cr_assert(dht_provider_table_del(&table, vd_bytes_of_text("a"), &one));
	cr_assert(dht_provider_table_del(&table, vd_bytes_of_text("a"), &one) == false);
	cr_assert(eq(sz, find("a", now), 1));
}

Test(provider_table, a_key_has_a_limit_and_a_flood_pushes_nobody_out)
{
	for (unsigned i = 0; i < DHT_PROVIDERS_KEY; i++)
		cr_assert(eq(int, add("a", i, now + hour), VD_OK));
	cr_assert(eq(int, add("a", 1000, now + 2 * hour), VD_ELIMIT));
	cr_assert(eq(u64, table.counters.refused_key, 1));
	cr_assert(eq(int, add("a", 0, now + 2 * hour), VD_OK)); /* one that is there */
	cr_assert(eq(sz, find("a", now), DHT_PROVIDERS_KEY));
}

Test(provider_table, all_keys_have_one_too)
{
	for (unsigned i = 0; i < ROOM; i++)
		cr_assert(eq(int, add(i % 2 ? "a" : "b", i, now + hour), VD_OK));
	cr_assert(eq(int, add("c", 0, now + hour), VD_ELIMIT));
	cr_assert(eq(u64, table.counters.refused_full, 1));
	cr_assert(eq(sz, dht_provider_table_count(&table), ROOM));
}

Test(provider_table, keys_have_a_length)
{
	static const char long_key[DHT_PROVIDER_KEY_MAX + 1] = { 0 };
	struct vd_peer_id one = peer(1);

	cr_assert(eq(int, add("", 1, now + hour), VD_EPEER_RANGE));
	cr_assert(eq(int,
		     dht_provider_table_add(&table, vd_bytes(long_key, DHT_PROVIDER_KEY_MAX), &one,
					    now + hour),
		     VD_OK));
	cr_assert(eq(
	    int,
	    dht_provider_table_add(&table, vd_bytes(long_key, sizeof long_key), &one, now + hour),
	    VD_EPEER_RANGE));
}
