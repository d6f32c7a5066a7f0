/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A host as a whole, over loopback, with peers that do not keep to the protocols: each is dropped
 * and counted, what it makes the host hold stays in its limit, and a transfer of another peer,
 * which goes on beside it, is whole. What each machine makes of single bad messages is tested with
 * the machines (tests/unit/proto/).
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>

#include "controlplane/host/limits.h"
#include "controlplane/host/perf.h"
#include "tests/unit/host/attacker.h"

enum { GOOD_BYTES = 4 << 20, KIB = 1024, MIB = 1 << 20 };

static struct pair pair;
static struct host_limits *limits;
static struct attacker attackers[64];

/* b under `config`; a connected to it. */
static void begin(const struct host_limits_config *config)
{
	struct host_config b = { .negotiate_within = VD_MS(400) };

	cr_assert(eq(int, host_limits_new(config, &limits), VD_OK));
	b.limits = limits;
	pair_begin(&pair, NULL, &b);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
}

static void end(void)
{
	struct host_limits_used used;

	pair_end(&pair);
	used = host_limits_used(limits);
	cr_assert(eq(u32, used.connections[0] + used.negotiating[0] + used.streams, 0));
	cr_assert(eq(u64, used.buffered_bytes, 0));
	host_limits_free(limits);
}

static void start_good(void)
{
	cr_assert(
	    eq(int, host_perf(pair.said.conn, GOOD_BYTES, GOOD_BYTES, pair_on_perf, &pair), VD_OK));
}

static void assert_good(void)
{
	pair_until_said(&pair, 2);
	cr_assert(eq(int, pair.said.err, VD_OK));
}

static const struct host_counters *counters(void)
{
	return host_counters(pair.b);
}

/* ---- before there is a connection ---- */

/* TestParameters crash under some sanitizers; rows do. */
static const struct {
	const char *what;
	const char *bytes;
	size_t len;
} openings[] = {
#define ROW(what, bytes)                                                                           \
	{                                                                                          \
		what, bytes, sizeof(bytes) - 1                                                     \
	}
	ROW("HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	ROW("TLS without multistream", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	ROW("SSH", "SSH-2.0-OpenSSH_9.2\r\n"),
	ROW("a length of 2 GB", "\xff\xff\xff\xff\x07/multistream/1.0.0\n"),
	ROW("a length without end", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	ROW("a length of 0", "\0"),
	ROW("another version", "\x13/multistream/2.0.0\n"),
	ROW("a header without newline", "\x13/multistream/1.0.0x"),
	ROW("a proposal that is too long", "\x13/multistream/1.0.0\n\x81\x08/noise/and/more/of/it"),
	ROW("noise of 0 bytes", "\x13/multistream/1.0.0\n\x07/noise\n\x00\x00"),
	ROW("noise that is too short", "\x13/multistream/1.0.0\n\x07/noise\n\x00\x05hello"),
	ROW("noise that is none", "\x13/multistream/1.0.0\n\x07/noise\n\x00\x21"
				  "0123456789012345678901234567890123456789"),
	ROW("TLS that is none", "\x13/multistream/1.0.0\n\x0b/tls/1.0.0\nhello, hello, hello"),
#undef ROW
};

enum { OPENINGS = sizeof openings / sizeof *openings };

static bool all_openings_are_cut(struct pair *p)
{
	(void)p;
	for (size_t i = 0; i < OPENINGS; i++)
		if (!attacker_is_cut(&attackers[i]))
			return false;
	return counters()->inbound_failed == OPENINGS;
}

Test(hostile, openings_that_are_no_libp2p_are_cut_at_once)
{
	begin(NULL);
	start_good();
	for (size_t i = 0; i < OPENINGS; i++) {
		attacker_connect(&attackers[i], &pair);
		attacker_say(&attackers[i], vd_bytes(openings[i].bytes, openings[i].len));
	}
	pair_until(&pair, all_openings_are_cut);
	cr_assert(eq(u64, counters()->peers_broke, OPENINGS));
	cr_assert(eq(u64, counters()->timeouts, 0));
	for (size_t i = 0; i < OPENINGS; i++)
		attacker_end(&attackers[i]);
	assert_good();
	end();
}

static bool all_failed(struct pair *p)
{
	(void)p;
	return counters()->inbound_failed == OPENINGS;
}

Test(hostile, openings_that_break_off_leave_nothing)
{
	static const char whole[] = "\x13/multistream/1.0.0\n\x07/noise\n";

	static_assert(2 * OPENINGS < sizeof whole);
	begin(NULL);
	start_good();
	for (size_t i = 0; i < OPENINGS; i++) {
		attacker_connect(&attackers[i], &pair);
		attacker_say(&attackers[i], vd_bytes(whole, 2 * i));
		attacker_end(&attackers[i]);
	}
	pair_until(&pair, all_failed);
	cr_assert(eq(u32, host_connection_count(pair.b), 1));
	assert_good();
	end();
}

/* ---- slow ones ---- */

static bool dribble(struct pair *p)
{
	static const char opening[] = "\x13/multistream/1.0.0\n\x07/noise\n";
	static size_t said;
	static vd_ns next;

	(void)p;
	if (vd_now() >= next && said < sizeof opening - 1) {
		attacker_say(&attackers[0], vd_bytes(opening + said++, 1));
		next = vd_now() + VD_MS(60);
	}
	return attacker_is_cut(&attackers[0]);
}

/* 27 bytes, one each 60 ms, are more than the 400 ms that there are. */
Test(hostile, a_peer_that_dribbles_its_opening_runs_out_of_time)
{
	begin(NULL);
	start_good();
	attacker_connect(&attackers[0], &pair);
	pair_until(&pair, dribble);
	cr_assert(eq(u64, counters()->timeouts, 1));
	cr_assert(eq(u64, counters()->inbound_failed, 1));
	attacker_end(&attackers[0]);
	assert_good();
	end();
}

static bool dribble_in_stream(struct pair *p)
{
	static vd_ns next;

	(void)p;
	if (vd_now() >= next) { /* keeps the connection busy all the time */
		attacker_frame(&attackers[0], FRAME_PING, FRAME_SYN, 0, 7, vd_bytes(NULL, 0));
		next = vd_now() + VD_MS(20);
	}
	attacker_is_cut(&attackers[0]);
	return counters()->timeouts == 2; /* and what identify asked, which it does not answer */
}

Test(hostile, a_stream_that_agrees_on_nothing_ends_however_busy_its_connection)
{
	begin(NULL);
	start_good();
	attacker_connect(&attackers[0], &pair);
	attacker_negotiate(&attackers[0], &pair);
	attacker_frame(&attackers[0], FRAME_DATA, FRAME_SYN, 1, 5, vd_bytes("\x13/mul", 5));
	pair_until(&pair, dribble_in_stream);
	cr_assert(eq(int, attackers[0].cut, false)); /* of the stream, not of the connection */
	cr_assert(eq(u32, host_connection_count(pair.b), 2));
	attacker_end(&attackers[0]);
	assert_good();
	end();
}

/* ---- who says much at once ---- */

enum { PINGS = 1024 }; /* as many answers as may wait */

static bool marked;
static vd_ns give_up_at;

static void accept_mark(void *context, struct host_stream *stream)
{
	(void)context;
	marked = true;
	host_stream_reset(stream);
}

static bool identify_gave_up(struct pair *p)
{
	(void)p;
	return counters()->timeouts == 1;
}

static bool mark_came(struct pair *p)
{
	(void)p;
	attacker_is_cut(&attackers[0]);
	return marked || vd_now() >= give_up_at;
}

/* Sealed as one, so that they come together. */
static void say_pings_and_mark(void)
{
	static const char opening[] = "\x13/multistream/1.0.0\n\x08/mark/1\n";
	static uint8_t plain[32 * KIB];
	struct security *security = attackers[0].machine.security;
	struct vd_write w = vd_write_to(plain, sizeof plain);
	struct vd_bytes out;
	size_t took;

	for (unsigned i = 0; i < PINGS; i++)
		attacker_write_frame(&w, FRAME_PING, FRAME_SYN, 0, i);
	attacker_write_frame(&w, FRAME_DATA, FRAME_SYN, 1, sizeof opening - 1);
	vd_write_bytes(&w, vd_bytes(opening, sizeof opening - 1));
	cr_assert(eq(int, security_write(security, vd_write_done(&w), &took), VD_OK));
	out = security_next_output(security);
	cr_assert(eq(sz, attacker_say(&attackers[0], out), out.len));
	security_sent(security, out.len);
}

/* What is behind them goes on once they are answered, not at the next timer: Yamux's, 30 s. */
Test(hostile, a_stream_behind_as_many_pings_as_may_wait_opens_at_once)
{
	struct host_protocol mark = { "/mark/1", accept_mark, NULL, NULL };

	begin(NULL);
	cr_assert(eq(int, host_handle(pair.b, &mark), VD_OK));
	start_good();
	attacker_connect(&attackers[0], &pair);
	attacker_negotiate(&attackers[0], &pair);
	pair_until(&pair, identify_gave_up); /* so that it has no timer any more */
	give_up_at = vd_now() + VD_SECONDS(15);
	say_pings_and_mark();
	pair_until(&pair, mark_came);
	cr_assert(marked);
	attacker_end(&attackers[0]);
	assert_good();
	end();
}

/* ---- crowds ---- */

static bool crowd_is_gone(struct pair *p)
{
	(void)p;
	return counters()->timeouts >= 6; /* streams of the good one, too, if we are slow */
}

static bool crowd_is_turned_away(struct pair *p)
{
	(void)p;
	return counters()->connections_refused == 58;
}

static void on_nothing(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	(void)why;
	cr_assert(eq(ptr, conn, NULL));
	cr_assert(ne(int, err, VD_ELIMIT));
}

/* To a port that nobody listens on. */
static void dial_from_b(void)
{
	struct vd_multiaddr nobody;
	char text[200], id[VD_PEER_ID_TEXT];

	snprintf(text, sizeof text, "/ip4/127.0.0.1/tcp/1/p2p/%s",
		 vd_peer_id_text(&attackers[0].identity.id, id));
	cr_assert(eq(int, vd_multiaddr_of_text(text, &nobody), VD_OK));
	cr_assert(eq(int, host_dial(pair.b, &nobody, on_nothing, NULL), VD_OK));
}

Test(hostile, a_crowd_that_says_nothing_is_turned_away_and_ends)
{
	struct host_limits_config few = { 0 };

	few.negotiating = 8;
	begin(&few);
	start_good();
	for (size_t i = 0; i < 64; i++)
		attacker_connect(&attackers[i], &pair);
	pair_until(&pair, crowd_is_turned_away);
	dial_from_b(); /* two of the eight are ours */
	pair_until(&pair, crowd_is_gone);
	cr_assert(eq(u64, host_limits_blocked(limits, HOST_LIMIT_NEGOTIATING), 58));
	cr_assert(eq(u64, counters()->connections_refused, 58));
	for (size_t i = 0; i < 64; i++)
		attacker_end(&attackers[i]);
	assert_good();
	/* The listener listens on. */
	attacker_connect(&attackers[0], &pair);
	attacker_negotiate(&attackers[0], &pair);
	attacker_end(&attackers[0]);
	end();
}

/* ---- within a connection ---- */

static bool first_is_cut(struct pair *p)
{
	(void)p;
	return attacker_is_cut(&attackers[0]);
}

static struct vd_bytes perf_opening(void)
{
	/* 1 TB is wanted. */
	static const char text[] = "\x13/multistream/1.0.0\n\x0c/perf/1.0.0\n"
				   "\x00\x00\x01\x00\x00\x00\x00\x00";

	return vd_bytes(text, sizeof text - 1);
}

static void negotiated(const struct host_limits_config *config)
{
	begin(config);
	start_good();
	attacker_connect(&attackers[0], &pair);
	attacker_negotiate(&attackers[0], &pair);
}

/* Cut, for a reason of its own, and the good one is whole. */
static void assert_cut(uint64_t broke)
{
	pair_until(&pair, first_is_cut);
	cr_assert(eq(u64, counters()->peers_broke, broke));
	cr_assert(eq(u32, host_connection_count(pair.b), 1));
	attacker_end(&attackers[0]);
	assert_good();
	end();
}

Test(hostile, announced_gigabytes_end_the_connection)
{
	negotiated(NULL);
	attacker_frame(&attackers[0], FRAME_DATA, FRAME_SYN, 1, 1u << 30, vd_bytes("x", 1));
	assert_cut(1);
}

/* A stream that agrees on nothing has 256 KiB, and is granted no more. */
static bool write_on(struct pair *p)
{
	static const uint8_t block[4096];

	(void)p;
	while (attacker_frame(&attackers[0], FRAME_DATA, 0, 1, sizeof block,
			      vd_bytes(block, sizeof block)))
		;
	return attackers[0].cut;
}

Test(hostile, more_than_the_window_ends_the_connection)
{
	negotiated(NULL);
	attacker_frame(&attackers[0], FRAME_WINDOW, FRAME_SYN, 1, 0, vd_bytes(NULL, 0));
	pair_until(&pair, write_on);
	assert_cut(2); /* first the stream, as zeros are no multistream */
}

/* As fast as the socket takes it. */
static bool open_and_reset(struct pair *p)
{
	static uint32_t id = 1;
	bool room = true;

	(void)p;
	for (unsigned i = 0; i < 1000 && room; i++, id += 2)
		room = attacker_frame(&attackers[0], FRAME_WINDOW, FRAME_SYN, id, 0,
				      vd_bytes(NULL, 0)) &&
		       attacker_frame(&attackers[0], FRAME_WINDOW, FRAME_RST, id, 0,
				      vd_bytes(NULL, 0));
	return attackers[0].cut;
}

Test(hostile, opening_and_resetting_without_end_ends_the_connection)
{
	negotiated(NULL);
	pair_until(&pair, open_and_reset);
	assert_cut(1);
}

Test(hostile, an_oversized_message_in_a_stream_ends_the_stream_alone)
{
	negotiated(NULL);
	attacker_frame(&attackers[0], FRAME_DATA, FRAME_SYN, 1, 6,
		       vd_bytes("\xff\xff\xff\x7fxx", 6));
	assert_good();
	cr_assert(eq(u64, counters()->streams_refused, 1));
	cr_assert(eq(u32, host_connection_count(pair.b), 2));
	attacker_end(&attackers[0]);
	end();
}

/* ---- who takes and does not read ---- */

/* Wants a terabyte in each of `count` streams, and reads nothing. */
static void want_terabytes(unsigned count)
{
	for (uint32_t i = 0; i < count; i++)
		cr_assert(attacker_frame(&attackers[0], FRAME_DATA, FRAME_SYN | FRAME_FIN,
					 2 * i + 1, (uint32_t)perf_opening().len, perf_opening()));
	for (uint32_t i = 0; i < count; i++) /* and grants gigabytes */
		cr_assert(attacker_frame(&attackers[0], FRAME_WINDOW, 0, 2 * i + 1, 1u << 30,
					 vd_bytes(NULL, 0)));
}

static bool is_full(struct pair *p)
{
	(void)p;
	return host_limits_used(limits).buffered_bytes >= MIB / 4;
}

Test(hostile, one_that_never_reads_holds_its_send_buffer_and_no_more)
{
	negotiated(NULL);
	want_terabytes(4);
	pair_until(&pair, is_full); /* a send buffer, of which each stream has one */
	assert_good();
	cr_assert(le(u64, host_limits_used(limits).buffered_bytes, 2 * MIB));
	cr_assert(eq(u32, host_connection_count(pair.b), 2));
	attacker_end(&attackers[0]);
	end();
}

static bool is_blocked(struct pair *p)
{
	uint64_t held = host_limits_used(limits).buffered_bytes;

	(void)p;
	cr_assert(le(u64, held, 6 * MIB), "%zu bytes are held", (size_t)held);
	return host_limits_blocked(limits, HOST_LIMIT_BUFFERED) > 0;
}

/* 200 streams have 50 MiB of send buffers; all connections together may hold 4 MiB. */
Test(hostile, one_that_never_reads_many_streams_is_closed_for_its_memory)
{
	struct host_limits_config few = { 0 };

	few.buffered_bytes = 4 * MIB;
	negotiated(&few);
	want_terabytes(200);
	pair_until(&pair, is_blocked);
	pair_until(&pair, first_is_cut);
	cr_assert(eq(u32, host_connection_count(pair.b), 1));
	cr_assert(eq(u64, host_limits_blocked(limits, HOST_LIMIT_BUFFERED), 1));
	attacker_end(&attackers[0]);
	assert_good();
	end();
}

/* ---- streams above the limits ---- */

static bool perf_is_full(struct pair *p)
{
	(void)p;
	attacker_is_cut(&attackers[0]);
	return host_limits_blocked(limits, HOST_LIMIT_PROTOCOL_STREAMS) == 20;
}

Test(hostile, streams_of_one_protocol_above_the_limit_are_reset)
{
	struct host_limits_config few = { 0 };

	few.protocol_streams = 10;
	negotiated(&few);
	want_terabytes(29); /* the good one is the 30th */
	pair_until(&pair, perf_is_full);
	cr_assert(eq(u32, host_limits_used(limits).streams, 10));
	assert_good();
	attacker_end(&attackers[0]);
	end();
}

static bool peer_is_full(struct pair *p)
{
	(void)p;
	attacker_is_cut(&attackers[0]);
	return host_limits_blocked(limits, HOST_LIMIT_PEER_STREAMS) == 15;
}

Test(hostile, streams_of_one_peer_above_the_limit_are_reset)
{
	struct host_limits_config few = { 0 };

	few.peer_streams = 5;
	negotiated(&few);
	want_terabytes(20);
	pair_until(&pair, peer_is_full);
	cr_assert(eq(u32, host_connection_count(pair.b), 2));
	assert_good();
	attacker_end(&attackers[0]);
	end();
}

/* ---- one peer with connections to several hosts, as on several threads ---- */

static struct host *c;

static bool every_second_to_c(void *context, unsigned transport, int fd)
{
	static unsigned number;

	(void)context;
	return number++ % 2 && !host_adopt(c, transport, fd);
}

static bool peer_is_full_everywhere(struct pair *p)
{
	(void)p;
	attacker_is_cut(&attackers[0]);
	attacker_is_cut(&attackers[1]);
	return host_limits_blocked(limits, HOST_LIMIT_PEER_STREAMS) == 34;
}

static void open_streams(struct attacker *attacker, unsigned count)
{
	for (uint32_t i = 0; i < count; i++)
		cr_assert(attacker_frame(attacker, FRAME_WINDOW, FRAME_SYN, 2 * i + 1, 0,
					 vd_bytes(NULL, 0)));
}

Test(hostile, streams_of_one_peer_are_limited_over_all_hosts)
{
	struct host_limits_config few = { 0 };
	struct host_config config;

	few.peer_streams = 6;
	cr_assert(eq(int, host_limits_new(&few, &limits), VD_OK));
	config =
	    (struct host_config){ .limits = limits, .events = { .accepted = every_second_to_c } };
	pair_begin(&pair, NULL, &config);
	config = (struct host_config){ .loop = &pair.loop,
				       .identity = &pair.identity_b,
				       .limits = limits };
	cr_assert(eq(int, host_new(&config, &c), VD_OK));
	for (unsigned i = 0; i < 2; i++) {
		attacker_connect_as(&attackers[i], &pair, INADDR_LOOPBACK, &pair.identity_a);
		attacker_negotiate(&attackers[i], &pair);
		open_streams(&attackers[i], 20);
	}
	pair_until(&pair, peer_is_full_everywhere);
	cr_assert(eq(u32, host_connection_count(pair.b) + host_connection_count(c), 2));
	attacker_end(&attackers[0]);
	attacker_end(&attackers[1]);
	host_free(c);
	end();
}
