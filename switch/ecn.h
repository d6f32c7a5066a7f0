/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * ecn: explicit congestion notification through tunnels (RFC 6040, normal mode), for
 * each of the three headers around a packet: inner IPv6, switch frame, outer IP.
 *
 * Going in, the class of the inner header is copied to the outer one, as it is: DSCP
 * and ECN. Coming out, the inner keeps its DSCP, and the two ECN fields are combined
 * (section 4.2, figure 4). A hop does both: out of the outer IP header it received into
 * the switch header, and from that into the outer IP header it sends. So a mark
 * on any link reaches the inner packet.
 *
 * Pure; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

/* The low two bits of a traffic class (RFC 3168, 5). */
enum sw_ecn {
	SW_ECN_NOT_ECT = 0,
	SW_ECN_ECT1 = 1,
	SW_ECN_ECT0 = 2,
	SW_ECN_CE = 3,
	SW_ECN_MASK = 3,
	SW_ECN_DROP = 4, /* what combine says to a mark on a packet that cannot carry it */
};

/*
 * Whether `outer` can change an inner field at all: CE and ECT(1), whose low bit is set,
 * may. The one test that a packet costs which met no congestion.
 */
static inline bool sw_ecn_tells(unsigned outer)
{
	return outer & 1;
}

/* RFC 6040, figure 4. Both below 4; returns the inner ECN field, or SW_ECN_DROP. */
static inline enum sw_ecn sw_ecn_combine(unsigned inner, unsigned outer)
{
	static const uint8_t table[4][4] = {
		[SW_ECN_NOT_ECT] = { [SW_ECN_CE] = SW_ECN_DROP },
		[SW_ECN_ECT0] = { SW_ECN_ECT0, [SW_ECN_ECT0] = SW_ECN_ECT0,
				  [SW_ECN_ECT1] = SW_ECN_ECT1, [SW_ECN_CE] = SW_ECN_CE },
		[SW_ECN_ECT1] = { SW_ECN_ECT1, [SW_ECN_ECT0] = SW_ECN_ECT1,
				  [SW_ECN_ECT1] = SW_ECN_ECT1, [SW_ECN_CE] = SW_ECN_CE },
		[SW_ECN_CE] = { SW_ECN_CE, SW_ECN_CE, SW_ECN_CE, SW_ECN_CE },
	};

	return (enum sw_ecn)table[inner & SW_ECN_MASK][outer & SW_ECN_MASK];
}

/* The traffic class of an IPv6 header (RFC 8200, 3). */
static inline uint8_t sw_ecn_class_of_ip6(const uint8_t *ip)
{
	return (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}
