/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/eal/rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include "base/bytes.h"

static uint64_t count_of(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static const struct sw_counters *counters(const struct rig *rig, unsigned worker)
{
	return &rig->plane.counters[worker];
}

/* A payload from worker 0 of `rig` by `link`. */
static void send_payload(struct rig *rig, unsigned worker, uint32_t link, uint64_t label,
			 const void *bytes, size_t len)
{
	const struct sw_inject inject = {
		.kind = SW_INJECT_PAYLOAD,
		.link = link,
		.label = label,
	};

	rig_inject(rig, worker, &inject, bytes, len);
	(void)rig_turns(rig, 2);
}

/* ---- dispatch ---- */

Test(worker, datagrams_for_the_control_thread_are_punted_with_their_way)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr from = rig_addr(9, 1234);
	static const uint8_t kinds[] = { 4, 5, 7 };
	struct sw_punt punt;

	for (unsigned i = 0; i < sizeof kinds; i++) {
		const uint8_t bytes[] = { kinds[i], 1, 2, 3 };
		rig_arrive(rig, &from, bytes, sizeof bytes);
		(void)rig_turns(rig, 1);
		cr_assert(rig_punt(rig, &punt));
		cr_assert(eq(int, punt.kind, SW_PUNT_DATAGRAM));
		cr_assert(eq(uint, punt.len, sizeof bytes));
		cr_assert(zero(int, memcmp(punt.bytes, bytes, sizeof bytes)));
		cr_assert(zero(int, memcmp(&punt.from.remote, &from, sizeof from)));
		cr_assert(eq(u64, punt.at, rig->now));
	}
	rig_free(rig);
}

Test(worker, other_first_bytes_are_not_ours)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr from = rig_addr(9, 1234);
	static const uint8_t firsts[] = { 0, 1, 3, 8, 16, 0x40, 0x80, 0xff };
	struct sw_punt punt;

	for (unsigned i = 0; i < sizeof firsts; i++)
		rig_arrive(rig, &from, &firsts[i], 1);
	(void)rig_turns(rig, 1);
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NOT_OURS), sizeof firsts));
	cr_assert(not(rig_punt(rig, &punt)));
	rig_free(rig);
}

Test(worker, a_full_punt_lane_drops_and_counts)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr from = rig_addr(9, 1234);
	const uint8_t bytes[] = { 4 };
	unsigned before = rte_mempool_avail_count(rig->pool);

	for (unsigned i = 0; i < SW_LANE_PUNTS + 3; i++)
		rig_arrive(rig, &from, bytes, sizeof bytes);
	(void)rig_turns(rig, SW_LANE_PUNTS);
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_PUNT_FULL), 3));
	cr_assert(eq(uint, rte_mempool_avail_count(rig->pool), before), "no buffer is lost");
	rig_free(rig);
}

Test(worker, truncated_and_unknown_switch_frames_are_counted)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr from = rig_addr(9, 1234);
	uint8_t frame[SW_HEADER] = { 6, 1, 2, 3, 4 };

	for (size_t len = 1; len < SW_HEADER; len++)
		rig_arrive(rig, &from, frame, len);
	rig_arrive(rig, &from, frame, SW_HEADER);
	(void)rig_turns(rig, 4);
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_TRUNCATED), SW_HEADER - 1));
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_UNKNOWN_INDEX), 1));
	rig_free(rig);
}

Test(worker, the_head_of_a_frame_under_an_unknown_index_is_punted_at_a_rate)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr from = rig_addr(9, 1234);
	uint8_t frame[SW_HEADER] = { 6, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 9, 0xff };
	struct sw_punt punt;
	unsigned count = 0;

	for (unsigned i = 0; i < SW_LANE_PUNTS; i++)
		rig_arrive(rig, &from, frame, sizeof frame);
	(void)rig_turns(rig, 4);
	while (rig_punt(rig, &punt)) {
		cr_assert(eq(int, punt.kind, SW_PUNT_UNKNOWN));
		cr_assert(eq(uint, punt.len, 13));
		cr_assert(zero(int, memcmp(punt.bytes, frame, 13)));
		cr_assert(zero(int, memcmp(&punt.from.remote, &from, sizeof from)));
		count++;
	}
	cr_assert(all(ge(uint, count, 1), le(uint, count, 64)), "%u of a flood", count);
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_UNKNOWN_INDEX), SW_LANE_PUNTS));
	cr_assert(zero(u64, rig_drops(rig, SW_DROP_PUNT_FULL)));
	rig_free(rig);
}

/* ---- down ---- */

Test(worker, an_injected_datagram_leaves_as_it_is)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr local = rig_addr(1, 4001), remote = rig_addr(7, 999);
	struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };
	const uint8_t bytes[] = "handshake";
	const struct rig_datagram *sent;

	sw_template_build(&inject.send, 0, &local, &remote, 1500, 0);
	rig_inject(rig, 0, &inject, bytes, sizeof bytes);
	(void)rig_turns(rig, 1);
	sent = rig_sent(rig);
	cr_assert(not(zero(ptr, (void *)sent)));
	cr_assert(eq(uint, sent->len, sizeof bytes));
	cr_assert(zero(int, memcmp(sent->bytes, bytes, sizeof bytes)));
	cr_assert(zero(int, memcmp(&sent->remote, &remote, sizeof remote)));
	cr_assert(eq(u64, count_of(&counters(rig, 0)->injected), 1));
	rig_free(rig);
}

Test(worker, datagrams_that_are_no_switch_frames_leave_with_class_0)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr local = rig_addr(1, 4001), remote = rig_addr(7, 999);
	struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };
	const uint8_t ones[64] = { 4, [23] = 0xff, 0xff };

	sw_template_build(&inject.send, 0, &local, &remote, 1500, 0);
	rig_inject(rig, 0, &inject, ones, sizeof ones);
	(void)rig_turns(rig, 1);
	cr_assert(eq(uint, rig_sent(rig)->traffic_class, 0));
	rig_free(rig);
}

Test(worker, an_injection_for_a_port_that_is_not_there_is_dropped)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr local = rig_addr(1, 4001), remote = rig_addr(7, 999);
	struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };

	rig_inject(rig, 0, &inject, "x", 1); /* no way known */
	sw_template_build(&inject.send, 5, &local, &remote, 1500, 0);
	rig_inject(rig, 0, &inject, "x", 1);
	(void)rig_turns(rig, 1);
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NO_NEIGHBOUR), 2));
	rig_free(rig);
}

Test(worker, an_empty_pool_drops_and_counts)
{
	struct rig *rig = rig_new(1, 16, false);
	struct vd_udp_addr local = rig_addr(1, 4001), remote = rig_addr(7, 999);
	struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };
	struct rte_mbuf *taken[16384];
	unsigned count = 0;

	while (count < 16384 && (taken[count] = rte_pktmbuf_alloc(rig->pool)))
		count++;
	sw_template_build(&inject.send, 0, &local, &remote, 1500, 0);
	rig_inject(rig, 0, &inject, "x", 1);
	(void)rig_turns(rig, 1);
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NO_BUFFER), 1));
	rte_pktmbuf_free_bulk(taken, count);
	rig_free(rig);
}

/* ---- frames ---- */

Test(worker, a_payload_goes_to_the_neighbours_control_thread)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	const uint8_t payload[] = { 4, 3, 2, 1 };
	struct sw_punt punt;

	send_payload(a, 0, link.a, 0, payload, sizeof payload);
	cr_assert(eq(uint, rig_wire(a, b, &addr_a), 1));
	(void)rig_turns(b, 1);
	cr_assert(rig_punt(b, &punt));
	cr_assert(eq(int, punt.kind, SW_PUNT_PAYLOAD));
	cr_assert(eq(u32, punt.link, link.b));
	cr_assert(eq(uint, punt.len, sizeof payload));
	cr_assert(zero(int, memcmp(punt.bytes, payload, sizeof payload)));
	cr_assert(eq(u64, count_of(&counters(b, 0)->delivered), 1));
	rig_free(a);
	rig_free(b);
}

Test(worker, a_router_switches_by_label_and_the_way_back_works)
{
	struct rig *a = rig_new(1, 0, false), *r = rig_new(1, 16, false), *b = rig_new(1, 0, false);
	struct rig_pair ar = rig_link(a, 0, r, 0, 0, 0x1234);
	struct rig_pair rb = rig_link(r, 0, b, 0, 0x4321, 0);
	/* r's end of the link to a looks like side 2, to b like side 1 */
	struct vd_udp_addr side1 = rig_addr(1, 4001);
	const uint8_t payload[] = { 4, 9 };
	struct sw_punt punt;

	send_payload(a, 0, ar.a, 0x4321, payload, sizeof payload);
	cr_assert(eq(uint, rig_wire(a, r, &side1), 1));
	(void)rig_turns(r, 1);
	cr_assert(eq(u64, count_of(&counters(r, 0)->switched), 1));
	cr_assert(eq(uint, rig_wire(r, b, &side1), 1));
	(void)rig_turns(b, 1);
	cr_assert(rig_punt(b, &punt));
	cr_assert(eq(uint, punt.used, 16));
	cr_assert(eq(u64, sw_label_way_back(punt.label, punt.used).label, 0x1234));
	cr_assert(eq(u32, punt.link, rb.b));
	rig_free(a);
	rig_free(r);
	rig_free(b);
}

Test(worker, a_frame_from_another_address_is_told_once_and_still_counts)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr elsewhere = rig_addr(77, 7777);
	struct sw_punt punt;

	send_payload(a, 0, link.a, 0, "\4", 1);
	(void)rig_wire(a, b, &elsewhere);
	(void)rig_turns(b, 1);
	cr_assert(rig_punt(b, &punt));
	cr_assert(eq(int, punt.kind, SW_PUNT_MOVED));
	cr_assert(eq(u32, punt.link, link.b));
	cr_assert(zero(int, memcmp(&punt.from.remote, &elsewhere, sizeof elsewhere)));
	cr_assert(rig_punt(b, &punt));
	cr_assert(eq(int, punt.kind, SW_PUNT_PAYLOAD));
	cr_assert(not(rig_punt(b, &punt)));
	rig_free(a);
	rig_free(b);
}

Test(worker, silent_links_get_a_keepalive)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	const struct rig_datagram *sent;

	(void)rig_link(a, 0, b, 0, 0, 0);
	(void)rig_turns(a, 1);
	cr_assert(zero(ptr, (void *)rig_sent(a)));
	for (unsigned i = 0; i < 30; i++) {
		a->now += VD_SECONDS(1);
		(void)rig_turns(a, 1);
	}
	sent = rig_sent(a);
	cr_assert(not(zero(ptr, (void *)sent)));
	cr_assert(eq(uint, sent->len, SW_HEADER));
	rig_arrive(b, &addr_a, sent->bytes, sent->len);
	(void)rig_turns(b, 1);
	cr_assert(eq(u64, rig_drops(b, SW_DROP_BAD_TAG), 0));
	cr_assert(
	    eq(u64,
	       count_of(
		   &sw_link_find(
			&b->plane.links,
			sw_link_find(&a->plane.links, a->plane.links.links[0].index)->remote_index)
			->rx_frames),
	       1));
	rig_free(a);
	rig_free(b);
}

/* Rows: whose worker receives is 0; the link's owner is the other one. */
Test(worker, frames_cross_to_the_owner_of_their_link)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(2, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 1, 0, 0);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	struct sw_punt punt;

	send_payload(a, 0, link.a, 0, "\4", 1);
	(void)rig_wire(a, b, &addr_a);
	(void)rig_turns(b, 2);
	cr_assert(rig_punt(b, &punt));
	cr_assert(eq(uint, punt.worker, 1));
	cr_assert(eq(u64, count_of(&counters(b, 0)->crossed), 1));
	cr_assert(eq(u64, count_of(&counters(b, 1)->delivered), 1));
	rig_free(a);
	rig_free(b);
}

Test(worker, payloads_cross_to_the_owner_of_the_link_they_leave_by)
{
	struct rig *a = rig_new(2, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 1, b, 0, 0, 0);

	send_payload(a, 0, link.a, 0, "\4", 1);
	cr_assert(eq(u64, count_of(&counters(a, 0)->crossed), 1));
	cr_assert(not(zero(ptr, (void *)rig_sent(a))));
	rig_free(a);
	rig_free(b);
}

Test(worker, a_payload_on_a_link_that_is_gone_is_counted)
{
	struct rig *rig = rig_new(1, 16, false);

	send_payload(rig, 0, 0x123401, 0, "\4", 1);
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NO_LINK), 1));
	rig_free(rig);
}

Test(worker, the_owner_writes_the_template_it_is_asked_to)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr local = rig_addr(1, 4001), moved = rig_addr(66, 6666);
	struct sw_inject inject = { .kind = SW_INJECT_LINK_TEMPLATE, .link = link.a };

	sw_template_build(&inject.send, 0, &local, &moved, 1500, 0);
	rig_inject(a, 0, &inject, NULL, 0);
	send_payload(a, 0, link.a, 0, "\4", 1);
	cr_assert(zero(int, memcmp(&rig_sent(a)->remote, &moved, sizeof moved)));
	rig_free(a);
	rig_free(b);
}

Test(worker, payloads_under_other_indices_than_4_5_and_7_are_dropped_where_they_end)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	struct sw_inject inject = { .kind = SW_INJECT_PAYLOAD, .link = link.a };
	static const uint8_t indices[] = { 0, 3, 6, 8, 16, 0x40, 0xff };
	struct sw_punt punt;

	for (size_t i = 0; i < sizeof indices; i++)
		rig_inject(a, 0, &inject, &indices[i], 1);
	(void)rig_turns(a, 1);
	cr_assert(eq(uint, rig_wire(a, b, &addr_a), sizeof indices));
	(void)rig_turns(b, 1);
	cr_assert(eq(u64, rig_drops(b, SW_DROP_BAD_INNER), sizeof indices));
	cr_assert(not(rig_punt(b, &punt)));
	rig_free(a);
	rig_free(b);
}

Test(worker, error_flag_and_report_come_together_or_not_at_all)
{
	struct rig *a = rig_new(1, 16, false), *b = rig_new(1, 16, false);
	struct rig_pair link = rig_link(a, 0, b, 0, 0, 0);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	struct sw_inject inject = { .kind = SW_INJECT_PAYLOAD, .link = link.a };
	struct sw_punt punt;

	rig_inject(a, 0, &inject, "\7", 1); /* a report without the flag */
	inject.flags = SW_FLAG_ERROR;
	rig_inject(a, 0, &inject, "\4", 1);   /* the flag without a report */
	rig_inject(a, 0, &inject, "\7\0", 2); /* both, and no code that needs an echo */
	(void)rig_turns(a, 1);
	cr_assert(eq(uint, rig_wire(a, b, &addr_a), 3));
	(void)rig_turns(b, 1);
	cr_assert(eq(u64, rig_drops(b, SW_DROP_BAD_INNER), 2));
	cr_assert(rig_punt(b, &punt));
	cr_assert(eq(uint, punt.flags, SW_FLAG_ERROR));
	cr_assert(not(rig_punt(b, &punt)));
	rig_free(a);
	rig_free(b);
}
