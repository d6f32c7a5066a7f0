/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/netlink_parse.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum { ATTRS = 64 }; /* attributes above are not looked at */

/* The last attribute of each type; bytes are the message's. */
struct attrs {
	const struct nlattr *at[ATTRS];
};

static size_t aligned(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* Walks attributes by hand: libmnl's loop stops silently where one is malformed. */
static bool read_attrs(const void *start, size_t len, struct attrs *attrs_out)
{
	const char *at = (const char *)start;

	memset(attrs_out, 0, sizeof *attrs_out);
	while (len >= sizeof(struct nlattr)) {
		const struct nlattr *attr = (const struct nlattr *)(const void *)at;
		size_t whole = aligned(attr->nla_len);

		if (attr->nla_len < sizeof *attr || attr->nla_len > len)
			return false;
		if (mnl_attr_get_type(attr) < ATTRS)
			attrs_out->at[mnl_attr_get_type(attr)] = attr;
		if (whole >= len)
			return true;
		at += whole;
		len -= whole;
	}
	return len == 0;
}

/* The fixed header, then the attributes. */
static bool read_message(const struct nlmsghdr *message, size_t header, struct attrs *attrs_out)
{
	size_t payload = message->nlmsg_len - sizeof *message;

	if (message->nlmsg_len < sizeof *message + header)
		return false;
	header = aligned(header);
	if (header > payload)
		header = payload;
	return read_attrs((const char *)mnl_nlmsg_get_payload(message) + header, payload - header,
			  attrs_out);
}

static uint32_t attr_u32(const struct attrs *attrs, unsigned type)
{
	const struct nlattr *a = attrs->at[type];

	return a && mnl_attr_get_payload_len(a) >= 4 ? mnl_attr_get_u32(a) : 0;
}

/* An IPv4 or IPv6 address, by its length. */
static bool attr_ip(const struct attrs *attrs, unsigned type, uint8_t ip_out[16])
{
	const struct nlattr *a = attrs->at[type];
	size_t len = a ? mnl_attr_get_payload_len(a) : 0;

	if (len != 4 && len != 16)
		return false;
	memset(ip_out, 0, 16);
	if (len == 4)
		ip_out[10] = ip_out[11] = 0xff;
	memcpy(ip_out + 16 - len, mnl_attr_get_payload(a), len);
	return true;
}

static bool nested(const struct nlattr *a, struct attrs *attrs_out)
{
	return a && read_attrs(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), attrs_out);
}

static bool is_ip(uint8_t family)
{
	return family == AF_INET || family == AF_INET6;
}

/* Where a prefix of this family counts from. */
static unsigned base_len(uint8_t family)
{
	return family == AF_INET ? 96 : 0;
}

/* ---- links ---- */

static void read_vlan(const struct attrs *attrs, struct cp_net_link *link)
{
	struct attrs info, data;
	const struct nlattr *kind, *id;

	if (!nested(attrs->at[IFLA_LINKINFO], &info) || !nested(info.at[IFLA_INFO_DATA], &data))
		return;
	kind = info.at[IFLA_INFO_KIND];
	id = data.at[IFLA_VLAN_ID];
	if (!kind || !id || mnl_attr_get_payload_len(id) < 2 ||
	    mnl_attr_get_payload_len(kind) < 5 ||
	    memcmp(mnl_attr_get_payload(kind), "vlan", 5) != 0)
		return;
	link->vlan = mnl_attr_get_u16(id);
	link->parent = attr_u32(attrs, IFLA_LINK);
}

static void copy_name(const struct nlattr *a, char name[CP_NET_NAME])
{
	size_t len = a ? mnl_attr_get_payload_len(a) : 0;

	if (len > CP_NET_NAME - 1)
		len = CP_NET_NAME - 1;
	if (len)
		memcpy(name, mnl_attr_get_payload(a), len);
	name[len] = 0;
}

static enum vd_err apply_link(struct cp_netmap *map, const struct nlmsghdr *message, bool *stale)
{
	struct attrs attrs;
	const struct ifinfomsg *info;
	struct cp_net_link link = { 0 };
	const struct cp_net_link *known;
	const struct nlattr *mac;

	if (!read_message(message, sizeof *info, &attrs))
		return VD_EPEER_FORMAT;
	info = (const struct ifinfomsg *)mnl_nlmsg_get_payload(message);
	if (info->ifi_family != AF_UNSPEC)
		return VD_OK; /* a bridge's word about its port */
	if (info->ifi_index <= 0)
		return VD_EPEER_FORMAT; /* 0 means none, in routes that refuse */
	if (message->nlmsg_type == RTM_DELLINK) {
		cp_netmap_del_link(map, (uint32_t)info->ifi_index);
		*stale = true;
		return VD_OK;
	}
	link.ifindex = (uint32_t)info->ifi_index;
	link.up = (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_RUNNING);
	link.ethernet = info->ifi_type == ARPHRD_ETHER && !(info->ifi_flags & IFF_NOARP);
	link.mtu = attr_u32(&attrs, IFLA_MTU);
	copy_name(attrs.at[IFLA_IFNAME], link.name);
	mac = attrs.at[IFLA_ADDRESS];
	if (mac && mnl_attr_get_payload_len(mac) == 6)
		memcpy(link.mac, mnl_attr_get_payload(mac), 6);
	read_vlan(&attrs, &link);
	known = cp_netmap_link(map, link.ifindex);
	if (!(info->ifi_flags & IFF_UP))
		*stale = true; /* its IPv4 routes went without a word */
	else if (link.up && known && !known->up)
		*stale = true; /* so do dead next hops live again */
	return cp_netmap_set_link(map, &link);
}

/* ---- addresses ---- */

/* The first IPv4 address of a link wakes dead next hops there, without a word. */
static enum vd_err add_addr(struct cp_netmap *map, const struct cp_net_addr *addr, uint8_t family,
			    bool *stale)
{
	uint64_t before = cp_netmap_version(map);
	enum vd_err err = cp_netmap_set_addr(map, addr);

	if (family == AF_INET && cp_netmap_version(map) != before)
		*stale = true;
	return err;
}

static enum vd_err apply_addr(struct cp_netmap *map, const struct nlmsghdr *message, bool *stale)
{
	struct attrs attrs;
	const struct ifaddrmsg *info;
	struct cp_net_addr addr = { 0 };
	uint32_t flags;

	if (!read_message(message, sizeof *info, &attrs))
		return VD_EPEER_FORMAT;
	info = (const struct ifaddrmsg *)mnl_nlmsg_get_payload(message);
	if (!is_ip(info->ifa_family))
		return VD_OK;
	/* on point-to-point links IFA_ADDRESS is the other end's */
	if (!attr_ip(&attrs, IFA_LOCAL, addr.ip) && !attr_ip(&attrs, IFA_ADDRESS, addr.ip))
		return VD_EPEER_FORMAT;
	if (base_len(info->ifa_family) + info->ifa_prefixlen > 128)
		return VD_EPEER_FORMAT;
	addr.ifindex = info->ifa_index;
	addr.prefix_len = (uint8_t)(base_len(info->ifa_family) + info->ifa_prefixlen);
	flags = attrs.at[IFA_FLAGS] ? attr_u32(&attrs, IFA_FLAGS) : info->ifa_flags;
	addr.unusable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)) &&
			!(flags & IFA_F_OPTIMISTIC);
	if (message->nlmsg_type == RTM_NEWADDR)
		return add_addr(map, &addr, info->ifa_family, stale);
	cp_netmap_del_addr(map, &addr);
	*stale = true;
	return VD_OK;
}

/* ---- routes ---- */

/* RTA_VIA: an IPv6 next hop of an IPv4 route. */
static bool read_via(const struct nlattr *a, uint8_t gateway_out[16])
{
	const uint8_t *via = a ? (const uint8_t *)mnl_attr_get_payload(a) : NULL;
	uint16_t family;

	if (!a || mnl_attr_get_payload_len(a) < 2 + 16)
		return false;
	memcpy(&family, via, 2);
	if (family != AF_INET6)
		return false;
	memcpy(gateway_out, via + 2, 16);
	return true;
}

static void read_next_hop(const struct attrs *attrs, struct cp_net_route *route)
{
	route->has_gateway = attr_ip(attrs, RTA_GATEWAY, route->gateway) ||
			     read_via(attrs->at[RTA_VIA], route->gateway);
}

static uint32_t route_mtu(const struct attrs *attrs)
{
	struct attrs metrics;

	return nested(attrs->at[RTA_METRICS], &metrics) ? attr_u32(&metrics, RTAX_MTU) : 0;
}

static bool read_route_kind(const struct rtmsg *info, struct cp_net_route *route)
{
	switch (info->rtm_type) {
	case RTN_UNICAST: route->kind = CP_ROUTE_UNICAST; return true;
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW: route->kind = CP_ROUTE_REFUSED; return true;
	default: return false; /* local, broadcast, multicast */
	}
}

/* The hop at `*at` in RTA_MULTIPATH, and past it. False: the end, or a malformed one. */
static bool next_of_several(const struct nlattr *all, size_t *at, struct cp_net_route *route,
			    bool *dead_out)
{
	size_t left = mnl_attr_get_payload_len(all) - *at;
	const struct rtnexthop *hop;
	struct attrs attrs;

	if (left < sizeof *hop)
		return false;
	hop =
	    (const struct rtnexthop *)(const void *)((const char *)mnl_attr_get_payload(all) + *at);
	if (hop->rtnh_len < sizeof *hop || hop->rtnh_len > left ||
	    !read_attrs(hop + 1, hop->rtnh_len - sizeof *hop, &attrs))
		return false;
	route->ifindex = (uint32_t)hop->rtnh_ifindex;
	read_next_hop(&attrs, route);
	*dead_out = hop->rtnh_flags & RTNH_F_DEAD;
	*at += aligned(hop->rtnh_len) < left ? aligned(hop->rtnh_len) : left;
	return true;
}

/*
 * Each next hop of several is a route of its own, so that it may go alone (IPv6) or with its
 * link. Dead ones are left out: their link may be up, but without an address of their family.
 */
static enum vd_err apply_hops(struct cp_netmap *map, const struct nlmsghdr *message,
			      const struct nlattr *all, struct cp_net_route *route)
{
	bool replace = message->nlmsg_flags & NLM_F_REPLACE, dead;
	enum vd_err err = VD_OK;
	unsigned set = 0;
	size_t at = 0;

	while (!err && next_of_several(all, &at, route, &dead)) {
		if (message->nlmsg_type == RTM_DELROUTE) {
			cp_netmap_del_route(map, route);
		} else if (!dead) {
			err = cp_netmap_set_route(map, route, replace);
			if (err == VD_ELIMIT && set)
				err = VD_OK; /* one hop is a way */
			replace = false;     /* the first took the old ones' place */
			set++;
		}
	}
	return err || at == mnl_attr_get_payload_len(all) ? err : VD_EPEER_FORMAT;
}

static enum vd_err apply_route(struct cp_netmap *map, const struct nlmsghdr *message)
{
	struct attrs attrs;
	const struct rtmsg *info;
	struct cp_net_route route = { 0 };
	uint32_t table;

	if (!read_message(message, sizeof *info, &attrs))
		return VD_EPEER_FORMAT;
	info = (const struct rtmsg *)mnl_nlmsg_get_payload(message);
	table = attrs.at[RTA_TABLE] ? attr_u32(&attrs, RTA_TABLE) : info->rtm_table;
	if (!is_ip(info->rtm_family) || table != RT_TABLE_MAIN || info->rtm_flags & RTM_F_CLONED ||
	    !read_route_kind(info, &route))
		return VD_OK;
	if (base_len(info->rtm_family) + info->rtm_dst_len > 128)
		return VD_EPEER_FORMAT;
	if (!attr_ip(&attrs, RTA_DST, route.ip) && info->rtm_family == AF_INET)
		route.ip[10] = route.ip[11] = 0xff; /* the default route has none */
	route.prefix_len = (uint8_t)(base_len(info->rtm_family) + info->rtm_dst_len);
	route.ifindex = attr_u32(&attrs, RTA_OIF);
	route.metric = attr_u32(&attrs, RTA_PRIORITY);
	route.mtu = route_mtu(&attrs);
	route.has_source = attr_ip(&attrs, RTA_PREFSRC, route.source);
	read_next_hop(&attrs, &route);
	if (route.kind == CP_ROUTE_REFUSED)
		route.ifindex = 0; /* IPv6 tells `lo` */
	else if (!route.ifindex && attrs.at[RTA_MULTIPATH])
		return apply_hops(map, message, attrs.at[RTA_MULTIPATH], &route);
	if (message->nlmsg_type == RTM_NEWROUTE)
		return cp_netmap_set_route(map, &route, message->nlmsg_flags & NLM_F_REPLACE);
	cp_netmap_del_route(map, &route);
	return VD_OK;
}

/* ---- neighbours ---- */

static uint8_t neighbour_state(uint16_t state, bool has_mac)
{
	if (state & NUD_FAILED)
		return CP_NEIGHBOUR_FAILED;
	if (!has_mac)
		return CP_NEIGHBOUR_UNKNOWN;
	if (state & (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP))
		return CP_NEIGHBOUR_KNOWN;
	return state & (NUD_STALE | NUD_DELAY | NUD_PROBE) ? CP_NEIGHBOUR_STALE
							   : CP_NEIGHBOUR_UNKNOWN;
}

static enum vd_err apply_neighbour(struct cp_netmap *map, const struct nlmsghdr *message)
{
	struct attrs attrs;
	const struct ndmsg *info;
	const struct nlattr *mac;
	struct cp_net_neighbour n = { 0 };
	bool has_mac;

	if (!read_message(message, sizeof *info, &attrs))
		return VD_EPEER_FORMAT;
	info = (const struct ndmsg *)mnl_nlmsg_get_payload(message);
	if (!is_ip(info->ndm_family) || info->ndm_flags & NTF_PROXY)
		return VD_OK;
	if (!attr_ip(&attrs, NDA_DST, n.ip))
		return VD_EPEER_FORMAT;
	if (message->nlmsg_type == RTM_DELNEIGH) {
		cp_netmap_del_neighbour(map, (uint32_t)info->ndm_ifindex, n.ip);
		return VD_OK;
	}
	mac = attrs.at[NDA_LLADDR];
	has_mac = mac && mnl_attr_get_payload_len(mac) == 6;
	n.ifindex = (uint32_t)info->ndm_ifindex;
	if (has_mac)
		memcpy(n.mac, mnl_attr_get_payload(mac), 6);
	n.state = neighbour_state(info->ndm_state, has_mac);
	return cp_netmap_set_neighbour(map, &n);
}

enum vd_err cp_netlink_apply(struct cp_netmap *map, const struct nlmsghdr *message, bool *stale_out)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: return apply_link(map, message, stale_out);
	case RTM_NEWADDR:
	case RTM_DELADDR: return apply_addr(map, message, stale_out);
	case RTM_NEWROUTE:
	case RTM_DELROUTE: return apply_route(map, message);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH: return apply_neighbour(map, message);
	default: return VD_OK;
	}
}
