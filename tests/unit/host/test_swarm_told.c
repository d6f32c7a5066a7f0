/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What peers tell waits for the control thread up to a bound; what is above it is counted. */
#include <sched.h>

#include "controlplane/host/swarm_state.h"
#include "tests/unit/host/swarm_rig.h"

enum { PIECE = 65536, PIECES = SWARM_TOLD_BYTES / PIECE, WAIT_S = 60 };

static_assert(PIECES * PIECE == SWARM_TOLD_BYTES, "pieces fill it to the last byte");

static uint8_t piece[PIECE];
static unsigned said_pieces;

static void on_said(void *context, const struct swarm_conn *conn, const char *protocol,
		    struct vd_bytes bytes)
{
	(void)context;
	(void)conn;
	cr_assert(eq(str, (char *)(uintptr_t)protocol, (char *)"/piece/1"));
	cr_assert(eq(sz, bytes.len, PIECE));
	said_pieces++;
}

/* On the connection's thread: as much as is taken, and one piece more. */
struct fill {
	struct swarm_task task;
	unsigned taken;
	_Atomic bool full;
};

static void run_fill(struct swarm_task *task, struct host_conn *conn)
{
	struct fill *fill = (struct fill *)task;

	while (fill->taken <= PIECES && swarm_say(conn, "/piece/1", vd_bytes(piece, PIECE)))
		fill->taken++;
	atomic_store(&fill->full, true);
	swarm_task_done(task);
}

static void fill_done(struct swarm_task *task)
{
	(void)task;
	said.count++;
}

static bool is_full(struct fill *fill)
{
	return atomic_load(&fill->full);
}

static bool is_refused(uint64_t count)
{
	return swarm_counters(a->swarm).events_refused >= count;
}

/* The control thread does something else: no turn of its loop. */
#define WITHOUT_TURNS_UNTIL(condition)                                                             \
	do {                                                                                       \
		vd_ns until_ = vd_now() + VD_SECONDS(WAIT_S);                                      \
		while (!(condition) && vd_now() < until_)                                          \
			sched_yield();                                                             \
		cr_assert(condition);                                                              \
	} while (0)

static size_t on_their_way(void)
{
	return atomic_load(&a->swarm->places[0].told_bytes);
}

/* a and b with a thread each, connected, b known to a. */
static void connect_b(void)
{
	const struct swarm_events watch = { .said = on_said };

	said_pieces = 0;
	begin(1);
	cr_assert(eq(int, swarm_watch(a->swarm, &watch), VD_OK));
	dial_b();
	TURN_UNTIL(a->identified == 1 && b->identified == 1);
	cr_assert(eq(u64, swarm_counters(a->swarm).events_refused, 0));
	cr_assert(eq(sz, on_their_way(), 0));
}

static void submit(struct fill *fill)
{
	fill->task.run = run_fill;
	fill->task.done = fill_done;
	cr_assert(eq(int, swarm_submit(a->swarm, a->last, &fill->task), VD_OK));
}

Test(swarm, what_is_told_to_a_control_thread_that_does_not_read_is_bounded, .timeout = 120)
{
	struct fill fill = { .taken = 0 };

	connect_b();
	submit(&fill);
	WITHOUT_TURNS_UNTIL(is_full(&fill) && is_refused(1));
	cr_assert(eq(uint, fill.taken, PIECES));
	cr_assert(eq(sz, on_their_way(), SWARM_TOLD_BYTES));

	/* What b tells by identify has no room either. */
	cr_assert(eq(int, swarm_handle(b->swarm, &hold_protocol), VD_OK));
	WITHOUT_TURNS_UNTIL(is_refused(2));
	cr_assert(le(sz, on_their_way(), SWARM_TOLD_BYTES));
	cr_assert(eq(uint, a->identified, 1));

	/* It reads again: what was taken is all there, and there is room for more. */
	TURN_UNTIL(said_pieces == PIECES && said.count == 2);
	cr_assert(eq(sz, on_their_way(), 0));
	cr_assert(eq(int, swarm_unhandle(b->swarm, "/hold/1"), VD_OK));
	TURN_UNTIL(a->identified == 2);
	cr_assert(eq(u64, swarm_counters(a->swarm).events_refused, 2));
	end();
}
