/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * outer: the send template of a way to a neighbour: IP and UDP headers with the
 * lengths and checksums of an empty payload, so that a port adds the payload's
 * share only (RFC 1624) and a whole header is never summed per packet.
 *
 * IPv4: DF, id 0 (RFC 6864: atomic), UDP checksum 0 (the frame's tag covers more).
 * IPv6: UDP checksum as RFC 8200 demands, over the empty datagram.
 *
 * Pure functions; any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/udp_addr.h"
#include "switch/link.h"

enum {
	SW_IP4_BYTES = 20,
	SW_IP6_BYTES = 40,
	SW_UDP_BYTES = 8,
	SW_OUTER_TTL = 64,
};

/* Payload room of a path of `mtu` bytes: less IP, UDP and the switch header; 0: too small. */
uint16_t sw_payload_max(const struct vd_udp_addr *remote, uint16_t mtu);

/*
 * Fills the template of the way from `local` to `remote` (both of one family) by
 * `port`; `neighbour` is 0 for ports without Ethernet.
 */
void sw_template_build(struct sw_template *template_out, uint8_t port,
		       const struct vd_udp_addr *local, const struct vd_udp_addr *remote,
		       uint16_t mtu, uint32_t neighbour);

/* The two ends that a template's headers name; outer_len is 28 or 48. */
void sw_template_ends(const struct sw_template *template, struct vd_udp_addr *local_out,
		      struct vd_udp_addr *remote_out);

/* One's complement sum of big-endian 16-bit words, folded; start with 0, chain for more. */
uint32_t sw_ones_sum(uint32_t sum, const uint8_t *bytes, size_t len);
