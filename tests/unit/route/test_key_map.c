/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/key_map.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "base/formats/peer_id.h"

enum { ROWS = 64 };
static struct vd_peer_id rows[ROWS];
static struct key_map map;

static struct vd_bytes key_of(const void *at, uint32_t row)
{
	return vd_peer_id_bytes(&((const struct vd_peer_id *)at)[row]);
}

static struct vd_peer_id peer(uint32_t n)
{
	struct vd_peer_id id = { .len = 4 };

	vd_be32_store(id.bytes, n);
	return id;
}

static void setup(void)
{
	cr_assert(eq(int, (int)key_map_init(&map, ROWS, rows, key_of), VD_OK));
}

static void teardown(void)
{
	key_map_fini(&map);
}

TestSuite(key_map, .init = setup, .fini = teardown);

Test(key_map, an_empty_map_finds_nothing)
{
	struct vd_peer_id id = peer(1);

	cr_assert(eq(u32, key_map_find(&map, vd_peer_id_bytes(&id)), KEY_MAP_NONE));
}

/* Adds and deletes at random, and holds the map against a plain list. */
Test(key_map, after_any_adds_and_deletes_it_finds_what_is_there_and_nothing_else)
{
	bool there[ROWS] = { false };

	for (unsigned step = 0; step < 20000; step++) {
		uint32_t row = randombytes_uniform(ROWS), probe = randombytes_uniform(ROWS);
		struct vd_peer_id id = peer(probe);

		if (there[row]) {
			key_map_del(&map, row);
		} else {
			rows[row] = peer(row);
			key_map_add(&map, row);
		}
		there[row] = !there[row];
		cr_assert(eq(u32, key_map_find(&map, vd_peer_id_bytes(&id)),
			     there[probe] ? probe : (uint32_t)KEY_MAP_NONE));
	}
}
