/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/inner.h"

#include <string.h>

#include "switch/outer.h"
#include "switch/report.h"

enum {
	ICMP_BYTES = 8,
	ICMP6 = 58,
	PACKET_TOO_BIG = 2,
	FIRST_INFORMATIONAL = 128, /* types below are errors (RFC 4443, 2.1) */
	HOPS = 64,
};

static bool is_icmp6_error(const uint8_t *packet, size_t len)
{
	return packet[6] == ICMP6 &&
	       (len <= DP_IP6_BYTES || packet[DP_IP6_BYTES] < FIRST_INFORMATIONAL);
}

size_t dp_inner_too_big(const uint8_t *packet, size_t len, uint32_t mtu, uint8_t out[DP_MTU_MIN])
{
	enum { QUOTED_MAX = DP_MTU_MIN - DP_IP6_BYTES - ICMP_BYTES };
	uint8_t *icmp = out + DP_IP6_BYTES;
	size_t quoted = len < QUOTED_MAX ? len : QUOTED_MAX;
	size_t body = ICMP_BYTES + quoted;
	uint32_t sum;

	if (is_icmp6_error(packet, len))
		return 0;
	memset(out, 0, DP_IP6_BYTES + ICMP_BYTES);
	out[0] = 0x60;
	vd_be16_store(out + 4, (uint16_t)body);
	out[6] = ICMP6;
	out[7] = HOPS;
	memcpy(out + DP_IP6_SOURCE, packet + DP_IP6_DESTINATION, DP_IP6_ADDR);
	memcpy(out + DP_IP6_DESTINATION, packet + DP_IP6_SOURCE, DP_IP6_ADDR);
	icmp[0] = PACKET_TOO_BIG;
	vd_be32_store(icmp + 4, mtu > DP_MTU_MIN ? mtu : DP_MTU_MIN);
	memcpy(icmp + ICMP_BYTES, packet, quoted);
	sum = sw_ones_sum((uint32_t)body + ICMP6, out + 8, 2 * DP_IP6_ADDR); /* RFC 8200, 8.1 */
	vd_be16_store(icmp + 2, (uint16_t)~sw_ones_sum(sum, icmp, body));
	return DP_IP6_BYTES + body;
}

enum dp_report dp_inner_report(const uint8_t *report, size_t len)
{
	if (len > SW_REPORT_AT_CODE && report[SW_REPORT_AT_CODE] == SW_REPORT_LOST)
		return DP_REPORT_LOST;
	if (len != SW_REPORT_BYTES || report[SW_REPORT_AT_CODE] >= SW_REPORT_CODES)
		return DP_REPORT_BAD;
	return DP_REPORT_ECHO;
}
