/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/netlink_parse.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static struct cp_netmap *map;
static _Alignas(8) char buffer[4096];
static bool stale;

static void begin(void)
{
	cr_assert(eq(int, cp_netmap_new(&map), VD_OK));
	memset(buffer, 0, sizeof buffer);
	stale = false;
}

static void end(void)
{
	cp_netmap_free(map);
}

TestSuite(netlink_parse, .init = begin, .fini = end);

static void *start(uint16_t type, size_t header)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	return mnl_nlmsg_put_extra_header(message, header);
}

static struct nlmsghdr *message(void)
{
	return (struct nlmsghdr *)buffer;
}

static enum vd_err apply(void)
{
	return cp_netlink_apply(map, message(), &stale);
}

static void put4(uint16_t type, const char *text)
{
	uint8_t four[4];

	cr_assert(eq(int, inet_pton(AF_INET, text, four), 1));
	mnl_attr_put(message(), type, 4, four);
}

static void eth0(unsigned flags)
{
	static const uint8_t mac[6] = { 2, 4, 6, 8, 10, 12 };
	struct ifinfomsg *info = start(RTM_NEWLINK, sizeof *info);

	info->ifi_index = 2;
	info->ifi_type = ARPHRD_ETHER;
	info->ifi_flags = flags;
	mnl_attr_put_strz(message(), IFLA_IFNAME, "eth0");
	mnl_attr_put_u32(message(), IFLA_MTU, 1400);
	mnl_attr_put(message(), IFLA_ADDRESS, 6, mac);
}

static void route(uint16_t type, unsigned table)
{
	struct rtmsg *info = start(type, sizeof *info);

	info->rtm_family = AF_INET;
	info->rtm_dst_len = 8;
	info->rtm_type = RTN_UNICAST;
	info->rtm_table = (uint8_t)table;
	put4(RTA_DST, "10.0.0.0");
	put4(RTA_GATEWAY, "198.18.1.2");
	mnl_attr_put_u32(message(), RTA_OIF, 2);
}

static const uint8_t ten[16] = { [10] = 0xff, [11] = 0xff, 10, 1, 2, 3 };

static bool has_way(void)
{
	struct cp_way way;

	return cp_netmap_way(map, ten, &way) == VD_OK;
}

static struct cp_way way(void)
{
	struct cp_way way = { 0 };

	cr_assert(eq(int, cp_netmap_way(map, ten, &way), VD_OK));
	return way;
}

Test(netlink_parse, a_link_is_taken_with_name_mtu_and_address)
{
	const struct cp_net_link *link;

	eth0(IFF_UP | IFF_RUNNING);
	cr_assert(eq(int, apply(), VD_OK));
	link = cp_netmap_link_by_name(map, "eth0");
	cr_assert(link != NULL);
	cr_assert(link->up);
	cr_assert(link->ethernet);
	cr_assert(eq(u32, link->mtu, 1400));
	cr_assert(eq(u8, link->mac[5], 12));
	cr_assert(not(stale));
}

Test(netlink_parse, a_vlan_device_tells_id_and_parent)
{
	struct nlattr *info, *data;

	eth0(IFF_UP | IFF_RUNNING);
	mnl_attr_put_u32(message(), IFLA_LINK, 7);
	info = mnl_attr_nest_start(message(), IFLA_LINKINFO);
	mnl_attr_put_strz(message(), IFLA_INFO_KIND, "vlan");
	data = mnl_attr_nest_start(message(), IFLA_INFO_DATA);
	mnl_attr_put_u16(message(), IFLA_VLAN_ID, 77);
	mnl_attr_nest_end(message(), data);
	mnl_attr_nest_end(message(), info);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(eq(u16, cp_netmap_link(map, 2)->vlan, 77));
	cr_assert(eq(u32, cp_netmap_link(map, 2)->parent, 7));
}

Test(netlink_parse, a_link_that_goes_down_asks_for_a_new_dump)
{
	eth0(0);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(stale);
}

Test(netlink_parse, routes_of_the_main_table_come_and_go)
{
	eth0(IFF_UP | IFF_RUNNING);
	cr_assert(eq(int, apply(), VD_OK));
	memset(buffer, 0, sizeof buffer);
	route(RTM_NEWROUTE, RT_TABLE_MAIN);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(has_way());
	memset(buffer, 0, sizeof buffer);
	route(RTM_DELROUTE, RT_TABLE_MAIN);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(not(has_way()));
}

Test(netlink_parse, routes_of_other_tables_and_cached_ones_are_ignored)
{
	eth0(IFF_UP | IFF_RUNNING);
	cr_assert(eq(int, apply(), VD_OK));
	memset(buffer, 0, sizeof buffer);
	route(RTM_NEWROUTE, RT_TABLE_LOCAL);
	cr_assert(eq(int, apply(), VD_OK));
	memset(buffer, 0, sizeof buffer);
	route(RTM_NEWROUTE, RT_TABLE_MAIN);
	((struct rtmsg *)mnl_nlmsg_get_payload(message()))->rtm_flags = RTM_F_CLONED;
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(not(has_way()));
}

/* ---- several next hops: eth0 (2) and eth1 (3), which are up ---- */

static void link_up(int ifindex)
{
	memset(buffer, 0, sizeof buffer);
	eth0(IFF_UP | IFF_RUNNING);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(message()))->ifi_index = ifindex;
	cr_assert(eq(int, apply(), VD_OK));
}

static void two_links(void)
{
	link_up(2);
	link_up(3);
}

static void put_hop(int ifindex, uint8_t flags)
{
	struct rtnexthop *hop = mnl_nlmsg_get_payload_tail(message());
	static const uint8_t gateway[4] = { 198, 18, 1, 2 };

	*hop = (struct rtnexthop){ .rtnh_ifindex = ifindex, .rtnh_flags = flags };
	message()->nlmsg_len += (uint32_t)sizeof *hop;
	mnl_attr_put(message(), RTA_GATEWAY, 4, gateway);
	hop->rtnh_len = (uint16_t)((char *)mnl_nlmsg_get_payload_tail(message()) - (char *)hop);
}

/* 10.0.0.0/8 by eth0 and eth1. */
static struct nlattr *route_by_both(uint16_t type, uint8_t flags2, uint8_t flags3)
{
	struct rtmsg *info;
	struct nlattr *all;

	memset(buffer, 0, sizeof buffer);
	info = start(type, sizeof *info);
	info->rtm_family = AF_INET;
	info->rtm_dst_len = 8;
	info->rtm_type = RTN_UNICAST;
	info->rtm_table = RT_TABLE_MAIN;
	put4(RTA_DST, "10.0.0.0");
	all = mnl_attr_nest_start(message(), RTA_MULTIPATH);
	put_hop(2, flags2);
	put_hop(3, flags3);
	mnl_attr_nest_end(message(), all);
	return all;
}

Test(netlink_parse, of_several_next_hops_the_first_is_taken)
{
	two_links();
	route_by_both(RTM_NEWROUTE, 0, 0);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(eq(u32, way().ifindex, 2));
	cr_assert(eq(u8, way().next_hop[12], 198));
}

Test(netlink_parse, of_several_next_hops_one_may_go_alone)
{
	two_links();
	route_by_both(RTM_NEWROUTE, 0, 0);
	cr_assert(eq(int, apply(), VD_OK));
	memset(buffer, 0, sizeof buffer);
	route(RTM_DELROUTE, RT_TABLE_MAIN); /* that by eth0 */
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(eq(u32, way().ifindex, 3));
}

Test(netlink_parse, a_dead_next_hop_is_not_taken)
{
	two_links();
	route_by_both(RTM_NEWROUTE, RTNH_F_DEAD | RTNH_F_LINKDOWN, 0);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(eq(u32, way().ifindex, 3));
}

Test(netlink_parse, a_route_by_several_next_hops_goes_whole_though_some_died)
{
	two_links();
	route_by_both(RTM_NEWROUTE, 0, 0);
	cr_assert(eq(int, apply(), VD_OK));
	route_by_both(RTM_DELROUTE, RTNH_F_DEAD, 0);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(not(has_way()));
}

Test(netlink_parse, several_next_hops_replace_a_route_by_one_and_it_them)
{
	two_links();
	route_by_both(RTM_NEWROUTE, 0, RTNH_F_DEAD);
	cr_assert(eq(int, apply(), VD_OK));
	route_by_both(RTM_NEWROUTE, RTNH_F_DEAD, 0);
	message()->nlmsg_flags = NLM_F_REPLACE;
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(eq(u32, way().ifindex, 3));
	memset(buffer, 0, sizeof buffer);
	route(RTM_NEWROUTE, RT_TABLE_MAIN);
	message()->nlmsg_flags = NLM_F_REPLACE;
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(eq(u32, way().ifindex, 2));
	memset(buffer, 0, sizeof buffer);
	route(RTM_DELROUTE, RT_TABLE_MAIN);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(not(has_way()));
}

/* Room for `left` more. */
static void fill_routes(uint32_t left)
{
	struct cp_net_route full = { .ip = { [10] = 0xff, 0xff }, .prefix_len = 128 };

	for (uint32_t i = left; i < CP_NETMAP_ROUTES_MAX; i++) {
		vd_be32_store(full.ip + 12, 198u << 24 | i);
		cr_assert(eq(int, cp_netmap_set_route(map, &full, false), VD_OK));
	}
}

Test(netlink_parse, of_several_next_hops_one_is_enough_when_there_is_no_room_for_more)
{
	two_links();
	fill_routes(1);
	route_by_both(RTM_NEWROUTE, 0, 0);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(eq(u32, way().ifindex, 2));
	put4(RTA_PRIORITY, "0.0.0.1"); /* another route */
	cr_assert(eq(int, apply(), VD_ELIMIT));
}

Test(netlink_parse, a_link_that_comes_up_asks_for_a_new_dump)
{
	link_up(2);
	cr_assert(not(stale), "the first word of it");
	memset(buffer, 0, sizeof buffer);
	eth0(0);
	cr_assert(eq(int, apply(), VD_OK));
	stale = false;
	link_up(2);
	cr_assert(stale, "next hops may have come to life");
	stale = false;
	link_up(2);
	cr_assert(not(stale));
}

Test(netlink_parse, a_new_ipv4_address_asks_for_a_new_dump)
{
	struct ifaddrmsg *info = start(RTM_NEWADDR, sizeof *info);

	info->ifa_family = AF_INET;
	info->ifa_prefixlen = 24;
	info->ifa_index = 2;
	put4(IFA_LOCAL, "198.18.1.1");
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(stale);
	stale = false;
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(not(stale), "it was there");
}

Test(netlink_parse, neighbour_states_are_told_apart)
{
	static const struct {
		uint16_t kernel;
		bool has_mac;
		bool known;
	} rows[] = {
		{ NUD_REACHABLE, true, true }, { NUD_PERMANENT, true, true },
		{ NUD_STALE, true, true },     { NUD_DELAY, true, true },
		{ NUD_PROBE, true, true },     { NUD_INCOMPLETE, false, false },
		{ NUD_FAILED, false, false },  { NUD_REACHABLE, false, false },
	};
	static const uint8_t mac[6] = { 2, 4, 6, 8, 10, 12 };
	static const uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 198, 18, 1, 7 };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ndmsg *info;
		uint8_t got[6];

		end();
		begin();
		info = start(RTM_NEWNEIGH, sizeof *info);
		info->ndm_family = AF_INET;
		info->ndm_ifindex = 2;
		info->ndm_state = rows[i].kernel;
		put4(NDA_DST, "198.18.1.7");
		if (rows[i].has_mac)
			mnl_attr_put(message(), NDA_LLADDR, 6, mac);
		cr_assert(eq(int, apply(), VD_OK));
		cr_assert(cp_netmap_mac(map, 2, ip, got) == rows[i].known, "row %zu", i);
	}
}

Test(netlink_parse, other_messages_are_ignored)
{
	start(RTM_NEWRULE, sizeof(struct rtmsg));
	cr_assert(eq(int, apply(), VD_OK));
}

/* ---- malformed ---- */

Test(netlink_parse, messages_shorter_than_their_header_are_refused)
{
	static const uint16_t types[] = { RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEIGH };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		memset(buffer, 0, sizeof buffer);
		start(types[i], 4);
		cr_assert(eq(int, apply(), VD_EPEER_FORMAT), "type %u", types[i]);
	}
}

Test(netlink_parse, attributes_that_do_not_fit_are_refused)
{
	struct nlattr *attr;

	eth0(IFF_UP);
	attr = (struct nlattr *)mnl_nlmsg_get_payload_offset(message(), sizeof(struct ifinfomsg));
	attr->nla_len = 9999;
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
	attr->nla_len = 3;
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
}

Test(netlink_parse, next_hops_that_do_not_fit_are_refused)
{
	struct nlattr *all;
	struct rtnexthop *first;

	all = route_by_both(RTM_NEWROUTE, 0, 0);
	first = mnl_attr_get_payload(all);
	first->rtnh_len = 9999;
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
	first->rtnh_len = sizeof *first - 1;
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
	first->rtnh_len = sizeof *first + 2; /* half an attribute */
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
	all->nla_len = sizeof *all + 4; /* half a hop */
	message()->nlmsg_len = (uint32_t)((char *)all + all->nla_len - buffer);
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
}

Test(netlink_parse, prefixes_longer_than_an_address_are_refused)
{
	struct ifaddrmsg *info = start(RTM_NEWADDR, sizeof *info);

	info->ifa_family = AF_INET;
	info->ifa_prefixlen = 33;
	put4(IFA_LOCAL, "198.18.1.1");
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
	memset(buffer, 0, sizeof buffer);
	route(RTM_NEWROUTE, RT_TABLE_MAIN);
	((struct rtmsg *)mnl_nlmsg_get_payload(message()))->rtm_dst_len = 33;
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
}

Test(netlink_parse, links_without_a_number_are_refused)
{
	struct ifinfomsg *info;

	for (int index = -1; index <= 0; index++) {
		eth0(IFF_UP | IFF_RUNNING);
		info = mnl_nlmsg_get_payload(message());
		info->ifi_index = index;
		cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
		cr_assert(cp_netmap_link_by_name(map, "eth0") == NULL);
		message()->nlmsg_type = RTM_DELLINK;
		cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
	}
}

Test(netlink_parse, an_address_message_without_address_is_refused)
{
	struct ifaddrmsg *info = start(RTM_NEWADDR, sizeof *info);

	info->ifa_family = AF_INET;
	cr_assert(eq(int, apply(), VD_EPEER_FORMAT));
}

Test(netlink_parse, noise_in_the_bytes_does_no_harm)
{
	static const uint16_t types[] = { RTM_NEWLINK,  RTM_DELLINK,  RTM_NEWADDR,  RTM_DELADDR,
					  RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWNEIGH, RTM_DELNEIGH };

	srand(7);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = sizeof(struct nlmsghdr) + (size_t)rand() % 96;
		struct nlmsghdr *exact = malloc(len); /* so that ASan sees one byte too far */

		for (size_t i = 0; i < len; i++)
			((uint8_t *)exact)[i] = (uint8_t)(rand() % 4 ? rand() % 24 : rand());
		exact->nlmsg_len = (uint32_t)len;
		exact->nlmsg_type = types[rand() % 8];
		(void)cp_netlink_apply(map, exact, &stale);
		free(exact);
	}
	memset(buffer, 0, sizeof buffer);
	eth0(IFF_UP | IFF_LOWER_UP);
	cr_assert(eq(int, apply(), VD_OK));
	cr_assert(ne(ptr, (void *)cp_netmap_link_by_name(map, "eth0"), NULL), "still told");
}
