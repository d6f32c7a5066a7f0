/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/police.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct sw_police police;

static void setup(void)
{
	sw_police_init(&police, 0, 0);
}

TestSuite(police, .init = setup);

/* All of the burst is booked, whatever the rate. */
static void drain(void)
{
	sw_police_set_rates(&police, 1, 8);
	cr_assert(sw_police_rx(&police, 1, 0));
	cr_assert(sw_police_tx(&police, 7, 1, 0));
	cr_assert(not(sw_police_rx(&police, 1, 0)));
	cr_assert(not(sw_police_tx(&police, 7, 1, 0)));
}

static bool within(uint64_t got, uint64_t wanted, unsigned per_mille)
{
	uint64_t off = got > wanted ? got - wanted : wanted - got;

	return off * 1000 <= wanted * per_mille + 1000; /* one frame at either end */
}

/* ---- exactness ---- */

static const struct {
	uint64_t pps, bps;
	uint16_t len;
	vd_ns time;
} rates[] = {
	{ 1, 0, 100, VD_SECONDS(3600) },
	{ 3, 0, 100, VD_SECONDS(600) },
	{ 1000, 0, 1400, VD_SECONDS(10) },
	{ 999983, 0, 64, VD_SECONDS(1) },
	{ 700000001, 0, 64, VD_MS(2) },
	{ 1000000000, 0, 64, VD_MS(2) },
	{ 0, 8000, 125, VD_SECONDS(600) },
	{ 0, 1000000, 1400, VD_SECONDS(30) },
	{ 0, UINT64_C(10000000000), 1400, VD_SECONDS(1) },
	{ 0, UINT64_C(400000000000), 9000, VD_MS(200) },
	{ 0, UINT64_C(999999999999), 9000, VD_MS(200) },
	{ 0, UINT64_C(1000000000000), 64, VD_MS(2) },
	{ 1000, 4000000, 1400, VD_SECONDS(10) }, /* the bytes are what is short */
	{ 100, 4000000, 1400, VD_SECONDS(30) },  /* the frames are */
};

static uint64_t frames_wanted(size_t row)
{
	double seconds = (double)rates[row].time / 1e9;
	double frames = (double)rates[row].pps * seconds;
	double fit = (double)rates[row].bps / 8 / rates[row].len * seconds;

	if (!rates[row].pps || (rates[row].bps && fit < frames))
		frames = fit;
	return (uint64_t)frames;
}

/* Offered at a hundred or three times the rate, in steps that the clock can tell apart. */
static uint64_t frames_passed(size_t row, bool out)
{
	uint64_t wanted = frames_wanted(row);
	vd_ns step = rates[row].time / (wanted * (wanted < 10000 ? 1000 : 3));
	unsigned burst = step ? 1 : 4;
	uint64_t passed = 0;

	for (vd_ns now = 0; now < rates[row].time; now += step ? step : 1)
		for (unsigned i = 0; i < burst; i++)
			passed += out ? sw_police_tx(&police, 7, rates[row].len, now)
				      : sw_police_rx(&police, rates[row].len, now);
	return passed;
}

Test(police, what_comes_in_passes_at_the_rate_to_four_thousandths)
{
	for (size_t row = 0; row < sizeof rates / sizeof rates[0]; row++) {
		setup();
		drain();
		sw_police_set_rates(&police, rates[row].pps, rates[row].bps);
		uint64_t passed = frames_passed(row, false), wanted = frames_wanted(row);
		cr_assert(within(passed, wanted, 4), "row %zu: %lu of %lu", row,
			  (unsigned long)passed, (unsigned long)wanted);
	}
}

Test(police, what_one_sender_sends_leaves_at_the_rate_to_four_thousandths)
{
	for (size_t row = 0; row < sizeof rates / sizeof rates[0]; row++) {
		setup();
		drain();
		sw_police_set_rates(&police, rates[row].pps, rates[row].bps);
		uint64_t passed = frames_passed(row, true), wanted = frames_wanted(row);
		cr_assert(within(passed, wanted, 4), "row %zu: %lu of %lu", row,
			  (unsigned long)passed, (unsigned long)wanted);
	}
}

Test(police, a_burst_is_one_second_of_the_rate_either_way)
{
	unsigned in = 0, out = 0;

	sw_police_set_rates(&police, 250, 0);
	for (unsigned i = 0; i < 1000; i++) {
		in += sw_police_rx(&police, 100, 0);
		out += sw_police_tx(&police, 7, 100, 0);
	}
	cr_assert(eq(uint, in, 250));
	cr_assert(eq(uint, out, 250));
}

Test(police, a_frame_refused_for_its_bytes_costs_no_frame)
{
	sw_police_set_rates(&police, 10, 8 * 1000);
	cr_assert(sw_police_rx(&police, 991, 0));
	for (unsigned i = 0; i < 100; i++)
		cr_assert(not(sw_police_rx(&police, 1000, 0)));
	for (unsigned i = 0; i < 9; i++)
		cr_assert(sw_police_rx(&police, 1, 0), "small frame %u", i);
	cr_assert(not(sw_police_rx(&police, 0, 0)), "ten frames have passed");
}

Test(police, a_frame_above_the_burst_passes_a_full_bucket_and_is_paid_for)
{
	unsigned passed = 0;

	sw_police_set_rates(&police, 0, 8 * 100);
	for (vd_ns now = 0; now < VD_SECONDS(150); now += VD_MS(100))
		passed += sw_police_rx(&police, 1500, now);
	cr_assert(eq(uint, passed, 10));
}

Test(police, without_rates_all_passes)
{
	for (unsigned i = 0; i < 100000; i++)
		cr_assert(sw_police_rx(&police, UINT16_MAX, 0) &&
			  sw_police_tx(&police, 7, UINT16_MAX, 0));
}

/* ---- rates that change, clocks that jump ---- */

Test(police, a_changed_rate_holds_from_then_on)
{
	unsigned passed[3] = { 0 };
	const uint64_t pps[] = { 100, 1000, 10 };

	drain();
	for (unsigned s = 0; s < 3; s++) {
		sw_police_set_rates(&police, pps[s], 0);
		for (vd_ns now = VD_SECONDS(10 * s); now < VD_SECONDS(10 * s + 10);
		     now += VD_MS(1) / 2)
			passed[s] += sw_police_tx(&police, 7, 100, now);
	}
	cr_assert(within(passed[0], 1000, 2), "%u", passed[0]);
	cr_assert(within(passed[1], 10000, 2), "%u", passed[1]);
	cr_assert(within(passed[2], 100, 2), "%u", passed[2]);
}

Test(police, after_a_jump_of_the_clock_there_is_at_most_a_burst)
{
	const vd_ns from = VD_SECONDS(1000000);
	const vd_ns to[] = { from + VD_SECONDS(3600), from - VD_SECONDS(3600), 0,
			     from + VD_SECONDS(86400) * 300 };

	for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
		unsigned passed = 0;

		sw_police_init(&police, 0, from);
		sw_police_set_rates(&police, 100, 0);
		for (unsigned n = 0; n < 200; n++)
			(void)sw_police_rx(&police, 100, from);
		for (unsigned n = 0; n < 200; n++)
			passed += sw_police_rx(&police, 100, to[i]);
		cr_assert(eq(uint, passed, 100), "row %zu", i);
	}
}

Test(police, who_was_idle_until_times_wrap_finds_the_buckets_full)
{
	const vd_ns wrap = UINT64_C(1) << (64 - SW_TICK_BITS);

	sw_police_set_rates(&police, 100, 0);
	cr_assert(sw_police_rx(&police, 100, 0));
	for (vd_ns now = 0; now <= wrap - VD_SECONDS(60); now += VD_SECONDS(3600))
		sw_police_settle(&police, now);
	for (unsigned i = 0; i < 100; i++)
		cr_assert(sw_police_rx(&police, 100, wrap - VD_SECONDS(60)), "frame %u", i);
}

/* ---- fairness ---- */

enum { RATE = 10000, SENDERS_MOST = 64 };

struct contest {
	uint64_t per_s[SENDERS_MOST]; /* offered, evenly spread */
	uint64_t offered[SENDERS_MOST], passed[SENDERS_MOST];
	unsigned senders;
};

static void compete(struct contest *c, vd_ns from, vd_ns to)
{
	const vd_ns step = 20000;

	for (vd_ns now = from; now < to; now += step)
		for (unsigned i = 0; i < c->senders; i++) {
			uint64_t before = now * c->per_s[i] / VD_NS_PER_S;
			uint64_t after = (now + step) * c->per_s[i] / VD_NS_PER_S;

			for (; before < after; before++) {
				c->offered[i]++;
				c->passed[i] += sw_police_tx(&police, 1000 + i, 500, now);
			}
		}
}

static uint64_t total(const struct contest *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < c->senders; i++)
		sum += c->passed[i];
	return sum;
}

/* 10 s, after 14 s in which the burst goes. */
static struct contest settled_contest(struct contest c)
{
	compete(&c, 0, VD_SECONDS(14));
	memset(c.passed, 0, sizeof c.passed);
	memset(c.offered, 0, sizeof c.offered);
	compete(&c, VD_SECONDS(14), VD_SECONDS(24));
	return c;
}

Test(police, who_was_silent_until_times_wrap_takes_no_share)
{
	const vd_ns wrap = UINT64_C(1) << (64 - SW_TICK_BITS);
	struct contest c = { .per_s = { RATE, RATE }, .senders = 2 };
	unsigned passed = 0;

	sw_police_set_rates(&police, RATE, 0);
	compete(&c, 0, VD_SECONDS(2));
	for (vd_ns now = VD_SECONDS(60); now <= wrap; now += VD_SECONDS(3600))
		sw_police_settle(&police, now);
	for (unsigned i = 0; i < 2 * RATE; i++)
		passed += sw_police_tx(&police, 7, 500, wrap + VD_SECONDS(2));
	cr_assert(eq(uint, passed, RATE), "all of the burst, as for who sends alone");
}

static const uint64_t pairs[][2] = {
	{ 10000, 10000 }, { 7000, 6000 },     { 10000, 100000 }, { 6000, 60000 },
	{ 6000, 199000 }, { 100000, 100000 }, { 5500, 5500 },
};

Test(police, of_two_senders_into_a_slow_link_each_gets_half)
{
	for (size_t row = 0; row < sizeof pairs / sizeof pairs[0]; row++) {
		setup();
		sw_police_set_rates(&police, RATE, 0);
		struct contest c = settled_contest(
		    (struct contest){ .per_s = { pairs[row][0], pairs[row][1] }, .senders = 2 });
		cr_assert(within(c.passed[0], 5 * RATE, 20), "row %zu: %lu", row,
			  (unsigned long)c.passed[0]);
		cr_assert(within(c.passed[1], 5 * RATE, 20), "row %zu: %lu", row,
			  (unsigned long)c.passed[1]);
		cr_assert(within(total(&c), 10 * RATE, 2), "row %zu", row);
	}
}

Test(police, shares_are_of_bytes_where_bytes_are_short)
{
	sw_police_set_rates(&police, 0, UINT64_C(8) * 500 * RATE);
	struct contest c =
	    settled_contest((struct contest){ .per_s = { 8000, 80000 }, .senders = 2 });

	cr_assert(within(c.passed[0], 5 * RATE, 20), "%lu", (unsigned long)c.passed[0]);
	cr_assert(within(c.passed[1], 5 * RATE, 20), "%lu", (unsigned long)c.passed[1]);
}

Test(police, who_asks_for_less_than_its_share_loses_nothing_and_others_get_the_rest)
{
	const uint64_t little[] = { 3000, 1000, 100, 20, 3 };

	for (size_t row = 0; row < sizeof little / sizeof little[0]; row++) {
		setup();
		sw_police_set_rates(&police, RATE, 0);
		struct contest c = settled_contest(
		    (struct contest){ .per_s = { little[row], 10 * RATE }, .senders = 2 });
		cr_assert(eq(u64, c.passed[0], c.offered[0]), "row %zu", row);
		cr_assert(within(total(&c), 10 * RATE, 2), "row %zu: %lu", row,
			  (unsigned long)total(&c));
	}
}

Test(police, a_newcomer_is_not_kept_out_by_who_has_filled_the_bucket)
{
	struct contest c = { .per_s = { 0, 10 * RATE }, .senders = 2 };

	sw_police_set_rates(&police, RATE, 0);
	compete(&c, 0, VD_SECONDS(5));
	c.per_s[0] = 2000;
	compete(&c, VD_SECONDS(5), VD_SECONDS(10));
	cr_assert(eq(u64, c.passed[0], c.offered[0]));
}

Test(police, who_took_what_nobody_wanted_is_not_punished_for_long)
{
	struct contest c = { .per_s = { 0, 10 * RATE }, .senders = 2 };

	sw_police_set_rates(&police, RATE, 0);
	compete(&c, 0, VD_SECONDS(30));
	c.per_s[0] = 10 * RATE;
	compete(&c, VD_SECONDS(30), VD_SECONDS(32));
	c.passed[0] = c.passed[1] = 0;
	compete(&c, VD_SECONDS(32), VD_SECONDS(42));
	cr_assert(within(c.passed[1], 5 * RATE, 20), "%lu", (unsigned long)c.passed[1]);
}

Test(police, up_to_eight_senders_share_alike_and_more_share_all_of_the_rate)
{
	const unsigned counts[] = { 3, 5, 8, 9, 16, 40 };

	for (size_t row = 0; row < sizeof counts / sizeof counts[0]; row++) {
		struct contest c = { .senders = counts[row] };

		for (unsigned i = 0; i < c.senders; i++)
			c.per_s[i] = i % 2 ? RATE : 4000;
		setup();
		sw_police_set_rates(&police, RATE, 0);
		c = settled_contest(c);
		for (unsigned i = 0; i < c.senders && c.senders <= SW_SENDERS; i++)
			cr_assert(within(c.passed[i], 10 * RATE / c.senders, 100),
				  "%u senders: %lu", c.senders, (unsigned long)c.passed[i]);
		cr_assert(within(total(&c), 10 * RATE, 5), "%u senders: %lu", c.senders,
			  (unsigned long)total(&c));
	}
}
