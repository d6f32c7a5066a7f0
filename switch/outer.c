/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/outer.h"

#include <string.h>

#include "base/bytes.h"
#include "switch/packet.h"

enum { IP4_MAPPED = 12, PROTOCOL_UDP = 17 };

static const uint8_t mapped_prefix[IP4_MAPPED] = { [10] = 0xff, [11] = 0xff };

/*
 * The sum does not depend on the byte order (RFC 1071, 2(B)): native 32-bit words
 * in a loop that compilers vectorise, swapped once at the end.
 */
uint32_t sw_ones_sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
	uint64_t wide = 0;
	size_t i;

	for (i = 0; i + 4 <= len; i += 4) {
		uint32_t word;
		memcpy(&word, bytes + i, sizeof word);
		wide += word;
	}
	if (i + 2 <= len) {
		uint16_t half;
		memcpy(&half, bytes + i, sizeof half);
		wide += half;
		i += 2;
	}
	if (i < len)
		wide += bytes[i];
	while (wide >> 16)
		wide = (wide & 0xffff) + (wide >> 16);
	sum += __builtin_bswap16((uint16_t)wide);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint16_t sw_payload_max(const struct vd_udp_addr *remote, uint16_t mtu)
{
	unsigned ip = vd_udp_addr_is_ip4(remote) ? SW_IP4_BYTES : SW_IP6_BYTES;
	unsigned overhead = ip + SW_UDP_BYTES + SW_HEADER;

	return mtu > overhead ? (uint16_t)(mtu - overhead) : 0;
}

static void build_udp(uint8_t *udp, uint16_t from, uint16_t to)
{
	vd_be16_store(udp, from);
	vd_be16_store(udp + 2, to);
	vd_be16_store(udp + 4, SW_UDP_BYTES);
	vd_be16_store(udp + 6, 0);
}

/* RFC 791. */
static void build_ip4(uint8_t *ip, const struct vd_udp_addr *local,
		      const struct vd_udp_addr *remote)
{
	memset(ip, 0, SW_IP4_BYTES);
	ip[0] = 0x45;
	vd_be16_store(ip + 2, SW_IP4_BYTES + SW_UDP_BYTES);
	vd_be16_store(ip + 6, 0x4000); /* DF */
	ip[8] = SW_OUTER_TTL;
	ip[9] = PROTOCOL_UDP;
	memcpy(ip + 12, local->ip + IP4_MAPPED, 4);
	memcpy(ip + 16, remote->ip + IP4_MAPPED, 4);
	vd_be16_store(ip + 10, (uint16_t)~sw_ones_sum(0, ip, SW_IP4_BYTES));
	build_udp(ip + SW_IP4_BYTES, local->port, remote->port);
}

/* RFC 8200; the checksum of section 8.1. */
static void build_ip6(uint8_t *ip, const struct vd_udp_addr *local,
		      const struct vd_udp_addr *remote)
{
	uint8_t *udp = ip + SW_IP6_BYTES;

	memset(ip, 0, SW_IP6_BYTES);
	ip[0] = 0x60;
	vd_be16_store(ip + 4, SW_UDP_BYTES);
	ip[6] = PROTOCOL_UDP;
	ip[7] = SW_OUTER_TTL;
	memcpy(ip + 8, local->ip, 16);
	memcpy(ip + 24, remote->ip, 16);
	build_udp(udp, local->port, remote->port);
	uint32_t pseudo = sw_ones_sum(PROTOCOL_UDP + SW_UDP_BYTES, ip + 8, 32);
	vd_be16_store(udp + 6, (uint16_t)~sw_ones_sum(pseudo, udp, SW_UDP_BYTES));
}

void sw_template_build(struct sw_template *template_out, uint8_t port,
		       const struct vd_udp_addr *local, const struct vd_udp_addr *remote,
		       uint16_t mtu, uint32_t neighbour)
{
	bool ip4 = vd_udp_addr_is_ip4(remote);

	*template_out = (struct sw_template){
		.outer_len = (uint8_t)((ip4 ? SW_IP4_BYTES : SW_IP6_BYTES) + SW_UDP_BYTES),
		.port = port,
		.payload_max = sw_payload_max(remote, mtu),
		.neighbour = neighbour,
	};
	if (ip4)
		build_ip4(template_out->outer, local, remote);
	else
		build_ip6(template_out->outer, local, remote);
}

static struct vd_udp_addr end_of(const uint8_t *ip, size_t ip_len, const uint8_t *port)
{
	struct vd_udp_addr end = { .port = vd_be16_load(port) };

	if (ip_len == 4)
		memcpy(end.ip, mapped_prefix, IP4_MAPPED);
	memcpy(end.ip + 16 - ip_len, ip, ip_len);
	return end;
}

void sw_template_ends(const struct sw_template *template, struct vd_udp_addr *local_out,
		      struct vd_udp_addr *remote_out)
{
	const uint8_t *ip = template->outer;

	if (template->outer_len == SW_IP4_BYTES + SW_UDP_BYTES) {
		*local_out = end_of(ip + 12, 4, ip + SW_IP4_BYTES);
		*remote_out = end_of(ip + 16, 4, ip + SW_IP4_BYTES + 2);
	} else {
		*local_out = end_of(ip + 8, 16, ip + SW_IP6_BYTES);
		*remote_out = end_of(ip + 24, 16, ip + SW_IP6_BYTES + 2);
	}
}
