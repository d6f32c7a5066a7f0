/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/forward.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/bytes.h"
#include "multigram/frame.h"
#include "switch/label.h"
#include "tests/unit/switch/rig.h"

enum { WIDTH = 8 };

/* Two links of a switch, A and B, owned by worker 0; frames come by A. */
static struct rig rig;
static struct rig_frame frame;
static unsigned a, b;

static void two_links(unsigned workers, uint8_t owner_a, uint8_t owner_b)
{
	rig_init(&rig, workers, WIDTH);
	struct sw_link_config config = rig_config(&rig, owner_a);
	a = rig_link(&rig, &config, 0);
	config = rig_config(&rig, owner_b);
	b = rig_link(&rig, &config, 0);
}

static void setup(void)
{
	two_links(1, 0, 0);
}

static void teardown(void)
{
	rig_fini(&rig);
}

static struct rig_header to_b(uint64_t counter)
{
	return (struct rig_header){ .counter = counter,
				    .label = rig.links[b].director,
				    .payload_len = 64 };
}

static enum sw_verdict run(struct rig_header header)
{
	rig_frame(&rig, a, &header, &frame);
	return rig_run(&rig, 0, &frame, 0);
}

#define ASSERT_DROPPED(verdict, reason)                                                            \
	do {                                                                                       \
		cr_assert(eq(int, (verdict), SW_DROP));                                            \
		cr_assert(eq(int, frame.packet.drop, SW_DROP_##reason),                            \
			  "dropped for %s, not " #reason,                                          \
			  sw_drop_name((enum sw_drop)frame.packet.drop));                          \
	} while (0)

TestSuite(forward, .init = setup, .fini = teardown);

Test(forward, a_frame_leaves_by_the_link_its_label_names_sealed_anew)
{
	struct rig_header sent = to_b(1);
	sent.flags = 0x35;
	sent.zero = 0x77;
	sent.traffic_class = 0xb9;

	cr_assert(eq(int, run(sent), SW_SEND));
	cr_assert(eq(ptr, frame.packet.egress, rig_record(&rig, b)));
	cr_assert(rig_sealed_for(&rig, b, &frame));

	struct rig_header got = rig_parse(&frame);
	cr_assert(eq(u64, got.counter, 1));
	cr_assert(eq(u64, got.label, sw_label_reverse_of(rig.links[a].director)));
	cr_assert(eq(u8, got.used, WIDTH));
	cr_assert(eq(u8, got.flags, 0x35));
	cr_assert(eq(u8, got.zero, 0x77));
	cr_assert(eq(u8, got.traffic_class, 0xb9));
	cr_assert(eq(u16, got.payload_len, 64));
	cr_assert(eq(u8, frame.packet.frame[SW_AT_PAYLOAD + 63], 64));
}

Test(forward, what_passes_is_accounted_on_both_links)
{
	for (uint64_t counter = 1; counter <= 3; counter++)
		cr_assert(eq(int, run(to_b(counter)), SW_SEND));
	cr_assert(eq(u64, rig_record(&rig, a)->rx_frames, 3));
	cr_assert(eq(u64, rig_record(&rig, a)->rx_bytes, 3 * (33 + 64)));
	cr_assert(eq(u64, rig_record(&rig, b)->tx_counter, 3));
	cr_assert(eq(u64, rig_record(&rig, b)->tx_bytes, 3 * (33 + 64)));
}

Test(forward, a_frame_whose_label_is_used_up_is_delivered_with_its_label)
{
	struct rig_header header = {
		.counter = 1, .label = UINT64_C(0xff) << 56, .used = 8, .payload_len = 20
	};

	cr_assert(eq(int, run(header), SW_DELIVER));
	cr_assert(eq(u32, frame.packet.index, rig.links[a].index));
	cr_assert(eq(u64, rig_parse(&frame).label, header.label));
}

Test(forward, label_bits_below_the_used_ones_are_a_route_not_a_delivery)
{
	/* used 8: the low 56 bits are still route */
	struct rig_header header = {
		.counter = 1, .label = rig.links[b].director, .used = 8, .payload_len = 20
	};

	cr_assert(eq(int, run(header), SW_SEND));
	cr_assert(eq(u8, rig_parse(&frame).used, 16));
}

Test(forward, other_flags_and_the_reserved_byte_are_ignored_where_a_frame_ends)
{
	struct rig_header header = { .counter = 1, .flags = 0x7f, .zero = 0xff, .payload_len = 20 };

	cr_assert(eq(int, run(header), SW_DELIVER));
}

Test(forward, a_payload_behind_its_first_16_bytes_is_not_looked_at)
{
	struct rig_header header = to_b(1);

	rig_frame(&rig, a, &header, &frame);
	memset(frame.packet.frame + SW_AT_PAYLOAD + 16, 0xee, 64 - 16);
	cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_SEND));
	for (unsigned at = 16; at < 64; at++)
		cr_assert(eq(u8, frame.packet.frame[SW_AT_PAYLOAD + at], 0xee));
}

/* Dropped after it verified: it was received all the same. */
Test(forward, a_verified_frame_that_is_dropped_counts_as_received)
{
	struct rig_header header = { .counter = 5, .label = 1, .used = 61, .payload_len = 20 };

	ASSERT_DROPPED(run(header), EXHAUSTED);
	cr_assert(eq(u64, rig_record(&rig, a)->rx_frames, 1));
	ASSERT_DROPPED(run(header), REPLAYED);
}

Test(forward, a_link_without_permits_calls_nobody_and_is_called_by_nobody)
{
	struct sw_link_config config = rig_config(&rig, 0);
	struct rig_header header = to_b(1);

	config.permit = 0;
	header.payload_len = 15;
	a = rig_link(&rig, &config, 0);
	ASSERT_DROPPED(run(header), NOT_PERMITTED);
	header.label = rig.links[a].director;
	rig_frame(&rig, b, &header, &frame);
	ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), NOT_PERMITTED);
}

Test(forward, a_keepalive_ends_here_and_counts_as_received)
{
	cr_assert(eq(int, run((struct rig_header){ .counter = 1 }), SW_DONE));
	cr_assert(eq(u64, rig_record(&rig, a)->rx_frames, 1));
}

Test(forward, frames_shorter_than_the_header_are_dropped)
{
	for (uint16_t len = 0; len < SW_HEADER; len++) {
		struct rig_header header = to_b(1);

		rig_frame(&rig, a, &header, &frame);
		frame.packet.len = len;
		ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), TRUNCATED);
	}
}

Test(forward, unknown_indices_are_dropped)
{
	uint32_t index = rig.links[a].index;
	const uint32_t wrong[] = { 0,          index ^ 1,    index + 0x100, index | 0xffffff00,
				   UINT32_MAX, index + 0x200 };

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct rig_header header = to_b(1);

		rig_frame(&rig, a, &header, &frame);
		if (wrong[i] == rig.links[b].index)
			continue;
		vd_be32_store(frame.packet.frame + SW_AT_RECEIVER, wrong[i]);
		ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), UNKNOWN_INDEX);
		cr_assert(eq(u32, frame.packet.index, 0));
	}
}

Test(forward, every_covered_bit_is_verified)
{
	/* header but the receiver index (another link, or none), tag, 16 bytes of payload */
	for (unsigned bit = SW_AT_COUNTER * 8; bit < (SW_AT_PAYLOAD + 16) * 8; bit++) {
		struct rig_header header = to_b(7);

		rig_frame(&rig, a, &header, &frame);
		frame.packet.frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), BAD_TAG);
		cr_assert(eq(u64, rig_record(&rig, a)->top, 0), "nothing was marked");
	}
}

Test(forward, a_changed_length_does_not_verify)
{
	struct rig_header header = to_b(1);

	rig_frame(&rig, a, &header, &frame);
	frame.packet.len--;
	ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), BAD_TAG);
}

Test(forward, payloads_shorter_than_the_tag_covers_verify)
{
	for (uint16_t len = 0; len <= 17; len++) {
		struct rig_header header = to_b(len + 1u);

		header.payload_len = len;
		cr_assert(eq(int, run(header), SW_SEND), "payload of %u", len);
		cr_assert(rig_sealed_for(&rig, b, &frame));
	}
}

Test(forward, counter_zero_is_never_valid)
{
	ASSERT_DROPPED(run(to_b(0)), REPLAYED);
}

Test(forward, a_replay_is_dropped_at_every_position_of_the_window)
{
	for (uint64_t counter = 1; counter <= 700; counter++)
		cr_assert(eq(int, run(to_b(counter)), SW_SEND));
	for (uint64_t counter = 1; counter <= 700; counter++)
		ASSERT_DROPPED(run(to_b(counter)), REPLAYED);
}

Test(forward, late_frames_pass_once_within_the_window)
{
	cr_assert(eq(int, run(to_b(1000)), SW_SEND));
	ASSERT_DROPPED(run(to_b(1000 - 512)), REPLAYED);
	for (uint64_t counter = 1000 - 511; counter < 1000; counter++) {
		cr_assert(eq(int, run(to_b(counter)), SW_SEND));
		ASSERT_DROPPED(run(to_b(counter)), REPLAYED);
	}
}

Test(forward, one_counter_twice_in_a_burst_passes_once)
{
	static struct rig_frame frames[2];
	struct sw_packet packets[2];
	struct rig_header header = to_b(5);

	for (unsigned i = 0; i < 2; i++) {
		rig_frame(&rig, a, &header, &frames[i]);
		packets[i] = frames[i].packet;
	}
	sw_forward_burst(rig.forwards[0], packets, 2, 0);
	cr_assert(eq(int, packets[0].verdict, SW_SEND));
	cr_assert(eq(int, packets[1].verdict, SW_DROP));
	cr_assert(eq(int, packets[1].drop, SW_DROP_REPLAYED));
}

Test(forward, a_forged_frame_does_not_move_the_window)
{
	struct rig_header header = to_b(1000000);

	rig_frame(&rig, a, &header, &frame);
	frame.packet.frame[SW_AT_TAG] ^= 1;
	ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), BAD_TAG);
	cr_assert(eq(int, run(to_b(1)), SW_SEND));
}

Test(forward, a_frame_from_elsewhere_is_told_only_with_the_highest_counter)
{
	struct rig_header header = to_b(10);

	rig_frame(&rig, a, &header, &frame);
	frame.packet.path ^= 1;
	cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_SEND));
	cr_assert(eq(int, frame.packet.flags, SW_PACKET_MOVED));

	header.counter = 9;
	rig_frame(&rig, a, &header, &frame);
	frame.packet.path ^= 1;
	cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_SEND));
	cr_assert(eq(int, frame.packet.flags, 0));
}

Test(forward, used_above_sixty_is_exhausted_even_for_an_empty_label)
{
	for (unsigned used = 61; used < 256; used++)
		ASSERT_DROPPED(run((struct rig_header){
				   .counter = used, .used = (uint8_t)used, .payload_len = 32 }),
			       EXHAUSTED);
}

Test(forward, a_step_that_would_use_more_than_sixty_bits_is_exhausted)
{
	struct rig_header header = to_b(1);

	header.used = 60 - WIDTH + 1;
	/* all of the 64 - used bits that are left are route */
	ASSERT_DROPPED(run(header), EXHAUSTED);
	header.counter = 2;
	header.used = 60 - WIDTH;
	cr_assert(eq(int, run(header), SW_SEND));
	cr_assert(eq(u8, rig_parse(&frame).used, 60));
}

Test(forward, director_zero_names_no_link)
{
	struct rig_header header = to_b(1);

	header.label = UINT64_C(1) << WIDTH; /* low bits 0, more route above */
	header.payload_len = 15;             /* too short for a report */
	ASSERT_DROPPED(run(header), UNKNOWN_DIRECTOR);
}

Test(forward, a_frame_does_not_leave_by_the_link_it_came_by)
{
	struct rig_header header = to_b(1);

	header.label = rig.links[a].director;
	ASSERT_DROPPED(run(header), SAME_LINK);
}

Test(forward, a_newer_generation_is_still_the_same_link)
{
	struct sw_link_config config = rig_config(&rig, 0);

	config.director = rig.links[a].director;
	unsigned newer = rig_link(&rig, &config, 0);
	struct rig_header header = to_b(1);
	header.label = rig.links[a].director;
	ASSERT_DROPPED(run(header), SAME_LINK);

	rig_frame(&rig, newer, &header, &frame);
	ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), SAME_LINK);
}

/* may_call and may_be_called of A and B, and whether a frame passes, either way. */
static const struct {
	uint64_t a, b;
	bool passes;
} permits[] = {
	{ 0, 0, false },
	{ UINT64_C(0x1), UINT64_C(0x100000000), true },               /* A calls B */
	{ UINT64_C(0x100000000), UINT64_C(0x1), true },               /* B may call A: replies */
	{ UINT64_C(0x1), UINT64_C(0x1), false },                      /* both only call */
	{ UINT64_C(0x100000000), UINT64_C(0x100000000), false },      /* both only called */
	{ UINT64_C(0x2), UINT64_C(0x100000000), false },              /* other realms */
	{ UINT64_C(0x80000000), UINT64_C(0x8000000000000000), true }, /* realm 31 */
	{ UINT64_C(0x100000001), UINT64_C(0x0), false },
};

Test(forward, a_frame_passes_if_one_may_call_and_the_other_be_called_in_a_realm)
{
	uint64_t counter = 1;

	for (size_t i = 0; i < sizeof permits / sizeof permits[0]; i++) {
		sw_link_set_permit(&rig.plane.links, rig.links[a].index, permits[i].a);
		sw_link_set_permit(&rig.plane.links, rig.links[b].index, permits[i].b);
		struct rig_header header = to_b(counter++);
		header.payload_len = 15;
		if (permits[i].passes)
			cr_assert(eq(int, run(header), SW_SEND), "row %zu", i);
		else
			ASSERT_DROPPED(run(header), NOT_PERMITTED);
	}
}

Test(forward, a_payload_larger_than_the_egress_carries_is_too_big)
{
	struct rig_header header = to_b(1);

	header.payload_len = 1400;
	cr_assert(eq(int, run(header), SW_SEND));
	header.counter = 2;
	header.payload_len = 1401;
	header.flags = SW_FLAG_ERROR; /* unreported */
	ASSERT_DROPPED(run(header), TOO_BIG);
}

Test(forward, a_link_without_a_way_drops)
{
	rig_record(&rig, b)->send.outer_len = 0;
	ASSERT_DROPPED(run(to_b(1)), NO_LINK);
}

Test(forward, a_node_of_width_zero_delivers_but_does_not_switch)
{
	rig_fini(&rig);
	rig_init(&rig, 1, 0);
	struct sw_link_config config = rig_config(&rig, 0);
	a = rig_link(&rig, &config, 0);

	cr_assert(eq(int, run((struct rig_header){ .counter = 1, .payload_len = 9 }), SW_DELIVER));
	ASSERT_DROPPED(run((struct rig_header){ .counter = 2, .label = 1, .payload_len = 9 }),
		       NOT_A_SWITCH);
}

static unsigned policed(uint64_t pps, uint64_t bps)
{
	struct sw_link_config config = rig_config(&rig, 0);

	config.pps = pps;
	config.bps = bps;
	return rig_link(&rig, &config, 0);
}

Test(forward, frames_above_the_rate_of_the_ingress_link_are_dropped)
{
	unsigned from = policed(3, 0);

	for (uint64_t counter = 1; counter <= 4; counter++) {
		struct rig_header header = to_b(counter);

		header.payload_len = 15;
		rig_frame(&rig, from, &header, &frame);
		enum sw_verdict verdict = rig_run(&rig, 0, &frame, 0);
		if (counter <= 3)
			cr_assert(eq(int, verdict, SW_SEND));
		else
			ASSERT_DROPPED(verdict, OVER_RATE);
	}
}

Test(forward, bytes_above_the_rate_of_the_egress_link_are_dropped)
{
	unsigned to = policed(0, 8 * 2 * (33 + 15));

	for (uint64_t counter = 1; counter <= 3; counter++) {
		struct rig_header header = to_b(counter);

		header.label = rig.links[to].director;
		header.payload_len = 15;
		enum sw_verdict verdict = run(header);
		if (counter <= 2)
			cr_assert(eq(int, verdict, SW_SEND));
		else
			ASSERT_DROPPED(verdict, OVER_RATE);
	}
}

Test(forward, changed_rates_hold_for_a_live_link)
{
	sw_link_set_rates(&rig.plane.links, rig.links[a].index, 1, 0);
	cr_assert(eq(int, run(to_b(1)), SW_SEND));
	struct rig_header next = to_b(2);
	next.payload_len = 15; /* unreported */
	ASSERT_DROPPED(run(next), OVER_RATE);
	sw_link_set_rates(&rig.plane.links, rig.links[a].index, 0, 0);
	cr_assert(eq(int, run(to_b(3)), SW_SEND));
}

Test(forward, two_links_share_the_egress_though_one_sends_ten_times_as_much)
{
	unsigned slow = policed(1000, 0), passed[2] = { 0 };
	const unsigned from[2] = { a, b };
	uint64_t counters[2] = { 0 };

	for (vd_ns now = 0; now < VD_SECONDS(8); now += VD_MS(1))
		for (unsigned n = 0; n < 11; n++) {
			unsigned who = n > 0;
			struct rig_header header = { .counter = ++counters[who],
						     .label = rig.links[slow].director,
						     .payload_len = 15 };

			rig_frame(&rig, from[who], &header, &frame);
			bool sent = rig_run(&rig, 0, &frame, now) == SW_SEND;
			passed[who] += sent && now >= VD_SECONDS(3);
		}
	cr_assert(ge(uint, passed[0], 2250), "%u of 5000", passed[0]);
	cr_assert(le(uint, passed[0], 2750), "%u of 5000", passed[0]);
	cr_assert(ge(uint, passed[0] + passed[1], 4900));
	cr_assert(le(uint, passed[0] + passed[1], 5100));
}

Test(forward, deliveries_have_a_rate_of_their_own)
{
	rig.plane.links.delivery_per_s = 2;
	struct sw_link_config config = rig_config(&rig, 0);
	unsigned link = rig_link(&rig, &config, 0);

	for (uint64_t counter = 1; counter <= 3; counter++) {
		struct rig_header header = { .counter = counter, .payload_len = 1 };

		rig_frame(&rig, link, &header, &frame);
		enum sw_verdict verdict = rig_run(&rig, 0, &frame, 0);
		if (counter <= 2)
			cr_assert(eq(int, verdict, SW_DELIVER));
		else
			ASSERT_DROPPED(verdict, DELIVERY_RATE);
	}
	struct rig_header header = { .counter = 9, .payload_len = 1 };
	rig_frame(&rig, link, &header, &frame);
	cr_assert(eq(int, rig_run(&rig, 0, &frame, VD_SECONDS(1)), SW_DELIVER));
}

Test(forward, frames_of_a_live_session_are_not_held_by_the_rate_of_deliveries)
{
	rig.plane.links.delivery_per_s = 1;
	struct sw_link_config config = rig_config(&rig, 0);
	unsigned link = rig_link(&rig, &config, 0);
	const struct sw_session_config session = { .cipher = VD_CHACHA20_POLY1305 };
	uint32_t index;

	cr_assert(eq(int, (int)sw_session_reserve(&rig.plane.sessions, &index), VD_OK));
	sw_session_publish(&rig.plane.sessions, index, &session);
	for (uint64_t counter = 1; counter <= 4; counter++) {
		struct rig_header header = { .counter = counter, .payload_len = SW_SEAL_OVERHEAD };

		rig_frame(&rig, link, &header, &frame);
		frame.packet.frame[SW_AT_PAYLOAD] = MG_SEALED;
		vd_be32_store(frame.packet.frame + SW_AT_PAYLOAD + 1,
			      counter <= 3 ? index : index ^ 1);
		rig_seal(&frame, rig.links[link].rx_key);
		cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_DELIVER));
	}
	struct rig_header header = { .counter = 9, .payload_len = 1 };
	rig_frame(&rig, link, &header, &frame);
	ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), DELIVERY_RATE);
}

/* ---- reports ---- */

Test(forward, an_unknown_director_is_reported_to_where_the_frame_came_from)
{
	struct rig_header header = to_b(1);
	uint32_t free_director = 1;

	while (free_director == rig.links[a].director || free_director == rig.links[b].director)
		free_director++;
	header.label = (UINT64_C(0x2d) << 56) | (0x5u << WIDTH) | free_director;
	header.used = 8;
	cr_assert(eq(int, run(header), SW_SEND));
	cr_assert(eq(int, frame.packet.flags, SW_PACKET_REPORT));
	cr_assert(eq(ptr, frame.packet.egress, rig_record(&rig, a)));
	cr_assert(rig_sealed_for(&rig, a, &frame));
	cr_assert(eq(u64, rig.plane.counters[0].drops[SW_DROP_UNKNOWN_DIRECTOR], 1));

	struct rig_header got = rig_parse(&frame);
	cr_assert(eq(u8, got.flags, SW_FLAG_ERROR));
	cr_assert(eq(u8, got.used, 0));
	cr_assert(eq(u64, got.label, sw_bitreverse(UINT64_C(0x2d) << 56)));
	cr_assert(eq(u16, got.payload_len, 16));
	const uint8_t expected[] = { 7, 1,  0,  0,  8,  0,  0,  (uint8_t)free_director,
				     9, 10, 11, 12, 13, 14, 15, 16 };
	cr_assert(eq(int, memcmp(frame.packet.frame + SW_AT_PAYLOAD, expected, 16), 0));
}

Test(forward, reports_name_their_reason_and_limit)
{
	const struct {
		uint8_t code;
		uint16_t limit;
	} rows[] = { { 3, 0 }, { 5, 1400 } };

	for (size_t i = 0; i < 2; i++) {
		struct rig_header header = to_b(i + 1);

		if (i == 0)
			sw_link_set_permit(&rig.plane.links, rig.links[b].index, 0);
		else
			header.payload_len = 1500;
		cr_assert(eq(int, run(header), SW_SEND));
		cr_assert(eq(u8, frame.packet.frame[SW_AT_PAYLOAD + 1], rows[i].code));
		cr_assert(
		    eq(u16, vd_be16_load(frame.packet.frame + SW_AT_PAYLOAD + 2), rows[i].limit));
		sw_link_set_permit(&rig.plane.links, rig.links[b].index, sw_permit(1, 1));
	}
}

static void is_reported_as(uint8_t code, uint64_t bad_counter)
{
	cr_assert(eq(u8, frame.packet.frame[SW_AT_PAYLOAD + 1], code));
	cr_assert(zero(u16, vd_be16_load(frame.packet.frame + SW_AT_PAYLOAD + 2)));
	cr_assert(eq(u64, rig.plane.counters[0].drops[SW_DROP_OVER_RATE], bad_counter));
	cr_assert(eq(u8, rig_parse(&frame).flags, SW_FLAG_ERROR));
}

Test(forward, what_is_over_a_rate_is_reported_as_such)
{
	unsigned from = policed(1, 0), to = policed(0, 8 * (33 + 64));

	for (uint64_t counter = 1; counter <= 2; counter++) {
		struct rig_header header = to_b(counter);

		rig_frame(&rig, from, &header, &frame);
		cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_SEND));
	}
	is_reported_as(4, 1);
	cr_assert(rig_sealed_for(&rig, from, &frame));
	for (uint64_t counter = 1; counter <= 2; counter++) {
		struct rig_header header = to_b(counter);

		header.label = rig.links[to].director;
		cr_assert(eq(int, run(header), SW_SEND));
	}
	is_reported_as(4, 2);
	cr_assert(rig_sealed_for(&rig, a, &frame));
}

Test(forward, errors_short_payloads_and_long_routes_are_not_reported)
{
	sw_link_set_permit(&rig.plane.links, rig.links[b].index, 0);
	struct rig_header error = to_b(1), brief = to_b(2), far = to_b(3);

	error.flags = SW_FLAG_ERROR;
	ASSERT_DROPPED(run(error), NOT_PERMITTED);
	brief.payload_len = 15;
	ASSERT_DROPPED(run(brief), NOT_PERMITTED);
	far.used = 33;
	ASSERT_DROPPED(run(far), NOT_PERMITTED);
	cr_assert(eq(u64, rig_record(&rig, a)->tx_counter, 0));
}

Test(forward, reports_are_at_most_fifty_a_second_on_a_link)
{
	uint64_t counter = 0;

	sw_link_set_permit(&rig.plane.links, rig.links[b].index, 0);
	for (unsigned second = 0; second < 3; second++) {
		unsigned reported = 0;

		for (unsigned i = 0; i < 200; i++) {
			struct rig_header header = to_b(++counter);

			rig_frame(&rig, a, &header, &frame);
			reported += rig_run(&rig, 0, &frame, VD_SECONDS(second)) == SW_SEND;
		}
		cr_assert(eq(uint, reported, 50));
	}
}

/* ---- several workers ---- */

static void three_workers(void)
{
	two_links(3, 1, 2);
}

TestSuite(forward_workers, .init = three_workers, .fini = teardown);

Test(forward_workers, a_frame_goes_from_arrival_to_ingress_owner_to_egress_owner)
{
	struct rig_header header = to_b(1);

	rig_frame(&rig, a, &header, &frame);
	cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_CROSS));
	cr_assert(eq(u8, frame.packet.worker, 1));
	cr_assert(eq(u8, frame.packet.stage, SW_STAGE_VERIFIED));
	cr_assert(eq(u64, rig_record(&rig, a)->rx_frames, 0), "not ours to count");

	cr_assert(eq(int, rig_resume(&rig, 1, &frame, 0), SW_CROSS));
	cr_assert(eq(u8, frame.packet.worker, 2));
	cr_assert(eq(u8, frame.packet.stage, SW_STAGE_EGRESS));
	cr_assert(eq(u64, rig_record(&rig, a)->rx_frames, 1));
	cr_assert(eq(u64, rig_record(&rig, b)->tx_counter, 0));

	cr_assert(eq(int, rig_resume(&rig, 2, &frame, 0), SW_SEND));
	cr_assert(rig_sealed_for(&rig, b, &frame));
	cr_assert(eq(u64, rig_parse(&frame).label, sw_label_reverse_of(rig.links[a].director)));
	cr_assert(eq(u64, rig_record(&rig, a)->rx_frames, 1), "counted once");
}

Test(forward_workers, a_forged_frame_stops_where_it_arrives)
{
	struct rig_header header = to_b(1);

	rig_frame(&rig, a, &header, &frame);
	frame.packet.frame[SW_AT_TAG] ^= 1;
	ASSERT_DROPPED(rig_run(&rig, 0, &frame, 0), BAD_TAG);
}

Test(forward_workers, the_owner_refuses_a_replay_that_crossed)
{
	for (unsigned i = 0; i < 2; i++) {
		struct rig_header header = to_b(1);

		rig_frame(&rig, a, &header, &frame);
		cr_assert(eq(int, rig_run(&rig, 0, &frame, 0), SW_CROSS));
		enum sw_verdict verdict = rig_resume(&rig, 1, &frame, 0);
		if (i == 0)
			cr_assert(eq(int, verdict, SW_CROSS));
		else
			ASSERT_DROPPED(verdict, REPLAYED);
	}
}

Test(forward_workers, links_that_went_while_the_frame_crossed_are_noticed)
{
	struct rig_header header = to_b(1);

	rig_frame(&rig, a, &header, &frame);
	cr_assert(eq(int, rig_run(&rig, 1, &frame, 0), SW_CROSS));
	struct rig_frame verified;
	rig_frame(&rig, a, &(struct rig_header){ .counter = 2, .label = rig.links[b].director },
		  &verified);
	cr_assert(eq(int, rig_run(&rig, 0, &verified, 0), SW_CROSS));

	sw_director_set(&rig.plane.directors, rig.links[b].director, 0);
	sw_link_retire(&rig.plane.links, rig.links[b].index);
	ASSERT_DROPPED(rig_resume(&rig, 2, &frame, 0), NO_LINK);
	sw_link_retire(&rig.plane.links, rig.links[a].index);
	frame = verified;
	frame.packet.frame = frame.room + SW_HEADROOM;
	ASSERT_DROPPED(rig_resume(&rig, 1, &frame, 0), UNKNOWN_INDEX);
}

Test(forward_workers, a_drop_at_the_egress_owner_is_reported_by_the_ingress_owner)
{
	struct rig_header header = to_b(1);

	header.payload_len = 1500;
	rig_frame(&rig, a, &header, &frame);
	cr_assert(eq(int, rig_run(&rig, 1, &frame, 0), SW_CROSS));
	cr_assert(eq(int, rig_resume(&rig, 2, &frame, 0), SW_CROSS));
	cr_assert(eq(u8, frame.packet.stage, SW_STAGE_REPORT));
	cr_assert(eq(u8, frame.packet.worker, 1));
	cr_assert(eq(u64, rig.plane.counters[2].drops[SW_DROP_TOO_BIG], 1));
	cr_assert(eq(int, rig_resume(&rig, 1, &frame, 0), SW_SEND));
	cr_assert(rig_sealed_for(&rig, a, &frame));
	const uint8_t *payload = frame.packet.frame + SW_AT_PAYLOAD;
	cr_assert(eq(u8, payload[1], 5));
	cr_assert(eq(u16, vd_be16_load(payload + 2), 1400));
	cr_assert(eq(u8, payload[4], 0), "used as received");
	cr_assert(eq(u8, payload[7], rig.links[b].director));
}

/* ---- frames of our own ---- */

Test(forward, own_payloads_become_frames_of_the_link)
{
	const struct sw_origin origin = { .label = UINT64_C(0x123456789),
					  .flags = 0x80,
					  .traffic_class = 0x2a };

	memset(&frame, 0, sizeof frame);
	memset(frame.room, 0xff, sizeof frame.room); /* what was there before */
	frame.packet.frame = frame.room + SW_HEADROOM;
	frame.packet.len = SW_HEADER + 30;
	frame.packet.egress = rig_record(&rig, b);
	sw_forward_originate(rig.forwards[0], &frame.packet, &origin, 1, 77);
	cr_assert(eq(int, frame.packet.verdict, SW_SEND));
	cr_assert(eq(u8, frame.packet.frame[0], 6));
	cr_assert(rig_sealed_for(&rig, b, &frame));
	struct rig_header got = rig_parse(&frame);
	cr_assert(eq(u64, got.label, origin.label));
	cr_assert(eq(u8, got.flags, 0x80));
	cr_assert(eq(u8, got.traffic_class, 0x2a));
	cr_assert(all(zero(u8, got.used), zero(u8, got.zero)));
	cr_assert(eq(u64, rig_record(&rig, b)->tx_last_ns, 77));
}

Test(forward, own_payloads_are_refused_when_too_big_or_without_a_way)
{
	const struct sw_origin origin = { .label = 0 };

	memset(&frame, 0, sizeof frame);
	frame.packet.frame = frame.room + SW_HEADROOM;
	frame.packet.len = SW_HEADER + 1401;
	frame.packet.egress = rig_record(&rig, b);
	sw_forward_originate(rig.forwards[0], &frame.packet, &origin, 1, 0);
	ASSERT_DROPPED(frame.packet.verdict, TOO_BIG);
	frame.packet.len = SW_HEADER;
	frame.packet.egress = NULL;
	sw_forward_originate(rig.forwards[0], &frame.packet, &origin, 1, 0);
	ASSERT_DROPPED(frame.packet.verdict, NO_LINK);
}

Test(forward, more_packets_than_a_burst_holds_are_all_switched)
{
	enum { COUNT = 300 };
	static struct rig_frame frames[COUNT];
	static struct sw_packet packets[COUNT];

	for (unsigned i = 0; i < COUNT; i++) {
		struct rig_header header = to_b(i + 1);

		rig_frame(&rig, a, &header, &frames[i]);
		if (i % 7 == 3)
			frames[i].packet.frame[SW_AT_TAG] ^= 1;
		packets[i] = frames[i].packet;
	}
	sw_forward_burst(rig.forwards[0], packets, COUNT, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		cr_assert(eq(int, packets[i].verdict, i % 7 == 3 ? SW_DROP : SW_SEND));
		if (i % 7 != 3)
			cr_assert(rig_sealed_for(&rig, b, &frames[i]));
	}
}

/* ---- keepalives ---- */

static unsigned keepalives(vd_ns from, vd_ns until)
{
	struct sw_link *links[8];
	unsigned found = 0;

	for (vd_ns now = from; now <= until; now += VD_MS(10)) {
		unsigned n = sw_forward_keepalives(rig.forwards[0], now, links, 8);

		found += n;
		for (unsigned i = 0; i < n; i++)
			links[i]->tx_last_ns = now; /* as originate does */
	}
	return found;
}

Test(forward, a_silent_link_is_due_after_fifteen_seconds_and_before_twenty)
{
	sw_link_set_keepalive(&rig.plane.links, rig.links[a].index, true);
	cr_assert(eq(uint, keepalives(0, VD_MS(14990)), 0));
	cr_assert(eq(uint, keepalives(VD_SECONDS(15), VD_SECONDS(20) + VD_MS(100)), 1));
	cr_assert(eq(uint, keepalives(VD_SECONDS(20) + VD_MS(100), VD_SECONDS(29)), 0));
}

Test(forward, links_of_others_and_retired_ones_get_no_keepalive)
{
	sw_link_set_keepalive(&rig.plane.links, rig.links[a].index, true);
	sw_link_set_keepalive(&rig.plane.links, rig.links[b].index, true);
	rig_record(&rig, a)->tx_owner = 3;
	sw_director_set(&rig.plane.directors, rig.links[b].director, 0);
	sw_link_retire(&rig.plane.links, rig.links[b].index);
	cr_assert(eq(uint, keepalives(VD_SECONDS(30), VD_SECONDS(40)), 0));
}

/* 13 days and some hours, after which a booked second would seem to lie ahead again. */
Test(forward, a_link_that_was_idle_until_times_wrap_has_its_deliveries)
{
	const vd_ns wrap = UINT64_C(1) << (64 - SW_TICK_BITS);
	struct sw_link *links[8];

	rig.plane.links.delivery_per_s = 2;
	struct sw_link_config config = rig_config(&rig, 0);
	unsigned link = rig_link(&rig, &config, 0);

	for (uint64_t counter = 1; counter <= 3; counter++) {
		struct rig_header header = { .counter = counter, .payload_len = 1 };

		rig_frame(&rig, link, &header, &frame);
		if (counter == 3)
			for (vd_ns now = 0; now <= wrap; now += VD_SECONDS(3))
				(void)sw_forward_keepalives(rig.forwards[0], now, links, 8);
		cr_assert(eq(int, rig_run(&rig, 0, &frame, counter == 3 ? wrap : 0), SW_DELIVER));
	}
}
