/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/ecn.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "switch/forward.h"
#include "tests/unit/switch/rig.h"

#define NOT_ECT SW_ECN_NOT_ECT
#define ECT0    SW_ECN_ECT0
#define ECT1    SW_ECN_ECT1
#define CE      SW_ECN_CE
#define STOP    SW_ECN_DROP

/* RFC 6040, figure 4, as printed there: rows inner, columns outer. */
static const enum sw_ecn order[4] = { NOT_ECT, ECT0, ECT1, CE };
static const enum sw_ecn figure[4][4] = {
	{ NOT_ECT, NOT_ECT, NOT_ECT, STOP },
	{ ECT0, ECT0, ECT1, CE },
	{ ECT1, ECT1, ECT1, CE },
	{ CE, CE, CE, CE },
};

#define EACH_CELL(i, o) for (unsigned i = 0, o = 0; i < 4; o = (o + 1) & 3, i += o == 0)

Test(ecn, every_cell_is_as_in_figure_4)
{
	EACH_CELL(i, o)
	cr_assert(eq(int, sw_ecn_combine(order[i], order[o]), figure[i][o]), "inner %u outer %u", i,
		  o);
}

Test(ecn, an_outer_field_that_tells_nothing_changes_nothing)
{
	EACH_CELL(i, o)
	if (!sw_ecn_tells(order[o]))
		cr_assert(eq(int, sw_ecn_combine(order[i], order[o]), order[i]));
}

Test(ecn, the_class_of_ip6_is_read_whole)
{
	const uint8_t ip[2] = { 0x6b, 0xaf };

	cr_assert(eq(u8, sw_ecn_class_of_ip6(ip), 0xba));
}

/* ---- at a switch ---- */

static struct rig rig;
static struct rig_frame frame;
static unsigned a, b;

static void start(unsigned workers, uint8_t owner_a, uint8_t owner_b)
{
	rig_init(&rig, workers, 8);
	struct sw_link_config config = rig_config(&rig, owner_a);
	a = rig_link(&rig, &config, 0);
	config = rig_config(&rig, owner_b);
	b = rig_link(&rig, &config, 0);
}

/* A frame of DSCP 46 from A in an outer header with that field. */
static enum sw_verdict run(struct rig_header header, unsigned inner, unsigned outer)
{
	header.payload_len = 64;
	header.traffic_class = (uint8_t)(46 << 2 | inner);
	rig_frame(&rig, a, &header, &frame);
	frame.packet.flags = (uint8_t)(outer << SW_PACKET_ECN_SHIFT);
	return rig_run(&rig, 0, &frame, 0);
}

static void check(unsigned i, unsigned o, enum sw_verdict verdict, enum sw_verdict passed)
{
	if (figure[i][o] == STOP) {
		cr_assert(eq(int, verdict, SW_DROP));
		cr_assert(eq(int, frame.packet.drop, SW_DROP_CE_NOT_ECT));
		return;
	}
	cr_assert(eq(int, verdict, passed), "inner %u outer %u", i, o);
	cr_assert(eq(u8, frame.packet.frame[SW_AT_CLASS], (uint8_t)(46 << 2 | figure[i][o])),
		  "inner %u outer %u", i, o);
}

Test(ecn, a_switch_takes_the_outer_mark_into_the_frame_and_seals_it)
{
	uint64_t counter = 0;

	start(1, 0, 0);
	EACH_CELL(i, o)
	{
		struct rig_header header = { .counter = ++counter, .label = rig.links[b].director };
		enum sw_verdict verdict = run(header, order[i], order[o]);

		check(i, o, verdict, SW_SEND);
		cr_assert(figure[i][o] == STOP || rig_sealed_for(&rig, b, &frame));
	}
	rig_fini(&rig);
}

Test(ecn, a_delivered_frame_tells_the_last_hops_mark)
{
	uint64_t counter = 0;

	start(1, 0, 0);
	EACH_CELL(i, o)
	{
		struct rig_header header = { .counter = ++counter };

		check(i, o, run(header, order[i], order[o]), SW_DELIVER);
	}
	rig_fini(&rig);
}

/* Rows: the ingress link's owner, the egress link's; worker 0 received. */
Test(ecn, a_mark_survives_lanes)
{
	for (uint8_t row = 1; row < 4; row++) {
		unsigned worker = 0, hops = 0;

		start(2, row & 1, row >> 1);
		struct rig_header header = { .counter = 1, .label = rig.links[b].director };
		enum sw_verdict verdict = run(header, ECT0, CE);

		for (; verdict == SW_CROSS && hops < 3; hops++) {
			worker = frame.packet.worker;
			verdict = rig_resume(&rig, worker, &frame, 0);
		}
		cr_assert(gt(uint, hops, 0));
		cr_assert(eq(int, verdict, SW_SEND));
		cr_assert(eq(u8, frame.packet.frame[SW_AT_CLASS], 46 << 2 | CE));
		cr_assert(rig_sealed_for(&rig, b, &frame));
		rig_fini(&rig);
	}
}

Test(ecn, a_forged_frame_with_a_mark_is_a_bad_tag_first)
{
	start(1, 0, 0);
	struct rig_header header = { .counter = 1, .label = rig.links[b].director };

	rig_frame(&rig, a, &header, &frame);
	frame.packet.flags = SW_PACKET_ECN;
	frame.packet.frame[SW_AT_TAG] ^= 1;
	cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_DROP));
	cr_assert(eq(int, frame.packet.drop, SW_DROP_BAD_TAG));
	rig_fini(&rig);
}
