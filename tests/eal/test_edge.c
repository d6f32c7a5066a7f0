/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/eal/rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include "base/bytes.h"
#include "switch/ecn.h"

/* Two edges with a link and a session; a is fd76::1, b fd76::2. */
struct edges {
	struct rig *a, *b;
	struct rig_pair link, session;
};

static struct edges edges_new(unsigned workers, uint8_t link_owner, uint8_t session_owner)
{
	struct edges e = {
		.a = rig_new(workers, 0, true),
		.b = rig_new(workers, 0, true),
	};

	e.link = rig_link(e.a, link_owner, e.b, link_owner, 0, 0);
	e.session = rig_session(e.a, session_owner, e.b, session_owner, e.link);
	rig_route(e.a, 1, 2, e.session.a);
	rig_route(e.b, 2, 1, e.session.b);
	return e;
}

static void edges_free(struct edges *e)
{
	rig_free(e->a);
	rig_free(e->b);
}

/* Turns enough for a packet that crosses at each step, and the wire from a to b. */
static void flow(struct edges *e)
{
	struct vd_udp_addr addr_a = rig_addr(1, 4001);

	(void)rig_turns(e->a, 3);
	(void)rig_wire(e->a, e->b, &addr_a);
	(void)rig_turns(e->b, 3);
}

static void put(struct rig *rig, const void *packet, size_t len)
{
	cr_assert(eq(int, (int)write(rig->tun_ends[0], packet, len), (int)len));
}

/* What came out of any of the TUN's queues; 0: nothing. */
static size_t get(struct rig *rig, uint8_t out[2048])
{
	for (unsigned i = 0; i < rig->plane.config.workers; i++) {
		ssize_t got = read(rig->tun_ends[i], out, 2048);
		if (got > 0)
			return (size_t)got;
	}
	return 0;
}

static void inject_inner(struct rig *rig, uint32_t session, const void *plain, size_t len)
{
	const struct sw_inject inject = { .kind = SW_INJECT_INNER, .session = session };

	rig_inject(rig, 0, &inject, plain, len);
}

/* Rows: who owns the link and the session, of two workers; worker 0 receives. */
Test(edge, packets_pass_from_tun_to_tun_whoever_owns_what)
{
	for (uint8_t row = 0; row < 4; row++) {
		struct edges e = edges_new(2, row & 1, row >> 1);
		uint8_t packet[64], out[2048];
		size_t len = rig_ip6(1, 2, packet);

		put(e.a, packet, len);
		flow(&e);
		cr_assert(eq(sz, get(e.b, out), len), "row %u", row);
		cr_assert(zero(int, memcmp(out, packet, len)));
		edges_free(&e);
	}
}

/* An IPv6 packet of `len` bytes. */
static void large_ip6(uint8_t *packet, size_t len)
{
	(void)rig_ip6(1, 2, packet);
	memset(packet + 48, 0xa5, len - 48);
	vd_be16_store(packet + 4, (uint16_t)(len - 40));
}

Test(edge, packets_of_9000_bytes_pass_whoever_owns_what)
{
	enum { LARGE = 9000 };
	static uint8_t packet[LARGE], out[LARGE + 1];

	rig_use_jumbo();
	for (uint8_t row = 0; row < 4; row++) {
		struct edges e = edges_new(2, row & 1, row >> 1);
		ssize_t got = -1;

		large_ip6(packet, sizeof packet);
		put(e.a, packet, sizeof packet);
		flow(&e);
		for (unsigned i = 0; i < 2 && got < 0; i++)
			got = read(e.b->tun_ends[i], out, sizeof out);
		cr_assert(eq(int, (int)got, LARGE), "row %u", row);
		cr_assert(zero(int, memcmp(out, packet, LARGE)));
		edges_free(&e);
	}
}

/* A probe: its head crosses to the worker, its padding is made there; its answer tells all of it.
 */
Test(edge, a_padded_plaintext_arrives_with_its_whole_length)
{
	static const size_t rows[] = { 0, 1400, SW_EXCHANGE_BYTES, 8990 };
	struct edges e;
	struct sw_punt punt;

	rig_use_jumbo();
	e = edges_new(1, 0, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct sw_inject inject = { .kind = SW_INJECT_INNER,
						  .session = e.session.a,
						  .pad = (uint32_t)rows[i] };
		size_t whole = rows[i] + 10;

		rig_inject(e.a, 0, &inject, "\x12\x00idididid", 10);
		flow(&e);
		cr_assert(rig_punt(e.b, &punt), "row %zu", i);
		cr_assert(eq(int, punt.kind, SW_PUNT_INNER));
		cr_assert(eq(sz, punt.frame_len, whole));
		cr_assert(eq(sz, punt.len, whole < SW_EXCHANGE_BYTES ? whole : SW_EXCHANGE_BYTES));
		cr_assert(zero(int, memcmp(punt.bytes, "\x12\x00idididid", 10)));
		for (size_t at = 10; at < punt.len; at++)
			cr_assert(zero(u8, punt.bytes[at]));
	}
	edges_free(&e);
}

Test(edge, padding_that_no_buffer_holds_is_dropped)
{
	struct edges e = edges_new(1, 0, 0);
	const struct sw_inject inject = { .kind = SW_INJECT_INNER,
					  .session = e.session.a,
					  .pad = 4000 };

	rig_inject(e.a, 0, &inject, "\x12", 1);
	flow(&e);
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_TOO_BIG), 1));
	edges_free(&e);
}

Test(edge, what_is_on_the_wire_is_not_the_packet)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[64];
	size_t len = rig_ip6(1, 2, packet);
	const struct rig_datagram *sent;

	put(e.a, packet, len);
	(void)rig_turns(e.a, 1);
	sent = rig_sent(e.a);
	cr_assert(not(zero(ptr, (void *)sent)));
	cr_assert(eq(uint, sent->len, SW_HEADER + SW_SEAL_OVERHEAD + 1 + len));
	cr_assert(zero(ptr, memmem(sent->bytes, sent->len, packet + 8, 32)));
	edges_free(&e);
}

Test(edge, over_a_direct_link_a_session_sends_switch_frames_with_label_0)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[64];
	const struct rig_datagram *sent;

	put(e.a, packet, rig_ip6(1, 2, packet));
	(void)rig_turns(e.a, 1);
	sent = rig_sent(e.a);
	cr_assert(eq(u8, sent->bytes[0], 6));
	cr_assert(eq(u64, vd_be64_load(sent->bytes + SW_AT_LABEL), 0));
	cr_assert(eq(u8, sent->bytes[SW_AT_FLAGS], 0));
	cr_assert(eq(u8, sent->bytes[SW_AT_PAYLOAD], 5));
	edges_free(&e);
}

Test(edge, a_replayed_frame_comes_out_once)
{
	struct edges e = edges_new(1, 0, 0);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	uint8_t packet[64], out[2048];
	const struct rig_datagram *sent;

	put(e.a, packet, rig_ip6(1, 2, packet));
	(void)rig_turns(e.a, 1);
	sent = rig_sent(e.a);
	rig_arrive(e.b, &addr_a, sent->bytes, sent->len);
	rig_arrive(e.b, &addr_a, sent->bytes, sent->len);
	(void)rig_turns(e.b, 1);
	cr_assert(gt(sz, get(e.b, out), 0));
	cr_assert(zero(sz, get(e.b, out)));
	cr_assert(eq(u64, rig_drops(e.b, SW_DROP_REPLAYED), 1));
	edges_free(&e);
}

Test(edge, a_frame_damaged_behind_the_tag_does_not_open)
{
	struct edges e = edges_new(1, 0, 0);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	uint8_t packet[64], out[2048], frame[RIG_BYTES];
	const struct rig_datagram *sent;

	put(e.a, packet, rig_ip6(1, 2, packet));
	(void)rig_turns(e.a, 1);
	sent = rig_sent(e.a);
	memcpy(frame, sent->bytes, sent->len);
	frame[sent->len - 20] ^= 1;
	rig_arrive(e.b, &addr_a, frame, sent->len);
	(void)rig_turns(e.b, 1);
	cr_assert(zero(sz, get(e.b, out)));
	cr_assert(eq(u64, rig_drops(e.b, SW_DROP_BAD_SEAL), 1));
	edges_free(&e);
}

/* Plaintexts as a peer may send them, and the reason they stop for. */
Test(edge, inner_packets_are_checked)
{
	static const struct {
		uint8_t source, destination;
		int cut; /* bytes off the end, or added */
		enum sw_drop drop;
	} rows[] = {
		{ 3, 2, 0, SW_DROP_WRONG_SOURCE }, { 1, 3, 0, SW_DROP_WRONG_DESTINATION },
		{ 1, 2, 1, SW_DROP_BAD_INNER },    { 1, 2, -1, SW_DROP_BAD_INNER },
		{ 1, 2, 40, SW_DROP_BAD_INNER },   { 1, 2, 48, SW_DROP_BAD_INNER },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct edges e = edges_new(1, 0, 0);
		uint8_t plain[80] = { 16 }, out[2048];
		size_t len = rig_ip6(rows[i].source, rows[i].destination, plain + 1);

		inject_inner(e.a, e.session.a, plain, 1 + (size_t)((int)len - rows[i].cut));
		flow(&e);
		cr_assert(eq(u64, rig_drops(e.b, rows[i].drop), 1), "row %zu", i);
		cr_assert(zero(sz, get(e.b, out)));
		edges_free(&e);
	}
}

Test(edge, other_plaintexts_and_empty_ones_go_to_the_control_thread)
{
	struct edges e = edges_new(1, 0, 0);
	struct sw_punt punt;

	inject_inner(e.a, e.session.a, "\x12ping", 5);
	inject_inner(e.a, e.session.a, NULL, 0);
	flow(&e);
	cr_assert(rig_punt(e.b, &punt));
	cr_assert(eq(int, punt.kind, SW_PUNT_INNER));
	cr_assert(eq(u32, punt.session, e.session.b));
	cr_assert(eq(u32, punt.link, e.link.b));
	cr_assert(eq(uint, punt.len, 5));
	cr_assert(zero(int, memcmp(punt.bytes, "\x12ping", 5)));
	cr_assert(rig_punt(e.b, &punt));
	cr_assert(eq(uint, punt.len, 0));
	edges_free(&e);
}

Test(edge, a_sealed_frame_for_an_unknown_session_is_punted_whole)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[64];
	struct sw_punt punt;

	sw_session_retire(&e.b->plane.sessions, e.session.b);
	put(e.a, packet, rig_ip6(1, 2, packet));
	flow(&e);
	cr_assert(rig_punt(e.b, &punt));
	cr_assert(eq(int, punt.kind, SW_PUNT_PAYLOAD));
	cr_assert(eq(uint, punt.bytes[0], 5));
	cr_assert(eq(u32, vd_be32_load(punt.bytes + 1), e.session.b));
	edges_free(&e);
}

/* What a payload of it would bring to the TUN. */
Test(edge, a_sessions_index_means_nothing_in_a_datagram)
{
	struct edges e = edges_new(1, 0, 0);
	const struct vd_udp_addr from = rig_addr(1, 4001);
	const struct rig_datagram *sent;
	uint8_t packet[64], out[2048];
	struct sw_punt punt;

	put(e.a, packet, rig_ip6(1, 2, packet));
	(void)rig_turns(e.a, 1);
	sent = rig_sent(e.a);
	cr_assert(eq(u32, vd_be32_load(sent->bytes + SW_HEADER + 1), e.session.b));
	rig_arrive(e.b, &from, sent->bytes + SW_HEADER, sent->len - SW_HEADER);
	(void)rig_turns(e.b, 3);
	cr_assert(rig_punt(e.b, &punt));
	cr_assert(eq(int, punt.kind, SW_PUNT_DATAGRAM));
	cr_assert(zero(sz, get(e.b, out)));
	edges_free(&e);
}

Test(edge, a_links_index_means_nothing_in_a_payload)
{
	struct edges e = edges_new(1, 0, 0);
	const struct sw_inject inject = { .kind = SW_INJECT_PAYLOAD, .link = e.link.a };
	uint8_t frame[SW_SEAL_OVERHEAD + 8] = { 5 };
	struct sw_punt punt;

	vd_be32_store(frame + 1, e.link.b);
	frame[12] = 1; /* its counter */
	rig_inject(e.a, 0, &inject, frame, sizeof frame);
	flow(&e);
	cr_assert(rig_punt(e.b, &punt));
	cr_assert(eq(int, punt.kind, SW_PUNT_PAYLOAD));
	cr_assert(zero(int, memcmp(punt.bytes, frame, sizeof frame)));
	edges_free(&e);
}

Test(edge, a_sealed_frame_shorter_than_its_overhead_is_truncated)
{
	struct edges e = edges_new(1, 0, 0);
	const struct sw_inject inject = { .kind = SW_INJECT_PAYLOAD, .link = e.link.a };
	uint8_t frame[SW_SEAL_OVERHEAD] = { 5 };

	for (size_t len = 1; len < sizeof frame; len++)
		rig_inject(e.a, 0, &inject, frame, len);
	flow(&e);
	cr_assert(eq(u64, rig_drops(e.b, SW_DROP_TRUNCATED), SW_SEAL_OVERHEAD - 1));
	edges_free(&e);
}

Test(edge, a_packet_for_a_known_peer_asks_for_a_session_once_a_second)
{
	struct rig *rig = rig_new(1, 0, true);
	uint8_t packet[64];
	size_t len = rig_ip6(1, 2, packet);
	struct sw_punt punt;

	rig_route(rig, 1, 2, 0);
	for (unsigned i = 0; i < 3; i++)
		put(rig, packet, len);
	(void)rig_turns(rig, 1);
	cr_assert(rig_punt(rig, &punt));
	cr_assert(eq(int, punt.kind, SW_PUNT_WANT_SESSION));
	cr_assert(zero(int, memcmp(punt.overlay, packet + 24, SW_IPV6_ADDR)));
	cr_assert(not(rig_punt(rig, &punt)));
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NO_SESSION), 3));
	rig->now += VD_SECONDS(1);
	put(rig, packet, len);
	(void)rig_turns(rig, 1);
	cr_assert(rig_punt(rig, &punt));
	rig_free(rig);
}

Test(edge, packets_without_route_or_with_a_foreign_source_stop_here)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[64];
	struct sw_punt punt;

	put(e.a, packet, rig_ip6(1, 9, packet));
	put(e.a, packet, rig_ip6(9, 2, packet));
	put(e.a, packet, rig_ip6(1, 2, packet) - 1);
	put(e.a, "\x45ip4", 4);
	(void)rig_turns(e.a, 1);
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_NO_SESSION), 1));
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_WRONG_SOURCE), 1));
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_TUN_BAD), 2));
	cr_assert(not(rig_punt(e.a, &punt)));
	cr_assert(zero(ptr, (void *)rig_sent(e.a)));
	edges_free(&e);
}

Test(edge, packets_go_by_the_newest_generation)
{
	struct edges e = edges_new(1, 0, 0);
	struct rig_pair newer = rig_session(e.a, 0, e.b, 0, e.link);
	uint8_t packet[64], out[2048];
	const struct sw_session *old = sw_session_find(&e.a->plane.sessions, e.session.a);
	const struct sw_session *next = sw_session_find(&e.a->plane.sessions, newer.a);
	size_t len = rig_ip6(1, 2, packet);

	atomic_store(&((struct sw_session *)(uintptr_t)old)->replaced_by, newer.a);
	put(e.a, packet, len);
	flow(&e);
	cr_assert(eq(sz, get(e.b, out), len));
	cr_assert(eq(u64, old->tx_counter, 0));
	cr_assert(eq(u64, next->tx_counter, 1));
	edges_free(&e);
}

Test(edge, a_packet_larger_than_the_path_is_dropped_before_it_is_sealed)
{
	struct edges e = edges_new(1, 0, 0);
	const struct sw_inject inject = {
		.kind = SW_INJECT_SESSION_PATH,
		.session = e.session.a,
		.path = { .link = e.link.a, .payload_max = 60 },
	};
	uint8_t packet[64];

	rig_inject(e.a, 0, &inject, NULL, 0);
	(void)rig_turns(e.a, 1);
	put(e.a, packet, rig_ip6(1, 2, packet));
	(void)rig_turns(e.a, 1);
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_TOO_BIG), 1));
	cr_assert(eq(u64, sw_session_find(&e.a->plane.sessions, e.session.a)->tx_counter, 0));
	edges_free(&e);
}

Test(edge, a_session_whose_link_is_gone_counts_no_link)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[64];

	sw_link_retire(&e.a->plane.links, e.link.a);
	put(e.a, packet, rig_ip6(1, 2, packet));
	(void)rig_turns(e.a, 1);
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_NO_LINK), 1));
	edges_free(&e);
}

/* ---- ECN and DSCP (RFC 6040) ---- */

static void set_class(uint8_t *ip6, unsigned traffic_class)
{
	ip6[0] = (uint8_t)(0x60 | traffic_class >> 4);
	ip6[1] = (uint8_t)((ip6[1] & 15) | traffic_class << 4);
}

Test(edge, the_class_of_a_packet_goes_to_the_switch_and_the_outer_header)
{
	for (unsigned row = 0; row < 4; row++) {
		struct edges e = edges_new(2, row & 1, (uint8_t)(row >> 1));
		uint8_t packet[64];
		const struct rig_datagram *sent;
		size_t len = rig_ip6(1, 2, packet);

		set_class(packet, 0xb8 | row);
		put(e.a, packet, len);
		(void)rig_turns(e.a, 3);
		sent = rig_sent(e.a);
		cr_assert(not(zero(ptr, (void *)sent)));
		cr_assert(eq(u8, sent->bytes[SW_AT_CLASS], (uint8_t)(0xb8 | row)));
		cr_assert(eq(u8, sent->traffic_class, (uint8_t)(0xb8 | row)));
		edges_free(&e);
	}
}

Test(edge, a_tun_that_hides_dscp_shows_ecn_alone)
{
	for (unsigned ecn = 0; ecn < 4; ecn++) {
		struct edges e = edges_new(1, 0, 0);
		uint8_t packet[64], out[2048];
		size_t len = rig_ip6(1, 2, packet);

		e.a->tun.class_mask = SW_ECN_MASK;
		set_class(packet, 0xb8 | ecn);
		put(e.a, packet, len);
		flow(&e);
		cr_assert(eq(u8, e.a->memory->out[0].bytes[SW_AT_CLASS], (uint8_t)ecn));
		cr_assert(eq(u8, e.a->memory->out[0].traffic_class, (uint8_t)ecn));
		cr_assert(eq(sz, get(e.b, out), len));
		cr_assert(zero(int, memcmp(out, packet, len)), "inside nothing changes");
		edges_free(&e);
	}
}

/* Sent with `inner`, marked on the way with `outer`; how it comes out, or STOPPED. */
enum { STOPPED = 4 };

static unsigned through(struct edges *e, unsigned inner, unsigned outer)
{
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	uint8_t packet[64], out[2048];
	size_t len = rig_ip6(1, 2, packet);
	struct rig_port *port = e->b->memory;

	set_class(packet, 0x28 | inner);
	put(e->a, packet, len);
	(void)rig_turns(e->a, 1);
	cr_assert(eq(uint, rig_wire(e->a, e->b, &addr_a), 1));
	port->in[port->in_count - 1].traffic_class = (uint8_t)outer;
	(void)rig_turns(e->b, 1);
	if (get(e->b, out) == 0)
		return STOPPED;
	set_class(packet, 0x28 | (out[1] >> 4 & 3)); /* the rest is as it was sent */
	cr_assert(zero(int, memcmp(out, packet, len)));
	return out[1] >> 4 & 3;
}

Test(edge, a_mark_on_the_last_hop_reaches_the_packet_as_in_figure_4)
{
	struct edges e = edges_new(1, 0, 0);
	const unsigned order[] = { 0, 2, 1, 3 }; /* Not-ECT, ECT(0), ECT(1), CE */
	const unsigned figure[4][4] = {
		{ 0, 0, 0, STOPPED },
		{ 2, 2, 1, 3 },
		{ 1, 1, 1, 3 },
		{ 3, 3, 3, 3 },
	};

	for (unsigned cell = 0; cell < 16; cell++)
		cr_assert(eq(uint, through(&e, order[cell / 4], order[cell % 4]),
			     figure[cell / 4][cell % 4]),
			  "cell %u", cell);
	cr_assert(eq(u64, rig_drops(e.b, SW_DROP_CE_NOT_ECT), 1));
	edges_free(&e);
}

/* DSCP 46 and ECT(0) inside; DSCP 10 and CE in the switch header. */
Test(edge, a_packet_that_comes_out_keeps_its_dscp)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[64], out[2048], frame[RIG_BYTES];
	size_t len = rig_ip6(1, 2, packet);
	struct vd_udp_addr addr_a = rig_addr(1, 4001);
	const struct sw_link *link = sw_link_find(&e.b->plane.links, e.link.b);
	const struct rig_datagram *sent;
	uint64_t tag;

	packet[0] = 0x6b;
	packet[1] = 0xa0 | (packet[1] & 15);
	put(e.a, packet, len);
	(void)rig_turns(e.a, 1);
	sent = rig_sent(e.a);
	cr_assert(eq(u8, sent->bytes[SW_AT_CLASS], 0xba));
	memcpy(frame, sent->bytes, sent->len);
	frame[SW_AT_CLASS] = 10 << 2 | 3;
	tag = sw_tag(link->rx_key, frame, sent->len);
	memcpy(frame + SW_AT_TAG, &tag, sizeof tag);
	rig_arrive(e.b, &addr_a, frame, sent->len);
	(void)rig_turns(e.b, 1);
	cr_assert(eq(sz, get(e.b, out), len));
	cr_assert(eq(u8, out[0], 0x6b));
	cr_assert(eq(u8, out[1] >> 4, 0xb), "DSCP as it was, ECN marked");
	edges_free(&e);
}

/* A sender whose switch class and inner class differ: it, or a hop, does not follow the rules. */
Test(edge, a_mark_in_the_switch_header_alone_reaches_the_packet)
{
	for (unsigned inner = 0; inner < 4; inner += 2) {
		struct edges e = edges_new(1, 0, 0);
		uint8_t plain[1 + 64] = { 16 }, out[2048];
		size_t len = rig_ip6(1, 2, plain + 1);
		struct vd_udp_addr addr_a = rig_addr(1, 4001);
		const struct rig_datagram *sent;
		const struct sw_link *link = sw_link_find(&e.b->plane.links, e.link.b);
		uint8_t frame[RIG_BYTES];

		set_class(plain + 1, inner);
		inject_inner(e.a, e.session.a, plain, len + 1);
		(void)rig_turns(e.a, 1);
		sent = rig_sent(e.a);
		memcpy(frame, sent->bytes, sent->len);
		frame[SW_AT_CLASS] = 3;
		uint64_t tag = sw_tag(link->rx_key, frame, sent->len);
		memcpy(frame + SW_AT_TAG, &tag, sizeof tag);
		rig_arrive(e.b, &addr_a, frame, sent->len);
		(void)rig_turns(e.b, 1);
		if (inner) {
			cr_assert(eq(sz, get(e.b, out), len));
			cr_assert(eq(uint, out[1] >> 4, 3));
		} else {
			cr_assert(zero(sz, get(e.b, out)));
			cr_assert(eq(u64, rig_drops(e.b, SW_DROP_CE_NOT_ECT), 1));
		}
		edges_free(&e);
	}
}

/* ---- Packet Too Big (RFC 4443, 3.2) ---- */

/* An IPv6 packet of that length, of protocol `next`, that begins with `type`. */
static void long_packet(uint8_t *out, size_t len, uint8_t next, uint8_t type)
{
	(void)rig_ip6(1, 2, out);
	memset(out + 40, 0x5a, len - 40);
	vd_be16_store(out + 4, (uint16_t)(len - 40));
	out[6] = next;
	out[40] = type;
}

/* 1400 of payload: 29 of seal, 1 of inner index. */
enum { FITS = 1400 - 30 };

/* Rows: who owns the session, of two workers; worker 0 reads the TUN. */
Test(edge, a_packet_larger_than_the_path_is_answered_with_packet_too_big)
{
	for (uint8_t owner = 0; owner < 2; owner++) {
		struct edges e = edges_new(2, 0, owner);
		uint8_t packet[FITS + 1], out[2048];

		long_packet(packet, sizeof packet, 17, 0);
		put(e.a, packet, sizeof packet);
		(void)rig_turns(e.a, 3);
		cr_assert(zero(ptr, (void *)rig_sent(e.a)));
		cr_assert(eq(u64, rig_drops(e.a, SW_DROP_TOO_BIG), 1));
		cr_assert(eq(sz, get(e.a, out), 1280));
		cr_assert(eq(uint, vd_be16_load(out + 4), 1240));
		cr_assert(eq(uint, out[6], 58));
		cr_assert(zero(int, memcmp(out + 8, packet + 24, 16)), "from its destination");
		cr_assert(zero(int, memcmp(out + 24, packet + 8, 16)), "to its source");
		cr_assert(eq(uint, out[40], 2));
		cr_assert(zero(uint, out[41]));
		cr_assert(eq(u32, vd_be32_load(out + 44), FITS));
		cr_assert(zero(int, memcmp(out + 48, packet, 1232)));
		cr_assert(eq(uint, sw_ones_sum(sw_ones_sum(1240 + 58, out + 8, 32), out + 40, 1240),
			     0xffff));
		edges_free(&e);
	}
}

Test(edge, a_packet_as_large_as_the_path_passes)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[FITS], out[2048];

	long_packet(packet, sizeof packet, 17, 0);
	put(e.a, packet, sizeof packet);
	flow(&e);
	cr_assert(eq(sz, get(e.b, out), sizeof packet));
	cr_assert(zero(sz, get(e.a, out)));
	edges_free(&e);
}

Test(edge, an_error_is_not_answered_with_an_error_but_an_echo_is)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[FITS + 1], out[2048];

	long_packet(packet, sizeof packet, 58, 1);
	put(e.a, packet, sizeof packet);
	(void)rig_turns(e.a, 1);
	cr_assert(zero(sz, get(e.a, out)));
	long_packet(packet, sizeof packet, 58, 128);
	put(e.a, packet, sizeof packet);
	(void)rig_turns(e.a, 1);
	cr_assert(eq(sz, get(e.a, out), 1280));
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_TOO_BIG), 2));
	edges_free(&e);
}

Test(edge, a_hundred_a_second_are_told_and_counted)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[FITS + 1], out[2048];
	unsigned told = 0;

	long_packet(packet, sizeof packet, 17, 0);
	for (unsigned i = 0; i < 150; i++) {
		put(e.a, packet, sizeof packet);
		(void)rig_turns(e.a, 1);
		told += get(e.a, out) > 0;
	}
	cr_assert(eq(uint, told, 100));
	cr_assert(eq(u64, e.a->plane.counters[0].too_big_told, 100));
	e.a->now += VD_SECONDS(1);
	put(e.a, packet, sizeof packet);
	(void)rig_turns(e.a, 1);
	cr_assert(eq(sz, get(e.a, out), 1280));
	edges_free(&e);
}

Test(edge, the_path_never_tells_less_than_ip6_needs)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t packet[FITS], out[2048];

	sw_session_find(&e.a->plane.sessions, e.session.a)->path.payload_max = 1000;
	long_packet(packet, sizeof packet, 17, 0);
	put(e.a, packet, sizeof packet);
	(void)rig_turns(e.a, 1);
	cr_assert(eq(sz, get(e.a, out), 1280));
	cr_assert(eq(u32, vd_be32_load(out + 44), 1280));
	edges_free(&e);
}

/* ---- reports ---- */

/* The report of a router at b's place about the frame that a sent last; 16 bytes. */
static void report_about(struct edges *e, uint8_t code, uint8_t out[16])
{
	uint8_t packet[64];
	const struct rig_datagram *sent;

	put(e->a, packet, rig_ip6(1, 2, packet));
	(void)rig_turns(e->a, 3);
	sent = rig_sent(e->a);
	memset(out, 0, 16);
	out[0] = 7;
	out[1] = code;
	vd_be16_store(out + 2, 1350);
	memcpy(out + 8, sent->bytes + SW_AT_PAYLOAD + 8, 8);
}

static void send_report(struct edges *e, const uint8_t *report, size_t len)
{
	struct vd_udp_addr addr_b = rig_addr(2, 4001);
	const struct sw_inject inject = {
		.kind = SW_INJECT_PAYLOAD,
		.link = e->link.b,
		.flags = SW_FLAG_ERROR,
	};

	rig_inject(e->b, 0, &inject, report, len);
	(void)rig_turns(e->b, 3);
	(void)rig_wire(e->b, e->a, &addr_b);
	(void)rig_turns(e->a, 3);
}

/* Rows: who owns the session, of two workers; worker 0 receives. */
Test(edge, a_report_that_repeats_a_frame_of_ours_is_punted_with_its_session)
{
	for (uint8_t owner = 0; owner < 2; owner++) {
		struct edges e = edges_new(2, 0, owner);
		struct sw_punt punt;
		uint8_t report[16];

		report_about(&e, 5, report);
		send_report(&e, report, sizeof report);
		cr_assert(rig_punt(e.a, &punt));
		cr_assert(eq(int, punt.kind, SW_PUNT_REPORT));
		cr_assert(eq(u32, punt.session, e.session.a));
		cr_assert(eq(uint, punt.len, sizeof report));
		cr_assert(zero(int, memcmp(punt.bytes, report, sizeof report)));
		edges_free(&e);
	}
}

Test(edge, a_report_about_no_frame_of_ours_is_not_believed)
{
	struct edges e = edges_new(1, 0, 0);
	struct sw_punt punt;
	uint8_t report[16];

	report_about(&e, 1, report);
	report[15] ^= 1;
	send_report(&e, report, sizeof report);
	memset(report + 8, 0, 8);
	send_report(&e, report, sizeof report);
	cr_assert(not(rig_punt(e.a, &punt)));
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_REPORT_UNBELIEVED), 2));
	edges_free(&e);
}

Test(edge, a_report_about_a_frame_of_11_s_ago_is_not_believed)
{
	struct edges e = edges_new(1, 0, 0);
	struct sw_punt punt;
	uint8_t report[16];

	report_about(&e, 1, report);
	e.a->now += VD_SECONDS(11);
	send_report(&e, report, sizeof report);
	cr_assert(not(rig_punt(e.a, &punt)));
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_REPORT_UNBELIEVED), 1));
	edges_free(&e);
}

Test(edge, reports_of_another_length_or_code_are_bad)
{
	struct edges e = edges_new(1, 0, 0);
	struct sw_punt punt;
	uint8_t report[17] = { 0 };

	report_about(&e, 1, report);
	for (size_t len = 1; len < 18; len++)
		if (len != 16)
			send_report(&e, report, len);
	report[1] = 6;
	send_report(&e, report, 16);
	cr_assert(not(rig_punt(e.a, &punt)));
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_BAD_INNER), 17));
	edges_free(&e);
}

Test(edge, a_flood_of_reports_costs_256_looks_a_second)
{
	struct edges e = edges_new(1, 0, 0);
	uint8_t report[16];

	report_about(&e, 1, report);
	report[15] ^= 1;
	for (unsigned i = 0; i < 300; i++)
		send_report(&e, report, sizeof report);
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_REPORT_UNBELIEVED), 256));
	cr_assert(eq(u64, rig_drops(e.a, SW_DROP_DELIVERY_RATE), 44));
	edges_free(&e);
}
