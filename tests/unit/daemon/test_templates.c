/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Headers that links' owners are asked to write, when their lanes have no room. */
#include "controlplane/daemon/link_moves.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/templates.h"
#include "switch/outer.h"
#include "tests/unit/route/plane_fixture.h"

enum { A = 1, B = 2, WORKERS = 2 };

static struct node node;
static const uint8_t key[16];

static struct vd_udp_addr ip4(uint8_t last)
{
	return (struct vd_udp_addr){ .ip = { [10] = 0xff, 0xff, 198, 18, 0, last }, .port = 4001 };
}

/* An address that a socket reaches. */
static struct sw_endpoint at(uint8_t last)
{
	return (struct sw_endpoint){ .local = ip4(1), .remote = ip4(last) };
}

/* A generation without headers, as if routes had changed since; not used yet. */
static uint32_t install(uint8_t who, struct sw_endpoint endpoint, uint8_t owner)
{
	struct route_install install = { .peer = peer(who),
					 .rx_key = key,
					 .tx_key = key,
					 .endpoint = endpoint,
					 .owner = owner };

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(node.links, &install, 0), VD_OK));
	return install.index;
}

static uint32_t bring_up(uint8_t who)
{
	uint32_t index = install(who, at(who), 0);

	cr_assert(ne(ptr, (void *)route_links_use(node.links, index), NULL));
	return index;
}

static void setup(void)
{
	const struct route_port port = { .socket = true, .bind = ip4(1) };

	plane_setup_of(WORKERS);
	cr_assert(eq(int, (int)cp_netmap_new(&node.netmap), VD_OK));
	node.plane = plane;
	node.ways = ways_new(&plane, node.netmap, &port, 1);
	node.links = route_links_new(&plane, 4, 0xfd76);
	cr_assert(node.ways && node.links);
}

static void teardown(void)
{
	route_links_free(node.links);
	ways_free(node.ways);
	cp_netmap_free(node.netmap);
	plane_teardown();
}

TestSuite(templates, .init = setup, .fini = teardown);

static void fill_lane(void)
{
	struct sw_inject *inject;

	while ((inject = sw_lane_reserve(&node.plane.injects[0]))) {
		inject->kind = SW_INJECT_DATAGRAM;
		sw_lane_commit(&node.plane.injects[0]);
	}
}

/* A worker takes all: where the last headers for `link` lead, or 0 without any. */
static uint8_t written_by(unsigned worker, uint32_t link)
{
	struct vd_udp_addr local, remote = { 0 };
	const struct sw_inject *inject;

	while ((inject = sw_lane_peek(&node.plane.injects[worker]))) {
		if (inject->kind == SW_INJECT_LINK_TEMPLATE && inject->link == link)
			sw_template_ends(&inject->send, &local, &remote);
		sw_lane_release(&node.plane.injects[worker]);
	}
	return remote.ip[15];
}

static uint8_t written_to(uint32_t link)
{
	return written_by(0, link);
}

Test(templates, are_written_once_for_each_link)
{
	uint32_t a = bring_up(A);

	node_begin_templates(&node);
	node_refresh_templates(&node);
	cr_assert(not(node.templates_pending));
	cr_assert(eq(u8, written_to(a), A));
	node_begin_templates(&node);
	node_refresh_templates(&node);
	cr_assert(eq(u8, written_to(a), 0), "nothing changed");
}

Test(templates, wait_for_room_in_the_lane)
{
	uint32_t a = bring_up(A), b;

	fill_lane();
	node_begin_templates(&node);
	node_refresh_templates(&node);
	cr_assert(node.templates_pending);
	cr_assert(zero(u64, node.counters.injects_full), "nothing is lost");
	cr_assert(eq(u8, written_to(a), 0));
	node_refresh_templates(&node);
	cr_assert(not(node.templates_pending));
	cr_assert(eq(u8, written_to(a), A));
	b = bring_up(B);
	node_begin_templates(&node);
	node_refresh_templates(&node);
	cr_assert(eq(u8, written_to(b), B));
}

Test(templates, of_a_peer_that_moved_wait_too)
{
	struct sw_endpoint there = at(77);
	struct peering_path path = node_path_of_endpoint(&there);
	struct vd_peer_id id = peer(A);
	uint32_t a = bring_up(A);

	fill_lane();
	node_move_link(&node, &id, &path);
	node_refresh_templates(&node); /* in the same pump: the lane is still full */
	cr_assert(eq(u8, written_to(a), 0));
	node_refresh_templates(&node);
	cr_assert(eq(u8, written_to(a), 77));
}

Test(templates, of_each_generation_lead_where_it_goes_and_are_its_owners)
{
	uint32_t current = bring_up(A), waiting = install(A, at(50), 1);

	node_begin_templates(&node);
	node_refresh_templates(&node);
	cr_assert(eq(u8, written_by(0, current), A));
	cr_assert(eq(u8, written_by(1, waiting), 50));
}

Test(templates, of_a_peer_that_moved_are_written_by_each_owner)
{
	struct sw_endpoint there = at(77);
	struct peering_path path = node_path_of_endpoint(&there);
	struct vd_peer_id id = peer(A);
	uint32_t current = bring_up(A), waiting = install(A, at(50), 1);

	node_move_link(&node, &id, &path);
	cr_assert(eq(u8, written_by(0, current), 77));
	cr_assert(eq(u8, written_by(1, waiting), 77));
}
