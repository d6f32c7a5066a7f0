/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/session_path.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/* A session in virtual time: looked at every 250 ms, as the daemon does. */
static struct session_path sp;
static vd_ns now;
static unsigned challenges[8]; /* sent, by path */
static uint8_t last[8][SESSION_CHALLENGE_BYTES];
static unsigned moves, dials;
static struct peering_path moved_to;

static struct peering_path path(uint8_t n)
{
	return (struct peering_path){ .bytes = { n } };
}

static void drain(void)
{
	struct session_path_event event;

	while ((event = session_path_next(&sp, now)).kind != SESSION_PATH_NONE) {
		uint8_t n = event.path.bytes[0];

		if (event.kind == SESSION_PATH_CHALLENGE) {
			challenges[n]++;
			memcpy(last[n], event.data, sizeof last[n]);
		} else if (event.kind == SESSION_PATH_MOVE) {
			moves++;
			moved_to = event.path;
		} else {
			dials++;
		}
	}
}

/* Time passes; each look sees what the session itself sent since, and `frames` more. */
static void run(vd_ns span, unsigned frames, bool heard)
{
	vd_ns until = now + span, look = now;

	while (now < until) {
		vd_ns at = vd_ns_min(session_path_deadline(&sp), look + VD_MS(250));

		now = at > now ? at : now;
		if (now > until) {
			now = until;
			break;
		}
		if (now >= look + VD_MS(250)) {
			session_path_traffic(&sp, sp.own + frames, heard, now);
			look = now;
		}
		drain();
	}
}

static enum vd_err answer(uint8_t challenged, uint8_t by)
{
	struct peering_path way = path(by);
	enum vd_err err = session_path_answered(&sp, &way, last[challenged], now);

	drain();
	return err;
}

static void add(uint8_t n)
{
	struct peering_path way = path(n);

	session_path_add(&sp, &way, now);
	drain();
}

static void setup(void)
{
	struct peering_path first = path(1);

	now = VD_SECONDS(100);
	session_path_use(&sp, &first);
	run(VD_SECONDS(1), 1, true);
}

TestSuite(session_path, .init = setup);

Test(session_path, an_answered_session_challenges_nothing)
{
	add(2);
	run(VD_SECONDS(60), 1, true);
	cr_assert(eq(uint, challenges[1] + challenges[2], 0));
}

Test(session_path, a_session_that_sends_nothing_challenges_nothing)
{
	add(2);
	run(VD_SECONDS(60), 0, false);
	cr_assert(eq(uint, challenges[1] + challenges[2], 0));
}

Test(session_path, the_path_in_use_is_challenged_first_and_alone)
{
	add(2);
	run(VD_MS(1500), 1, false);
	cr_assert(ge(uint, challenges[1], 1));
	cr_assert(eq(uint, challenges[2], 0));
}

Test(session_path, fallbacks_are_challenged_before_3_s_of_silence)
{
	add(2);
	add(3);
	run(VD_MS(2600), 1, false);
	cr_assert(ge(uint, challenges[2], 1));
	cr_assert(ge(uint, challenges[3], 1));
	cr_assert(eq(uint, moves, 0), "nothing was answered");
}

Test(session_path, an_answer_over_a_fallback_moves_and_keeps_the_old_path)
{
	add(2);
	run(VD_MS(2600), 1, false);
	cr_assert(eq(int, (int)answer(2, 2), VD_OK));
	cr_assert(eq(uint, moves, 1));
	cr_assert(eq(uint, moved_to.bytes[0], 2));
	cr_assert(eq(uint, sp.count, 1));
	cr_assert(eq(uint, sp.fallbacks[0].bytes[0], 1));
}

Test(session_path, each_challenge_has_bytes_of_its_own)
{
	add(2);
	add(3);
	run(VD_MS(2600), 1, false);
	for (unsigned i = 1; i < 3; i++)
		cr_assert(not(zero(int, memcmp(last[i], last[i + 1], sizeof last[i]))));
	cr_assert(not(zero(int, memcmp(last[1], last[3], sizeof last[1]))));
}

Test(session_path, a_challenge_of_a_round_goes_every_half_second)
{
	unsigned before;

	add(2);
	run(VD_MS(2500), 1, false);
	before = challenges[2];
	run(VD_SECONDS(1), 0, false);
	cr_assert(ge(uint, challenges[2], before + 2));
	cr_assert(le(uint, challenges[2], before + 3));
}

Test(session_path, of_two_answers_the_first_wins)
{
	add(2);
	add(3);
	run(VD_MS(2600), 1, false);
	cr_assert(eq(int, (int)answer(3, 3), VD_OK));
	cr_assert(eq(int, (int)answer(2, 2), VD_EPEER_STATE));
	cr_assert(eq(uint, moves, 1));
	cr_assert(eq(uint, moved_to.bytes[0], 3));
}

Test(session_path, an_answer_over_another_path_than_the_challenged_one_moves_nothing)
{
	add(2);
	add(3);
	run(VD_MS(2600), 1, false);
	cr_assert(eq(int, (int)answer(2, 3), VD_EPEER_STATE));
	cr_assert(eq(int, (int)answer(2, 1), VD_EPEER_STATE));
	cr_assert(eq(uint, moves, 0));
}

Test(session_path, an_answer_that_nobody_asked_for_moves_nothing)
{
	add(2);
	cr_assert(eq(int, (int)answer(2, 2), VD_EPEER_STATE));
	cr_assert(eq(uint, moves, 0));
}

Test(session_path, an_answer_counts_for_10_s)
{
	add(2);
	run(VD_MS(2600), 1, false);
	run(VD_SECONDS(1), 0, true);
	run(VD_SECONDS(12), 0, true);
	cr_assert(eq(int, (int)answer(2, 2), VD_EPEER_STATE));
}

Test(session_path, an_answer_that_the_traffic_counters_overtook_still_moves)
{
	add(2);
	run(VD_MS(2600), 1, false);
	session_path_traffic(&sp, 0, true, now);
	cr_assert(eq(int, (int)answer(2, 2), VD_OK));
	cr_assert(eq(uint, moves, 1));
}

Test(session_path, the_path_in_use_answers_and_stays)
{
	add(2);
	run(VD_MS(2600), 1, false);
	cr_assert(eq(int, (int)answer(1, 1), VD_OK));
	cr_assert(eq(uint, moves, 0));
	cr_assert(eq(int, (int)answer(2, 2), VD_EPEER_STATE), "too late: the race is over");
}

Test(session_path, one_way_traffic_stays_where_it_is)
{
	add(2);
	for (unsigned s = 0; s < 20; s++) {
		unsigned before = challenges[1];

		run(VD_MS(750), 1, false);
		if (challenges[1] != before) {
			(void)answer(1, 1);
			session_path_traffic(&sp, 0, true, now);
		}
	}
	cr_assert(gt(uint, challenges[1], 3));
	cr_assert(eq(uint, challenges[2], 0));
}

Test(session_path, all_paths_are_tried_again_every_4_s_while_it_sends)
{
	uint8_t first[SESSION_CHALLENGE_BYTES];

	add(2);
	run(VD_MS(2600), 1, false);
	memcpy(first, last[2], sizeof first);
	run(VD_SECONDS(4), 1, false);
	cr_assert(ne(int, memcmp(first, last[2], sizeof first), 0), "a challenge of its own");
	run(VD_SECONDS(40), 1, false);
	cr_assert(le(uint, challenges[2], 12 * 8), "eight a round, a round every 4 s");
	cr_assert(ge(uint, challenges[2], 10 * 7));
}

Test(session_path, challenges_alone_do_not_keep_it_seeking)
{
	unsigned before;

	add(2);
	run(VD_MS(2600), 1, false);
	run(VD_SECONDS(10), 0, false);
	before = challenges[2];
	run(VD_SECONDS(60), 0, false);
	cr_assert(eq(uint, challenges[2], before));
}

Test(session_path, a_path_found_while_seeking_is_challenged_at_once)
{
	run(VD_MS(2600), 1, false);
	add(2);
	cr_assert(eq(uint, challenges[2], 1));
}

Test(session_path, a_challenge_of_the_peer_starts_a_race_with_the_path_in_use)
{
	struct peering_path two = path(2);

	session_path_challenged(&sp, &two, now);
	drain();
	cr_assert(eq(uint, challenges[1], 1));
	cr_assert(eq(uint, challenges[2], 1));
	cr_assert(eq(uint, moves, 0), "a challenge moves nothing by itself");
	cr_assert(eq(int, (int)answer(2, 2), VD_OK));
	cr_assert(eq(uint, moved_to.bytes[0], 2));
}

Test(session_path, a_race_goes_on_although_the_peer_is_heard)
{
	struct peering_path two = path(2);
	unsigned before;

	run(VD_MS(600), 1, false);
	session_path_challenged(&sp, &two, now);
	drain();
	session_path_traffic(&sp, 0, true, now);
	before = challenges[2];
	run(VD_SECONDS(1), 1, true);
	cr_assert(gt(uint, challenges[2], before));
	run(VD_SECONDS(10), 1, true);
	before = challenges[2];
	run(VD_SECONDS(10), 1, true);
	cr_assert(eq(uint, challenges[2], before), "but not for ever");
}

Test(session_path, seeking_goes_on_although_a_challenge_of_the_peer_is_heard)
{
	struct peering_path used = path(1);

	add(2);
	run(VD_MS(2250), 1, false);
	cr_assert(eq(u32, challenges[2], 1));
	session_path_challenged(&sp, &used, now);
	run(VD_SECONDS(4), 1, true);
	cr_assert(eq(u32, challenges[2], 8), "our way out may be dead");
	run(VD_SECONDS(4), 1, true);
	cr_assert(eq(u32, challenges[2], 8));
}

Test(session_path, and_although_the_traffic_counters_overtook_it)
{
	struct peering_path used = path(1);

	add(2);
	run(VD_MS(2250), 1, false);
	session_path_traffic(&sp, sp.own, true, now);
	session_path_challenged(&sp, &used, now);
	run(VD_SECONDS(4), 1, true);
	cr_assert(ge(u32, challenges[2], 8));
}

Test(session_path, a_challenge_over_the_path_in_use_starts_nothing)
{
	struct peering_path one = path(1);

	session_path_challenged(&sp, &one, now);
	drain();
	cr_assert(eq(uint, challenges[1], 0));
}

Test(session_path, at_most_4_fallbacks_are_kept_and_the_oldest_goes)
{
	for (uint8_t n = 2; n <= 6; n++)
		add(n);
	cr_assert(eq(uint, sp.count, SESSION_FALLBACKS));
	cr_assert(eq(uint, sp.fallbacks[0].bytes[0], 6));
	cr_assert(eq(uint, sp.fallbacks[3].bytes[0], 3));
	add(4);
	cr_assert(eq(uint, sp.count, SESSION_FALLBACKS), "known already");
}

Test(session_path, a_fallback_that_is_gone_is_not_challenged)
{
	struct peering_path two = path(2);

	add(2);
	session_path_del(&sp, &two);
	run(VD_SECONDS(3), 1, false);
	cr_assert(eq(uint, challenges[2], 0));
}

Test(session_path, doubt_seeks_at_once)
{
	add(2);
	session_path_doubt(&sp, now);
	drain();
	cr_assert(eq(uint, challenges[1], 1));
	cr_assert(eq(uint, challenges[2], 1));
}

Test(session_path, without_any_answer_it_asks_for_a_handshake_once_a_round)
{
	add(2);
	run(VD_MS(3000), 1, false);
	cr_assert(eq(uint, dials, 0));
	run(VD_MS(1500), 1, false);
	cr_assert(eq(uint, dials, 1));
	run(VD_SECONDS(4), 1, false);
	cr_assert(eq(uint, dials, 2));
}

Test(session_path, a_handshake_over_a_path_adopts_it)
{
	struct peering_path two = path(2);

	add(2);
	run(VD_MS(2600), 1, false);
	session_path_use(&sp, &two);
	drain();
	cr_assert(eq(uint, moves, 0), "the generation told it already");
	cr_assert(eq(uint, sp.current.bytes[0], 2));
	cr_assert(eq(uint, sp.fallbacks[0].bytes[0], 1));
	cr_assert(eq(u64, session_path_deadline(&sp), VD_NEVER));
}

/* ---- leaving ---- */

static void leave(void)
{
	session_path_leave(&sp, now);
	drain();
}

Test(session_path, leaving_challenges_the_others_and_moves_to_who_answers)
{
	add(2);
	leave();
	run(VD_MS(100), 1, true);
	cr_assert(eq(uint, challenges[1], 0));
	cr_assert(eq(uint, challenges[2], 1));
	cr_assert(eq(int, (int)answer(2, 2), VD_OK));
	cr_assert(eq(uint, moves, 1));
	cr_assert(eq(u8, moved_to.bytes[0], 2));
}

Test(session_path, leaving_goes_on_although_the_path_in_use_is_heard)
{
	add(2);
	leave();
	run(VD_SECONDS(10), 1, true);
	cr_assert(ge(uint, challenges[2], 16), "every 0.5 s, and again after 4 s");
}

Test(session_path, a_path_found_while_leaving_is_challenged)
{
	leave();
	add(2);
	cr_assert(eq(uint, challenges[2], 1));
}

Test(session_path, who_leaves_does_not_race_the_path_it_leaves)
{
	struct peering_path other = path(2);

	leave();
	session_path_challenged(&sp, &other, now);
	drain();
	cr_assert(eq(uint, challenges[1], 0));
	cr_assert(eq(uint, challenges[2], 1));
}

Test(session_path, who_stays_after_all_challenges_no_more)
{
	leave();
	session_path_stay(&sp);
	add(2);
	run(VD_SECONDS(10), 1, true);
	cr_assert(eq(uint, challenges[2], 0));
}

/* ---- races ---- */

static void challenged(uint8_t by)
{
	struct peering_path way = path(by);

	session_path_challenged(&sp, &way, now);
	drain();
}

Test(session_path, a_race_is_not_run_again_for_4_s)
{
	add(2);
	challenged(2);
	cr_assert(eq(int, (int)answer(1, 1), VD_OK));
	challenged(2);
	run(VD_SECONDS(3), 1, true);
	cr_assert(eq(uint, challenges[2], 1));
	run(VD_SECONDS(1), 1, true);
	challenged(2);
	cr_assert(eq(uint, challenges[2], 2));
}

Test(session_path, another_path_joins_a_race_that_nothing_has_answered)
{
	challenged(2);
	run(VD_SECONDS(1), 1, true);
	challenged(3); /* the peer found out that 2 is dead, too */
	cr_assert(eq(uint, challenges[3], 1));
	cr_assert(eq(int, (int)answer(3, 3), VD_OK));
	cr_assert(eq(uint, moves, 1));
	challenged(4);
	cr_assert(eq(uint, challenges[4], 0), "that race is over");
}

Test(session_path, who_moved_does_not_race_what_it_left)
{
	add(2);
	leave();
	cr_assert(eq(int, (int)answer(2, 2), VD_OK));
	challenged(1);
	cr_assert(eq(uint, challenges[1], 0));
}

Test(session_path, who_leaves_takes_a_path_that_the_peer_shows_although_it_raced_just_before)
{
	add(2);
	challenged(2);
	cr_assert(eq(int, (int)answer(2, 2), VD_OK));
	leave();
	challenged(3);
	cr_assert(eq(uint, challenges[3], 1));
}

Test(session_path, a_path_that_is_tried_is_moved_to_when_it_answers)
{
	struct peering_path other = path(2);

	add(2);
	session_path_try(&sp, &other, now);
	drain();
	cr_assert(eq(int, (int)answer(2, 2), VD_OK));
	cr_assert(eq(uint, moves, 1));
}
