/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * How much goes out in one turn of the loop: of connections that have more to send than anybody
 * could take, each gets HOST_TURN_BYTES and the loop goes on, whatever becomes of the others.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "controlplane/host/host_state.h"
#include "tests/unit/host/attacker.h"

enum {
	STREAMS = 32,      /* each has a window of 256 KiB, which nobody opens again */
	PIECE = 8192,      /* that a stream writes at a time, so that a pump has many rounds, */
	MUCH = 255 * 1024, /* or all that it has room for, so that it has one */
	QUIET = 20,        /* turns in which nothing moves: all is said */
	WANTED = 7 << 20,
	/* In one turn: it is pumped once, and once for an answer that comes just then; each may
	 * end with what all streams wrote for a round of pieces. */
	MOST = 3 * HOST_TURN_BYTES,
};

static struct pair pair;
static struct attacker attackers[2];
static struct host_conn *conns[3]; /* of b, as they opened: a's and the attackers' */
static unsigned conn_count;
static size_t piece; /* or less, if there is no room */
static const char *const ids[] = { "/turns/1", NULL };

/* ---- a carrier that takes all and keeps nothing ---- */

static enum vd_err drop_bytes(struct carrier *carrier, struct vd_bytes bytes)
{
	(void)carrier;
	(void)bytes;
	return VD_OK;
}

static struct carrier_class bottomless;

static void open_the_bottom(struct host_conn *conn)
{
	bottomless = *conn->carrier->class;
	bottomless.write = drop_bytes;
	conn->carrier->class = &bottomless;
}

/* ---- who has always more to say ---- */

static void say_a_piece(struct host_stream *stream)
{
	static const uint8_t zeros[MUCH];
	size_t took;

	(void)host_stream_write(stream, vd_bytes(zeros, piece), &took);
	(void)host_stream_has_room(stream, SIZE_MAX); /* called again when this is out */
}

static const struct host_stream_class talker = { .writable = say_a_piece };

static void talk(struct host_conn *conn, unsigned streams)
{
	struct host_stream *stream;

	for (unsigned i = 0; i < streams; i++) {
		cr_assert(eq(int, host_open(conn, ids, &talker, NULL, &stream), VD_OK));
		say_a_piece(stream);
	}
}

/* ---- turns ---- */

static uint64_t sent(void)
{
	return host_counters(pair.b)->bytes_out;
}

/* Until nobody has more to say: the most that went out in one turn. */
static uint64_t most_in_a_turn(void)
{
	uint64_t from = sent(), most = 0;

	for (unsigned quiet = 0; quiet < QUIET; quiet++) {
		uint64_t before = sent();

		pair_turn(&pair);
		if (sent() - before > most)
			most = sent() - before;
		if (sent() != before)
			quiet = 0;
	}
	cr_assert(ge(u64, sent() - from, WANTED));
	return most;
}

static void on_opened(void *context, struct host_conn *conn)
{
	(void)context;
	conns[conn_count++] = conn;
}

static bool is_identified(struct pair *p)
{
	return host_counters(p->a)->identify_out && host_counters(p->b)->identify_out;
}

static void begin(void)
{
	conn_count = 0;
	piece = PIECE;
	pair_begin(&pair, NULL, &(struct host_config){ .events = { .opened = on_opened } });
	pair_dial(&pair);
	pair_until(&pair, is_identified);
}

Test(turns, a_connection_that_has_always_more_to_send_lets_the_loop_turn)
{
	begin();
	open_the_bottom(conns[0]);
	talk(conns[0], STREAMS);
	cr_assert(le(u64, most_in_a_turn(), MOST));
	pair_end(&pair);
}

/* What they wrote for one round is more than goes out in a turn. */
Test(turns, many_streams_that_wrote_much_let_the_loop_turn)
{
	begin();
	piece = MUCH;
	open_the_bottom(conns[0]);
	talk(conns[0], STREAMS);
	cr_assert(le(u64, most_in_a_turn(), MOST));
	pair_end(&pair);
}

/* ---- the others' turn ---- */

static void hang_up_the_last(struct host_stream *stream)
{
	(void)stream;
	host_disconnect(conns[2]);
}

static const struct host_stream_class killer = { .writable = hang_up_the_last };

static bool all_are_open(struct pair *p)
{
	(void)p;
	return conn_count == 3;
}

Test(turns, a_turn_ends_though_the_last_that_waited_for_it_is_closed_within)
{
	struct host_stream *stream;

	begin();
	for (unsigned i = 0; i < 2; i++) {
		attacker_connect(&attackers[i], &pair);
		attacker_negotiate(&attackers[i], &pair);
	}
	pair_until(&pair, all_are_open);
	open_the_bottom(conns[0]);
	cr_assert(eq(int, host_open(conns[1], ids, &killer, NULL, &stream), VD_OK));
	say_a_piece(stream); /* it is told when that is out: in the pass that begins with it */
	talk(conns[0], STREAMS);
	host_conn_due(conns[2]);
	cr_assert(le(u64, most_in_a_turn(), MOST));
	cr_assert(eq(u32, host_connection_count(pair.b), 2));
	for (unsigned i = 0; i < 2; i++)
		attacker_end(&attackers[i]);
	pair_end(&pair);
}
