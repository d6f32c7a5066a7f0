/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/yamux_state.h"
#include "tests/unit/proto/yamux_raw.h"

static const uint8_t zeros[1 << 20];

static struct muxer_stream *opened(void)
{
	struct muxer_stream *stream;

	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_OK));
	return stream;
}

static size_t write_zeros(struct muxer_stream *stream, size_t len)
{
	size_t took;

	(void)muxer_write(stream, vd_bytes(zeros, len), &took);
	return took;
}

Test(yamux, the_client_has_odd_ids_and_the_server_even_ones)
{
	raw_begin(&yamux_defaults, YAMUX_CLIENT);
	(void)opened();
	(void)opened();
	raw_expect(WINDOW, SYN, 1, 0);
	raw_expect(WINDOW, SYN, 3, 0);
	muxer_free(raw.m);
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	(void)opened();
	raw_expect(WINDOW, SYN, 2, 0);
	muxer_free(raw.m);
}

Test(yamux, the_first_data_carries_syn)
{
	struct muxer_stream *stream;
	struct raw_frame frame;
	size_t took;

	raw_begin(&yamux_defaults, YAMUX_CLIENT);
	stream = opened();
	cr_assert(eq(int, muxer_write(stream, vd_bytes("hello", 5), &took), VD_OK));
	frame = raw_next();
	cr_assert(eq(u8, frame.type, DATA));
	cr_assert(eq(u16, frame.flags, SYN));
	cr_assert(eq(u32, frame.length, 5));
	cr_assert(zero(int, memcmp(frame.body, "hello", 5)));
	muxer_free(raw.m);
}

Test(yamux, a_stream_of_the_peer_is_told_once_and_acknowledged)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(eq(int, raw_data(SYN, 1, 3), VD_OK));
	raw_expect_nothing(); /* before anybody accepted it */

	struct muxer_stream *stream = raw_event(MUXER_STREAM).stream;

	cr_assert(stream->inbound);
	cr_assert(eq(ptr, raw_event(MUXER_READABLE).stream, stream));
	(void)raw_event(MUXER_NOTHING);
	raw_expect(WINDOW, ACK, 1, 0);
	cr_assert(eq(sz, muxer_read(stream).len, 3));
	muxer_free(raw.m);
}

Test(yamux, both_halves_end_by_themselves)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	cr_assert(eq(int, raw_data(FIN, 1, 2), VD_OK));
	(void)raw_event(MUXER_READABLE);
	cr_assert(not(muxer_ended(stream)));
	muxer_taken(stream, 2);
	cr_assert(muxer_ended(stream));
	cr_assert(eq(sz, write_zeros(stream, 4), 4));
	muxer_finish(stream);
	raw_expect(DATA, 0, 1, 4);
	raw_expect(WINDOW, FIN, 1, 0);
	cr_assert(eq(u32, raw.m->streams, 0));
	muxer_release(stream);
	raw_expect_nothing();
	muxer_free(raw.m);
}

/* On a data frame go-yamux would let a reader see the end before the data. */
Test(yamux, fin_goes_in_a_window_update)
{
	struct muxer_stream *stream;
	size_t took;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	muxer_finish(stream);
	muxer_finish(stream);
	raw_expect(WINDOW, FIN, 1, 0);
	cr_assert(eq(int, muxer_write(stream, vd_bytes("x", 1), &took), VD_EBUG_STATE));
	cr_assert(eq(int, raw_head(WINDOW, FIN, 1, 0), VD_OK));
	cr_assert(muxer_ended(stream));
	muxer_free(raw.m);
}

Test(yamux, fin_of_a_young_stream_waits)
{
	struct muxer_stream *stream;

	raw_start(&yamux_defaults, YAMUX_SERVER);
	raw_expect(PING, SYN, 0, 1);
	stream = raw_accepted(1);
	cr_assert(eq(sz, write_zeros(stream, 4), 4));
	muxer_finish(stream);
	muxer_release(stream);
	raw_expect(DATA, 0, 1, 4);
	raw_expect_nothing();
	cr_assert(eq(u64, muxer_deadline(raw.m), raw.now + VD_MS(20)));
	raw.now += VD_MS(20) - 1;
	cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_OK));
	raw_expect_nothing();
	raw.now++;
	cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_OK));
	raw_expect(WINDOW, FIN, 1, 0);
	cr_assert(zero(u32, raw.m->streams));
	cr_assert(gt(u64, muxer_deadline(raw.m), VD_SECONDS(30)));
	muxer_free(raw.m);
}

Test(yamux, fin_of_an_older_stream_goes_at_once)
{
	struct muxer_stream *stream;

	raw_start(&yamux_defaults, YAMUX_SERVER);
	raw_expect(PING, SYN, 0, 1);
	stream = raw_accepted(1);
	raw.now += VD_MS(20);
	cr_assert(eq(sz, write_zeros(stream, 4), 4));
	muxer_finish(stream);
	raw_expect(DATA, 0, 1, 4);
	raw_expect(WINDOW, FIN, 1, 0);
	muxer_free(raw.m);
}

Test(yamux, fin_of_a_young_stream_that_was_answered_goes_at_once)
{
	struct muxer_stream *stream;

	raw_start(&yamux_defaults, YAMUX_SERVER);
	raw_expect(PING, SYN, 0, 1);
	stream = raw_accepted(1);
	cr_assert(eq(sz, write_zeros(stream, 4), 4));
	stream->answered = true;
	muxer_finish(stream);
	raw_expect(DATA, 0, 1, 4);
	raw_expect(WINDOW, FIN, 1, 0);
	muxer_free(raw.m);
}

/* Of one whose end waited already, and of one that is written and ended in the same breath. */
Test(yamux, fin_of_young_streams_waits_no_more_once_we_go_away)
{
	struct muxer_stream *waited, *fresh;

	raw_start(&yamux_defaults, YAMUX_SERVER);
	raw_expect(PING, SYN, 0, 1);
	waited = raw_accepted(1);
	cr_assert(eq(sz, write_zeros(waited, 4), 4));
	muxer_finish(waited);
	raw_expect(DATA, 0, 1, 4);
	raw_expect_nothing();
	fresh = raw_accepted(3);
	cr_assert(eq(sz, write_zeros(fresh, 4), 4));
	muxer_finish(fresh);
	muxer_go_away(raw.m);
	raw_expect(GO_AWAY, 0, 0, 0);
	raw_expect(DATA, 0, 3, 4);
	raw_expect(WINDOW, FIN, 3, 0);
	raw_expect(WINDOW, FIN, 1, 0);
	raw_expect_nothing();
	muxer_free(raw.m);
}

Test(yamux, a_reset_while_fin_waits_ends_the_waiting)
{
	struct muxer_stream *stream;

	raw_start(&yamux_defaults, YAMUX_SERVER);
	raw_expect(PING, SYN, 0, 1);
	stream = raw_accepted(1);
	muxer_finish(stream);
	raw_expect_nothing();
	cr_assert(eq(int, raw_head(WINDOW, RST, 1, 0), VD_OK));
	cr_assert(gt(u64, muxer_deadline(raw.m), VD_SECONDS(30)));
	raw.now += VD_MS(20);
	cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_OK));
	raw_expect_nothing();
	muxer_release(stream);
	muxer_free(raw.m);
}

Test(yamux, a_stream_opened_finished_and_released_at_once_says_so)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_CLIENT);
	stream = opened();
	cr_assert(eq(sz, write_zeros(stream, 10), 10));
	muxer_finish(stream);
	muxer_release(stream);
	raw_expect(DATA, SYN, 1, 10);
	raw_expect(WINDOW, FIN, 1, 0);
	cr_assert(eq(u32, raw.m->streams, 0));
	cr_assert(eq(int, raw_data(ACK, 1, 100), VD_OK)); /* an answer that nobody wants */
	raw_expect(WINDOW, RST, 1, 0);
	muxer_free(raw.m);
}

Test(yamux, reset_drops_what_was_not_sent)
{
	struct muxer_stream *stream;
	size_t took;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	cr_assert(eq(sz, write_zeros(stream, 1000), 1000));
	muxer_reset(stream);
	raw_expect(WINDOW, RST, 1, 0);
	raw_expect_nothing();
	(void)raw_event(MUXER_NOTHING);
	cr_assert(eq(int, muxer_write(stream, vd_bytes("x", 1), &took), VD_ELINK_CLOSED));
	muxer_release(stream);
	muxer_free(raw.m);
}

Test(yamux, a_reset_of_the_peer_is_told_once)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	cr_assert(eq(int, raw_data(0, 1, 10), VD_OK));
	cr_assert(eq(int, raw_head(WINDOW, RST, 1, 0), VD_OK));
	cr_assert(eq(ptr, raw_event(MUXER_RESET).stream, stream));
	(void)raw_event(MUXER_NOTHING);
	cr_assert(eq(sz, muxer_read(stream).len, 0));
	cr_assert(not(muxer_ended(stream)));
	cr_assert(eq(sz, yamux_buffered(raw.m), 0));
	raw_expect_nothing();
	muxer_release(stream);
	muxer_free(raw.m);
}

Test(yamux, what_was_written_goes_out_though_input_is_unread_at_release)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	cr_assert(eq(int, raw_data(0, 1, 9), VD_OK));
	(void)raw_event(MUXER_READABLE);
	muxer_taken(stream, 5);
	cr_assert(eq(sz, write_zeros(stream, 10), 10));
	muxer_finish(stream);
	muxer_release(stream);
	raw_expect(DATA, 0, 1, 10);
	raw_expect(WINDOW, FIN, 1, 0);
	raw_expect_nothing();
	cr_assert(zero(u32, raw.m->streams));
	cr_assert(zero(sz, yamux_buffered(raw.m)));
	cr_assert(eq(int, raw_data(0, 1, 100), VD_OK)); /* it goes on: it is told */
	raw_expect(WINDOW, RST, 1, 0);
	muxer_free(raw.m);
}

/* The peer writes on, and first has no window for us: it gets all of it. */
Test(yamux, what_comes_for_a_released_stream_does_not_cut_what_goes_out)
{
	struct muxer_stream *stream;
	struct raw_frame frame;
	size_t sent = 0;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	for (size_t i = 0; i < 2; i++) {
		cr_assert(eq(sz, write_zeros(stream, YAMUX_WINDOW / 2), YAMUX_WINDOW / 2));
		while ((frame = raw_next()).type == DATA)
			sent += frame.length;
	}
	cr_assert(eq(sz, sent, YAMUX_WINDOW));
	cr_assert(eq(sz, write_zeros(stream, 1000), 1000));
	muxer_finish(stream);
	muxer_release(stream);
	cr_assert(eq(int, raw_data(0, 1, 100), VD_OK));
	raw_expect_nothing();
	cr_assert(zero(sz, yamux_buffered(raw.m)));
	cr_assert(eq(int, raw_data(FIN, 1, 100), VD_OK));
	cr_assert(eq(int, raw_head(WINDOW, 0, 1, 1000), VD_OK));
	raw_expect(DATA, 0, 1, 1000);
	raw_expect(WINDOW, FIN, 1, 0);
	cr_assert(zero(u32, raw.m->streams));
	muxer_free(raw.m);
}

/* Or it would wait for ever for a window that nobody opens. */
Test(yamux, a_peer_that_filled_the_window_may_go_on_after_release)
{
	for (unsigned early = 0; early < 2; early++) {
		struct muxer_stream *stream;

		raw_begin(&yamux_defaults, YAMUX_SERVER);
		stream = raw_accepted(1);
		cr_assert(eq(int, raw_data(0, 1, YAMUX_WINDOW), VD_OK));
		muxer_finish(stream);
		if (early)
			raw_expect(WINDOW, FIN, 1, 0);
		muxer_release(stream);
		raw_expect(WINDOW, early ? 0 : FIN, 1, YAMUX_WINDOW);
		raw_expect_nothing();
		cr_assert(eq(int, raw_data(0, 1, 100), VD_OK));
		raw_expect(WINDOW, RST, 1, 0);
		muxer_free(raw.m);
	}
}

Test(yamux, a_released_stream_that_was_not_finished_is_reset)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	muxer_release(raw_accepted(1));
	raw_expect(WINDOW, RST, 1, 0);
	cr_assert(eq(u32, raw.m->streams, 0));
	muxer_free(raw.m);
}

/* ---- windows ---- */

/* ---- what is left of a released stream ---- */

enum { FIRST_WINDOW = 256 * 1024, REST = 1000 };

/* The peer's, released with REST bytes more than its window takes; nobody pings. */
static void begin_leaving(void)
{
	struct yamux_config config = yamux_defaults;
	struct muxer_stream *stream;

	config.ping_interval = config.ping_timeout = VD_SECONDS(3600);
	raw_begin(&config, YAMUX_SERVER);
	stream = raw_accepted(1);
	for (size_t wrote = 0; wrote < FIRST_WINDOW; raw_pump())
		wrote += write_zeros(stream, FIRST_WINDOW - wrote);
	cr_assert(eq(sz, write_zeros(stream, REST), REST));
	muxer_finish(stream);
	muxer_release(stream);
	raw_pump();
	raw.r.at = raw.r.end;
	cr_assert(eq(u32, raw.m->leaving, 1));
}

static void pass(vd_ns by)
{
	raw.now += by;
	cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_OK));
}

Test(yamux, a_released_stream_whose_window_stays_shut_is_reset_in_the_end)
{
	begin_leaving();
	cr_assert(eq(u64, muxer_deadline(raw.m), raw.now + yamux_defaults.leave_within));
	pass(yamux_defaults.leave_within - 1);
	raw_expect_nothing();
	cr_assert(eq(sz, muxer_buffered(raw.m), REST));
	pass(1);
	raw_expect(WINDOW, RST, 1, 0);
	cr_assert(zero(sz, muxer_buffered(raw.m)));
	cr_assert(zero(u32, raw.m->leaving));
	cr_assert(zero(u32, raw.m->streams));
	cr_assert(eq(u64, yamux_counts(raw.m).shut, 1));
	muxer_free(raw.m);
}

Test(yamux, a_released_stream_of_which_a_byte_moves_has_time_anew)
{
	begin_leaving();
	pass(yamux_defaults.leave_within - 1);
	cr_assert(eq(int, raw_head(WINDOW, 0, 1, 1), VD_OK));
	raw_expect(DATA, 0, 1, 1);
	pass(yamux_defaults.leave_within - 1);
	raw_expect_nothing();
	cr_assert(eq(int, raw_head(WINDOW, 0, 1, REST), VD_OK));
	raw_expect(DATA, 0, 1, REST - 1);
	raw_expect(WINDOW, FIN, 1, 0);
	cr_assert(zero(u32, raw.m->leaving));
	cr_assert(zero(u64, yamux_counts(raw.m).shut));
	muxer_free(raw.m);
}

/* The connection is slow, not this stream's reader. */
Test(yamux, a_released_stream_that_waits_for_the_connection_is_not_reset)
{
	begin_leaving();
	cr_assert(eq(int, raw_head(WINDOW, 0, 1, REST), VD_OK));
	for (unsigned i = 0; i < 5; i++) /* and nothing is taken */
		pass(yamux_defaults.leave_within);
	raw_expect(DATA, 0, 1, REST);
	raw_expect(WINDOW, FIN, 1, 0);
	muxer_free(raw.m);
}

Test(yamux, of_those_that_leave_the_peers_are_counted)
{
	struct muxer_stream *ours;

	begin_leaving();
	ours = opened();
	muxer_finish(ours);
	muxer_release(ours);
	cr_assert(eq(u32, raw.m->leaving, 1));
	cr_assert(eq(int, raw_head(WINDOW, RST, 1, 0), VD_OK));
	cr_assert(zero(u32, raw.m->leaving));
	muxer_free(raw.m);
}

Test(yamux, no_more_is_sent_than_the_peers_window)
{
	struct muxer_stream *stream;
	size_t sent = 0;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	for (unsigned i = 0; i < 8; i++) {
		(void)write_zeros(stream, 100000);
		for (struct raw_frame frame = raw_next(); frame.type == DATA; frame = raw_next())
			sent += frame.length;
	}
	cr_assert(eq(sz, sent, YAMUX_WINDOW));
	cr_assert(eq(int, raw_head(WINDOW, 0, 1, 5), VD_OK));
	raw_expect(DATA, 0, 1, 5);
	raw_expect_nothing();
	muxer_free(raw.m);
}

Test(yamux, room_is_told_after_a_write_that_did_not_fit)
{
	struct muxer_stream *stream;
	size_t took;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	cr_assert(eq(sz, write_zeros(stream, 1 << 20), yamux_defaults.send_buffer));
	cr_assert(eq(int, muxer_write(stream, vd_bytes(zeros, 1), &took), VD_AGAIN));
	(void)raw_event(MUXER_NOTHING);
	raw_pump();
	(void)raw_event(MUXER_WRITABLE);
	(void)raw_event(MUXER_NOTHING);
	muxer_free(raw.m);
}

Test(yamux, half_a_window_that_was_taken_is_granted_again)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	cr_assert(eq(int, raw_data(0, 1, YAMUX_WINDOW), VD_OK));
	raw_expect_nothing();
	muxer_taken(stream, YAMUX_WINDOW / 2 - 1);
	raw_expect_nothing();
	muxer_taken(stream, 1);
	raw_expect(WINDOW, 0, 1, YAMUX_WINDOW / 2);
	muxer_free(raw.m);
}

/* Takes a whole window, `after` the last time; returns what was granted for it. */
static uint32_t grant_after(struct muxer_stream *stream, uint32_t window, vd_ns after)
{
	raw.now += after;
	for (uint32_t left = window; left;) {
		uint32_t len = left < 1 << 20 ? left : 1 << 20;

		cr_assert(eq(int, raw_data(0, (uint32_t)stream->id, len), VD_OK));
		left -= len;
	}
	muxer_taken(stream, window);

	struct raw_frame frame = raw_next();

	cr_assert(eq(u8, frame.type, WINDOW));
	return frame.length;
}

Test(yamux, the_window_grows_while_it_is_used_up_within_four_round_trips)
{
	struct yamux_config config = yamux_defaults;
	struct muxer_stream *stream;

	config.window_max = 4 * YAMUX_WINDOW - 1;
	raw_begin(&config, YAMUX_SERVER);
	raw.now += VD_MS(10);
	cr_assert(eq(int, raw_head(PING, ACK, 0, 1), VD_OK));
	cr_assert(eq(u64, raw.m->rtt, VD_MS(10)));
	stream = raw_accepted(1);
	cr_assert(eq(u32, grant_after(stream, YAMUX_WINDOW, VD_MS(41)), YAMUX_WINDOW));
	cr_assert(eq(u32, grant_after(stream, YAMUX_WINDOW, VD_MS(39)), 2 * YAMUX_WINDOW));
	cr_assert(eq(u32, grant_after(stream, 2 * YAMUX_WINDOW, VD_MS(40)), 2 * YAMUX_WINDOW));
	cr_assert(eq(u32, grant_after(stream, 2 * YAMUX_WINDOW, VD_MS(1)), config.window_max));
	cr_assert(eq(u32, grant_after(stream, config.window_max, VD_MS(1)), config.window_max));
	muxer_free(raw.m);
}

Test(yamux, windows_together_do_not_grow_above_what_may_be_buffered)
{
	struct yamux_config config = yamux_defaults;
	struct muxer_stream *one;

	config.buffered_max = 3 * YAMUX_WINDOW;
	raw_begin(&config, YAMUX_SERVER);
	raw.now += VD_MS(10);
	cr_assert(eq(int, raw_head(PING, ACK, 0, 1), VD_OK));
	one = raw_accepted(1);
	(void)raw_accepted(3);
	cr_assert(eq(u32, grant_after(one, YAMUX_WINDOW, VD_MS(1)), 2 * YAMUX_WINDOW));
	cr_assert(eq(u32, grant_after(one, 2 * YAMUX_WINDOW, VD_MS(1)), 2 * YAMUX_WINDOW));
	muxer_free(raw.m);
}

Test(yamux, streams_take_turns)
{
	struct muxer_stream *a, *b;
	uint32_t sent[4] = { 0 };

	raw_begin(&yamux_defaults, YAMUX_CLIENT);
	a = opened();
	b = opened();
	cr_assert(eq(sz, write_zeros(a, 200000), 200000));
	cr_assert(eq(sz, write_zeros(b, 10), 10));
	for (unsigned i = 0; i < 2; i++) {
		struct raw_frame frame = raw_next();

		sent[frame.id] += frame.length;
	}
	cr_assert(eq(u32, sent[3], 10));
	cr_assert(lt(u32, sent[1], 65000));
	muxer_free(raw.m);
}

/* ---- the session ---- */

Test(yamux, pings_are_answered_with_their_value)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(eq(int, raw_head(PING, SYN, 0, 0xdeadbeef), VD_OK));
	raw_expect(PING, ACK, 0, 0xdeadbeef);
	cr_assert(eq(int, raw_head(PING, ACK, 0, 77), VD_OK)); /* not ours */
	cr_assert(zero(u64, raw.m->rtt));
	muxer_free(raw.m);
}

Test(yamux, a_peer_that_is_silent_after_a_ping_is_given_up)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(eq(int, raw_head(PING, ACK, 0, 1), VD_OK));
	cr_assert(eq(u64, muxer_deadline(raw.m), VD_SECONDS(31)));
	raw.now = VD_SECONDS(31);
	cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_OK));
	raw_expect(PING, SYN, 0, 2);
	raw.now = VD_SECONDS(60);
	cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_OK));
	raw.now = VD_SECONDS(61);
	cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_ELINK_TIMEOUT));
	cr_assert(eq(u64, muxer_deadline(raw.m), VD_NEVER));
	muxer_free(raw.m);
}

Test(yamux, a_peer_that_is_asked_for_a_sign_of_life_is_asked_once_and_given_up)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	cr_assert(eq(int, raw_head(PING, ACK, 0, 1), VD_OK));
	raw.now = VD_SECONDS(5);
	muxer_probe(raw.m, raw.now);
	raw_expect(PING, SYN, 0, 2);
	muxer_probe(raw.m, raw.now);
	cr_assert(zero(sz, muxer_next_output(raw.m, raw.now).len));
	raw.now = VD_SECONDS(35);
	cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_ELINK_TIMEOUT));
	muxer_probe(raw.m, raw.now); /* too late, and no harm */
	muxer_free(raw.m);
}

Test(yamux, a_peer_that_sends_anything_is_alive)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	for (unsigned second = 2; second < 300; second++) {
		raw.now = VD_SECONDS(second);
		cr_assert(eq(int, muxer_expire(raw.m, raw.now), VD_OK));
		cr_assert(eq(int, raw_head(PING, ACK, 0, 999), VD_OK)); /* no answer to ours */
	}
	muxer_free(raw.m);
}

Test(yamux, going_away_refuses_new_streams_and_keeps_old_ones)
{
	struct muxer_stream *stream, *other;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	stream = raw_accepted(1);
	muxer_go_away(raw.m);
	raw_expect(GO_AWAY, 0, 0, 0);
	cr_assert(eq(int, raw_head(WINDOW, SYN, 3, 0), VD_OK));
	raw_expect(WINDOW, RST, 3, 0);
	cr_assert(eq(int, muxer_open(raw.m, &other), VD_ELINK_CLOSED));
	cr_assert(eq(sz, write_zeros(stream, 9), 9));
	raw_expect(DATA, 0, 1, 9);
	muxer_free(raw.m);
}

Test(yamux, the_peers_going_away_is_told_and_ends_opening)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_CLIENT);
	cr_assert(eq(int, raw_head(GO_AWAY, 0, 0, 2), VD_OK));
	cr_assert(eq(u32, raw_event(MUXER_GO_AWAY).code, 2));
	(void)raw_event(MUXER_NOTHING);
	cr_assert(raw.m->going_away);
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_ELINK_CLOSED));
	muxer_free(raw.m);
}

Test(yamux, used_up_ids_end_opening_for_good)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_CLIENT);
	((struct yamux *)raw.m)->next_id = UINT32_MAX - 2;
	cr_assert(not(raw.m->going_away));
	stream = opened();
	cr_assert(eq(u64, stream->id, UINT32_MAX - 2));
	cr_assert(raw.m->going_away);
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_ELINK_CLOSED));
	muxer_free(raw.m);
}

Test(yamux, unacknowledged_streams_are_at_most_256)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_CLIENT);
	for (unsigned i = 0; i < YAMUX_ACK_BACKLOG; i++)
		(void)opened();
	raw_pump();
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_ELIMIT));
	cr_assert(eq(int, raw_head(WINDOW, ACK, 5, 0), VD_OK));
	cr_assert(eq(int, raw_head(WINDOW, ACK, 5, 0), VD_OK));
	(void)opened();
	raw_pump();
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_ELIMIT));
	cr_assert(eq(int, raw_head(WINDOW, RST, 7, 0), VD_OK));
	(void)opened();
	muxer_free(raw.m);
}

Test(yamux, headers_and_bodies_may_come_byte_by_byte)
{
	static const uint8_t frames[] = {
		0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0,   7,   0,   0,
		0, 4, 0, 0, 0, 1, 0, 0, 0, 3, 'a', 'b', 'c',
	};
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_SERVER);
	for (size_t i = 0; i < sizeof frames; i++)
		cr_assert(eq(int, raw_bytes(frames + i, 1), VD_OK));
	stream = raw_event(MUXER_STREAM).stream;
	cr_assert(vd_bytes_equal(muxer_read(stream), vd_bytes("abc", 3)));
	muxer_taken(stream, 3);
	cr_assert(muxer_ended(stream));
	muxer_free(raw.m);
}

Test(yamux, an_idle_session_is_small)
{
	raw_begin(&yamux_defaults, YAMUX_SERVER);
	muxer_release(raw_accepted(1));
	raw_pump();
	cr_assert(zero(sz, yamux_buffered(raw.m)));
	cr_assert(zero(u32, raw.m->streams));
	muxer_free(raw.m);
}

Test(yamux, streams_opened_in_one_burst_count_before_their_syn_is_out)
{
	struct muxer_stream *stream;

	raw_begin(&yamux_defaults, YAMUX_CLIENT);
	for (unsigned i = 0; i < YAMUX_ACK_BACKLOG; i++)
		cr_assert(eq(int, muxer_open(raw.m, &stream), VD_OK));
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_ELIMIT));
	muxer_reset(stream); /* one that was never told makes room */
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_OK));
	muxer_free(raw.m);
}
