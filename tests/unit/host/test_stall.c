/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A peer that takes nothing of what is sent: it is given up, however much it says meanwhile. One
 * that reads slowly stays, and so does one that leaves a stream unread while others flow.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/socket.h>

#include "controlplane/host/host_state.h"
#include "controlplane/host/limits.h"
#include "controlplane/host/perf.h"
#include "tests/unit/host/attacker.h"

enum { STREAMS = 4, MIB = 1 << 20, WITHIN_MS = 200, LOOKS = 10 };

static struct pair pair;
static struct host_limits *limits;
static struct attacker attacker;
static struct host_conn *conn; /* of b */
static vd_ns next;             /* when the attacker says or reads something again */
static unsigned looks;         /* of b at what it has left to send */
static vd_ns looked_at;

static const struct host_counters *counters(void)
{
	return host_counters(pair.b);
}

static void on_opened(void *context, struct host_conn *opened)
{
	(void)context;
	conn = opened;
}

static void begin_under(const struct host_limits_config *config, vd_ns stall_within)
{
	struct host_config b = { .stall_within = stall_within, .events = { .opened = on_opened } };

	conn = NULL;
	next = looked_at = looks = 0;
	cr_assert(eq(int, host_limits_new(config, &limits), VD_OK));
	b.limits = limits;
	pair_begin(&pair, NULL, &b);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
}

static void begin(void)
{
	begin_under(NULL, VD_MS(WITHIN_MS));
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

/* ---- peers over a socket ---- */

static bool is_open(struct pair *p)
{
	(void)p;
	return conn;
}

static bool is_full(struct pair *p)
{
	(void)p;
	return conn->carrier->waiting > 0;
}

/* Has b send to it without end; it reads nothing yet. */
static void begin_to_ask(void)
{
	static const char body[] = "\x13/multistream/1.0.0\n\x0c/perf/1.0.0\n"
				   "\x00\x00\x01\x00\x00\x00\x00\x00";
	int small = 65536;

	begin();
	attacker_connect(&attacker, &pair);
	setsockopt(attacker.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	attacker_negotiate(&attacker, &pair);
	pair_until(&pair, is_open);
	for (uint32_t id = 1; id < 2 * STREAMS; id += 2) {
		attacker_frame(&attacker, FRAME_DATA, FRAME_SYN | FRAME_FIN, id, sizeof body - 1,
			       vd_bytes(body, sizeof body - 1));
		attacker_frame(&attacker, FRAME_WINDOW, 0, id, 1u << 30, vd_bytes(NULL, 0));
	}
	pair_until(&pair, is_full);
}

static bool goes_on_asking(struct pair *p)
{
	(void)p;
	if (vd_now() >= next) {
		attacker_frame(&attacker, FRAME_WINDOW, 0, 1, 1, vd_bytes(NULL, 0));
		next = vd_now() + VD_MS(WITHIN_MS / 10);
	}
	return host_connection_count(pair.b) == 0;
}

Test(stall, who_asks_and_takes_nothing_is_given_up)
{
	begin_to_ask();
	pair_until(&pair, goes_on_asking);
	cr_assert(eq(u64, counters()->timeouts, 1));
	attacker_end(&attacker);
	end();
}

/* b has looked so often at what is left. */
static bool has_looked(void)
{
	looks += conn->stall_at != looked_at;
	looked_at = conn->stall_at;
	return looks >= LOOKS;
}

static bool reads_slowly(struct pair *p)
{
	static uint8_t some[MIB / 32];

	(void)p;
	if (vd_now() >= next) {
		(void)recv(attacker.fd, some, sizeof some, 0);
		next = vd_now() + VD_MS(WITHIN_MS / 4);
	}
	cr_assert(eq(u32, host_connection_count(pair.b), 1));
	return has_looked();
}

/* Of one write, too: the kernel has so much that it tells of room again long after. */
Test(stall, who_reads_slowly_stays)
{
	begin_to_ask();
	pair_until(&pair, reads_slowly);
	cr_assert(eq(u64, counters()->timeouts, 0));
	attacker_end(&attacker);
	end();
}

/* ---- a stream that is not read, beside others ---- */

static void fill(struct host_stream *stream)
{
	static const uint8_t piece[4096];
	size_t took;

	while (!host_stream_write(stream, vd_bytes(piece, sizeof piece), &took) && took)
		;
}

static const struct host_stream_class filler = { .opened = fill,
						 .readable = fill,
						 .writable = fill };
static const struct host_stream_class paused = { NULL };
static const char *const fill_ids[] = { "/fill/1", NULL };

static bool window_is_used_up(struct pair *p)
{
	(void)p;
	return conn->buffered > MIB / 8 && !conn->carrier->waiting;
}

Test(stall, a_stream_that_is_not_read_stays_while_others_flow_and_rest)
{
	struct host_stream *stream;
	unsigned said = 1;
	vd_ns until;

	begin();
	cr_assert(eq(int,
		     host_handle(pair.b, &(struct host_protocol){ "/fill/1", .calls = &filler }),
		     VD_OK));
	pair_dial(&pair);
	pair_until(&pair, is_open);
	cr_assert(eq(int, host_open(pair.said.conn, fill_ids, &paused, NULL, &stream), VD_OK));
	cr_assert(eq(int, host_stream_send(stream, vd_bytes_of_text("go")), VD_OK));
	pair_until(&pair, window_is_used_up);
	for (until = vd_now() + VD_MS(LOOKS * WITHIN_MS); vd_now() < until;) {
		cr_assert(eq(int, host_perf(pair.said.conn, 0, MIB, pair_on_perf, &pair), VD_OK));
		pair_until_said(&pair, ++said);
		cr_assert(eq(int, pair.said.err, VD_OK));
	}
	cr_assert(window_is_used_up(&pair));
	cr_assert(eq(u64, counters()->timeouts, 0));
	host_stream_reset(stream);
	end();
}

/* ---- what was not taken counts for who asked for it ---- */

enum { FEW = 8 };

/* Takes one write, of which nothing goes out. */
static enum vd_err take_one(struct carrier *carrier, struct vd_bytes bytes)
{
	carrier->waiting = bytes.len;
	return VD_AGAIN;
}

static enum vd_err take_all(struct carrier *carrier, struct vd_bytes bytes)
{
	(void)carrier;
	(void)bytes;
	return VD_OK;
}

static void ask_who(uint32_t id)
{
	static const char body[] = "\x13/multistream/1.0.0\n\x0f/ipfs/id/1.0.0\n";

	cr_assert(attacker_frame(&attacker, FRAME_DATA, FRAME_SYN, 2 * id + 1, sizeof body - 1,
				 vd_bytes(body, sizeof body - 1)));
}

static bool few_are_answered(struct pair *p)
{
	(void)p;
	return counters()->identify_in == FEW;
}

static bool one_is_turned_away(struct pair *p)
{
	(void)p;
	return host_limits_blocked(limits, HOST_LIMIT_PEER_STREAMS) == 1;
}

static bool all_is_taken(struct pair *p)
{
	(void)p;
	return conn->machine.muxer->leaving == 0;
}

static bool one_more_is_answered(struct pair *p)
{
	(void)p;
	return counters()->identify_in == FEW + 1;
}

Test(stall, answers_that_are_not_taken_count_as_streams_of_the_peer)
{
	const struct host_limits_config few = { .peer_streams = FEW };
	struct carrier_class full;

	begin_under(&few, 0);
	attacker_connect(&attacker, &pair);
	attacker_negotiate(&attacker, &pair);
	pair_until(&pair, is_open);
	full = *conn->carrier->class;
	full.write = take_one;
	conn->carrier->class = &full;
	for (uint32_t id = 0; id < FEW; id++)
		ask_who(id);
	pair_until(&pair, few_are_answered);
	cr_assert(zero(u32, host_limits_used(limits).streams)); /* nobody handles them any more */
	ask_who(FEW);
	pair_until(&pair, one_is_turned_away);
	full.write = take_all;
	conn->carrier->waiting = 0;
	conn->carrier->events->ready(conn->carrier);
	pair_until(&pair, all_is_taken);
	ask_who(FEW + 1);
	pair_until(&pair, one_more_is_answered);
	attacker_end(&attacker);
	end();
}
