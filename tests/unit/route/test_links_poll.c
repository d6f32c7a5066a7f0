/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Many links: looked at a slice at a time, each once a second. */
#include "controlplane/route/links.h"

#include "tests/unit/route/plane_fixture.h"

enum { LINKS = 3 * ROUTE_POLL_ROWS - 100 };

static struct route_links *links;
static uint32_t index_of[LINKS];
static unsigned visits, visited[LINKS + ROUTE_POLL_ROWS]; /* by slot */

static struct vd_peer_id many(uint32_t who)
{
	struct vd_peer_id id = peer(7);

	memcpy(id.bytes + 6, &who, sizeof who);
	return id;
}

static void setup(void)
{
	const struct sw_plane_config config = { .workers = 1, .width = 13, .links_max = LINKS };
	static const uint8_t key[16];

	cr_assert(ge(int, sodium_init(), 0));
	rcu_register_thread();
	cr_assert(eq(int, (int)sw_plane_init(&plane, &config), VD_OK));
	links = route_links_new(&plane, LINKS, 0xfd76);
	for (uint32_t i = 0; i < LINKS; i++) {
		struct route_install install = { .peer = many(i), .rx_key = key, .tx_key = key };

		cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
		cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_OK));
		route_links_up(links, &install.peer);
		index_of[i] = install.index;
	}
}

static void teardown(void)
{
	route_links_free(links);
	plane_teardown();
}

TestSuite(links_poll, .init = setup, .fini = teardown);

static void count(void *context, uint32_t index, bool received, bool sent)
{
	(void)context;
	(void)received;
	(void)sent;
	visits++;
	visited[sw_index_slot(index)]++;
}

/* Polls whenever it is due, from `at` for a second. */
static vd_ns a_second_from(vd_ns at)
{
	vd_ns end = at + VD_SECONDS(1), next = at;

	memset(visited, 0, sizeof visited);
	while (next < end) {
		visits = 0;
		next = route_links_poll(links, next, count, NULL);
		cr_assert(le(uint, visits, ROUTE_POLL_ROWS));
	}
	return next;
}

Test(links_poll, each_link_is_looked_at_once_a_second_a_slice_at_a_time)
{
	vd_ns at = VD_SECONDS(5);

	for (unsigned rounds = 0; rounds < 3; rounds++) {
		at = a_second_from(at);
		cr_assert(le(u64, at, VD_SECONDS(6 + rounds) + VD_MS(1)));
		for (unsigned i = 0; i < LINKS; i++)
			cr_assert(eq(uint, visited[sw_index_slot(index_of[i])], 1));
	}
}

Test(links_poll, links_that_went_are_not_looked_at_and_the_others_are)
{
	for (uint32_t i = 0; i < LINKS; i += 2) {
		struct vd_peer_id id = many(i);

		route_links_drop(links, &id, 0);
	}
	(void)a_second_from(VD_SECONDS(5));
	for (unsigned i = 0; i < LINKS; i++)
		cr_assert(eq(uint, visited[sw_index_slot(index_of[i])], i % 2));
}
