/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/ping.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

Test(ping, a_request_is_read_with_the_length_it_has)
{
	static const uint8_t in[20] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct ping ping;

	cr_assert(eq(int, ping_read(vd_bytes(in, sizeof in), &ping), VD_OK));
	cr_assert(eq(int, ping.kind, PING_REQUEST));
	cr_assert(eq(u64, ping.id, UINT64_C(0x0102030405060708)));
	cr_assert(eq(u16, ping.received, 20));
}

Test(ping, what_a_request_is_padded_with_does_not_matter)
{
	uint8_t in[40];
	struct ping ping;

	memset(in, 0xab, sizeof in);
	in[0] = 0;
	cr_assert(eq(int, ping_read(vd_bytes(in, sizeof in), &ping), VD_OK));
	cr_assert(eq(u16, ping.received, 40));
}

Test(ping, a_reply_is_written_as_on_the_wire)
{
	static const uint8_t expected[] = { 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x05, 0x00 };
	struct ping ping = { PING_REPLY, UINT64_C(0x0102030405060708), 0x500 }, got;
	uint8_t out[32];
	struct vd_write w = vd_write_to(out, sizeof out);

	ping_write(&w, &ping);
	cr_assert(vd_bytes_equal(vd_write_done(&w), vd_bytes(expected, sizeof expected)));
	cr_assert(eq(int, ping_read(vd_write_done(&w), &got), VD_OK));
	cr_assert(eq(u16, got.received, 0x500));
}

Test(ping, a_request_is_padded)
{
	struct ping ping = { PING_REQUEST, 1, 30 };
	uint8_t out[32];
	struct vd_write w = vd_write_to(out, sizeof out);

	ping_write(&w, &ping);
	cr_assert(eq(sz, vd_write_len(&w), 30));
	w = vd_write_to(out, sizeof out);
	ping.received = 0;
	ping_write(&w, &ping);
	cr_assert(eq(sz, vd_write_len(&w), PING_REQUEST_BYTES));
}

Test(ping, what_is_short_long_or_of_another_kind_is_refused)
{
	static const uint8_t reply[12] = { 1 };
	static const uint8_t other[11] = { 2 };
	static uint8_t large[70000];
	struct ping ping;

	for (size_t len = 0; len < 9; len++)
		cr_assert(eq(int, ping_read(vd_bytes(large, len), &ping), VD_EPEER_TRUNC));
	for (size_t len = 9; len < 11; len++)
		cr_assert(eq(int, ping_read(vd_bytes(reply, len), &ping), VD_EPEER_TRUNC));
	cr_assert(eq(int, ping_read(vd_bytes(reply, 12), &ping), VD_EPEER_FORMAT));
	cr_assert(eq(int, ping_read(vd_bytes(other, 11), &ping), VD_EPEER_FORMAT));
	cr_assert(eq(int, ping_read(vd_bytes(large, sizeof large), &ping), VD_EPEER_RANGE));
}
