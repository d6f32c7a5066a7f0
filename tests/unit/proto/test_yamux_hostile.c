/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/unit/proto/yamux_raw.h"

/* After a failure: go-away with `code`, no further frame, and nothing is received. */
static void assert_failed(uint32_t code)
{
	raw_expect(GO_AWAY, 0, 0, code);
	raw_expect_nothing();
	cr_assert(raw.m->reason != NULL);
	cr_assert(zero(u32, raw.m->streams));
	cr_assert(zero(sz, yamux_buffered(raw.m)));
	cr_assert(eq(int, raw_head(PING, SYN, 0, 1), VD_EBUG_STATE));
	muxer_free(raw.m);
}

static void assert_error_of(const void *frame)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(eq(int, raw_bytes(frame, 12), VD_EPEER_FORMAT));
	assert_failed(1);
}

Test(yamux_hostile, frames_that_there_are_not_end_the_session)
{
	assert_error_of("\1\0\0\1\0\0\0\1\0\0\0\0"); /* version */
	assert_error_of("\0\4\0\0\0\0\0\0\0\0\0\0"); /* type */
	assert_error_of("\0\1\0\1\0\0\0\0\0\0\0\0"); /* stream 0 */
	assert_error_of("\0\0\0\1\0\0\0\2\0\0\0\0"); /* an id of our side */
	assert_error_of("GET / HTTP/1.1");
}

Test(yamux_hostile, an_id_that_is_open_cannot_be_opened)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	(void)raw_accepted(1);
	cr_assert(eq(int, raw_head(WINDOW, SYN, 1, 0), VD_EPEER_FORMAT));
	assert_failed(1);
}

Test(yamux_hostile, every_stream_is_told_that_the_session_failed)
{
	struct muxer_stream *a, *b;
	size_t took;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	a = raw_accepted(1);
	b = raw_accepted(3);
	cr_assert(eq(int, raw_head(WINDOW, SYN, 5, 0), VD_OK)); /* never told */
	cr_assert(eq(int, raw_data(0, 1, 10), VD_OK));
	muxer_reset(b);
	cr_assert(eq(int, raw_head(9, 0, 0, 0), VD_EPEER_FORMAT));
	cr_assert(eq(ptr, raw_event(MUXER_RESET).stream, a));
	(void)raw_event(MUXER_NOTHING);
	cr_assert(eq(int, muxer_write(a, vd_bytes("x", 1), &took), VD_ELINK_CLOSED));
	cr_assert(eq(int, muxer_open(raw.m, &a), VD_ELINK_CLOSED));
	raw_expect(WINDOW, RST, 3, 0);
	assert_failed(1);
}

Test(yamux_hostile, a_frame_that_was_begun_is_sent_whole_before_the_go_away)
{
	struct muxer_stream *stream;
	struct raw_frame frame;
	size_t took;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	cr_assert(eq(int, muxer_write(stream, vd_bytes("0123456789", 10), &took), VD_OK));
	memcpy(raw.seen + raw.seen_len, muxer_next_output(raw.m, raw.now).at, 15);
	raw.seen_len += 15;
	muxer_sent(raw.m, 15);
	cr_assert(eq(int, raw_head(9, 0, 0, 0), VD_EPEER_FORMAT));
	frame = raw_next();
	cr_assert(eq(u32, frame.length, 10));
	cr_assert(zero(int, memcmp(frame.body, "0123456789", 10)));
	assert_failed(1);
}

Test(yamux_hostile, more_data_than_the_window_ends_the_session)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	(void)raw_accepted(1);
	cr_assert(eq(int, raw_data(0, 1, YAMUX_WINDOW), VD_OK));
	cr_assert(eq(int, raw_head(DATA, 0, 1, 1), VD_EPEER_FORMAT));
	assert_failed(1);
}

Test(yamux_hostile, announced_gigabytes_are_refused_at_the_header)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	(void)raw_accepted(1);
	cr_assert(eq(int, raw_head(DATA, 0, 1, UINT32_MAX), VD_EPEER_FORMAT));
	assert_failed(1);
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(eq(int, raw_head(DATA, 0, 99, UINT32_MAX), VD_EPEER_FORMAT));
	assert_failed(1);
}

Test(yamux_hostile, a_send_window_above_32_bits_ends_the_session)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	(void)raw_accepted(1);
	cr_assert(eq(int, raw_head(WINDOW, 0, 1, UINT32_MAX - YAMUX_WINDOW), VD_OK));
	cr_assert(eq(int, raw_head(WINDOW, 0, 1, 1), VD_EPEER_FORMAT));
	assert_failed(1);
}

Test(yamux_hostile, data_after_fin_ends_the_session)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	(void)raw_accepted(1);
	cr_assert(eq(int, raw_head(WINDOW, FIN, 1, 0), VD_OK));
	cr_assert(eq(int, raw_head(DATA, 0, 1, 1), VD_EPEER_FORMAT));
	assert_failed(1);
}

Test(yamux_hostile, a_frame_for_a_stream_not_yet_opened_ends_the_session)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_OK));
	cr_assert(eq(int, raw_head(DATA, 0, 2, 1), VD_EPEER_FORMAT));
	assert_failed(1);
}

Test(yamux_hostile, data_for_streams_that_are_gone_is_dropped_as_far_as_it_was_granted)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	muxer_release(raw_accepted(1));
	raw_expect(WINDOW, RST, 1, 0);
	cr_assert(eq(int, raw_data(0, 1, YAMUX_WINDOW), VD_OK));
	raw_expect(WINDOW, RST, 1, 0);
	cr_assert(eq(int, raw_data(0, 1, YAMUX_WINDOW), VD_OK)); /* the allowance at the start */
	raw_expect(WINDOW, RST, 1, 0);
	cr_assert(eq(u64, yamux_counts(raw.m).discarded, 2 * YAMUX_WINDOW));
	cr_assert(eq(int, raw_head(DATA, 0, 1, 1), VD_EPEER_FORMAT));
	assert_failed(1);
}

Test(yamux_hostile, a_body_for_nobody_does_not_reach_a_stream_opened_meanwhile)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(eq(int, raw_head(DATA, 0, 2, 8), VD_OK));
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_OK));
	raw_pump();
	cr_assert(eq(int, raw_bytes("01234567", 8), VD_OK));
	cr_assert(zero(sz, muxer_read(stream).len));
	muxer_free(raw.m);
}

Test(yamux_hostile, streams_above_the_limit_are_refused_and_the_others_stay)
{
	struct yamux_config config = yamux_defaults;

	config.inbound_max = 10;
	raw_begin(&config, YAMUX_SERVER);
	for (uint32_t i = 0; i < 10; i++)
		(void)raw_accepted(2 * i + 1);
	for (uint32_t i = 10; i < 1000; i++) {
		cr_assert(eq(int, raw_data(SYN, 2 * i + 1, 100), VD_OK));
		raw_expect(WINDOW, RST, 2 * i + 1, 0);
		raw_expect(WINDOW, RST, 2 * i + 1, 0); /* and for its data */
	}
	(void)raw_event(MUXER_NOTHING);
	cr_assert(eq(u32, raw.m->streams, 10));
	cr_assert(eq(u64, yamux_counts(raw.m).refused, 990));
	cr_assert(eq(int, raw_data(0, 1, 5), VD_OK));
	(void)raw_event(MUXER_READABLE);
	muxer_free(raw.m);
}

Test(yamux_hostile, streams_that_nobody_accepted_are_bounded)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	for (uint32_t i = 0; i < yamux_defaults.backlog_max; i++)
		cr_assert(eq(int, raw_head(WINDOW, SYN, 2 * i + 1, 0), VD_OK));
	raw_expect_nothing();
	cr_assert(eq(int, raw_head(WINDOW, SYN, 9999, 0), VD_OK));
	raw_expect(WINDOW, RST, 9999, 0);
	muxer_free(raw.m);
}

static void drop_output(void)
{
	raw_pump();
	raw.seen_len = 0;
	raw.r = vd_read_of(vd_bytes(raw.seen, 0));
}

Test(yamux_hostile, a_busy_peer_is_refused_for_long_and_then_left_in_order)
{
	struct yamux_config config = yamux_defaults;
	enum vd_err err = VD_OK;
	uint32_t refused = 0;

	config.inbound_max = 1;
	raw_begin(&config, YAMUX_SERVER);
	(void)raw_accepted(1);
	while (!err && refused < 2 * YAMUX_REFUSED_BURST) {
		drop_output();
		err = raw_head(WINDOW, SYN, 2 * ++refused + 1, 0);
	}
	cr_assert(eq(int, err, VD_ELIMIT));
	cr_assert(eq(u32, refused, YAMUX_REFUSED_BURST + 1));
	cr_assert(eq(u64, yamux_counts(raw.m).useless, 0));
	raw_expect(WINDOW, RST, 2 * refused + 1, 0);
	assert_failed(0);
}

Test(yamux_hostile, resetting_streams_that_brought_something_is_no_abuse)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	for (uint32_t id = 1; id < 8 * YAMUX_USELESS_BURST; id += 2) {
		cr_assert(eq(int, raw_data(SYN, id, 1), VD_OK));
		cr_assert(eq(int, raw_head(WINDOW, RST, id, 0), VD_OK));
	}
	cr_assert(eq(u64, yamux_counts(raw.m).useless, 0));
	cr_assert(zero(u32, raw.m->streams));
	muxer_free(raw.m);
}

Test(yamux_hostile, opening_and_resetting_without_end_is_cut)
{
	enum vd_err err = VD_OK;
	uint32_t id = 1;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	for (; !err && id < 100000; id += 2) {
		err = raw_head(WINDOW, SYN, id, 0);
		if (!err)
			err = raw_head(WINDOW, RST, id, 0);
		if (id == 1001)
			cr_assert(zero(u32, raw.m->streams));
	}
	cr_assert(eq(int, err, VD_EPEER_RANGE));
	cr_assert(gt(u32, id, 2 * YAMUX_USELESS_BURST - 10));
	assert_failed(1);
}

Test(yamux_hostile, opening_and_resetting_now_and_then_is_fine)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	for (uint32_t id = 1; id < 40000; id += 2) {
		raw.now += VD_MS(11);
		cr_assert(eq(int, raw_head(WINDOW, SYN, id, 0), VD_OK));
		cr_assert(eq(int, raw_head(WINDOW, RST, id, 0), VD_OK));
	}
	muxer_free(raw.m);
}

static enum vd_err flood(uint8_t type, uint16_t flags, uint32_t id)
{
	enum vd_err err = VD_OK;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	(void)raw_accepted(1);
	for (unsigned i = 0; i < 100000 && !err; i++) {
		err = raw_head(type, flags, id, 0);
		drop_output();
	}
	muxer_free(raw.m);
	return err;
}

Test(yamux_hostile, frames_without_effect_are_cut)
{
	cr_assert(eq(int, flood(WINDOW, 0, 1), VD_EPEER_RANGE));    /* zero-length updates */
	cr_assert(eq(int, flood(DATA, 0, 1), VD_EPEER_RANGE));      /* empty data */
	cr_assert(eq(int, flood(WINDOW, RST, 77), VD_EPEER_RANGE)); /* resets of nothing */
	cr_assert(eq(int, flood(WINDOW, FIN, 77), VD_EPEER_RANGE));
	cr_assert(eq(int, flood(PING, SYN, 0), VD_EPEER_RANGE));
	cr_assert(eq(int, flood(GO_AWAY, 0, 0), VD_EPEER_RANGE));
}

Test(yamux_hostile, a_peer_that_does_not_read_is_not_read)
{
	uint8_t pings[12 * 3000] = { 0 };
	size_t used, total = 0;

	for (size_t i = 0; i < sizeof pings; i += 12)
		memcpy(pings + i, "\0\2\0\1\0\0\0\0\0\0\0\5", 12);
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(
	    eq(int, muxer_receive(raw.m, vd_bytes(pings, sizeof pings), &used, raw.now), VD_OK));
	total = used;
	cr_assert(lt(sz, total, 13000));
	cr_assert(eq(int, muxer_receive(raw.m, vd_bytes(pings, 12), &used, raw.now), VD_OK));
	cr_assert(zero(sz, used));
	raw_pump();
	cr_assert(eq(sz, raw.seen_len, 12 + total));
	cr_assert(eq(int, muxer_receive(raw.m, vd_bytes(pings, 12), &used, raw.now), VD_OK));
	cr_assert(eq(sz, used, 12));
	muxer_free(raw.m);
}

Test(yamux_hostile, the_stream_that_nobody_reads_makes_room_for_the_others)
{
	struct yamux_config config = yamux_defaults;
	struct muxer_stream *good, *unread[4];

	config.buffered_max = 3 * YAMUX_WINDOW;
	raw_begin(&config, YAMUX_SERVER);
	good = raw_accepted(1);
	for (uint32_t i = 0; i < 4; i++)
		unread[i] = raw_accepted(3 + 2 * i);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert(eq(int, raw_data(0, 3 + 2 * i, YAMUX_WINDOW), VD_OK));
	cr_assert(eq(int, raw_data(0, 1, 1000), VD_OK));
	cr_assert(eq(u64, yamux_counts(raw.m).cut, 1));
	cr_assert(le(sz, yamux_buffered(raw.m), config.buffered_max));
	cr_assert(eq(sz, muxer_read(good).len, 1000));
	for (struct raw_frame frame = raw_next(); frame.type != 0xff; frame = raw_next())
		cr_assert(frame.flags == RST && frame.id >= 3);
	cr_assert(eq(u32, raw.m->streams, 4));
	(void)unread;
	muxer_free(raw.m);
}

Test(yamux_hostile, of_ended_streams_too_the_fullest_is_cut_when_too_much_is_unread)
{
	struct yamux_config config = yamux_defaults;
	struct muxer_stream *unread, *innocent;

	config.buffered_max = YAMUX_WINDOW + 1000;
	raw_begin(&config, YAMUX_SERVER);
	unread = raw_accepted(1);
	innocent = raw_accepted(3);
	muxer_finish(unread);
	raw_pump();
	cr_assert(eq(int, raw_data(FIN, 1, YAMUX_WINDOW), VD_OK)); /* both ended it */
	cr_assert(eq(int, raw_data(0, 3, 2000), VD_OK));
	cr_assert(eq(u64, yamux_counts(raw.m).cut, 1));
	cr_assert(eq(sz, muxer_read(innocent).len, 2000));
	cr_assert(zero(sz, muxer_read(unread).len));
	cr_assert(not(muxer_ended(unread)), "cut, not whole");
	muxer_free(raw.m);
}

Test(yamux_hostile, ids_that_would_share_a_bucket_do_not_slow_it)
{
	struct yamux_config config = yamux_defaults;

	config.inbound_max = 4096;
	config.backlog_max = 4096;
	raw_begin(&config, YAMUX_SERVER);
	for (uint32_t i = 0; i < 4096; i++)
		cr_assert(eq(int, raw_head(WINDOW, SYN, i << 16 | 1, 0), VD_OK));
	cr_assert(eq(u32, raw.m->streams, 4096));
	muxer_free(raw.m);
}
