/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Which step of a switch comes first (switch/SPEC.md, 8): frames that two steps would drop, and
 * what a dropped one takes from nobody.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "switch/forward.h"
#include "switch/label.h"
#include "tests/unit/switch/rig.h"

enum { WIDTH = 8, TOO_BIG = 1401, CE = 3 };

/* Links A and B; frames come by A. */
static struct rig rig;
static struct rig_frame frame;
static unsigned a, b;
static uint64_t counter;

static unsigned policed(uint64_t pps)
{
	struct sw_link_config config = rig_config(&rig, 0);

	config.pps = pps;
	return rig_link(&rig, &config, 0);
}

static void setup(void)
{
	rig_init(&rig, 1, WIDTH);
	a = policed(0);
	b = policed(0);
	counter = 0;
}

static void teardown(void)
{
	rig_fini(&rig);
}

TestSuite(forward_order, .init = setup, .fini = teardown);

static struct rig_header to(unsigned link)
{
	return (struct rig_header){ .counter = ++counter,
				    .label = rig.links[link].director,
				    .payload_len = 64 };
}

static enum sw_verdict run(unsigned from, struct rig_header header)
{
	rig_frame(&rig, from, &header, &frame);
	return rig_run(&rig, 0, &frame, 0);
}

/* Without the report that some drops cause. */
static enum sw_drop drop_of(unsigned from, struct rig_header header)
{
	header.flags = SW_FLAG_ERROR;
	cr_assert(eq(int, run(from, header), SW_DROP));
	return (enum sw_drop)frame.packet.drop;
}

static void permit(unsigned link, uint64_t mask)
{
	sw_link_set_permit(&rig.plane.links, rig.links[link].index, mask);
}

Test(forward_order, the_window_is_looked_at_before_the_tag)
{
	struct rig_header header = to(b);

	cr_assert(eq(int, run(a, header), SW_SEND));
	rig_frame(&rig, a, &header, &frame);
	frame.packet.frame[SW_AT_TAG] ^= 1;
	cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_DROP));
	cr_assert(eq(int, frame.packet.drop, SW_DROP_REPLAYED));
}

Test(forward_order, congestion_is_taken_after_the_tag_and_before_the_label)
{
	struct rig_header header = to(b);

	header.used = 61;
	rig_frame(&rig, a, &header, &frame);
	frame.packet.flags = CE << SW_PACKET_ECN_SHIFT;
	frame.packet.frame[SW_AT_TAG] ^= 1;
	cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_DROP));
	cr_assert(eq(int, frame.packet.drop, SW_DROP_BAD_TAG));
	rig_frame(&rig, a, &header, &frame);
	frame.packet.flags = CE << SW_PACKET_ECN_SHIFT;
	cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_DROP));
	cr_assert(eq(int, frame.packet.drop, SW_DROP_CE_NOT_ECT));
}

Test(forward_order, a_keepalive_costs_no_delivery)
{
	unsigned link;

	rig.plane.links.delivery_per_s = 1;
	link = policed(0);
	for (unsigned i = 0; i < 5; i++)
		cr_assert(eq(int, run(link, (struct rig_header){ .counter = ++counter }), SW_DONE));
	cr_assert(eq(int, run(link, (struct rig_header){ .counter = ++counter, .payload_len = 1 }),
		     SW_DELIVER));
	cr_assert(eq(int,
		     drop_of(link, (struct rig_header){ .counter = ++counter, .payload_len = 1 }),
		     SW_DROP_DELIVERY_RATE));
}

Test(forward_order, an_exhausted_label_is_not_looked_up)
{
	struct rig_header header = to(b);

	header.used = 60 - WIDTH + 1;
	header.label = UINT64_C(1) << WIDTH; /* director 0, and more route */
	cr_assert(eq(int, drop_of(a, header), SW_DROP_EXHAUSTED));
}

Test(forward_order, the_way_back_is_refused_before_permission_is_looked_at_and_unreported)
{
	permit(a, 0);
	cr_assert(eq(int, run(a, to(a)), SW_DROP), "no report");
	cr_assert(eq(int, frame.packet.drop, SW_DROP_SAME_LINK));
}

Test(forward_order, the_way_back_costs_nothing_of_the_rate)
{
	unsigned from = policed(1);

	for (unsigned i = 0; i < 3; i++)
		cr_assert(eq(int, drop_of(from, to(from)), SW_DROP_SAME_LINK));
	cr_assert(eq(int, run(from, to(b)), SW_SEND));
	cr_assert(eq(int, drop_of(from, to(b)), SW_DROP_OVER_RATE));
}

Test(forward_order, what_is_not_permitted_costs_nothing_of_the_rate)
{
	unsigned from = policed(1);

	permit(from, 0);
	for (unsigned i = 0; i < 3; i++)
		cr_assert(eq(int, drop_of(from, to(b)), SW_DROP_NOT_PERMITTED));
	permit(from, ~UINT64_C(0));
	cr_assert(eq(int, run(from, to(b)), SW_SEND));
	cr_assert(eq(int, drop_of(from, to(b)), SW_DROP_OVER_RATE));
	permit(from, 0);
	cr_assert(eq(int, drop_of(from, to(b)), SW_DROP_NOT_PERMITTED), "although over the rate");
}

Test(forward_order, what_is_over_the_rate_of_the_ingress_costs_the_egress_nothing)
{
	unsigned from = policed(1), out = policed(2);

	cr_assert(eq(int, run(from, to(out)), SW_SEND));
	for (unsigned i = 0; i < 3; i++)
		cr_assert(eq(int, drop_of(from, to(out)), SW_DROP_OVER_RATE));
	cr_assert(eq(int, run(a, to(out)), SW_SEND));
	cr_assert(eq(int, drop_of(a, to(out)), SW_DROP_OVER_RATE));
}

Test(forward_order, the_rate_of_the_egress_comes_before_its_size)
{
	unsigned out = policed(1);
	struct rig_header big;

	cr_assert(eq(int, run(a, to(out)), SW_SEND));
	big = to(out);
	big.payload_len = TOO_BIG;
	cr_assert(eq(int, drop_of(a, big), SW_DROP_OVER_RATE));
}

Test(forward_order, the_size_comes_before_the_address)
{
	struct rig_header big = to(b);

	rig_record(&rig, b)->send.outer_len = 0;
	big.payload_len = TOO_BIG;
	cr_assert(eq(int, drop_of(a, big), SW_DROP_TOO_BIG));
}
