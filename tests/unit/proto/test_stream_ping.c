/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/stream_ping.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "controlplane/proto/perf.h"

Test(stream_ping, comes_back_byte_by_byte_several_times)
{
	struct stream_ping ping = { 0 };
	struct stream_pong pong = { 0 };

	for (unsigned i = 1; i <= 3; i++) {
		enum vd_err err = VD_AGAIN;
		struct vd_bytes out;

		cr_assert(eq(int, stream_ping_begin(&ping, VD_SECONDS(i)), VD_OK));
		cr_assert(eq(int, stream_ping_begin(&ping, VD_SECONDS(i)), VD_EBUG_STATE));
		while ((out = stream_ping_next_output(&ping)).len) {
			cr_assert(eq(sz, stream_pong_receive(&pong, vd_bytes(out.at, 1)), 1));
			stream_ping_sent(&ping, 1);
		}
		while ((out = stream_pong_next_output(&pong)).len) {
			err = stream_ping_receive(&ping, vd_bytes(out.at, 1),
						  VD_SECONDS(i) + VD_MS(i));
			stream_pong_sent(&pong, 1);
		}
		cr_assert(eq(int, err, VD_OK));
		cr_assert(eq(u64, ping.rtt, VD_MS(i)));
	}
}

Test(stream_ping, an_echo_that_waits_stops_the_reading)
{
	struct stream_pong pong = { 0 };
	uint8_t bytes[100] = { 1, 2, 3 };

	cr_assert(eq(sz, stream_pong_receive(&pong, vd_bytes(bytes, 31)), 31));
	cr_assert(zero(sz, stream_pong_next_output(&pong).len));
	cr_assert(eq(sz, stream_pong_receive(&pong, vd_bytes(bytes + 31, 69)), 1));
	cr_assert(zero(sz, stream_pong_receive(&pong, vd_bytes(bytes + 32, 68))));
	cr_assert(vd_bytes_equal(stream_pong_next_output(&pong), vd_bytes(bytes, 32)));
	stream_pong_sent(&pong, 32);
	cr_assert(eq(sz, stream_pong_receive(&pong, vd_bytes(bytes + 32, 68)), 32));
}

Test(stream_ping, other_or_early_bytes_are_refused)
{
	struct stream_ping ping = { 0 };
	uint8_t bytes[STREAM_PING_BYTES + 1] = { 0 };

	cr_assert(eq(int, stream_ping_receive(&ping, vd_bytes(bytes, 1), 0), VD_EPEER_STATE));
	cr_assert(eq(int, stream_ping_begin(&ping, 0), VD_OK));
	cr_assert(eq(int, stream_ping_receive(&ping, vd_bytes(ping.bytes, 1), 0), VD_EPEER_STATE));
	stream_ping_sent(&ping, STREAM_PING_BYTES);
	memcpy(bytes, ping.bytes, STREAM_PING_BYTES);
	cr_assert(eq(int, stream_ping_receive(&ping, vd_bytes(bytes, 33), 0), VD_EPEER_STATE));
	bytes[31] ^= 1;
	cr_assert(eq(int, stream_ping_receive(&ping, vd_bytes(bytes, 32), 0), VD_EPEER_AUTH));
}

Test(stream_ping, it_is_given_up_after_ten_seconds)
{
	struct stream_ping ping = { 0 };

	cr_assert(eq(u64, stream_ping_deadline(&ping), VD_NEVER));
	cr_assert(eq(int, stream_ping_begin(&ping, VD_SECONDS(5)), VD_OK));
	cr_assert(eq(u64, stream_ping_deadline(&ping), VD_SECONDS(15)));
}

/* ---- perf ---- */

/* Moves all that one has to send, in pieces; returns how much. */
static uint64_t move(struct perf *from, struct perf *to, size_t piece)
{
	struct vd_bytes out;
	uint64_t total = 0;

	while ((out = perf_next_output(from)).len) {
		size_t len = out.len < piece ? out.len : piece;

		cr_assert(eq(int, perf_receive(to, vd_bytes(out.at, len)), VD_OK));
		perf_sent(from, len);
		total += len;
	}
	cr_assert(perf_may_finish(from));
	cr_assert(eq(int, perf_ended(to), VD_OK));
	return total;
}

Test(perf, uploads_and_downloads_what_was_said)
{
	static const uint64_t rows[][2] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 100000, 300000 } };

	for (size_t i = 0; i < 4; i++) {
		struct perf client, server;

		perf_client_init(&client, rows[i][0], rows[i][1]);
		perf_server_init(&server);
		cr_assert(not(perf_may_finish(&server)));
		cr_assert(eq(u64, move(&client, &server, 3), 8 + rows[i][0]));
		cr_assert(eq(u64, perf_received(&server), rows[i][0]));
		cr_assert(eq(u64, move(&server, &client, 1000), rows[i][1]));
		cr_assert(eq(u64, perf_received(&client), rows[i][1]));
	}
}

Test(perf, the_server_sends_nothing_before_the_client_finished)
{
	struct perf server;

	perf_server_init(&server);
	cr_assert(eq(int, perf_receive(&server, vd_bytes("\0\0\0\0\0\0\0\x09zz", 10)), VD_OK));
	cr_assert(zero(sz, perf_next_output(&server).len));
	cr_assert(eq(int, perf_ended(&server), VD_OK));
	cr_assert(eq(sz, perf_next_output(&server).len, 9));
	perf_sent(&server, 4);
	cr_assert(eq(int, perf_ended(&server), VD_OK));
	cr_assert(eq(sz, perf_next_output(&server).len, 5));
}

Test(perf, a_head_that_is_cut_and_other_lengths_than_said_are_refused)
{
	struct perf client, server;

	perf_server_init(&server);
	cr_assert(eq(int, perf_receive(&server, vd_bytes("\0\0\0\0\0\0\0", 7)), VD_OK));
	cr_assert(eq(int, perf_ended(&server), VD_EPEER_TRUNC));
	perf_client_init(&client, 0, 5);
	cr_assert(eq(int, perf_receive(&client, vd_bytes("1234", 4)), VD_OK));
	cr_assert(eq(int, perf_ended(&client), VD_EPEER_TRUNC));
	cr_assert(eq(int, perf_receive(&client, vd_bytes("56", 2)), VD_EPEER_RANGE));
}
