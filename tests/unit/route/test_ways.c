/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/ways.h"

#include "tests/unit/route/plane_fixture.h"

enum { R0 = 2 };
static struct cp_netmap *map;
static struct ways *ways;

static struct vd_udp_addr ip4(uint8_t c, uint8_t d, uint16_t port)
{
	return (struct vd_udp_addr){ .ip = { [10] = 0xff, 0xff, 198, 18, c, d }, .port = port };
}

/* r0 with 198.18.1.1/24, and a way to 198.18.2.0/24 by 198.18.1.9. */
static void setup(void)
{
	struct cp_net_link link = { .ifindex = R0,
				    .up = true,
				    .ethernet = true,
				    .mtu = 1500,
				    .mac = { 2, 0, 0, 0, 0, 1 },
				    .name = "r0" };
	struct cp_net_addr addr = { .ifindex = R0, .prefix_len = 120 };
	struct cp_net_route near = { .prefix_len = 120, .ifindex = R0 };
	struct cp_net_route far = { .prefix_len = 120, .ifindex = R0, .has_gateway = true };
	const struct route_port port = { .ifindex = R0, .mtu = 1500, .bind = { .port = 4001 } };

	plane_setup();
	memcpy(addr.ip, ip4(1, 1, 0).ip, 16);
	memcpy(near.ip, ip4(1, 0, 0).ip, 16);
	memcpy(far.ip, ip4(2, 0, 0).ip, 16);
	memcpy(far.gateway, ip4(1, 9, 0).ip, 16);
	cr_assert(eq(int, (int)cp_netmap_new(&map), VD_OK));
	cr_assert(eq(int, (int)cp_netmap_set_link(map, &link), VD_OK));
	cr_assert(eq(int, (int)cp_netmap_set_addr(map, &addr), VD_OK));
	cr_assert(eq(int, (int)cp_netmap_set_route(map, &near, false), VD_OK));
	cr_assert(eq(int, (int)cp_netmap_set_route(map, &far, false), VD_OK));
	ways = ways_new(&plane, map, &port, 1);
	cr_assert(ne(ptr, ways, NULL));
}

static void teardown(void)
{
	ways_free(ways);
	cp_netmap_free(map);
	plane_teardown();
}

TestSuite(ways, .init = setup, .fini = teardown);

static void learn(uint8_t d, uint8_t last_of_mac)
{
	struct cp_net_neighbour n = { .ifindex = R0,
				      .state = CP_NEIGHBOUR_KNOWN,
				      .mac = { 2, 0, 0, 0, 9, last_of_mac } };

	memcpy(n.ip, ip4(1, d, 0).ip, 16);
	cr_assert(eq(int, (int)cp_netmap_set_neighbour(map, &n), VD_OK));
	ways_refresh(ways);
}

static struct sw_endpoint find(struct vd_udp_addr remote)
{
	struct sw_endpoint endpoint;

	cr_assert(eq(int, (int)ways_find(ways, &remote, &endpoint), VD_OK));
	return endpoint;
}

Test(ways, the_endpoint_has_the_interfaces_address_and_the_ports_udp_port)
{
	struct sw_endpoint endpoint = find(ip4(1, 5, 9000));
	struct vd_udp_addr want = ip4(1, 1, 4001);

	cr_assert(zero(int, memcmp(endpoint.local.ip, want.ip, 16)));
	cr_assert(eq(u16, endpoint.local.port, 4001));
	cr_assert(eq(u16, endpoint.remote.port, 9000));
}

Test(ways, an_address_without_a_route_is_not_reached)
{
	struct vd_udp_addr remote = ip4(7, 7, 1);
	struct sw_endpoint endpoint;

	cr_assert(eq(int, (int)ways_find(ways, &remote, &endpoint), VD_ENOTFOUND));
}

Test(ways, a_template_waits_for_its_neighbour_and_is_published_when_it_is_known)
{
	struct sw_endpoint endpoint = find(ip4(1, 5, 9000));
	struct sw_template send;
	const struct sw_neighbours *table;

	cr_assert(eq(int, (int)ways_template(ways, &endpoint, &send), VD_AGAIN));
	cr_assert(ne(u32, send.neighbour, 0));
	learn(5, 5);
	cr_assert(eq(int, (int)ways_template(ways, &endpoint, &send), VD_OK));
	table = sw_rcu_get(&plane.neighbours);
	cr_assert(eq(u8, table->rows[send.neighbour].l2_len, 14));
	cr_assert(eq(u8, table->rows[send.neighbour].l2[5], 5));
	cr_assert(eq(u8, table->rows[send.neighbour].l2[11], 1), "source: the interface's");
	cr_assert(eq(u8, table->rows[send.neighbour].l2[12], 8), "ethertype IPv4");
}

Test(ways, a_changed_ethernet_address_is_one_publication_for_all_links)
{
	struct sw_endpoint endpoint = find(ip4(1, 5, 9000));
	struct sw_template send;
	const struct sw_neighbours *table;

	(void)ways_template(ways, &endpoint, &send);
	learn(5, 5);
	learn(5, 77);
	table = sw_rcu_get(&plane.neighbours);
	cr_assert(eq(u8, table->rows[send.neighbour].l2[5], 77));
}

Test(ways, addresses_behind_one_gateway_share_its_row)
{
	struct sw_endpoint a = find(ip4(2, 1, 1)), b = find(ip4(2, 2, 1)), c = find(ip4(1, 5, 1));
	struct sw_template to_a, to_b, to_c;

	(void)ways_template(ways, &a, &to_a);
	(void)ways_template(ways, &b, &to_b);
	(void)ways_template(ways, &c, &to_c);
	cr_assert(eq(u32, to_a.neighbour, to_b.neighbour));
	cr_assert(ne(u32, to_a.neighbour, to_c.neighbour));
}

Test(ways, the_payload_room_follows_the_mtu)
{
	struct sw_endpoint endpoint = find(ip4(1, 5, 1));
	struct sw_template send;

	(void)ways_template(ways, &endpoint, &send);
	cr_assert(eq(u16, send.payload_max, 1500 - 20 - 8 - 33));
}

/* Templates for more next hops than the table holds; none of them gets row `kept`. */
static void fill_table(uint32_t kept)
{
	for (uint32_t i = 0; i < ROUTE_NEXT_HOPS_MAX + 8; i++) {
		struct vd_udp_addr local = ip4(1, 1, 4001);
		struct sw_endpoint stranger = { .local = local, .remote = ip4(9, 0, 1) };
		struct cp_net_route route = { .prefix_len = 128,
					      .ifindex = R0,
					      .has_gateway = true };
		struct sw_template send;

		/* one more gateway each time */
		memcpy(route.ip, stranger.remote.ip, 16);
		memcpy(route.gateway, ip4((uint8_t)(64 + i / 256), (uint8_t)i, 0).ip, 16);
		cr_assert(eq(int, (int)cp_netmap_set_route(map, &route, true), VD_OK));
		cr_assert(eq(int, (int)ways_template(ways, &stranger, &send), VD_AGAIN), "%u", i);
		cr_assert(ne(u32, send.neighbour, kept));
	}
}

Test(ways, next_hops_that_no_link_sends_by_make_room_when_the_table_is_full)
{
	struct sw_endpoint kept = find(ip4(1, 5, 1));
	struct sw_link_config config = { .owner = 0 };
	uint32_t index;

	(void)ways_template(ways, &kept, &config.send);
	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &index), VD_OK));
	sw_link_publish(&plane.links, index, &config, 0);
	fill_table(config.send.neighbour);
}

Test(ways, a_next_hop_of_headers_that_no_worker_has_taken_yet_keeps_its_row)
{
	struct sw_endpoint endpoint = find(ip4(1, 5, 1));
	struct sw_inject *inject = sw_lane_reserve(&plane.injects[0]);
	struct sw_template send;

	(void)ways_template(ways, &endpoint, &send);
	*inject = (struct sw_inject){ .kind = SW_INJECT_LINK_TEMPLATE, .send = send };
	sw_lane_commit(&plane.injects[0]);
	fill_table(send.neighbour);
}
