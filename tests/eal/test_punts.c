/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Lanes to the control thread, and shares in them: what a flood may take, and from whom. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/bytes.h"
#include "dataplane/worker_state.h"
#include "tests/eal/rig.h"

enum { FLOOD = SW_LANE_PUNTS + 100, FEW = 10 };

/* Control thread's own: how many of a kind there are, in each lane; all are taken out. */
struct counts {
	unsigned datagrams[SW_PUNT_LANES], payloads[SW_PUNT_LANES], moved, inner[SW_PUNT_LANES];
	unsigned of_link[RIG_QUEUE]; /* moved, by slot */
};

static struct counts take_all(struct rig *rig)
{
	struct counts counts = { 0 };
	struct sw_punt punt;

	while (rig_punt(rig, &punt)) {
		counts.datagrams[punt.lane] += punt.kind == SW_PUNT_DATAGRAM;
		counts.payloads[punt.lane] += punt.kind == SW_PUNT_PAYLOAD;
		counts.inner[punt.lane] += punt.kind == SW_PUNT_INNER;
		if (punt.kind != SW_PUNT_MOVED)
			continue;
		counts.moved++;
		counts.of_link[sw_index_slot(punt.link)]++;
	}
	return counts;
}

static void handshakes(struct rig *rig, unsigned count)
{
	struct vd_udp_addr from = rig_addr(9, 1234);
	const uint8_t bytes[] = { 4, 1 };

	for (unsigned i = 0; i < count; i++)
		rig_arrive(rig, &from, bytes, sizeof bytes);
}

static void sealed(struct rig *rig, uint32_t index, unsigned count)
{
	struct vd_udp_addr from = rig_addr(1, 4001);
	uint8_t bytes[29] = { 5 };

	vd_be32_store(bytes + 1, index);
	for (unsigned i = 0; i < count; i++)
		rig_arrive(rig, &from, bytes, sizeof bytes);
}

/* Switch frames with `first` as their payload, from `a` to `b`, which sees them come from `as`. */
static void payloads(struct rig *a, struct rig *b, uint32_t link, unsigned count,
		     const struct vd_udp_addr *as)
{
	const struct sw_inject inject = { .kind = SW_INJECT_PAYLOAD, .link = link };

	for (unsigned i = 0; i < count; i++) {
		rig_inject(a, 0, &inject, "\4", 1);
		(void)rig_turns(a, 1);
	}
	(void)rig_wire(a, b, as);
}

Test(punts, a_flood_of_handshakes_drops_no_sealed_frame_of_a_link)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct counts counts;

	handshakes(b, FLOOD);
	sealed(b, link.b, FEW);
	(void)rig_turns(b, 4);
	counts = take_all(b);
	cr_assert(eq(uint, counts.datagrams[SW_PUNTS_KNOWN], FEW));
	cr_assert(eq(uint, counts.datagrams[SW_PUNTS_STRANGERS], SW_LANE_PUNTS));
	cr_assert(eq(u64, rig_drops(b, SW_DROP_PUNT_FULL), FLOOD - SW_LANE_PUNTS));
	cr_assert(zero(u64, rig_drops(b, SW_DROP_CONTROL_FULL)));
	rig_free(a);
	rig_free(b);
}

Test(punts, a_flood_of_handshakes_drops_no_handshake_of_a_session_that_comes_by_a_link)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr from = rig_addr(1, 4001);
	struct counts counts;

	handshakes(b, FLOOD);
	payloads(a, b, link.a, FEW, &from);
	(void)rig_turns(b, 4);
	counts = take_all(b);
	cr_assert(eq(uint, counts.payloads[SW_PUNTS_LINKS], FEW));
	cr_assert(zero(u64, rig_drops(b, SW_DROP_CONTROL_FULL)));
	rig_free(a);
	rig_free(b);
}

Test(punts, sealed_frames_under_no_live_index_are_strangers)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct counts counts;

	for (uint32_t bit = 0; bit < 32; bit++)
		sealed(b, link.b ^ UINT32_C(1) << bit, 1);
	sealed(b, 0, 1);
	(void)rig_turns(b, 2);
	counts = take_all(b);
	cr_assert(zero(uint, counts.datagrams[SW_PUNTS_KNOWN]));
	cr_assert(eq(uint, counts.datagrams[SW_PUNTS_STRANGERS], 33));
	rig_free(a);
	rig_free(b);
}

Test(punts, who_floods_a_links_index_takes_nothing_from_other_links)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair flooded = rig_link(a, 0, b, 0, 0, 0), other = rig_link(a, 0, b, 0, 0, 0);
	struct counts counts;

	sealed(b, flooded.b, FLOOD);
	sealed(b, other.b, FEW);
	(void)rig_turns(b, 4);
	counts = take_all(b);
	cr_assert(le(uint, counts.datagrams[SW_PUNTS_KNOWN], PUNTS_A_SECOND + 1 + FEW));
	cr_assert(zero(u64, rig_drops(b, SW_DROP_CONTROL_FULL)));
	sealed(b, other.b, FEW);
	b->now += VD_SECONDS(1);
	(void)rig_turns(b, 1);
	cr_assert(eq(uint, take_all(b).datagrams[SW_PUNTS_KNOWN], FEW));
	rig_free(a);
	rig_free(b);
}

Test(punts, a_link_that_moves_all_the_time_takes_nothing_from_other_links)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair restless = rig_link(a, 0, b, 0, 0, 0), other = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr elsewhere = rig_addr(77, 7777);
	struct counts counts;

	payloads(a, b, restless.a, 200, &elsewhere);
	payloads(a, b, other.a, FEW, &elsewhere);
	(void)rig_turns(b, 4);
	counts = take_all(b);
	cr_assert(eq(uint, counts.of_link[sw_index_slot(other.b)], FEW));
	cr_assert(le(uint, counts.of_link[sw_index_slot(restless.b)], MOVES_A_SECOND + 1));
	rig_free(a);
	rig_free(b);
}
