/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The limits of libp2p/specs, ping: one stream out, two in; and what holds one open idly. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "controlplane/host/host_state.h"
#include "tests/unit/host/pair.h"

enum { MANY = 20 };

static struct pair pair;
static const char *const ids[] = { "/ipfs/ping/1.0.0", NULL };

/* ---- asking ---- */

static void ask(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		cr_assert(eq(int, host_ping(pair.said.conn, pair_on_ping, &pair), VD_OK));
}

static uint64_t opened(void)
{
	return host_counters(pair.a)->streams_out;
}

static bool is_identified(struct pair *p)
{
	return host_counters(p->a)->identify_out && host_counters(p->b)->identify_out;
}

static void begin(const struct host_config *a, const struct host_config *b)
{
	pair_begin(&pair, a, b);
	pair_dial(&pair);
	pair_until(&pair, is_identified);
}

Test(ping, many_at_once_share_one_stream_and_the_next_have_another)
{
	uint64_t before;

	begin(NULL, NULL);
	before = opened();
	ask(MANY);
	pair_until_said(&pair, 1 + MANY);
	cr_assert(eq(int, pair.said.err, VD_OK));
	cr_assert(eq(u64, opened(), before + 1));
	ask(1);
	pair_until_said(&pair, 2 + MANY);
	cr_assert(eq(int, pair.said.err, VD_OK));
	cr_assert(eq(u64, opened(), before + 2));
	pair_end(&pair);
}

static void ask_again(void *context, enum vd_err err, vd_ns rtt)
{
	(void)context;
	pair_on_ping(&pair, err, rtt);
	if (pair.said.count < MANY)
		cr_assert(eq(int, host_ping(pair.said.conn, ask_again, NULL), VD_OK));
}

Test(ping, who_is_answered_may_ask_again)
{
	begin(NULL, NULL);
	cr_assert(eq(int, host_ping(pair.said.conn, ask_again, NULL), VD_OK));
	pair_until_said(&pair, MANY);
	cr_assert(eq(int, pair.said.err, VD_OK));
	pair_end(&pair);
}

Test(ping, those_that_wait_are_bounded_and_end_with_the_connection)
{
	begin(NULL, NULL);
	ask(HOST_PINGS_MAX);
	cr_assert(eq(int, host_ping(pair.said.conn, pair_on_ping, &pair), VD_ELIMIT));
	host_disconnect(pair.said.conn);
	cr_assert(eq(uint, pair.said.count, 1 + HOST_PINGS_MAX));
	cr_assert(eq(int, pair.said.err, VD_ELINK_CLOSED));
	pair_end(&pair);
}

/* ---- answering ---- */

static struct asking {
	unsigned opened, echoed, closed;
	struct host_stream *stream; /* NULL: over */
} asking[4];

static void on_opened(struct host_stream *stream)
{
	static const uint8_t bytes[32] = "a ping";
	struct asking *one = host_stream_user(stream);

	one->opened++;
	cr_assert(eq(int, host_stream_send(stream, vd_bytes(bytes, sizeof bytes)), VD_OK));
}

static void on_readable(struct host_stream *stream)
{
	struct asking *one = host_stream_user(stream);
	size_t len = host_stream_read(stream).len;

	one->echoed += (unsigned)len;
	host_stream_taken(stream, len);
}

static void on_closed(struct host_stream *stream, enum vd_err err)
{
	struct asking *one = host_stream_user(stream);

	(void)err;
	one->closed++;
	one->stream = NULL;
}

static const struct host_stream_class calls = { .opened = on_opened,
						.readable = on_readable,
						.closed = on_closed };

static void open_one(unsigned i)
{
	cr_assert(
	    eq(int, host_open(pair.said.conn, ids, &calls, &asking[i], &asking[i].stream), VD_OK));
}

static bool first_are_answered(struct pair *p)
{
	(void)p;
	return asking[0].echoed == 32 && asking[1].echoed == 32;
}

static bool third_is_closed(struct pair *p)
{
	(void)p;
	return asking[2].closed;
}

static bool fourth_is_answered(struct pair *p)
{
	(void)p;
	return asking[3].echoed == 32;
}

Test(ping, a_third_stream_is_reset_until_one_of_two_ends)
{
	begin(NULL, NULL);
	for (unsigned i = 0; i < 3; i++)
		open_one(i);
	pair_until(&pair, third_is_closed);
	cr_assert(eq(uint, asking[2].echoed, 0));
	cr_assert(eq(u64, host_counters(pair.b)->streams_refused, 1));
	pair_until(&pair, first_are_answered);
	host_stream_close(asking[0].stream);
	open_one(3);
	pair_until(&pair, fourth_is_answered);
	cr_assert(eq(uint, asking[1].closed + asking[3].closed, 0));
	pair_end(&pair);
}

static bool first_is_closed(struct pair *p)
{
	(void)p;
	return asking[0].closed;
}

Test(ping, a_stream_on_which_nobody_asks_ends)
{
	struct host_config b = { .idle_within = VD_MS(1) };

	begin(NULL, &b);
	open_one(0);
	pair_until(&pair, first_is_closed);
	cr_assert(eq(u64, host_counters(pair.b)->timeouts, 1));
	cr_assert(eq(ptr, host_connection(pair.a, &pair.identity_b.id), pair.said.conn));
	pair_end(&pair);
}

/* Of b's, the one on which a asks. */
static struct host_stream *answering(void)
{
	struct host_stream *stream = host_connection(pair.b, &pair.identity_a.id)->streams;

	while (stream && (!stream->agreed || strcmp(host_stream_protocol(stream), ids[0]) != 0))
		stream = stream->next;
	return stream;
}

static bool first_is_answered_twice(struct pair *p)
{
	(void)p;
	return asking[0].echoed == 64;
}

Test(ping, each_ping_keeps_its_stream_for_a_minute)
{
	struct host_stream *of_b;
	vd_ns now;

	begin(NULL, NULL);
	open_one(0);
	while (asking[0].echoed < 32)
		pair_turn(&pair);
	of_b = answering();
	now = vd_now();
	cr_assert(of_b->until <= now + VD_SECONDS(HOST_IDLE_S));
	of_b->until = of_b->wanted = now + VD_SECONDS(10);
	on_opened(asking[0].stream);
	pair_until(&pair, first_is_answered_twice);
	cr_assert(of_b->until >= now + VD_SECONDS(HOST_IDLE_S));
	pair_end(&pair);
}
