/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/netmap.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static struct cp_netmap *map;

/* ---- a small host: eth0 (2), eth1 (3), tun0 (4), lo (1) ---- */

static const uint8_t *ip(const char *text)
{
	static uint8_t ring[8][16];
	static unsigned at;
	uint8_t *out = ring[at++ % 8];

	memset(out, 0, 16);
	if (inet_pton(AF_INET, text, out + 12) == 1)
		out[10] = out[11] = 0xff;
	else
		cr_assert(eq(int, inet_pton(AF_INET6, text, out), 1), "%s", text);
	return out;
}

static void link_is(uint32_t ifindex, const char *name, bool up, bool ethernet)
{
	struct cp_net_link link = { .ifindex = ifindex,
				    .up = up,
				    .ethernet = ethernet,
				    .mtu = 1500,
				    .mac = { 2, 0, 0, 0, 0, (uint8_t)ifindex } };

	snprintf(link.name, sizeof link.name, "%s", name);
	cr_assert(eq(int, cp_netmap_set_link(map, &link), VD_OK));
}

static void addr_is(uint32_t ifindex, const char *text, uint8_t len)
{
	struct cp_net_addr addr = { .ifindex = ifindex };
	const uint8_t *bytes = ip(text);

	memcpy(addr.ip, bytes, 16);
	addr.prefix_len = (uint8_t)(strchr(text, ':') ? len : len + 96);
	cr_assert(eq(int, cp_netmap_set_addr(map, &addr), VD_OK));
}

static struct cp_net_route route_of(const char *prefix, uint8_t len, uint32_t ifindex,
				    const char *gateway, uint32_t metric)
{
	struct cp_net_route route = { .ifindex = ifindex, .metric = metric };

	memcpy(route.ip, ip(prefix), 16);
	route.prefix_len = (uint8_t)(strchr(prefix, ':') ? len : len + 96);
	route.has_gateway = gateway != NULL;
	if (gateway)
		memcpy(route.gateway, ip(gateway), 16);
	return route;
}

static void route_is(const char *prefix, uint8_t len, uint32_t ifindex, const char *gateway,
		     uint32_t metric)
{
	struct cp_net_route route = route_of(prefix, len, ifindex, gateway, metric);

	cr_assert(eq(int, cp_netmap_set_route(map, &route, false), VD_OK));
}

static void neighbour_is(uint32_t ifindex, const char *text, enum cp_neighbour_state state)
{
	struct cp_net_neighbour n = { .ifindex = ifindex,
				      .mac = { 6, 6, 6, 6, 6, 6 },
				      .state = (uint8_t)state };

	memcpy(n.ip, ip(text), 16);
	cr_assert(eq(int, cp_netmap_set_neighbour(map, &n), VD_OK));
}

static void begin(void)
{
	cr_assert(eq(int, cp_netmap_new(&map), VD_OK));
	link_is(1, "lo", true, false);
	link_is(2, "eth0", true, true);
	link_is(3, "eth1", true, true);
	link_is(4, "tun0", true, false);
	addr_is(1, "127.0.0.1", 8);
	addr_is(1, "::1", 128);
	addr_is(2, "198.18.1.1", 24);
	addr_is(3, "198.18.2.1", 24);
	addr_is(2, "fd00:1::1", 64);
	addr_is(2, "fe80::1", 64);
	route_is("198.18.1.0", 24, 2, NULL, 0);
	route_is("198.18.2.0", 24, 3, NULL, 0);
	route_is("fd00:1::", 64, 2, NULL, 256);
	route_is("fe80::", 64, 2, NULL, 256);
}

static void end(void)
{
	cp_netmap_free(map);
}

TestSuite(netmap, .init = begin, .fini = end);

static struct cp_way way_to(const char *text)
{
	struct cp_way way = { 0 };

	cr_assert(eq(int, cp_netmap_way(map, ip(text), &way), VD_OK), "%s", text);
	return way;
}

#define ip_eq(actual, text) cr_assert(zero(int, memcmp((actual), ip(text), 16)), "%s", text)

Test(netmap, on_link_the_next_hop_is_the_address_itself)
{
	struct cp_way way = way_to("198.18.1.7");

	cr_assert(eq(u32, way.ifindex, 2));
	ip_eq(way.next_hop, "198.18.1.7");
	ip_eq(way.source, "198.18.1.1");
	cr_assert(eq(u32, way.mtu, 1500));
	cr_assert(way.needs_neighbour);
	cr_assert(not(way.mac_known));
	cr_assert(eq(u8, way.source_mac[5], 2));
	cr_assert(not(way.local));
}

Test(netmap, by_a_gateway_the_next_hop_is_the_gateway)
{
	struct cp_way way;

	route_is("0.0.0.0", 0, 3, "198.18.2.254", 0);
	way = way_to("8.8.8.8");
	cr_assert(eq(u32, way.ifindex, 3));
	ip_eq(way.next_hop, "198.18.2.254");
	ip_eq(way.source, "198.18.2.1");
}

Test(netmap, without_a_route_there_is_no_way)
{
	struct cp_way way;

	cr_assert(eq(int, cp_netmap_way(map, ip("8.8.8.8"), &way), VD_ENOTFOUND));
	cr_assert(eq(int, cp_netmap_way(map, ip("2001:db8::1"), &way), VD_ENOTFOUND));
}

Test(netmap, the_longest_prefix_wins_over_any_metric)
{
	route_is("10.0.0.0", 8, 2, "198.18.1.2", 0);
	route_is("10.1.0.0", 16, 3, "198.18.2.2", 999);
	cr_assert(eq(u32, way_to("10.1.2.3").ifindex, 3));
	cr_assert(eq(u32, way_to("10.2.2.3").ifindex, 2));
}

Test(netmap, the_lowest_metric_wins_among_equal_prefixes)
{
	route_is("10.0.0.0", 8, 2, "198.18.1.2", 200);
	route_is("10.0.0.0", 8, 3, "198.18.2.2", 100);
	cr_assert(eq(u32, way_to("10.1.2.3").ifindex, 3));
}

Test(netmap, of_equal_routes_the_first_one_set_whose_link_is_up_is_taken)
{
	route_is("10.0.0.0", 8, 3, "198.18.2.2", 0);
	route_is("10.0.0.0", 8, 2, "198.18.1.2", 0);
	cr_assert(eq(u32, way_to("10.0.0.1").ifindex, 3));
	link_is(3, "eth1", false, true);
	cr_assert(eq(u32, way_to("10.0.0.1").ifindex, 2));
	link_is(3, "eth1", true, true);
	cr_assert(eq(u32, way_to("10.0.0.1").ifindex, 3));
}

Test(netmap, an_ipv6_default_route_does_not_carry_ipv4)
{
	struct cp_way way;

	route_is("::", 0, 2, "fe80::2", 1024);
	cr_assert(eq(int, cp_netmap_way(map, ip("8.8.8.8"), &way), VD_ENOTFOUND));
	way = way_to("2001:db8::1");
	ip_eq(way.next_hop, "fe80::2");
	ip_eq(way.source, "fd00:1::1");
}

Test(netmap, link_local_destinations_get_a_link_local_source)
{
	struct cp_way way = way_to("fe80::7");

	ip_eq(way.source, "fe80::1");
}

Test(netmap, a_prefix_with_host_bits_set_is_masked)
{
	route_is("10.9.8.7", 12, 2, NULL, 0);
	cr_assert(eq(u32, way_to("10.15.0.1").ifindex, 2));
}

Test(netmap, a_route_that_names_its_source_decides_it)
{
	struct cp_net_route route = route_of("10.0.0.0", 8, 2, NULL, 0);

	route.has_source = true;
	memcpy(route.source, ip("198.18.2.1"), 16);
	cr_assert(eq(int, cp_netmap_set_route(map, &route, false), VD_OK));
	ip_eq(way_to("10.0.0.1").source, "198.18.2.1");
}

Test(netmap, a_smaller_mtu_of_the_route_counts)
{
	struct cp_net_route route = route_of("10.0.0.0", 8, 2, NULL, 0);

	route.mtu = 1400;
	cr_assert(eq(int, cp_netmap_set_route(map, &route, false), VD_OK));
	cr_assert(eq(u32, way_to("10.0.0.1").mtu, 1400));
}

Test(netmap, a_refusing_route_is_no_way_although_a_shorter_one_exists)
{
	struct cp_net_route refused = route_of("10.1.0.0", 16, 0, NULL, 0);
	struct cp_way way;

	refused.kind = CP_ROUTE_REFUSED;
	route_is("10.0.0.0", 8, 2, NULL, 0);
	cr_assert(eq(int, cp_netmap_set_route(map, &refused, false), VD_OK));
	cr_assert(eq(int, cp_netmap_way(map, ip("10.1.0.1"), &way), VD_ENOTFOUND));
	cr_assert(eq(u32, way_to("10.2.0.1").ifindex, 2));
}

Test(netmap, a_link_that_is_down_carries_nothing)
{
	route_is("10.0.0.0", 8, 2, NULL, 100);
	route_is("10.0.0.0", 8, 3, NULL, 200);
	link_is(2, "eth0", false, true);
	cr_assert(eq(u32, way_to("10.0.0.1").ifindex, 3));
}

Test(netmap, a_removed_link_takes_its_addresses_and_routes_along)
{
	struct cp_way way;

	cp_netmap_del_link(map, 2);
	cr_assert(eq(int, cp_netmap_way(map, ip("198.18.1.7"), &way), VD_ENOTFOUND));
	cr_assert(eq(int, cp_netmap_way(map, ip("198.18.1.1"), &way), VD_ENOTFOUND));
	cr_assert(cp_netmap_link(map, 2) == NULL);
}

Test(netmap, our_own_addresses_are_local)
{
	struct cp_way way = way_to("198.18.2.1");

	cr_assert(way.local);
	cr_assert(eq(u32, way.ifindex, 1));
	cr_assert(not(way.needs_neighbour));
}

Test(netmap, a_device_without_ethernet_needs_no_neighbour)
{
	route_is("fd76::", 16, 4, NULL, 0);
	cr_assert(not(way_to("fd76::5").needs_neighbour));
}

Test(netmap, an_address_that_is_not_ready_is_no_source)
{
	struct cp_net_addr addr = { .ifindex = 2, .prefix_len = 120, .unusable = true };

	memcpy(addr.ip, ip("198.18.1.1"), 16);
	cr_assert(eq(int, cp_netmap_set_addr(map, &addr), VD_OK));
	ip_eq(way_to("198.18.1.7").source, "198.18.2.1");
}

Test(netmap, of_two_addresses_the_one_of_the_same_subnet_is_the_source)
{
	addr_is(2, "198.18.7.1", 24);
	ip_eq(way_to("198.18.1.9").source, "198.18.1.1");
	route_is("198.18.7.0", 24, 2, NULL, 0);
	ip_eq(way_to("198.18.7.9").source, "198.18.7.1");
}

Test(netmap, a_given_source_prefers_its_own_link)
{
	struct cp_way way;

	route_is("0.0.0.0", 0, 2, "198.18.1.254", 100);
	route_is("0.0.0.0", 0, 3, "198.18.2.254", 200);
	cr_assert(eq(int, cp_netmap_way_from(map, ip("198.18.2.1"), ip("8.8.8.8"), &way), VD_OK));
	cr_assert(eq(u32, way.ifindex, 3));
	ip_eq(way.source, "198.18.2.1");
	cr_assert(
	    eq(int, cp_netmap_way_from(map, ip("198.18.2.1"), ip("198.18.1.5"), &way), VD_OK));
	cr_assert(eq(u32, way.ifindex, 3), "the default route there, before another link");
}

Test(netmap, a_vlan_tells_its_id_and_the_device_below)
{
	struct cp_net_link vlan = { .ifindex = 9,
				    .parent = 2,
				    .vlan = 77,
				    .up = true,
				    .ethernet = true,
				    .mtu = 1496,
				    .name = "eth0.77" };
	struct cp_way way;

	cr_assert(eq(int, cp_netmap_set_link(map, &vlan), VD_OK));
	addr_is(9, "198.18.9.1", 24);
	route_is("198.18.9.0", 24, 9, NULL, 0);
	way = way_to("198.18.9.2");
	cr_assert(eq(u16, way.vlan, 77));
	cr_assert(eq(u32, way.parent, 2));
}

/* ---- changes ---- */

Test(netmap, replacing_takes_the_old_route_away)
{
	struct cp_net_route next = route_of("10.0.0.0", 8, 3, "198.18.2.2", 0);

	route_is("10.0.0.0", 8, 2, "198.18.1.2", 0);
	cr_assert(eq(int, cp_netmap_set_route(map, &next, true), VD_OK));
	cr_assert(eq(u32, way_to("10.0.0.1").ifindex, 3));
	cp_netmap_del_route(map, &next);
	cr_assert(eq(int, cp_netmap_way(map, ip("10.0.0.1"), &(struct cp_way){ 0 }), VD_ENOTFOUND));
}

Test(netmap, deleting_one_route_leaves_its_sibling)
{
	struct cp_net_route first = route_of("10.0.0.0", 8, 2, "198.18.1.2", 0);

	route_is("10.0.0.0", 8, 2, "198.18.1.2", 0);
	route_is("10.0.0.0", 8, 3, "198.18.2.2", 100);
	cp_netmap_del_route(map, &first);
	cr_assert(eq(u32, way_to("10.0.0.1").ifindex, 3));
}

Test(netmap, only_real_changes_move_the_version)
{
	uint64_t before = cp_netmap_version(map);

	link_is(2, "eth0", true, true);
	addr_is(2, "198.18.1.1", 24);
	route_is("198.18.1.0", 24, 2, NULL, 0);
	cr_assert(eq(u64, cp_netmap_version(map), before));
	route_is("10.0.0.0", 8, 2, NULL, 0);
	cr_assert(gt(u64, cp_netmap_version(map), before));
}

Test(netmap, a_synchronisation_removes_what_was_not_set_again)
{
	struct cp_way way;
	uint64_t before = cp_netmap_version(map);

	cp_netmap_sync_begin(map);
	link_is(2, "eth0", true, true);
	addr_is(2, "198.18.1.1", 24);
	route_is("198.18.1.0", 24, 2, NULL, 0);
	cp_netmap_sync_end(map);
	cr_assert(eq(u32, way_to("198.18.1.7").ifindex, 2));
	cr_assert(eq(int, cp_netmap_way(map, ip("198.18.2.7"), &way), VD_ENOTFOUND));
	cr_assert(gt(u64, cp_netmap_version(map), before));
}

Test(netmap, many_routes_are_all_found)
{
	char text[32];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof text, "10.%u.%u.0", i >> 8, i & 255);
		route_is(text, 24, 2 + i % 2, NULL, 0);
	}
	for (unsigned i = 0; i < 20000; i += 777) {
		snprintf(text, sizeof text, "10.%u.%u.9", i >> 8, i & 255);
		cr_assert(eq(u32, way_to(text).ifindex, 2 + i % 2));
	}
}

/* ---- neighbours ---- */

static bool ask(vd_ns now)
{
	uint32_t ifindex;
	uint8_t asked[16];

	return cp_netmap_ask(map, now, &ifindex, asked);
}

Test(netmap, a_known_neighbour_gives_its_hardware_address)
{
	struct cp_way way;

	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_KNOWN);
	way = way_to("198.18.1.7");
	cr_assert(way.mac_known);
	cr_assert(eq(u8, way.mac[0], 6));
}

Test(netmap, nobody_is_asked_for_who_is_not_in_use)
{
	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_STALE);
	cr_assert(not(ask(0)));
	cr_assert(eq(u64, cp_netmap_deadline(map), VD_NEVER));
}

Test(netmap, an_unknown_one_in_use_is_asked_for_every_second)
{
	uint32_t ifindex = 0;
	uint8_t asked[16];

	cr_assert(eq(int, cp_netmap_use(map, 2, ip("198.18.1.7")), VD_OK));
	cr_assert(cp_netmap_ask(map, VD_SECONDS(5), &ifindex, asked));
	cr_assert(eq(u32, ifindex, 2));
	ip_eq(asked, "198.18.1.7");
	cr_assert(not(ask(VD_SECONDS(5))));
	cr_assert(eq(u64, cp_netmap_deadline(map), VD_SECONDS(6)));
	cr_assert(ask(VD_SECONDS(6)));
}

Test(netmap, a_failed_one_loses_its_address_and_is_asked_for_on)
{
	uint64_t before;

	cr_assert(eq(int, cp_netmap_use(map, 2, ip("198.18.1.7")), VD_OK));
	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_KNOWN);
	cr_assert(not(ask(VD_SECONDS(100))));
	before = cp_netmap_version(map);
	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_FAILED);
	cr_assert(gt(u64, cp_netmap_version(map), before));
	cr_assert(not(way_to("198.18.1.7").mac_known));
	cr_assert(ask(VD_SECONDS(100)));
	cr_assert(ask(VD_SECONDS(101)));
}

Test(netmap, a_deleted_one_keeps_its_address_and_is_asked_for_at_once)
{
	cr_assert(eq(int, cp_netmap_use(map, 2, ip("198.18.1.7")), VD_OK));
	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_KNOWN);
	cp_netmap_del_neighbour(map, 2, ip("198.18.1.7"));
	cr_assert(way_to("198.18.1.7").mac_known);
	cr_assert(ask(VD_SECONDS(100)));
	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_UNKNOWN);
	cr_assert(way_to("198.18.1.7").mac_known, "while it is being asked for");
	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_FAILED);
	cr_assert(not(way_to("198.18.1.7").mac_known));
}

Test(netmap, a_stale_one_is_confirmed_at_once_and_then_every_30_seconds)
{
	cr_assert(eq(int, cp_netmap_use(map, 2, ip("198.18.1.7")), VD_OK));
	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_KNOWN);
	neighbour_is(2, "198.18.1.7", CP_NEIGHBOUR_STALE);
	cr_assert(way_to("198.18.1.7").mac_known);
	cr_assert(ask(VD_SECONDS(100)));
	cr_assert(not(ask(VD_SECONDS(129))));
	cr_assert(ask(VD_SECONDS(130)));
}

Test(netmap, uses_are_counted)
{
	cr_assert(eq(int, cp_netmap_use(map, 2, ip("198.18.1.7")), VD_OK));
	cr_assert(eq(int, cp_netmap_use(map, 2, ip("198.18.1.7")), VD_OK));
	cp_netmap_unuse(map, 2, ip("198.18.1.7"));
	cr_assert(ask(VD_SECONDS(1)));
	cp_netmap_unuse(map, 2, ip("198.18.1.7"));
	cr_assert(not(ask(VD_SECONDS(9))));
}

Test(netmap, nobody_is_asked_for_on_a_link_that_is_down)
{
	cr_assert(eq(int, cp_netmap_use(map, 2, ip("198.18.1.7")), VD_OK));
	link_is(2, "eth0", false, true);
	cr_assert(not(ask(VD_SECONDS(1))));
}
