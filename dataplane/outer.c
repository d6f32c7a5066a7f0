/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/outer.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "switch/ecn.h"
#include "switch/outer.h"
#include "switch/packet.h"

enum {
	ETHER_BYTES = 14,
	VLAN_BYTES = 4,
	TYPE_IP4 = 0x0800,
	TYPE_IP6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_QINQ = 0x88a8,
	PROTOCOL_UDP = 17,
	HEADER_FRAGMENT = 44,
	FRAGMENT_BITS = 0x3fff, /* MF and the offset */
};

static_assert(SW_L2_MAX + SW_OUTER_BYTES <= SW_HEADROOM);

/* The type after Ethernet and VLAN headers, *at moved behind them; 0: not ours. */
static uint16_t parse_ether(const uint8_t *bytes, size_t len, size_t *at)
{
	uint16_t type;

	if (len < ETHER_BYTES)
		return 0;
	type = vd_be16_load(bytes + 12);
	*at = ETHER_BYTES;
	if (type == TYPE_VLAN || type == TYPE_QINQ) {
		if (len < ETHER_BYTES + VLAN_BYTES)
			return 0;
		type = vd_be16_load(bytes + ETHER_BYTES + 2);
		*at += VLAN_BYTES;
	}
	return type;
}

/* Whether a header's words sum up to all ones (RFC 791); without options, without a loop. */
static inline bool ip4_sum_is_right(const uint8_t *ip, size_t len)
{
	uint64_t a, b, sum;
	uint32_t c;

	if (__builtin_expect(len != SW_IP4_BYTES, 0))
		return sw_ones_sum(0, ip, len) == 0xffff;
	memcpy(&a, ip, sizeof a);
	memcpy(&b, ip + 8, sizeof b);
	memcpy(&c, ip + 16, sizeof c);
	sum = (a & UINT32_MAX) + (a >> 32) + (b & UINT32_MAX) + (b >> 32) + c;
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* RFC 791. On success `*at` is behind the header and *end behind the packet. */
static unsigned parse_ip4(const uint8_t *bytes, size_t *at, size_t *end)
{
	const uint8_t *ip = bytes + *at;
	size_t room = *end - *at;

	if (room < SW_IP4_BYTES || ip[0] >> 4 != 4)
		return SW_DROP_BAD_HEADER;
	size_t header = (size_t)(ip[0] & 15) * 4;
	size_t total = vd_be16_load(ip + 2);
	if (header < SW_IP4_BYTES || total < header || total > room)
		return SW_DROP_BAD_HEADER;
	if (ip[9] != PROTOCOL_UDP)
		return SW_DROP_NOT_OURS;
	if (vd_be16_load(ip + 6) & FRAGMENT_BITS)
		return SW_DROP_FRAGMENT;
	*end = *at + total;
	*at += header;
	return DP_OUTER_OK;
}

/* ::ffff:0:0/96 stands for IPv4 in our addresses; on the wire it is forged (RFC 4038, 4.2). */
static bool is_mapped(const uint8_t ip[16])
{
	return vd_be64_load(ip) == 0 && vd_be32_load(ip + 8) == 0xffff;
}

/* RFC 8200. A fragment header is named; other extension headers are not ours. */
static unsigned parse_ip6(const uint8_t *bytes, size_t *at, size_t *end)
{
	const uint8_t *ip = bytes + *at;
	size_t room = *end - *at;

	if (room < SW_IP6_BYTES || ip[0] >> 4 != 6)
		return SW_DROP_BAD_HEADER;
	size_t payload = vd_be16_load(ip + 4);
	if (payload > room - SW_IP6_BYTES)
		return SW_DROP_BAD_HEADER;
	if (ip[6] == HEADER_FRAGMENT)
		return SW_DROP_FRAGMENT;
	if (ip[6] != PROTOCOL_UDP)
		return SW_DROP_NOT_OURS;
	if (is_mapped(ip + 8) || is_mapped(ip + 24))
		return SW_DROP_BAD_HEADER;
	*at += SW_IP6_BYTES;
	*end = *at + payload;
	return DP_OUTER_OK;
}

/* RFC 768; what is between the datagram's end and the packet's is padding. */
static unsigned parse_udp(const uint8_t *bytes, size_t at, size_t end, uint16_t udp_port,
			  struct dp_outer *outer)
{
	const uint8_t *udp = bytes + at;

	if (end - at < SW_UDP_BYTES)
		return SW_DROP_BAD_HEADER;
	if (vd_be16_load(udp + 2) != udp_port)
		return SW_DROP_NOT_OURS;
	size_t len = vd_be16_load(udp + 4);
	if (len < SW_UDP_BYTES || len > end - at)
		return SW_DROP_BAD_HEADER;
	if (len == SW_UDP_BYTES)
		return SW_DROP_TRUNCATED;
	if (outer->version == 6 && vd_be16_load(udp + 6) == 0) /* RFC 8200, 8.1 */
		return SW_DROP_BAD_CHECKSUM;
	outer->at = (uint16_t)(at + SW_UDP_BYTES);
	outer->len = (uint16_t)(len - SW_UDP_BYTES);
	return DP_OUTER_OK;
}

static inline uint8_t ecn_of(const uint8_t *ip, bool ip4)
{
	return (ip4 ? ip[1] : ip[1] >> 4) & SW_ECN_MASK;
}

unsigned dp_outer_parse(const uint8_t *bytes, size_t len, uint16_t udp_port,
			struct dp_outer *outer_out)
{
	struct dp_outer outer = { 0 };
	size_t at = 0, end = len;
	unsigned result;
	uint16_t type = parse_ether(bytes, len, &at);

	if (type != TYPE_IP4 && type != TYPE_IP6)
		return SW_DROP_NOT_OURS;
	outer.l3 = (uint8_t)at;
	outer.version = type == TYPE_IP4 ? 4 : 6;
	result = type == TYPE_IP4 ? parse_ip4(bytes, &at, &end) : parse_ip6(bytes, &at, &end);
	if (result == DP_OUTER_OK)
		result = parse_udp(bytes, at, end, udp_port, &outer);
	/* last, so that other people's packets count as not ours */
	if (result == DP_OUTER_OK && outer.version == 4 &&
	    !ip4_sum_is_right(bytes + outer.l3, at - outer.l3))
		result = SW_DROP_BAD_CHECKSUM;
	if (result != DP_OUTER_OK)
		return result;
	outer.ecn = ecn_of(bytes + outer.l3, outer.version == 4);
	*outer_out = outer;
	return result;
}

static inline uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/*
 * The template counts an empty payload of class 0; adding `len` and the class adds them to
 * the sum (RFC 1624).
 * What was copied to the packet a moment ago is read from the template instead.
 */
static inline void build_ip4(uint8_t *ip, uint16_t len, uint8_t traffic_class,
			     const struct sw_template *send)
{
	uint16_t sum = (uint16_t)~vd_be16_load(send->outer + 10);

	memcpy(ip, send->outer, SW_IP4_BYTES + SW_UDP_BYTES);
	ip[1] = traffic_class;
	vd_be16_store(ip + 2, (uint16_t)(SW_IP4_BYTES + SW_UDP_BYTES + len));
	vd_be16_store(ip + 10, (uint16_t)~fold((uint32_t)sum + len + traffic_class));
	vd_be16_store(ip + SW_IP4_BYTES + 4, (uint16_t)(SW_UDP_BYTES + len));
}

/* The length is in the sum twice: in the pseudo-header and in UDP's (RFC 8200, 8.1). */
static inline void build_ip6(uint8_t *ip, uint16_t len, uint8_t traffic_class,
			     const struct sw_template *send)
{
	uint8_t *udp = ip + SW_IP6_BYTES;
	uint32_t sum = (uint16_t)~vd_be16_load(send->outer + SW_IP6_BYTES + 6);
	uint16_t checksum = (uint16_t)~fold(sw_ones_sum(sum + 2u * len, udp + SW_UDP_BYTES, len));

	memcpy(ip, send->outer, SW_OUTER_BYTES);
	vd_be16_store(ip, (uint16_t)(0x6000 | traffic_class << 4));
	vd_be16_store(ip + 4, (uint16_t)(SW_UDP_BYTES + len));
	vd_be16_store(udp + 4, (uint16_t)(SW_UDP_BYTES + len));
	vd_be16_store(udp + 6, checksum ? checksum : 0xffff);
}

/* In pieces of known size: compilers make a slow string instruction of a copy of 14 or 18. */
static inline uint8_t *build_l2(uint8_t *ip, const struct sw_neighbour *neighbour)
{
	if (__builtin_expect(neighbour->l2_len == SW_L2_MAX, 0)) {
		memcpy(ip - SW_L2_MAX, neighbour->l2, 16);
		memcpy(ip - 2, neighbour->l2 + 16, 2);
		return ip - SW_L2_MAX;
	}
	memcpy(ip - ETHER_BYTES, neighbour->l2, 8);
	memcpy(ip - 8, neighbour->l2 + ETHER_BYTES - 8, 8);
	return ip - ETHER_BYTES;
}

uint8_t *dp_outer_build(uint8_t *frame, uint16_t len, uint8_t traffic_class,
			const struct sw_template *send, const struct sw_neighbour *neighbour)
{
	uint8_t *ip = frame - send->outer_len;

	if (__builtin_expect(send->outer_len == SW_IP4_BYTES + SW_UDP_BYTES, 1)) {
		build_ip4(ip, len, traffic_class, send);
	} else {
		ip = frame - SW_OUTER_BYTES;
		build_ip6(ip, len, traffic_class, send);
	}
	return build_l2(ip, neighbour);
}

/* ---- guessing ---- */

enum { OFFSET_BITS = 0x1fff };

static void guess_ports(const uint8_t *udp, struct vd_udp_addr *remote, struct vd_udp_addr *local)
{
	remote->port = vd_be16_load(udp);
	local->port = vd_be16_load(udp + 2);
}

static bool guess_ip4(const uint8_t *ip, size_t len, struct vd_udp_addr *remote,
		      struct vd_udp_addr *local)
{
	static const uint8_t zero[2] = { 0 };

	if (len < SW_IP4_BYTES || ip[0] >> 4 != 4)
		return false;
	*remote = dp_outer_end(ip + 12, 4, zero);
	*local = dp_outer_end(ip + 16, 4, zero);
	size_t header = (size_t)(ip[0] & 15) * 4;
	if (ip[9] == PROTOCOL_UDP && header >= SW_IP4_BYTES && len >= header + 4 &&
	    !(vd_be16_load(ip + 6) & OFFSET_BITS))
		guess_ports(ip + header, remote, local);
	return true;
}

static bool guess_ip6(const uint8_t *ip, size_t len, struct vd_udp_addr *remote,
		      struct vd_udp_addr *local)
{
	static const uint8_t zero[2] = { 0 };

	if (len < SW_IP6_BYTES || ip[0] >> 4 != 6)
		return false;
	*remote = dp_outer_end(ip + 8, 6, zero);
	*local = dp_outer_end(ip + 24, 6, zero);
	if (ip[6] == PROTOCOL_UDP && len >= SW_IP6_BYTES + 4)
		guess_ports(ip + SW_IP6_BYTES, remote, local);
	return true;
}

size_t dp_outer_guess(const uint8_t *bytes, size_t len, struct vd_udp_addr *remote_out,
		      struct vd_udp_addr *local_out)
{
	size_t at = 0;
	uint16_t type = parse_ether(bytes, len, &at);

	if (type == TYPE_IP4)
		return guess_ip4(bytes + at, len - at, remote_out, local_out) ? at : 0;
	if (type == TYPE_IP6)
		return guess_ip6(bytes + at, len - at, remote_out, local_out) ? at : 0;
	return 0;
}
