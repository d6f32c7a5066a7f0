/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/inner.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

enum { ICMP6 = 58, UDP = 17 };

/* An IPv6 packet of `len` bytes, from …01 to …02. */
static void make(uint8_t *packet, size_t len, uint8_t next)
{
	memset(packet, 0xaa, len);
	memset(packet, 0, DP_IP6_BYTES);
	packet[0] = 0x60;
	vd_be16_store(packet + 4, (uint16_t)(len - DP_IP6_BYTES));
	packet[6] = next;
	packet[DP_IP6_SOURCE + 15] = 1;
	packet[DP_IP6_DESTINATION + 15] = 2;
}

Test(inner, only_an_ip6_packet_of_its_own_length_is_one)
{
	uint8_t packet[64];

	make(packet, sizeof packet, UDP);
	cr_assert(dp_inner_is_ip6(packet, sizeof packet));
	cr_assert(not(dp_inner_is_ip6(packet, sizeof packet - 1)));
	for (size_t len = 0; len < sizeof packet; len++)
		cr_assert(not(dp_inner_is_ip6(packet, len)));
	packet[0] = 0x45;
	cr_assert(not(dp_inner_is_ip6(packet, sizeof packet)));
}

Test(inner, a_mark_reaches_a_packet_that_can_carry_it)
{
	uint8_t packet[DP_IP6_BYTES];

	make(packet, sizeof packet, UDP);
	packet[1] = SW_ECN_ECT0 << 4;
	cr_assert(dp_inner_take_ecn(packet, SW_ECN_CE));
	cr_assert(eq(u8, packet[1], SW_ECN_CE << 4));
	packet[1] = SW_ECN_NOT_ECT;
	cr_assert(not(dp_inner_take_ecn(packet, SW_ECN_CE)));
	cr_assert(dp_inner_take_ecn(packet, SW_ECN_ECT0));
	cr_assert(eq(u8, packet[1], SW_ECN_NOT_ECT));
}

Test(inner, too_big_quotes_what_fits_and_tells_1280_at_least)
{
	uint8_t packet[2000], answer[DP_MTU_MIN];

	make(packet, sizeof packet, UDP);
	cr_assert(eq(sz, dp_inner_too_big(packet, sizeof packet, 1400, answer), DP_MTU_MIN));
	cr_assert(eq(u8, answer[DP_IP6_SOURCE + 15], 2));
	cr_assert(eq(u32, vd_be32_load(answer + DP_IP6_BYTES + 4), 1400));
	cr_assert(eq(int, memcmp(answer + DP_IP6_BYTES + 8, packet, DP_MTU_MIN - 48), 0));
	make(packet, 100, UDP);
	cr_assert(eq(sz, dp_inner_too_big(packet, 100, 0, answer), 148));
	cr_assert(eq(u32, vd_be32_load(answer + DP_IP6_BYTES + 4), 1280));
}

Test(inner, nothing_is_told_about_an_error)
{
	uint8_t packet[100], answer[DP_MTU_MIN];

	make(packet, sizeof packet, ICMP6);
	packet[DP_IP6_BYTES] = 1; /* destination unreachable */
	cr_assert(eq(sz, dp_inner_too_big(packet, sizeof packet, 1280, answer), 0));
	packet[DP_IP6_BYTES] = 128; /* an echo request */
	cr_assert(ne(sz, dp_inner_too_big(packet, sizeof packet, 1280, answer), 0));
	make(packet, DP_IP6_BYTES, ICMP6); /* without a type: it may be one */
	cr_assert(eq(sz, dp_inner_too_big(packet, DP_IP6_BYTES, 1280, answer), 0));
}

Test(inner, reports_are_of_16_bytes_but_for_lost)
{
	uint8_t report[17] = { 7, 0 };

	cr_assert(eq(int, dp_inner_report(report, 14), DP_REPORT_LOST));
	cr_assert(eq(int, dp_inner_report(report, 1), DP_REPORT_BAD));
	for (uint8_t code = 1; code <= 5; code++) {
		report[1] = code;
		cr_assert(eq(int, dp_inner_report(report, 16), DP_REPORT_ECHO));
		cr_assert(eq(int, dp_inner_report(report, 15), DP_REPORT_BAD));
		cr_assert(eq(int, dp_inner_report(report, 17), DP_REPORT_BAD));
	}
	report[1] = 6;
	cr_assert(eq(int, dp_inner_report(report, 16), DP_REPORT_BAD));
}
