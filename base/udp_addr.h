/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * udp_addr: a UDP endpoint, as ports, links and neighbours have them.
 *
 * IPv4 is ::ffff:a.b.c.d. The text of one is that of its multiaddr
 * (base/formats/multiaddr.h, vd_multiaddr_of_link).
 *
 * Threads: any. Memory: the caller's.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

struct vd_udp_addr {
	uint8_t ip[16];
	uint16_t port; /* host order */
};

/* Of 16 bytes: an IPv4 address, the last four of them. */
static inline bool vd_ip_is_ip4(const uint8_t *ip)
{
	return vd_be64_load(ip) == 0 && vd_be32_load(ip + 8) == 0xffff;
}

/* Of 16 bytes: `::` or 0.0.0.0. */
static inline bool vd_ip_is_any(const uint8_t *ip)
{
	return vd_be32_load(ip + 12) == 0 &&
	       (vd_ip_is_ip4(ip) || (vd_be64_load(ip) == 0 && vd_be32_load(ip + 8) == 0));
}

static inline bool vd_udp_addr_is_ip4(const struct vd_udp_addr *addr)
{
	return vd_ip_is_ip4(addr->ip);
}

/* Its IP address is the unspecified one, whatever its port: a wildcard to bind to. */
static inline bool vd_udp_addr_is_any(const struct vd_udp_addr *addr)
{
	return vd_ip_is_any(addr->ip);
}

static inline bool vd_udp_addr_equal(const struct vd_udp_addr *a, const struct vd_udp_addr *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}
