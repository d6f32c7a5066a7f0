/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Batches of a stream that has much to send: its data goes out from where it was written. */
#include "tests/unit/proto/yamux_raw.h"

enum { MUCH = 200000, PART = 1000 };

static uint8_t pattern[MUCH];

static struct muxer_stream *begun(enum yamux_role role)
{
	for (size_t i = 0; i < MUCH; i++)
		pattern[i] = (uint8_t)(i * 7 + i / 251);
	raw_begin(&yamux_defaults, role);
	return raw_accepted(role == YAMUX_SERVER ? 1 : 2);
}

static void write_some(struct muxer_stream *stream, size_t from, size_t len)
{
	size_t took;

	cr_assert(eq(int, muxer_write(stream, vd_bytes(pattern + from, len), &took), VD_OK));
	cr_assert(eq(sz, took, len));
}

/* The first part of a batch goes out; the rest of it waits. */
static void send_part(void)
{
	struct vd_bytes out = muxer_next_output(raw.m, raw.now);

	cr_assert(gt(sz, out.len, PART));
	memcpy(raw.seen + raw.seen_len, out.at, PART);
	raw.seen_len += PART;
	muxer_sent(raw.m, PART);
}

/* Data of the pattern until another frame comes, which is returned. */
static struct raw_frame expect_pattern(size_t *len_out)
{
	struct raw_frame frame;
	size_t len = 0;

	while ((frame = raw_next()).type == DATA) {
		cr_assert(zero(int, memcmp(frame.body, pattern + len, frame.length)));
		len += frame.length;
	}
	*len_out = len;
	return frame;
}

Test(yamux_output, much_of_one_stream_is_sent_in_batches_as_long_as_a_record)
{
	struct muxer_stream *stream = begun(YAMUX_SERVER);

	write_some(stream, 0, MUCH);
	cr_assert(eq(sz, muxer_next_output(raw.m, raw.now).len, 65519));
	cr_assert(eq(u32, raw_next().length, 65507));
	muxer_free(raw.m);
}

Test(yamux_output, what_is_written_while_a_batch_is_on_its_way_follows_it)
{
	struct muxer_stream *stream = begun(YAMUX_SERVER);
	size_t len;

	write_some(stream, 0, MUCH / 2);
	send_part();
	for (size_t from = MUCH / 2; from < MUCH; from += MUCH / 20) /* its memory moves */
		write_some(stream, from, MUCH / 20);
	(void)expect_pattern(&len);
	cr_assert(eq(sz, len, MUCH));
	muxer_free(raw.m);
}

Test(yamux_output, a_stream_that_is_reset_lets_its_batch_end)
{
	struct muxer_stream *stream = begun(YAMUX_SERVER);
	struct raw_frame frame;
	size_t len;

	write_some(stream, 0, MUCH);
	send_part();
	muxer_reset(stream);
	frame = expect_pattern(&len);
	cr_assert(eq(sz, len, 65507));
	cr_assert(eq(u16, frame.flags, RST));
	muxer_release(stream);
	cr_assert(zero(sz, muxer_buffered(raw.m)));
	muxer_free(raw.m);
}

/* Leaks, and the sanitizers tell, if room that was made for the first stays. */
Test(yamux_output, one_that_is_reset_after_another_had_nothing_to_say_leaves_nothing)
{
	struct muxer_stream *much, *first;

	raw_start(&yamux_defaults, YAMUX_SERVER);
	raw_expect(PING, SYN, 0, 1);
	much = raw_accepted(1);
	cr_assert(eq(int, muxer_open(raw.m, &first), VD_OK));
	raw_pump();
	muxer_finish(first); /* its end waits for a moment, or for an answer */
	write_some(much, 0, MUCH);
	send_part();
	muxer_reset(much);
	muxer_release(much);
	muxer_release(first);
	muxer_free(raw.m);
}

Test(yamux_output, a_session_that_fails_lets_a_batch_end_before_its_go_away)
{
	size_t len;

	write_some(begun(YAMUX_SERVER), 0, MUCH);
	send_part();
	cr_assert(eq(int, raw_head(9, 0, 0, 0), VD_EPEER_FORMAT));
	cr_assert(eq(u8, expect_pattern(&len).type, GO_AWAY));
	cr_assert(eq(sz, len, 65507));
	muxer_free(raw.m);
}

Test(yamux_output, a_session_may_be_freed_with_a_batch_on_its_way)
{
	write_some(begun(YAMUX_SERVER), 0, MUCH);
	send_part();
	muxer_free(raw.m);
}

Test(yamux_output, an_end_follows_the_last_batch)
{
	struct muxer_stream *stream = begun(YAMUX_SERVER);
	size_t len;

	write_some(stream, 0, 50000);
	send_part();
	muxer_finish(stream);
	cr_assert(eq(u16, expect_pattern(&len).flags, FIN));
	cr_assert(eq(sz, len, 50000));
	raw_expect_nothing();
	muxer_free(raw.m);
}

Test(yamux_output, the_first_batch_opens_the_stream)
{
	struct muxer_stream *stream;
	struct raw_frame frame;

	(void)begun(YAMUX_CLIENT);
	cr_assert(eq(int, muxer_open(raw.m, &stream), VD_OK));
	write_some(stream, 0, MUCH);
	frame = raw_next();
	cr_assert(eq(u8, frame.type, DATA));
	cr_assert(eq(u16, frame.flags, SYN));
	cr_assert(eq(u32, frame.id, 1));
	cr_assert(zero(u16, raw_next().flags));
	muxer_free(raw.m);
}

Test(yamux_output, a_batch_begins_with_the_window_that_is_due)
{
	struct muxer_stream *stream = begun(YAMUX_SERVER);
	size_t len;

	cr_assert(eq(int, raw_data(0, 1, YAMUX_WINDOW), VD_OK));
	muxer_taken(stream, YAMUX_WINDOW);
	write_some(stream, 0, MUCH);
	cr_assert(eq(sz, muxer_next_output(raw.m, raw.now).len, 65519));
	raw_expect(WINDOW, 0, 1, YAMUX_WINDOW);
	(void)expect_pattern(&len);
	cr_assert(eq(sz, len, MUCH));
	muxer_free(raw.m);
}

Test(yamux_output, little_waits_for_one_batch_of_much)
{
	struct muxer_stream *much = begun(YAMUX_SERVER), *little = raw_accepted(3);

	write_some(much, 0, MUCH);
	write_some(little, 0, 10);
	cr_assert(eq(u32, raw_next().id, 1));
	raw_expect(DATA, 0, 3, 10);
	muxer_free(raw.m);
}

Test(yamux_output, what_waits_is_counted_until_it_is_sent)
{
	struct muxer_stream *stream = begun(YAMUX_SERVER);

	write_some(stream, 0, MUCH);
	cr_assert(eq(sz, muxer_buffered(raw.m), MUCH));
	send_part();
	cr_assert(eq(sz, muxer_buffered(raw.m), MUCH + 12 - PART));
	raw_pump();
	cr_assert(zero(sz, muxer_buffered(raw.m)));
	muxer_free(raw.m);
}
