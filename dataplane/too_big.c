/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * too_big: ICMPv6 Packet Too Big (RFC 4443, 3.2) to this host, for a packet from the TUN that
 * the way to its destination does not carry. The host remembers it for that destination.
 *
 * It comes from the packet's own destination, as if the peer had told it: the way has no
 * address of its own, and ours coming in by the TUN would look forged to a firewall.
 */
#include <string.h>

#include "base/bytes.h"
#include "dataplane/worker_state.h"
#include "switch/outer.h"

enum {
	IP6_BYTES = 40,
	ICMP_BYTES = 8,
	ICMP6 = 58,
	PACKET_TOO_BIG = 2,
	FIRST_INFORMATIONAL = 128, /* types below are errors (RFC 4443, 2.1) */
	MINIMUM_MTU = 1280,        /* RFC 8200, 5; also the most that an error may take */
	HOPS = 64,
};

/* Never about an error (RFC 4443, 2.4 (e.1)). */
static bool is_icmp6_error(const uint8_t *packet, size_t len)
{
	return packet[6] == ICMP6 && (len <= IP6_BYTES || packet[IP6_BYTES] < FIRST_INFORMATIONAL);
}

/* The whole ICMPv6 packet about `packet`; its length. */
static size_t build(uint8_t out[MINIMUM_MTU], const uint8_t *packet, size_t len, uint32_t mtu)
{
	uint8_t *icmp = out + IP6_BYTES;
	size_t quoted =
	    len < MINIMUM_MTU - IP6_BYTES - ICMP_BYTES ? len : MINIMUM_MTU - IP6_BYTES - ICMP_BYTES;
	size_t body = ICMP_BYTES + quoted;
	uint32_t sum;

	memset(out, 0, IP6_BYTES + ICMP_BYTES);
	out[0] = 0x60;
	vd_be16_store(out + 4, (uint16_t)body);
	out[6] = ICMP6;
	out[7] = HOPS;
	memcpy(out + 8, packet + 24, SW_IPV6_ADDR); /* from its destination */
	memcpy(out + 24, packet + 8, SW_IPV6_ADDR); /* to its source */
	icmp[0] = PACKET_TOO_BIG;
	vd_be32_store(icmp + 4, mtu);
	memcpy(icmp + ICMP_BYTES, packet, quoted);
	sum = sw_ones_sum((uint32_t)body + ICMP6, out + 8, 2 * SW_IPV6_ADDR); /* RFC 8200, 8.1 */
	vd_be16_store(icmp + 2, (uint16_t)~sw_ones_sum(sum, icmp, body));
	return IP6_BYTES + body;
}

void dp_too_big(struct dp_worker *w, const uint8_t *packet, size_t len, uint32_t mtu)
{
	uint8_t answer[MINIMUM_MTU];
	size_t answer_len;

	if (!w->tun || is_icmp6_error(packet, len) || !sw_bucket_take(&w->too_bigs, 1, w->now))
		return;
	answer_len = build(answer, packet, len, mtu > MINIMUM_MTU ? mtu : MINIMUM_MTU);
	if (dp_tun_send(w->tun, w->number, answer, answer_len))
		sw_count(&w->counters->too_big_told, 1);
}
