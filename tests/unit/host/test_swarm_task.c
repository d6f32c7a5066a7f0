/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Work on a connection's thread, and the limits of mailboxes. */
#include "tests/unit/host/swarm_rig.h"

/* ---- work on a connection's thread ---- */

Test(swarm, pings_are_answered_and_told)
{
	EACH_VARIANT(threads)
	{
		begin(threads);
		dial_b();
		ping_b(said.id);
		cr_assert(gt(u64, said.rtt, 0));
		cr_assert(eq(uint, a->pinged, 1));
		cr_assert(eq(int, swarm_ping(a->swarm, 12345, on_ping, NULL), VD_ELINK_CLOSED));
		end();
	}
}

Test(swarm, megabytes_go_both_ways)
{
	EACH_VARIANT(threads)
	{
		struct swarm_counters counters;

		begin(threads);
		serve_perf(b);
		dial_b();
		cr_assert(eq(
		    int, swarm_perf(a->swarm, said.id, 8 * MEGABYTE, 8 * MEGABYTE, on_perf, NULL),
		    VD_OK));
		until(2);
		cr_assert(eq(int, said.err, VD_OK));
		TURN_UNTIL(swarm_counters(b->swarm).hosts.bytes_in > 8 * MEGABYTE);
		TURN_UNTIL(swarm_counters(b->swarm).hosts.bytes_out > 8 * MEGABYTE);
		counters = swarm_counters(b->swarm);
		cr_assert(eq(u64, counters.hosts.accepted, 1));
		cr_assert(gt(u64, counters.hosts.streams_in, 0));
		end();
	}
}

static _Atomic unsigned hosts_reached;

static void reach(struct host *host, const void *argument)
{
	(void)host, (void)argument;
	hosts_reached++;
}

/* What was asked of all of b's hosts before is done: a stream may overtake it. */
static void settled(unsigned threads)
{
	hosts_reached = 0;
	cr_assert(eq(int, swarm_each_host(b->swarm, reach, NULL, 0), VD_OK));
	TURN_UNTIL(hosts_reached == (threads ? threads : 1));
}

Test(swarm, protocols_come_and_go_on_every_host)
{
	EACH_VARIANT(threads)
	{
		struct hold hold = { 0 };

		holds_refused = 0;
		begin(threads);
		cr_assert(eq(int, swarm_unhandle(b->swarm, "/hold/1"), VD_ENOTFOUND));
		dial_b();
		cr_assert(eq(int, swarm_handle(b->swarm, &hold_protocol), VD_OK));
		cr_assert(eq(int, swarm_handle(b->swarm, &hold_protocol), VD_EBUG_STATE));
		settled(threads);
		submit_hold(&hold, said.id);
		TURN_UNTIL(swarm_counters(b->swarm).hosts.streams_in > 1); /* beside identify */
		cr_assert(eq(int, swarm_unhandle(b->swarm, "/hold/1"), VD_OK));
		settled(threads);
		submit_hold(&hold, swarm_find(a->swarm, &b->identity.id)->id);
		TURN_UNTIL(holds_refused == 1);
		end();
	}
}

static void run_close(struct swarm_task *task, struct host_conn *conn)
{
	((struct hold *)task)->err = conn ? VD_OK : VD_ELINK_CLOSED;
	if (conn)
		host_disconnect(conn);
	swarm_task_done(task);
}

Test(swarm, a_task_for_a_connection_that_just_closed_is_run_without_it)
{
	EACH_VARIANT(threads)
	{
		struct hold first = { { .run = run_close, .done = hold_done } };
		struct hold second = first;

		begin(threads);
		dial_b();
		cr_assert(eq(int, swarm_submit(a->swarm, said.id, &first.task), VD_OK));
		cr_assert(eq(int, swarm_submit(a->swarm, said.id, &second.task), VD_OK));
		until(3);
		cr_assert(eq(int, first.err, VD_OK));
		cr_assert(eq(int, second.err, VD_ELINK_CLOSED));
		TURN_UNTIL(a->closed == 1);
		end();
	}
}

/* ---- limits ---- */

static uv_sem_t gate;

static void run_wait(struct swarm_task *task, struct host_conn *conn)
{
	(void)conn;
	uv_sem_wait(&gate);
	swarm_task_done(task);
}

static void run_nothing(struct swarm_task *task, struct host_conn *conn)
{
	(void)conn;
	swarm_task_done(task);
}

static void do_nothing(struct host *host, const void *argument)
{
	(void)host;
	(void)argument;
}

Test(swarm, a_full_mailbox_refuses_tasks_dials_and_calls, .timeout = 120)
{
	static struct hold tasks[2 * SWARM_LETTERS_MAX + 2];
	unsigned sent = 0;
	enum vd_err err;
	uint64_t id;

	begin(1);
	uv_sem_init(&gate, 0);
	dial_b();
	id = said.id;
	tasks[0].task = (struct swarm_task){ .run = run_wait, .done = hold_done };
	cr_assert(eq(int, swarm_submit(a->swarm, id, &tasks[0].task), VD_OK));
	do {
		sent++;
		tasks[sent].task = (struct swarm_task){ .run = run_nothing, .done = hold_done };
		err = swarm_submit(a->swarm, id, &tasks[sent].task);
	} while (!err && sent <= 2 * SWARM_LETTERS_MAX); /* it may have taken one lot before */
	cr_assert(eq(int, err, VD_ELIMIT));
	cr_assert(eq(u64, swarm_counters(a->swarm).letters_refused, 1));
	cr_assert(eq(int, swarm_each_host(a->swarm, do_nothing, NULL, 0), VD_ELIMIT));
	swarm_disconnect(a->swarm, id); /* is heard all the same */
	uv_sem_post(&gate);
	until(1 + sent);
	TURN_UNTIL(a->closed == 1);
	end();
	uv_sem_destroy(&gate);
}

static _Atomic unsigned answered;

static void note_answer(void *context, enum vd_err err, vd_ns rtt)
{
	(void)rtt;
	(void)err;
	answered++;
	swarm_task_done(context);
}

static void run_quiet_ping(struct swarm_task *task, struct host_conn *conn)
{
	if (host_ping(conn, note_answer, task))
		note_answer(task, VD_ELIMIT, 0);
}

/* The control thread sleeps: events are dropped and counted, answers wait for it. */
Test(swarm, events_that_nobody_reads_are_dropped_and_counted, .timeout = 120)
{
	enum { WAVE = 100, WAVES = 30 };
	static struct hold tasks[WAVE * WAVES];
	uint64_t id;

	begin(1);
	dial_b();
	id = said.id;
	for (unsigned i = 0; i < WAVE * WAVES; i++) {
		tasks[i].task = (struct swarm_task){ .run = run_quiet_ping, .done = hold_done };
		cr_assert(eq(int, swarm_submit(a->swarm, id, &tasks[i].task), VD_OK));
		while (i % WAVE == WAVE - 1 && answered <= i)
			usleep(100); /* the threads' turn */
	}
	cr_assert(gt(u64, swarm_counters(a->swarm).events_refused, 0));
	until(1 + WAVE * WAVES);
	cr_assert(lt(uint, a->pinged, WAVE * WAVES));
	end();
}
