/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * inner: the IPv6 packets that sessions carry, and the reports that come to an edge: judged, and
 * the answer of ICMPv6 to a packet that is too big.
 *
 * A packet from a session is its peer's, who may be hostile; one from the TUN is this host's.
 *
 * Pure functions on bytes; any thread. No DPDK in here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "switch/ecn.h"

enum {
	DP_IP6_BYTES = 40, /* the header (RFC 8200, 3) */
	DP_IP6_ADDR = 16,
	DP_IP6_SOURCE = 8,
	DP_IP6_DESTINATION = 24,
	DP_MTU_MIN = 1280, /* RFC 8200, 5; also the most that an ICMPv6 error may take */
};

/* Whether it is an IPv6 packet whose length is exact. */
static inline bool dp_inner_is_ip6(const uint8_t *packet, size_t len)
{
	return len >= DP_IP6_BYTES && packet[0] >> 4 == 6 &&
	       vd_be16_load(packet + 4) == len - DP_IP6_BYTES;
}

/*
 * What the switch header tells of congestion, into the packet (RFC 6040); false: the packet
 * cannot carry the mark, drop it. `packet`: is_ip6 said yes.
 */
static inline bool dp_inner_take_ecn(uint8_t *packet, uint8_t traffic_class)
{
	enum sw_ecn ecn;

	if (__builtin_expect(!sw_ecn_tells(traffic_class), 1))
		return true;
	ecn = sw_ecn_combine(packet[1] >> 4 & SW_ECN_MASK, traffic_class & SW_ECN_MASK);
	if (ecn == SW_ECN_DROP)
		return false;
	packet[1] = (uint8_t)((packet[1] & ~((unsigned)SW_ECN_MASK << 4)) | (unsigned)ecn << 4);
	return true;
}

/*
 * ICMPv6 Packet Too Big (RFC 4443, 3.2) about `packet`, which is_ip6 said yes to; its length.
 * 0: there is none, since the packet is an error itself (2.4 (e.1)). It comes from the packet's
 * own destination, as if the peer had told it: the way has no address of its own, and ours
 * coming in by the TUN would look forged to a firewall. `mtu`: below 1280 counts as that.
 */
size_t dp_inner_too_big(const uint8_t *packet, size_t len, uint32_t mtu, uint8_t out[DP_MTU_MIN]);

enum dp_report {
	DP_REPORT_BAD,  /* of no form that there is */
	DP_REPORT_LOST, /* of another form; the sessions' machine judges it */
	DP_REPORT_ECHO, /* to be believed if its echo is of a frame that we sent */
};

/* Which form of report (switch/SPEC.md, section 10) a payload with index 7 has. */
enum dp_report dp_inner_report(const uint8_t *report, size_t len);
