/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/peer_map.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

enum { ROWS = 64 };
static struct vd_peer_id rows[ROWS];
static struct peer_map map;

static const struct vd_peer_id *peer_of(const void *at, uint32_t row)
{
	return &((const struct vd_peer_id *)at)[row];
}

static struct vd_peer_id peer(uint32_t n)
{
	struct vd_peer_id id = { .len = 4 };

	vd_be32_store(id.bytes, n);
	return id;
}

static void setup(void)
{
	cr_assert(eq(int, (int)peer_map_init(&map, ROWS, rows, peer_of), VD_OK));
}

static void teardown(void)
{
	peer_map_fini(&map);
}

TestSuite(peer_map, .init = setup, .fini = teardown);

Test(peer_map, an_empty_map_finds_nothing)
{
	struct vd_peer_id id = peer(1);

	cr_assert(eq(u32, peer_map_find(&map, &id), PEER_MAP_NONE));
}

/* Adds and deletes at random, and holds the map against a plain list. */
Test(peer_map, after_any_adds_and_deletes_it_finds_what_is_there_and_nothing_else)
{
	bool there[ROWS] = { false };

	for (unsigned step = 0; step < 20000; step++) {
		uint32_t row = randombytes_uniform(ROWS), probe = randombytes_uniform(ROWS);
		struct vd_peer_id id = peer(probe);

		if (there[row]) {
			peer_map_del(&map, row);
		} else {
			rows[row] = peer(row);
			peer_map_add(&map, row);
		}
		there[row] = !there[row];
		cr_assert(eq(u32, peer_map_find(&map, &id),
			     there[probe] ? probe : (uint32_t)PEER_MAP_NONE));
	}
}
