/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/work.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { SLOW = 8 }; /* more than the pool has threads */

static struct cp_loop *loop;
static sem_t gate; /* what slow ones wait for */
static atomic_uint at_once, most_at_once;
static unsigned done_count, done_order[SLOW];

static void begin(void)
{
	cr_assert(eq(int, cp_loop_new(&loop), VD_OK));
	cr_assert(zero(int, sem_init(&gate, 0, 0)));
}

static void end(void)
{
	cp_loop_free(loop);
	sem_destroy(&gate);
}

TestSuite(work, .init = begin, .fini = end, .timeout = 60);

static void turn_until(unsigned count)
{
	while (done_count < count)
		cp_loop_turn(loop, vd_now() + VD_MS(20));
}

static void note_thread(void *context)
{
	*(pthread_t *)context = pthread_self();
}

static void count(void *context)
{
	(void)context;
	done_count++;
}

Test(work, it_runs_on_another_thread_and_is_told_on_this_one)
{
	pthread_t ran_on = pthread_self();

	cr_assert(eq(int, cp_work(loop, note_thread, count, &ran_on), VD_OK));
	cr_assert(eq(uint, done_count, 0));
	turn_until(1);
	cr_assert(not(pthread_equal(ran_on, pthread_self())));
}

static void wait_at_gate(void *context)
{
	unsigned now = atomic_fetch_add(&at_once, 1) + 1;

	(void)context;
	if (now > atomic_load(&most_at_once))
		atomic_store(&most_at_once, now);
	while (sem_wait(&gate))
		;
	atomic_fetch_sub(&at_once, 1);
}

static void note_order(void *context)
{
	done_order[done_count++] = *(unsigned *)context;
}

static void open_gate(unsigned times)
{
	while (times--)
		sem_post(&gate);
}

Test(work, slow_ones_run_one_at_a_time_in_order_and_leave_the_pool_to_others)
{
	unsigned numbers[SLOW];
	pthread_t ran_on;

	for (unsigned i = 0; i < SLOW; i++) {
		numbers[i] = i;
		cr_assert(
		    eq(int, cp_work_slow(loop, wait_at_gate, note_order, &numbers[i]), VD_OK));
	}
	cr_assert(eq(int, cp_work(loop, note_thread, count, &ran_on), VD_OK));
	turn_until(1); /* though none of the slow ones is done */
	done_count = 0;
	open_gate(SLOW);
	turn_until(SLOW);
	for (unsigned i = 0; i < SLOW; i++)
		cr_assert(eq(uint, done_order[i], i));
	cr_assert(eq(uint, atomic_load(&most_at_once), 1));
}

static void queue_another(void *context)
{
	count(context);
	if (done_count < SLOW)
		cr_assert(eq(int, cp_work_slow(loop, wait_at_gate, queue_another, NULL), VD_OK));
}

Test(work, who_is_told_may_queue_a_slow_one_again)
{
	open_gate(SLOW);
	cr_assert(eq(int, cp_work_slow(loop, wait_at_gate, queue_another, NULL), VD_OK));
	turn_until(SLOW);
	cr_assert(eq(uint, atomic_load(&most_at_once), 1));
}

Test(work, what_waits_at_the_loops_end_is_done_before)
{
	for (unsigned i = 0; i < SLOW; i++)
		cr_assert(eq(int, cp_work_slow(loop, wait_at_gate, count, NULL), VD_OK));
	open_gate(SLOW);
	cp_loop_free(loop);
	loop = NULL;
	cr_assert(eq(uint, done_count, SLOW));
}
