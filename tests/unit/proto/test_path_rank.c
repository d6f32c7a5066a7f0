/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/path_rank.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

/* A session with paths 1 and 2 in virtual time; 250 ms a look, as the daemon does. */
static struct path_rank rank;
static struct session_path paths;
static vd_ns now, sent;
static vd_ns delay[3]; /* of the answer; 0: lost */
static unsigned pings[3], better;
static struct peering_path told;

static struct peering_path path(uint8_t n)
{
	return (struct peering_path){ .bytes = { n } };
}

static void setup(void)
{
	now = VD_SECONDS(100);
	paths = (struct session_path){
		.used = true, .count = 1, .current = path(1), .fallbacks = { path(2) }
	};
	delay[1] = delay[2] = VD_MS(20);
}

TestSuite(path_rank, .init = setup);

static void drain(void)
{
	struct path_rank_event event;

	while ((event = path_rank_next(&rank, now)).kind != PATH_RANK_NONE) {
		uint8_t n = event.path.bytes[0];

		if (event.kind == PATH_RANK_BETTER) {
			better++;
			told = event.path;
			continue;
		}
		pings[n]++;
		if (delay[n])
			cr_assert(path_rank_answered(&rank, event.id, now + delay[n]));
	}
}

static void run(vd_ns span, bool sends)
{
	for (vd_ns until = now + span; now < until; now += VD_MS(250)) {
		if (sends)
			sent = now;
		path_rank_look(&rank, &paths, sent, now);
		drain();
	}
}

Test(path_rank, like_paths_stay_as_they_are)
{
	delay[1] = VD_MS(23);
	run(VD_SECONDS(120), true);
	cr_assert(eq(uint, better, 0));
	cr_assert(eq(uint, pings[1], 120));
	cr_assert(eq(uint, pings[2], 120));
}

Test(path_rank, a_path_that_is_clearly_faster_is_told_after_some_rounds)
{
	delay[1] = VD_MS(60);
	run(VD_SECONDS(4), true);
	cr_assert(eq(uint, better, 0), "too early");
	run(VD_SECONDS(10), true);
	cr_assert(ge(uint, better, 1));
	cr_assert(eq(u8, told.bytes[0], 2));
}

Test(path_rank, a_faster_path_that_loses_much_is_not_better)
{
	delay[1] = VD_MS(60);
	for (int i = 0; i < 40; i++) {
		delay[2] = i % 2 ? 0 : VD_MS(20);
		run(VD_SECONDS(2), true);
	}
	cr_assert(eq(uint, better, 0));
}

Test(path_rank, a_path_that_loses_is_left_for_one_that_does_not)
{
	for (int i = 0; i < 40 && !better; i++) {
		delay[1] = i % 4 ? VD_MS(20) : 0;
		run(VD_SECONDS(2), true);
	}
	cr_assert(eq(uint, better, 1));
	cr_assert(eq(u8, told.bytes[0], 2));
}

Test(path_rank, a_session_that_sends_nothing_pings_nothing)
{
	run(VD_SECONDS(60), false);
	cr_assert(eq(uint, pings[1] + pings[2], 0));
}

Test(path_rank, a_session_with_one_path_pings_nothing)
{
	paths.count = 0;
	run(VD_SECONDS(60), true);
	cr_assert(eq(uint, pings[1], 0));
}

Test(path_rank, one_outlier_moves_nothing)
{
	run(VD_SECONDS(20), true);
	delay[1] = VD_MS(80);
	run(VD_SECONDS(1), true);
	delay[1] = VD_MS(20);
	run(VD_SECONDS(60), true);
	cr_assert(eq(uint, better, 0));
}

Test(path_rank, what_is_measured_stays_with_a_path_when_the_session_moves)
{
	delay[1] = VD_MS(60);
	while (!better)
		run(VD_MS(250), true);
	paths.current = path(2);
	paths.fallbacks[0] = path(1);
	run(VD_SECONDS(60), true);
	cr_assert(eq(uint, better, 1), "and not back");
	delay[1] = VD_MS(5);
	delay[2] = VD_MS(60);
	run(VD_SECONDS(30), true);
	cr_assert(ge(uint, better, 2));
	cr_assert(eq(u8, told.bytes[0], 1), "back when it is the better one again");
}

Test(path_rank, an_answer_to_no_ping_of_ours_is_told_so)
{
	run(VD_SECONDS(4), true);
	cr_assert(not(path_rank_answered(&rank, 7, now)));
	cr_assert(not(path_rank_answered(&rank, 0, now)));
}
