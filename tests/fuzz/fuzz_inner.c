/* Targets: dataplane/inner.c: IPv6 packets out of sessions, received reports, Packet Too Big */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>

#include "dataplane/inner.h"
#include "switch/outer.h"
#include "switch/report.h"

/* The first byte is a traffic class, the next two an MTU; the rest a packet or a report. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void too_big(const uint8_t *packet, size_t len, uint32_t mtu)
{
	uint8_t answer[DP_MTU_MIN], again[DP_MTU_MIN];
	size_t answer_len = dp_inner_too_big(packet, len, mtu, answer);
	uint32_t sum;

	if (!answer_len) {
		expect(packet[6] == 58);
		return;
	}
	expect(answer_len <= DP_MTU_MIN && dp_inner_is_ip6(answer, answer_len));
	expect(memcmp(answer + DP_IP6_SOURCE, packet + DP_IP6_DESTINATION, 16) == 0);
	expect(vd_be32_load(answer + DP_IP6_BYTES + 4) >= DP_MTU_MIN);
	sum = sw_ones_sum((uint32_t)(answer_len - DP_IP6_BYTES) + 58, answer + 8, 32);
	expect(sw_ones_sum(sum, answer + DP_IP6_BYTES, answer_len - DP_IP6_BYTES) == 0xffff);
	expect(dp_inner_too_big(answer, answer_len, mtu, again) == 0); /* none about an error */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[1 << 16];

	if (size < 3)
		return 0;

	size_t len = size - 3 < sizeof packet ? size - 3 : sizeof packet;
	enum dp_report form;

	memcpy(packet, data + 3, len);
	form = dp_inner_report(packet, len);
	expect(form != DP_REPORT_ECHO || len == SW_REPORT_BYTES);
	if (!dp_inner_is_ip6(packet, len))
		return 0;
	too_big(packet, len, vd_be16_load(data + 1));
	(void)dp_inner_take_ecn(packet, data[0]);
	expect(dp_inner_is_ip6(packet, len));
	return 0;
}
