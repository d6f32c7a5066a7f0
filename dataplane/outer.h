/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * outer: Ethernet, IP and UDP headers around a frame: found and judged on the way
 * in, written on the way out.
 *
 * What comes in is hostile. Ethernet with at most one VLAN tag, IPv4 with options
 * skipped and the header checksum verified, IPv6 without extension headers, UDP.
 * Fragments are refused. UDP checksums are not verified: every frame is
 * authenticated by its tag, seal or handshake, and a relay that sums payloads
 * would pay for each byte what it must not (README, invariant 4).
 *
 * Pure functions on bytes; any thread. No DPDK in here.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/udp_addr.h"
#include "switch/drop.h"
#include "switch/link.h"
#include "switch/neighbour.h"
#include "switch/outer.h"

/* Where things are in a received Ethernet frame. */
struct dp_outer {
	uint16_t at; /* of the payload of UDP: the multigram */
	uint16_t len;
	uint8_t l3;      /* of the IP header: 14 or 18 */
	uint8_t version; /* 4 or 6 */
	uint8_t ecn;     /* enum sw_ecn */
};

/* What parse returns when nothing is wrong. */
enum { DP_OUTER_OK = SW_DROP_COUNT };

/*
 * Judges `len` bytes of an Ethernet frame. DP_OUTER_OK fills *outer_out; else the
 * reason to drop it: not_ours (also another UDP port than `udp_port`), bad_header,
 * bad_checksum, fragment, truncated (no byte in it).
 */
unsigned dp_outer_parse(const uint8_t *bytes, size_t len, uint16_t udp_port,
			struct dp_outer *outer_out);

/*
 * For who looks at what parse refused: where the IP header is (0: there is none), and the ends as
 * far as they can be read; the rest of them is zero.
 */
size_t dp_outer_guess(const uint8_t *bytes, size_t len, struct vd_udp_addr *remote_out,
		      struct vd_udp_addr *local_out);

/* The IPv4-mapped form, or IPv6 as it is. `ip`: in the header. */
static inline struct vd_udp_addr dp_outer_end(const uint8_t *ip, uint8_t version,
					      const uint8_t *port)
{
	struct vd_udp_addr end = { .port = vd_be16_load(port) };

	if (__builtin_expect(version == 4, 1)) {
		end.ip[10] = end.ip[11] = 0xff;
		memcpy(end.ip + 12, ip, 4);
	} else {
		memcpy(end.ip, ip, 16);
	}
	return end;
}

/* The ends of a frame that parse said yes to: local is where it was sent to. */
static inline struct vd_udp_addr dp_outer_local(const uint8_t *bytes, const struct dp_outer *outer)
{
	const uint8_t *ip = bytes + outer->l3;

	return dp_outer_end(outer->version == 4 ? ip + 16 : ip + 24, outer->version,
			    bytes + outer->at - SW_UDP_BYTES + 2);
}

static inline struct vd_udp_addr dp_outer_remote(const uint8_t *bytes, const struct dp_outer *outer)
{
	const uint8_t *ip = bytes + outer->l3;

	return dp_outer_end(outer->version == 4 ? ip + 12 : ip + 8, outer->version,
			    bytes + outer->at - SW_UDP_BYTES);
}

/*
 * Writes the neighbour's Ethernet header and the template with lengths, checksums
 * and the traffic class before `len` bytes at `frame`, within SW_HEADROOM. Returns where the
 * Ethernet frame starts.
 */
uint8_t *dp_outer_build(uint8_t *frame, uint16_t len, uint8_t traffic_class,
			const struct sw_template *send, const struct sw_neighbour *neighbour);
