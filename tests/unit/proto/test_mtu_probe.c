/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/mtu_probe.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/init.h"

/* A path in virtual time: what it carries, what it loses, whether its router tells. */
static struct mtu_probe mp;
static vd_ns now;
static struct path {
	uint32_t carries;
	unsigned loss; /* percent, of a ping or its answer */
	unsigned whim; /* percent lost of what is longer than 1280 */
	bool coy;      /* answers what is longer than 1280 only when it is about to be given up */
	bool dead;
	bool reports;
	vd_ns rtt;
} path;
static uint64_t seed;
static unsigned sent, sent_largest, black_holes, too_small;

enum { ON_WAY = 64 };
static struct on_way {
	vd_ns at; /* VD_NEVER: free */
	uint64_t id;
	uint16_t size;
	bool report;
} on_way[ON_WAY];

static unsigned draw(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

static void send(const struct mtu_event *event)
{
	bool fits = event->size <= path.carries;

	sent++;
	if (event->size > sent_largest)
		sent_largest = event->size;
	if (path.whim && event->size > 1280 && draw(100) < path.whim)
		return;
	if (path.coy && event->size > 1280 && (event->size != mp.bad || mp.fails < 4))
		return;
	if (path.dead || (path.loss && draw(100) < path.loss) || (!fits && !path.reports))
		return;
	for (unsigned i = 0; i < ON_WAY; i++) {
		if (on_way[i].at != VD_NEVER)
			continue;
		on_way[i] = (struct on_way){ now + path.rtt, event->id, event->size, !fits };
		return;
	}
	cr_fatal("more on its way than a machine sends");
}

static void drain(void)
{
	struct mtu_event event;
	unsigned limit = 1000;

	while ((event = mtu_probe_next(&mp, now)).kind != MTU_NONE) {
		cr_assert(gt(uint, --limit, 0), "it does not come to rest");
		if (event.kind == MTU_SEND)
			send(&event);
		black_holes += event.kind == MTU_BLACK_HOLE;
		too_small += event.kind == MTU_TOO_SMALL;
	}
}

static void arrive(struct on_way *one)
{
	one->at = VD_NEVER;
	if (one->report)
		mtu_probe_reported(&mp, path.carries, now);
	else
		cr_assert(mtu_probe_answered(&mp, one->id, one->size, now));
	drain();
}

/* The next that happens, at most until `until`; false: nothing does. */
static bool step(vd_ns until)
{
	struct on_way *first = &on_way[0];
	vd_ns deadline = mtu_probe_deadline(&mp);

	for (unsigned i = 1; i < ON_WAY; i++)
		if (on_way[i].at < first->at)
			first = &on_way[i];
	if (vd_ns_min(first->at, deadline) > until)
		return false;
	now = vd_ns_min(first->at, deadline) > now ? vd_ns_min(first->at, deadline) : now;
	if (first->at <= now)
		arrive(first);
	else
		drain();
	return true;
}

/* Time passes; with traffic the host sends all the while. */
static void run(vd_ns span, bool traffic)
{
	vd_ns until = now + span;

	while (now < until) {
		vd_ns slice = vd_ns_min(until, now + VD_MS(250));

		if (traffic)
			mtu_probe_traffic(&mp);
		while (step(slice))
			;
		now = slice;
	}
}

/* Whether it came to an end within a minute. */
static bool search_ends(void)
{
	for (unsigned i = 0; i < 240 && mp.state != MTU_COMPLETE; i++)
		run(VD_MS(250), true);
	return mp.state == MTU_COMPLETE;
}

static void begin(uint32_t max)
{
	now = VD_SECONDS(1);
	for (unsigned i = 0; i < ON_WAY; i++)
		on_way[i].at = VD_NEVER;
	sent = sent_largest = black_holes = too_small = 0;
	mtu_probe_begin(&mp, max, now);
	drain();
}

static void setup(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	path = (struct path){ .carries = 1409, .rtt = VD_MS(20) };
	seed = 1;
}

TestSuite(mtu_probe, .init = setup);

Test(mtu_probe, a_path_that_carries_the_limit_is_found_in_two_round_trips)
{
	begin(1409);
	run(VD_MS(45), true);
	cr_assert(eq(int, mp.state, MTU_COMPLETE));
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1409));
	cr_assert(le(uint, sent, 7));
}

Test(mtu_probe, every_size_is_found_exactly)
{
	for (path.carries = 1280; path.carries <= 9000;
	     path.carries += path.carries < 1600 ? 1 : 97) {
		begin(path.carries < 1500 ? 1500 : 9000);
		cr_assert(search_ends(), "%u", path.carries);
		cr_assert(eq(u16, mtu_probe_mtu(&mp), path.carries));
		cr_assert(lt(u64, now, VD_SECONDS(6)), "%u", path.carries);
		cr_assert(zero(uint, black_holes));
	}
}

Test(mtu_probe, nothing_above_the_limit_is_sent)
{
	path.carries = 9000;
	begin(1409);
	cr_assert(search_ends());
	run(VD_SECONDS(700), true);
	cr_assert(eq(uint, sent_largest, 1409));
}

Test(mtu_probe, it_is_found_although_one_in_ten_is_lost)
{
	for (unsigned i = 0; i < 300; i++) {
		seed = i;
		path = (struct path){ .carries = 1280 + draw(300), .loss = 19, .rtt = VD_MS(20) };
		begin(1600);
		cr_assert(search_ends(), "seed %u", i);
		cr_assert(eq(u16, mtu_probe_mtu(&mp), path.carries), "seed %u", i);
	}
}

Test(mtu_probe, a_round_trip_of_two_seconds_is_waited_for)
{
	path = (struct path){ .carries = 1333, .rtt = VD_SECONDS(2) };
	begin(1409);
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1333));
}

Test(mtu_probe, until_something_failed_the_limit_counts)
{
	path.dead = true;
	begin(1409);
	run(VD_SECONDS(20), true);
	cr_assert(eq(int, mp.state, MTU_BASE));
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1409));
	path = (struct path){ .carries = 1300, .rtt = VD_MS(20) };
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1300));
}

Test(mtu_probe, a_report_makes_it_faster)
{
	path = (struct path){ .carries = 1309, .rtt = VD_MS(20) };
	begin(1409);
	cr_assert(search_ends());
	unsigned without = sent;
	vd_ns took = now;

	path.reports = true;
	begin(1409);
	run(VD_MS(150), true);
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1309), "known after the second turn");
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1309));
	cr_assert(lt(uint, sent, without));
	cr_assert(lt(u64, now, took));
}

Test(mtu_probe, a_report_below_what_is_used_lowers_it_at_once)
{
	begin(1409);
	cr_assert(search_ends());
	path.carries = 1309;
	mtu_probe_reported(&mp, 1309, now);
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1309));
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1309));
	cr_assert(zero(uint, black_holes));
}

Test(mtu_probe, a_false_report_is_found_out)
{
	begin(1409);
	cr_assert(search_ends());
	mtu_probe_reported(&mp, 1281, now);
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1281));
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1409));
}

Test(mtu_probe, a_report_of_more_than_is_carried_is_found_out)
{
	path.carries = 1300;
	begin(1409);
	mtu_probe_reported(&mp, 1390, now);
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1300));
	mtu_probe_reported(&mp, 1295, now);
	path.carries = 1285; /* the report was too high */
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1285));
	cr_assert(eq(uint, black_holes, 1));
}

Test(mtu_probe, a_report_below_1280_never_lowers_below_it)
{
	begin(1409);
	cr_assert(search_ends());
	mtu_probe_reported(&mp, 0, now);
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1280));
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1409));
}

Test(mtu_probe, reports_cause_ten_turns_a_second_at_most)
{
	begin(1409);
	cr_assert(search_ends());
	sent = 0;
	for (unsigned i = 0; i < 100; i++) {
		mtu_probe_reported(&mp, 1400 - i, now);
		run(VD_MS(10), true);
	}
	cr_assert(le(uint, sent, 11 * MTU_PROBES_A_TURN));
}

Test(mtu_probe, a_black_hole_is_found_while_there_is_traffic)
{
	vd_ns since;

	begin(1409);
	cr_assert(search_ends());
	path.carries = 1309;
	since = now;
	while (!black_holes && now < since + VD_SECONDS(60))
		run(VD_MS(250), true);
	cr_assert(eq(uint, black_holes, 1));
	cr_assert(le(u64, now - since, VD_SECONDS(8)));
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1280));
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1309));
}

Test(mtu_probe, a_dead_path_is_no_black_hole)
{
	begin(1409);
	cr_assert(search_ends());
	path.dead = true;
	run(VD_SECONDS(100), true);
	cr_assert(zero(uint, black_holes));
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1409));
}

Test(mtu_probe, a_path_under_1280_is_an_error_until_it_carries_that)
{
	path.carries = 1279;
	begin(1409);
	run(VD_SECONDS(10), true);
	cr_assert(eq(int, mp.state, MTU_ERROR));
	cr_assert(eq(uint, too_small, 1));
	run(VD_SECONDS(300), true);
	cr_assert(eq(uint, too_small, 1), "said once");
	path.carries = 1320;
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1320));
}

Test(mtu_probe, a_path_that_shrinks_below_1280_becomes_an_error)
{
	path.carries = 1280;
	begin(1409);
	cr_assert(search_ends());
	path.carries = 1000;
	run(VD_SECONDS(20), true);
	cr_assert(eq(int, mp.state, MTU_ERROR));
}

Test(mtu_probe, who_sends_nothing_sends_no_probes)
{
	begin(1409);
	cr_assert(search_ends());
	run(VD_SECONDS(20), false);
	sent = 0;
	run(VD_SECONDS(3600), false);
	cr_assert(zero(uint, sent));
	cr_assert(eq(u64, mtu_probe_deadline(&mp), VD_NEVER));
}

Test(mtu_probe, a_dead_path_without_traffic_is_left_alone)
{
	path.dead = true;
	begin(1409);
	run(VD_SECONDS(120), false);
	sent = 0;
	run(VD_SECONDS(600), false);
	cr_assert(zero(uint, sent));
}

Test(mtu_probe, with_traffic_one_turn_in_five_seconds_is_sent)
{
	begin(1409);
	cr_assert(search_ends());
	sent = 0;
	run(VD_SECONDS(500), true);
	cr_assert(le(uint, sent, 2 * 101));
	cr_assert(ge(uint, sent, 2 * 90));
}

Test(mtu_probe, after_ten_minutes_it_looks_whether_more_passes)
{
	path.carries = 1309;
	begin(1409);
	cr_assert(search_ends());
	path.carries = 1409;
	run(VD_SECONDS(590), true);
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1309));
	run(VD_SECONDS(20), true);
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1409));
}

Test(mtu_probe, a_limit_that_rises_is_searched_up_to)
{
	path.carries = 1500;
	begin(1309);
	cr_assert(search_ends());
	mtu_probe_limit(&mp, 1409, now);
	cr_assert(search_ends());
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1409));
	mtu_probe_limit(&mp, 1300, now);
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1300), "and one that falls counts at once");
}

Test(mtu_probe, a_path_used_again_is_confirmed)
{
	begin(1409);
	cr_assert(search_ends());
	run(VD_SECONDS(60), false);
	path.carries = 1290;
	mtu_probe_resume(&mp, now);
	run(VD_SECONDS(4), true);
	cr_assert(eq(uint, black_holes, 1));
}

Test(mtu_probe, ids_cannot_be_foreseen)
{
	uint64_t first;

	begin(1409);
	first = mp.ones[mp.half][0].id;
	begin(1409);
	cr_assert(ne(u64, mp.ones[mp.half][0].id, first));
	cr_assert(ne(u64, mp.ones[mp.half][0].id, mp.ones[mp.half][1].id));
}

Test(mtu_probe, answers_that_fit_no_probe_change_nothing)
{
	begin(1409);
	cr_assert(not(mtu_probe_answered(&mp, 0, 1409, now)));
	cr_assert(not(mtu_probe_answered(&mp, 12345, 1409, now)));
	cr_assert(not(mtu_probe_answered(&mp, mp.ones[mp.half][0].id, 1281, now)));
	cr_assert(eq(u16, mp.good, 1280));
	cr_assert(not(mp.ones[mp.half][0].answered));
}

Test(mtu_probe, a_peer_that_answers_at_whim_does_not_keep_us_searching)
{
	for (unsigned i = 0; i < 50; i++) {
		seed = i;
		path = (struct path){ .carries = 9000, .whim = 80, .rtt = VD_MS(20) };
		begin(9000);
		cr_assert(search_ends(), "seed %u", i);
	}
}

Test(mtu_probe, a_peer_that_is_coy_does_not_keep_us_searching)
{
	path = (struct path){ .carries = 9000, .coy = true, .rtt = VD_MS(20) };
	begin(9000);
	cr_assert(search_ends());
	cr_assert(lt(u16, mp.good, 1300));
}

Test(mtu_probe, a_few_probes_lost_are_no_black_hole)
{
	begin(1409);
	cr_assert(search_ends());
	path.carries = 1300;
	for (unsigned i = 0; i < 200 && mp.fails < MTU_MAX_PROBES - 2; i++)
		run(VD_MS(50), true);
	cr_assert(eq(u8, mp.fails, MTU_MAX_PROBES - 2), "and one more is on its way");
	path.carries = 1409;
	run(VD_SECONDS(60), true);
	cr_assert(zero(uint, black_holes));
	cr_assert(eq(u16, mtu_probe_mtu(&mp), 1409));
}
