/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/capture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/eal/rig.h"

enum { ROUND = 7 };

static void look(struct rig *rig, unsigned kinds, unsigned drop, uint32_t path)
{
	atomic_store(&rig->plane.capture, sw_capture_word(kinds, drop, path, ROUND));
}

static bool captured(struct rig *rig, struct sw_captured *item_out)
{
	for (unsigned i = 0; i < rig->plane.config.workers; i++)
		if (sw_lane_pop_burst(&rig->plane.captures[i], item_out, 1))
			return true;
	return false;
}

static void send_payload(struct rig *rig, uint32_t link, uint64_t label, const void *bytes,
			 size_t len)
{
	const struct sw_inject inject = {
		.kind = SW_INJECT_PAYLOAD,
		.link = link,
		.label = label,
	};

	rig_inject(rig, 0, &inject, bytes, len);
	(void)rig_turns(rig, 2);
}

static uint64_t full(const struct rig *rig)
{
	return atomic_load(&rig->plane.counters[0].capture_full);
}

Test(capture, nothing_is_copied_while_nobody_looks)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr from = rig_addr(9, 1234);
	struct sw_captured item;

	rig_arrive(rig, &from, "\4abc", 4);
	rig_arrive(rig, &from, "\x99", 1);
	(void)rig_turns(rig, 2);
	cr_assert(not(captured(rig, &item)));
	rig_free(rig);
}

Test(capture, what_arrives_is_copied_as_it_is_with_its_way)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr from = rig_addr(9, 1234), other = rig_addr(8, 1234);
	uint8_t bytes[600];
	struct sw_captured item;

	memset(bytes, 4, sizeof bytes);
	look(rig, SW_CAPTURE_IN, 0, sw_path_hash(0, &from));
	rig_arrive(rig, &other, bytes, sizeof bytes);
	rig_arrive(rig, &from, bytes, sizeof bytes);
	(void)rig_turns(rig, 1);
	cr_assert(captured(rig, &item));
	cr_assert(zero(int, memcmp(&item.way.remote, &from, sizeof from)));
	cr_assert(eq(uint, item.len, sizeof bytes));
	cr_assert(eq(uint, item.kept, SW_CAPTURE_BYTES));
	cr_assert(zero(int, memcmp(item.bytes, bytes, item.kept)));
	cr_assert(eq(uint, item.kind, SW_CAPTURE_IN));
	cr_assert(eq(uint, item.round, ROUND));
	cr_assert(eq(u64, item.at, rig->now));
	cr_assert(not(captured(rig, &item)), "the other neighbour's is not");
	rig_free(rig);
}

Test(capture, what_leaves_is_copied_with_its_link)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr remote = rig_addr(2, 4001);
	const struct rig_datagram *sent;
	struct sw_captured item;

	look(a, SW_CAPTURE_IN | SW_CAPTURE_OUT, 0, 0);
	send_payload(a, link.a, 0, "\4ab", 3);
	sent = rig_sent(a);
	cr_assert(not(zero(ptr, (void *)sent)));
	cr_assert(captured(a, &item));
	cr_assert(eq(uint, item.kind, SW_CAPTURE_OUT));
	cr_assert(eq(u32, item.link, link.a));
	cr_assert(zero(int, memcmp(&item.way.remote, &remote, sizeof remote)));
	cr_assert(eq(uint, item.kept, sent->len));
	cr_assert(zero(int, memcmp(item.bytes, sent->bytes, sent->len)));
	rig_free(a);
	rig_free(b);
}

Test(capture, of_drops_only_those_asked_for)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	struct sw_captured item;
	uint8_t frame[64];
	uint16_t len;

	send_payload(a, link.a, 0, "\4ab", 3);
	const struct rig_datagram *sent = rig_sent(a);
	len = sent->len;
	memcpy(frame, sent->bytes, len);
	frame[30] ^= 1; /* in the tag */
	look(b, SW_CAPTURE_DROPS, SW_DROP_BAD_TAG, 0);
	rig_arrive(b, &addr_a, "\x99", 1);
	rig_arrive(b, &addr_a, frame, len);
	rig_arrive(b, &addr_a, sent->bytes, len);
	(void)rig_turns(b, 1);
	cr_assert(captured(b, &item));
	cr_assert(eq(uint, item.kind, SW_CAPTURE_DROPS));
	cr_assert(eq(uint, item.drop, SW_DROP_BAD_TAG));
	cr_assert(eq(uint, item.kept, len));
	cr_assert(zero(int, memcmp(item.bytes, frame, len)));
	cr_assert(not(captured(b, &item)));

	look(b, SW_CAPTURE_DROPS, SW_CAPTURE_ANY_DROP, 0);
	rig_arrive(b, &addr_a, "\x99", 1);
	(void)rig_turns(b, 1);
	cr_assert(captured(b, &item));
	cr_assert(eq(uint, item.drop, SW_DROP_NOT_OURS));
	rig_free(a);
	rig_free(b);
}

/* The switch makes its report in the place of the frame. */
Test(capture, a_drop_that_is_reported_is_told_with_the_frame_that_came)
{
	struct rig *a = rig_new(1, 0, false), *r = rig_new(1, 16, false);
	struct rig_pair ar = rig_link(a, 0, r, 0, 0, 0x1234);
	struct vd_udp_addr side1 = rig_addr(1, 4001);
	const uint8_t payload[20] = { 5, 9 };
	struct sw_captured item;

	look(r, SW_CAPTURE_DROPS, SW_CAPTURE_ANY_DROP, 0);
	send_payload(a, ar.a, 0x4321, payload, sizeof payload);
	cr_assert(eq(uint, rig_wire(a, r, &side1), 1));
	(void)rig_turns(r, 1);
	cr_assert(eq(u64, rig_drops(r, SW_DROP_UNKNOWN_DIRECTOR), 1));
	cr_assert(not(zero(ptr, (void *)rig_sent(r))), "a report was sent");
	cr_assert(captured(r, &item));
	cr_assert(eq(uint, item.drop, SW_DROP_UNKNOWN_DIRECTOR));
	cr_assert(eq(u64, vd_be64_load(item.bytes + SW_AT_LABEL), 0x4321));
	cr_assert(zero(int, memcmp(item.bytes + SW_AT_PAYLOAD, payload, sizeof payload)));
	cr_assert(not(captured(r, &item)));
	rig_free(a);
	rig_free(r);
}

Test(capture, a_packet_from_a_session_is_never_seen_open)
{
	struct rig *a = rig_new(2, 0, true), *b = rig_new(2, 0, true);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct rig_pair session = rig_session(a, 0, b, 1, link);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	struct sw_captured item;
	uint8_t packet[64];
	size_t len = rig_ip6(1, 2, packet);

	rig_route(a, 1, 2, session.a);
	rig_route(b, 3, 1, session.b); /* so the destination is wrong */
	look(a, SW_CAPTURE_IN | SW_CAPTURE_OUT | SW_CAPTURE_DROPS, SW_CAPTURE_ANY_DROP, 0);
	look(b, SW_CAPTURE_DROPS, SW_CAPTURE_ANY_DROP, 0);
	cr_assert(eq(sz, (size_t)write(a->tun_ends[0], packet, len), len));
	(void)rig_turns(a, 2);
	cr_assert(captured(a, &item));
	cr_assert(zero(ptr, memmem(item.bytes, item.kept, packet + 8, 16)));
	cr_assert(not(captured(a, &item)));
	cr_assert(eq(uint, rig_wire(a, b, &addr_a), 1));
	(void)rig_turns(b, 2);
	cr_assert(eq(u64, rig_drops(b, SW_DROP_WRONG_DESTINATION), 1));
	cr_assert(captured(b, &item));
	cr_assert(eq(uint, item.drop, SW_DROP_WRONG_DESTINATION));
	cr_assert(eq(uint, item.bytes[0], 6));
	cr_assert(eq(uint, item.bytes[SW_AT_PAYLOAD], 5));
	cr_assert(zero(ptr, memmem(item.bytes, item.kept, packet + 8, 16)));
	rig_free(a);
	rig_free(b);
}

Test(capture, a_full_lane_is_counted_and_holds_nothing_up)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr from = rig_addr(9, 1234);
	unsigned before = rte_mempool_avail_count(rig->pool);

	look(rig, SW_CAPTURE_IN, 0, 0);
	for (unsigned i = 0; i < RIG_QUEUE; i++)
		rig_arrive(rig, &from, "\x99", 1);
	(void)rig_turns(rig, 4);
	cr_assert(eq(u64, full(rig), 0));
	for (unsigned i = 0; i < 5; i++)
		rig_arrive(rig, &from, "\x99", 1);
	(void)rig_turns(rig, 4);
	cr_assert(eq(u64, full(rig), 5));
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NOT_OURS), RIG_QUEUE + 5));
	cr_assert(eq(uint, rte_mempool_avail_count(rig->pool), before), "no buffer is lost");
	rig_free(rig);
}
