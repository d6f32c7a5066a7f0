/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* When a router that goes away tells its edges, and when it stops (switch/SPEC.md, 12.6). */
#include "controlplane/proto/draining.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct draining draining;
static vd_ns now = VD_SECONDS(100);

/* Until `ms` later, by its deadlines: TELLs, and whether it stopped. Nothing is switched. */
static unsigned pass(unsigned ms, bool stays, bool *stopped_out)
{
	vd_ns until = now + VD_MS(ms);
	enum draining_event event;
	unsigned tells = 0;

	for (*stopped_out = false; now <= until; now = draining_deadline(&draining))
		while ((event = draining_next(&draining, now))) {
			tells += event == DRAINING_TELL;
			*stopped_out |= event == DRAINING_STOP;
			if (event == DRAINING_LOOK)
				draining_saw(&draining, 7, stays, now);
		}
	now = until;
	return tells;
}

Test(draining, who_serves_has_nothing_to_do)
{
	cr_assert(eq(u64, draining_deadline(&draining), VD_NEVER));
	cr_assert(eq(int, draining_next(&draining, now), DRAINING_NONE));
}

Test(draining, edges_are_told_four_times_more)
{
	bool stopped;

	draining_begin(&draining, now);
	cr_assert(eq(uint, pass(60000, true, &stopped), 4));
	cr_assert(not(stopped), "nobody said so");
}

Test(draining, beginning_again_tells_again)
{
	bool stopped;

	draining_begin(&draining, now);
	(void)pass(60000, true, &stopped);
	draining_begin(&draining, now);
	cr_assert(eq(uint, pass(60000, true, &stopped), 4));
}

Test(draining, at_its_end_it_is_as_before)
{
	bool stopped;

	draining_begin(&draining, now);
	draining_end(&draining);
	cr_assert(eq(uint, pass(60000, true, &stopped), 0));
}

Test(draining, a_stop_with_nobody_told_is_at_once)
{
	bool stopped;

	cr_assert(draining_stop(&draining, now));
	(void)pass(0, false, &stopped);
	cr_assert(stopped);
	cr_assert(eq(u64, draining_deadline(&draining), VD_NEVER));
}

Test(draining, a_stop_waits_for_who_stays_and_no_longer_than_it_may)
{
	bool stopped;

	(void)draining_stop(&draining, now);
	draining_told(&draining);
	(void)pass(2499, true, &stopped);
	cr_assert(not(stopped));
	(void)pass(101, true, &stopped);
	cr_assert(stopped, "2.5 s are over");
}

Test(draining, a_stop_comes_half_a_second_after_the_last_has_left)
{
	bool stopped;

	(void)draining_stop(&draining, now);
	draining_told(&draining);
	(void)pass(400, false, &stopped);
	draining_left(&draining, now);
	(void)pass(499, false, &stopped);
	cr_assert(not(stopped));
	(void)pass(101, false, &stopped); /* it looks every 0.1 s */
	cr_assert(stopped);
}

Test(draining, a_stop_while_it_drains_has_its_own_time)
{
	bool stopped;

	draining_begin(&draining, now);
	draining_told(&draining);
	(void)pass(10000, true, &stopped);
	cr_assert(draining_stop(&draining, now));
	cr_assert(not(draining_stop(&draining, now)), "the second time is news");
	(void)pass(2400, true, &stopped);
	cr_assert(not(stopped));
}

Test(draining, a_stop_is_taken_back_by_nobody)
{
	bool stopped;

	(void)draining_stop(&draining, now);
	draining_end(&draining);
	draining_begin(&draining, now);
	(void)pass(0, false, &stopped);
	cr_assert(stopped);
}
