/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A peer that takes nothing of what is sent: it is given up, however much it says meanwhile. One
 * that reads slowly stays, and so does one that leaves a stream unread while others flow.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/socket.h>

#include "controlplane/host/limits.h"
#include "controlplane/host/parts.h"
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

static void begin(void)
{
	struct host_config b = { .stall_within = VD_MS(WITHIN_MS),
				 .events = { .opened = on_opened } };

	conn = NULL;
	next = looked_at = looks = 0;
	cr_assert(eq(int, host_limits_new(NULL, &limits), VD_OK));
	b.limits = limits;
	pair_begin(&pair, NULL, &b);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
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
		(void)!recv(attacker.fd, some, sizeof some, 0);
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
