/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One connection a peer: two become one, and no stream is lost; without and with threads. */
#include "controlplane/host/host_state.h"
#include "controlplane/host/swarm_state.h"
#include "tests/unit/host/swarm_rig.h"

/* Both dial each other at the same moment: two connections, until one is retired. */
static void dial_each_other(void)
{
	unsigned count = said.count;

	cr_assert(eq(int, swarm_dial(a->swarm, &b->address, on_dial, NULL, NULL), VD_OK));
	cr_assert(eq(int, swarm_dial(b->swarm, &a->address, on_dial, NULL, NULL), VD_OK));
	until(count + 2);
	cr_assert(eq(int, said.err, VD_OK));
}

static uint64_t only_dialled_by(struct side *side, struct side *other)
{
	const struct swarm_conn *conn;

	conn = swarm_find(side->swarm, &other->identity.id);
	cr_assert(conn != NULL);
	cr_assert(eq(u32, swarm_connection_count(side->swarm), 1));
	cr_assert(not(conn->retiring));
	cr_assert(eq(int, conn->info.dialer,
		     vd_peer_id_compare(&side->identity.id, &other->identity.id) < 0));
	return conn->id;
}

Test(swarm, simultaneous_connects_become_the_one_of_the_smaller_peer_id, .timeout = 120)
{
	EACH_VARIANT(threads)
	{
		for (unsigned i = 0; i < 10; i++) {
			begin(threads);
			dial_each_other();
			TURN_UNTIL(a->opened == 2 && b->opened == 2 && a->closed == 1 &&
				   b->closed == 1);
			only_dialled_by(b, a);
			ping_b(only_dialled_by(a, b));
			cr_assert(
			    gt(u64,
			       swarm_counters(a->swarm).retired + swarm_counters(b->swarm).retired,
			       0));
			end();
		}
	}
}

struct find_other {
	uint64_t best, other;
	bool retiring;
};

static void find_other(void *context, const struct swarm_conn *conn)
{
	struct find_other *find = context;

	if (conn->id == find->best)
		return;
	find->other = conn->id;
	find->retiring = conn->retiring;
}

static bool doubted;

static void find_doubted(void *context, const struct swarm_conn *conn)
{
	const struct side *side = context;

	doubted |= swarm_row(side->swarm, conn->id)->doubted;
}

/* Whether the first one was not heard from yet since the second one opened. */
static bool in_doubt(struct side *side)
{
	doubted = false;
	swarm_each(side->swarm, find_doubted, side);
	return doubted;
}

/* Two connections, the other one held open by a stream; what a sees of them. */
static struct find_other hold_two(struct hold *hold, unsigned threads)
{
	struct find_other find = { 0 };

	begin_loop();
	open_side(a, threads, VD_SECONDS(3600));
	open_side(b, threads, VD_SECONDS(3600));
	cr_assert(eq(int, swarm_handle(b->swarm, &hold_protocol), VD_OK));
	dial_each_other();
	TURN_UNTIL(a->opened == 2 && b->opened == 2 && !in_doubt(a) && !in_doubt(b));
	find.best = swarm_find(a->swarm, &b->identity.id)->id;
	swarm_each(a->swarm, find_other, &find);
	cr_assert(find.retiring);
	submit_hold(hold, find.other);
	return find;
}

/* The time that it is kept without streams is over at once. */
static void run_hurry(struct swarm_task *task, struct host_conn *conn)
{
	if (conn)
		host_conn_retire(conn, 1);
	swarm_task_done(task);
}

/* Does that on the connection's thread, and waits until it is done. */
static void run_on(struct side *side, uint64_t id,
		   void (*run)(struct swarm_task *task, struct host_conn *conn))
{
	struct hold task = { { .run = run, .done = hold_done } };
	unsigned count = said.count;

	cr_assert(eq(int, swarm_submit(side->swarm, id, &task.task), VD_OK));
	until(count + 1);
}

Test(swarm, a_connection_that_is_not_preferred_keeps_its_streams, .timeout = 120)
{
	EACH_VARIANT(threads)
	{
		struct hold hold = { 0 };
		struct find_other find = hold_two(&hold, threads);

		run_on(a, find.other, run_hurry);
		for (unsigned i = 0; i < 50; i++)
			ping_b(find.best);
		cr_assert(eq(uint, a->closed, 0));
		cr_assert(gt(u32, swarm_conn(a->swarm, find.other)->info.streams, 0));
		hold.end = true;
		submit_hold(&hold, find.other);
		TURN_UNTIL(a->closed == 1 && b->closed == 1);
		cr_assert(eq(u64, a->last, find.other));
		end();
	}
}

static bool is_idle(uint64_t id)
{
	const struct swarm_conn *conn = swarm_conn(a->swarm, id);

	cr_assert(conn != NULL, "closed");
	return conn->info.streams == 0;
}

Test(swarm, the_other_connection_stays_when_the_preferred_one_goes, .timeout = 120)
{
	EACH_VARIANT(threads)
	{
		struct hold hold = { 0 };
		struct find_other find = hold_two(&hold, threads);

		run_on(a, find.other, run_hurry);
		swarm_disconnect(a->swarm, find.best);
		cr_assert(eq(u64, swarm_find(a->swarm, &b->identity.id)->id, find.other));
		TURN_UNTIL(a->closed == 1 && b->closed == 1);
		cr_assert(not(swarm_conn(a->swarm, find.other)->retiring));
		hold.end = true;
		submit_hold(&hold, find.other);
		for (unsigned i = 0; i < 50; i++) {
			TURN_UNTIL(is_idle(find.other));
			ping_b(find.other);
		}
		cr_assert(eq(uint, a->closed, 1));
		end();
	}
}

static void run_go_away(struct swarm_task *task, struct host_conn *conn)
{
	if (conn) {
		muxer_go_away(conn->machine.muxer);
		host_conn_due(conn);
	}
	swarm_task_done(task);
}

Test(swarm, the_other_connection_stays_when_the_peer_goes_away_on_the_preferred_one, .timeout = 120)
{
	EACH_VARIANT(threads)
	{
		struct hold hold = { 0 };
		struct find_other find = hold_two(&hold, threads);

		run_on(b, swarm_find(b->swarm, &a->identity.id)->id, run_go_away);
		TURN_UNTIL(!swarm_conn(a->swarm, find.other)->retiring);
		cr_assert(swarm_conn(a->swarm, find.best)->retiring);
		cr_assert(eq(u64, swarm_find(a->swarm, &b->identity.id)->id, find.other));
		ping_b(find.other);
		cr_assert(eq(uint, a->closed, 0));
		end();
	}
}

Test(swarm, a_connection_whose_peer_goes_away_is_replaced_by_the_next_dial, .timeout = 120)
{
	EACH_VARIANT(threads)
	{
		struct hold task = { { .run = run_go_away, .done = hold_done } };
		uint64_t id;

		begin(threads);
		dial_b();
		id = said.id;
		TURN_UNTIL(b->opened == 1);
		cr_assert(eq(int, swarm_submit(b->swarm, b->last, &task.task), VD_OK));
		TURN_UNTIL(!swarm_find(a->swarm, &b->identity.id));
		dial_b();
		cr_assert(eq(int, said.err, VD_OK));
		cr_assert(ne(u64, said.id, id));
		ping_b(said.id);
		TURN_UNTIL(a->closed == 1); /* the idle one, as any that another replaced */
		cr_assert(eq(u64, a->last, id));
		end();
	}
}

/* ---- a peer that vanished and is back ---- */

static void run_deaf(struct swarm_task *task, struct host_conn *conn)
{
	if (conn)
		carrier_read(conn->carrier, false);
	swarm_task_done(task);
}

static void run_hearing(struct swarm_task *task, struct host_conn *conn)
{
	if (conn)
		carrier_read(conn->carrier, true);
	swarm_task_done(task);
}

static void on_back(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	cr_assert(conn != NULL && err == VD_OK, "%s", why);
}

/* As a side that lost what it had, and connects anew. */
static struct host *come_back(const struct side *side, const struct side *stays)
{
	struct host_config config = { .loop = &loop,
				      .identity = &side->identity,
				      .agent = "tester/1" };
	char why[HOST_WHY];
	struct host *back;

	cr_assert(eq(int, host_new(&config, &back), VD_OK));
	cr_assert(eq(int, host_listen_text(back, "/ip4/127.0.0.1/tcp/0", why), VD_OK));
	cr_assert(eq(int, host_dial(back, &stays->address, on_back, NULL), VD_OK));
	return back;
}

Test(swarm, what_the_peer_may_have_lost_is_not_preferred_and_nothing_closed_for_it, .timeout = 120)
{
	EACH_VARIANT(threads)
	{
		struct side *side, *other;
		struct host *back;
		uint64_t first, theirs;

		begin_loop();
		open_side(a, threads, 1);
		open_side(b, threads, 1);
		side = vd_peer_id_compare(&a->identity.id, &b->identity.id) < 0 ? a : b;
		other = side == a ? b : a;
		cr_assert(
		    eq(int, swarm_dial(side->swarm, &other->address, on_dial, NULL, NULL), VD_OK));
		TURN_UNTIL(a->opened == 1 && b->opened == 1);
		TURN_UNTIL(a->identified == 1 && b->identified == 1);
		for (unsigned i = 0; i < 50; i++)
			turn(); /* nothing is on its way any more */
		first = side->last;
		theirs = other->last;
		run_on(other, theirs, run_deaf);
		back = come_back(other, side);
		TURN_UNTIL(side->opened == 2);
		for (unsigned i = 0; i < 50; i++)
			turn();
		cr_assert(eq(uint, side->closed, 0));
		cr_assert(ne(u64, swarm_find(side->swarm, &other->identity.id)->id, first));
		run_on(other, theirs, run_hearing);
		TURN_UNTIL(side->closed == 1);
		cr_assert(eq(u64, swarm_find(side->swarm, &other->identity.id)->id, first));
		host_free(back);
		end();
	}
}
