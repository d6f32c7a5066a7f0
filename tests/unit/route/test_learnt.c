/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/learnt.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>
#include <string.h>

enum { PEERS = 24, ROUTERS = 4, ROOM = 64 };
static struct learnt_routes *routes;

static struct vd_peer_id peer(uint32_t n)
{
	struct vd_peer_id id = { .len = 4 };

	vd_be32_store(id.bytes, n);
	return id;
}

static struct learnt_route route(uint32_t to, uint32_t by, uint64_t label)
{
	return (struct learnt_route){
		.peer = peer(to), .via = peer(by), .label = label, .bits = 8, .mtu = 1400
	};
}

static const struct learnt_route *find(uint32_t to, uint32_t by)
{
	struct vd_peer_id peer_id = peer(to), via = peer(by);

	return learnt_routes_find(routes, &peer_id, &via);
}

static void setup(void)
{
	cr_assert(ge(int, sodium_init(), 0));
	routes = learnt_routes_new(ROOM);
	cr_assert(ne(ptr, routes, NULL));
}

static void teardown(void)
{
	learnt_routes_free(routes);
}

TestSuite(learnt, .init = setup, .fini = teardown);

Test(learnt, what_is_new_is_told_from_what_was_known)
{
	struct learnt_route one = route(1, 2, 9);

	cr_assert(learnt_routes_set(routes, &one));
	cr_assert(not(learnt_routes_set(routes, &one)));
	one.mtu = 1300;
	cr_assert(learnt_routes_set(routes, &one));
	one.bits = 16;
	cr_assert(learnt_routes_set(routes, &one));
	one.label = 10;
	cr_assert(learnt_routes_set(routes, &one));
	cr_assert(all(eq(u64, find(1, 2)->label, 10), eq(u16, find(1, 2)->mtu, 1300)));
	cr_assert(eq(ptr, (void *)find(2, 1), NULL), "nor the other way round");
}

Test(learnt, with_no_room_left_it_keeps_what_it_has)
{
	struct learnt_route one;

	for (uint32_t i = 0; i < ROOM + 8; i++) {
		one = route(i, 7, i);
		cr_assert(learnt_routes_set(routes, &one));
	}
	cr_assert(eq(u64, find(ROOM - 1, 7)->label, ROOM - 1));
	cr_assert(eq(ptr, (void *)find(ROOM, 7), NULL));
	learnt_routes_forget_to(routes, &(struct vd_peer_id){ .len = 4 }); /* peer 0 */
	cr_assert(learnt_routes_set(routes, &one));
	cr_assert(eq(u64, find(ROOM + 7, 7)->label, ROOM + 7));
}

Test(learnt, none_at_all_is_what_a_node_without_sessions_has)
{
	struct vd_peer_id id = peer(1);
	struct learnt_route one = route(1, 2, 9);
	uint32_t at = 0;

	cr_assert(learnt_routes_set(NULL, &one));
	cr_assert(eq(ptr, (void *)learnt_routes_find(NULL, &id, &id), NULL));
	cr_assert(eq(ptr, (void *)learnt_routes_next(NULL, &at), NULL));
	learnt_routes_forget_to(NULL, &id);
	learnt_routes_forget_by(NULL, &id);
	learnt_routes_free(NULL);
}

/* ---- against a plain table ---- */

static uint64_t labels[PEERS][ROUTERS]; /* 0: no route */
static unsigned count;

static void change(uint32_t to, uint32_t by)
{
	struct learnt_route one = route(to, 100 + by, 1 + randombytes_uniform(3));
	bool room = labels[to][by] || count < ROOM;

	cr_assert(eq(int, learnt_routes_set(routes, &one), labels[to][by] != one.label));
	if (!room)
		return;
	count += labels[to][by] == 0;
	labels[to][by] = one.label;
}

static void forget_to(uint32_t to)
{
	struct vd_peer_id id = peer(to);

	learnt_routes_forget_to(routes, &id);
	for (uint32_t by = 0; by < ROUTERS; by++)
		count -= labels[to][by] != 0;
	memset(labels[to], 0, sizeof labels[to]);
}

static void forget_by(uint32_t by)
{
	struct vd_peer_id id = peer(100 + by);

	learnt_routes_forget_by(routes, &id);
	for (uint32_t to = 0; to < PEERS; to++) {
		count -= labels[to][by] != 0;
		labels[to][by] = 0;
	}
}

static void check(void)
{
	uint32_t at = 0;
	unsigned seen = 0;

	for (uint32_t to = 0; to < PEERS; to++)
		for (uint32_t by = 0; by < ROUTERS; by++) {
			const struct learnt_route *found = find(to, 100 + by);

			cr_assert(eq(u64, found ? found->label : 0, labels[to][by]));
		}
	while (learnt_routes_next(routes, &at))
		seen++;
	cr_assert(eq(uint, seen, count));
}

Test(learnt, after_any_changes_it_has_what_a_plain_table_has)
{
	for (unsigned step = 0; step < 5000; step++) {
		uint32_t to = randombytes_uniform(PEERS), by = randombytes_uniform(ROUTERS);

		switch (randombytes_uniform(24)) {
		case 0: forget_by(by); break;
		case 1:
		case 2: forget_to(to); break;
		default: change(to, by);
		}
		check();
	}
}
