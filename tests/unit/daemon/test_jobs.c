/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Public-key work off the loop's thread: what it would call is here. The job goes on until
 * the loop has had a turn, or for ten seconds if it is the loop that runs it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdatomic.h>
#include <time.h>

#include "controlplane/daemon/jobs.h"
#include "controlplane/daemon/node.h"

static struct node node;
static _Atomic bool turned;  /* writer: the loop's timer; reader: the job */
static _Atomic bool gave_up; /* writer: the job; reader: the test */
static unsigned done;
static uint8_t owner; /* node.worker_now, when the result came */

/* ---- in place of what jobs calls ---- */

void peering_job_run(struct peering_job *job)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	vd_ns end = vd_now() + VD_SECONDS(10);

	(void)job;
	while (!atomic_load(&turned) && vd_now() < end)
		(void)nanosleep(&nap, NULL);
	if (!atomic_load(&turned))
		atomic_store(&gave_up, true);
}

enum vd_err peering_job_done(struct peering *peering, struct peering_job *job, vd_ns now)
{
	(void)peering, (void)job, (void)now;
	owner = node.worker_now;
	done++;
	return VD_OK;
}

void node_pump(struct node *n)
{
	(void)n;
}

/* ---- the tests ---- */

static void on_timer(void *context)
{
	(void)context;
	atomic_store(&turned, true);
}

static struct cp_timer *begin(void)
{
	struct cp_timer *timer;

	cr_assert(eq(int, cp_loop_new(&node.loop), VD_OK));
	cr_assert(eq(int, cp_timer_new(node.loop, on_timer, NULL, &timer), VD_OK));
	cp_timer_at(timer, vd_now());
	node.worker_now = 3;
	node_do_job(&node, NULL, NULL);
	node.worker_now = 0;
	return timer;
}

static void end(struct cp_timer *timer)
{
	cp_timer_free(timer);
	cp_loop_free(node.loop);
}

Test(jobs, a_slow_one_keeps_no_timer_waiting)
{
	struct cp_timer *timer = begin();

	node_finish_jobs(&node);
	cr_assert(not(atomic_load(&gave_up)), "the timer waited for the job");
	cr_assert(eq(u32, done, 1));
	cr_assert(eq(u8, owner, 3), "what it makes is of the worker that had the frame");
	cr_assert(eq(u8, node.worker_now, 0));
	end(timer);
}

Test(jobs, a_result_is_not_handed_over_any_more_when_the_node_stops)
{
	struct cp_timer *timer = begin();

	node.stopping = true;
	node_finish_jobs(&node);
	cr_assert(zero(u32, node.jobs_out));
	cr_assert(zero(u32, done));
	end(timer);
}
