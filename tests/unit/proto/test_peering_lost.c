/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Restarts that traffic finds out: reports of lost frames (switch/SPEC.md, 4.5). */

#include "controlplane/proto/peering_state.h"
#include "multigram/frame.h"
#include "tests/unit/proto/peering_two.h"

enum { LOST_BYTES = 14 };

static void restart(struct net *net, unsigned node)
{
	net_stop(net, node);
	net_start(net, node);
}

/* A report that node 0 gets over the way of node 1, about the generation it sends with. */
static enum vd_err tell(struct net *net, unsigned from, uint32_t index, uint64_t counter)
{
	uint8_t report[LOST_BYTES] = { MG_REPORT, 0 };

	vd_be32_store(report + 2, index);
	vd_be64_store(report + 6, counter);
	return net_inject(net, 0, net_path(from), vd_bytes(report, sizeof report));
}

static uint32_t theirs(const struct net *net)
{
	return net_current(net, 0, 1)->keys.remote_index;
}

Test(peering_lost, traffic_brings_a_link_back_at_once_after_the_peer_restarted)
{
	struct net *net = two_settled(PEERING_LINK);

	restart(net, 1);
	cr_assert(net_data(net, 0, 1));
	cr_assert(net_run_until(net, net_both_up, VD_MS(200)));
	net_run(net, VD_MS(200));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_REBOOTED], 1));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_DOWN]), "the link lived on");
	cr_assert(net_keys_match(net, 0, 1));
	end(net);
}

Test(peering_lost, traffic_brings_a_session_back_at_once_after_the_peer_restarted)
{
	struct net *net = two_settled(PEERING_SESSION);

	restart(net, 1);
	cr_assert(net_data(net, 0, 1));
	cr_assert(net_run_until(net, net_both_up, VD_MS(200)));
	net_run(net, VD_MS(200));
	cr_assert(net_keys_match(net, 0, 1));
	end(net);
}

Test(peering_lost, the_side_that_does_not_dial_asks_for_a_handshake_too)
{
	struct net *net = two_settled(PEERING_LINK);

	restart(net, 0); /* which has forgotten whom it dialled */
	cr_assert(net_data(net, 1, 0));
	cr_assert(net_run_until(net, net_both_up, VD_MS(200)));
	end(net);
}

Test(peering_lost, a_sealed_frame_is_reported_as_a_switch_frame_is)
{
	struct net *net = two_settled(PEERING_LINK);

	restart(net, 1);
	cr_assert(eq(int, peering_ping(net->nodes[0].peering, &net->nodes[1].identity.id, net->now),
		     VD_OK));
	net_drain(net, 0);
	cr_assert(net_run_until(net, net_both_up, VD_MS(200)));
	end(net);
}

static unsigned reports;

static bool count_reports(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] != MG_REPORT)
		return true;
	cr_assert(eq(u16, frame->len, LOST_BYTES));
	cr_assert(zero(u8, frame->bytes[1]));
	reports++;
	return false;
}

Test(peering_lost, reports_are_14_bytes_and_ten_a_second)
{
	struct net *net = two_settled(PEERING_LINK);

	restart(net, 1);
	net->watch = count_reports;
	for (unsigned i = 0; i < 200; i++) {
		cr_assert(net_data(net, 0, 1));
		net_run(net, VD_MS(5));
	}
	net_run(net, VD_SECONDS(1));
	cr_assert(all(ge(u32, reports, 10), le(u32, reports, 21)), "%u in a second", reports);
	cr_assert(eq(u64, stats(net, 1)->lost_sent, reports));
	cr_assert(eq(u64, stats(net, 1)->lost_sent + stats(net, 1)->lost_limited, 200));
	end(net);
}

Test(peering_lost, a_sealed_frame_too_short_to_be_one_is_not_reported)
{
	struct net *net = two_settled(PEERING_LINK);
	const uint8_t frame[13] = { MG_SEALED, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 1 };

	for (size_t len = 1; len <= sizeof frame; len++)
		(void)net_inject(net, 0, net_path(1), vd_bytes(frame, len));
	cr_assert(zero(u64, stats(net, 0)->lost_sent));
	end(net);
}

Test(peering_lost, half_open_handshakes_are_not_reported)
{
	struct net *net = net_new(PEERING_LINK, 1);
	uint8_t head[PEERING_HEAD_BYTES] = { MG_SWITCH };
	struct peering_path path = net_path(1);

	net_start(net, 0);
	net_dial(net, 0, 1);
	vd_be32_store(head + 1, net->nodes[0].last_index);
	vd_be64_store(head + 5, 1);
	cr_assert(eq(int, peering_unknown(net->nodes[0].peering, &path, head, net->now), VD_OK));
	cr_assert(zero(u64, stats(net, 0)->lost_sent));
	vd_be32_store(head + 1, net->nodes[0].last_index + 1);
	cr_assert(
	    eq(int, peering_unknown(net->nodes[0].peering, &path, head, net->now), VD_ENOTFOUND));
	cr_assert(eq(u64, stats(net, 0)->lost_sent, 1));
	end(net);
}

Test(peering_lost, index_and_counter_0_are_not_reported)
{
	struct net *net = net_new(PEERING_LINK, 1);
	uint8_t head[PEERING_HEAD_BYTES] = { MG_SWITCH };
	struct peering_path path = net_path(1);

	net_start(net, 0);
	vd_be64_store(head + 5, 1);
	(void)peering_unknown(net->nodes[0].peering, &path, head, net->now);
	vd_be32_store(head + 1, 7);
	vd_be64_store(head + 5, 0);
	(void)peering_unknown(net->nodes[0].peering, &path, head, net->now);
	cr_assert(zero(u64, stats(net, 0)->lost_sent));
	end(net);
}

/* ---- what is believed ---- */

static void assert_believed(const struct net *net, bool believed)
{
	cr_assert(eq(u64, stats(net, 0)->lost_believed, believed));
	cr_assert(eq(u64, stats(net, 0)->lost_disbelieved, !believed));
}

Test(peering_lost, a_report_about_a_frame_that_was_sent_is_believed)
{
	struct net *net = two_settled(PEERING_LINK);
	uint64_t begun = stats(net, 0)->handshakes_begun;

	cr_assert(net_data(net, 0, 1));
	cr_assert(eq(int, tell(net, 1, theirs(net), 1), VD_OK));
	assert_believed(net, true);
	net_run(net, VD_MS(100));
	cr_assert(eq(u64, stats(net, 0)->handshakes_begun, begun + 1));
	end(net);
}

Test(peering_lost, a_report_over_another_path_is_not_believed)
{
	struct net *net = two_settled(PEERING_LINK);

	cr_assert(net_data(net, 0, 1));
	cr_assert(eq(int, tell(net, 2, theirs(net), 1), VD_EPEER_STATE));
	assert_believed(net, false);
	end(net);
}

Test(peering_lost, a_report_about_another_index_is_not_believed)
{
	struct net *net = two_settled(PEERING_LINK);

	cr_assert(net_data(net, 0, 1));
	cr_assert(eq(int, tell(net, 1, theirs(net) + 1, 1), VD_EPEER_STATE));
	assert_believed(net, false);
	end(net);
}

Test(peering_lost, a_report_about_a_generation_that_is_not_in_use_is_not_believed)
{
	struct net *net = two_settled(PEERING_LINK);
	uint32_t old = theirs(net);

	cr_assert(net_data(net, 0, 1));
	(void)peering_rekey(net->nodes[0].peering, net->nodes[0].current[1], net->now);
	net_run(net, VD_SECONDS(1));
	cr_assert(ne(u32, theirs(net), old));
	cr_assert(eq(int, tell(net, 1, old, 1), VD_EPEER_STATE));
	assert_believed(net, false);
	end(net);
}

Test(peering_lost, a_report_about_a_counter_not_sent_yet_is_not_believed)
{
	struct net *net = two_settled(PEERING_LINK);

	for (unsigned i = 0; i < 8; i++)
		cr_assert(net_data(net, 0, 1));
	cr_assert(eq(int, tell(net, 1, theirs(net), 9), VD_EPEER_STATE));
	cr_assert(eq(int, tell(net, 1, theirs(net), 0), VD_EPEER_STATE));
	cr_assert(zero(u64, stats(net, 0)->lost_believed));
	cr_assert(eq(int, tell(net, 1, theirs(net), 8), VD_OK));
	end(net);
}

Test(peering_lost, a_report_is_not_believed_when_nothing_was_sent_for_ten_seconds)
{
	struct net *net = two_settled(PEERING_SESSION);

	cr_assert(net_data(net, 0, 1));
	net_run(net, VD_SECONDS(11));
	cr_assert(eq(int, tell(net, 1, theirs(net), 1), VD_EPEER_STATE));
	assert_believed(net, false);
	cr_assert(net_data(net, 0, 1));
	cr_assert(eq(int, tell(net, 1, theirs(net), 1), VD_OK));
	end(net);
}

Test(peering_lost, malformed_reports_are_counted)
{
	struct net *net = two_settled(PEERING_LINK);
	uint64_t bad = stats(net, 0)->bad_frames;
	uint8_t report[LOST_BYTES + 1] = { MG_REPORT, 0 };

	for (size_t len = 1; len <= sizeof report; len++) {
		if (len != LOST_BYTES)
			cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(report, len)),
				     VD_EPEER_FORMAT));
	}
	report[1] = 1;
	cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(report, LOST_BYTES)),
		     VD_EPEER_FORMAT));
	cr_assert(eq(u64, stats(net, 0)->bad_frames, bad + LOST_BYTES + 1));
	end(net);
}

Test(peering_lost, reports_cause_one_handshake_in_two_seconds)
{
	struct net *net = two_settled(PEERING_LINK);
	uint64_t begun = stats(net, 0)->handshakes_begun;

	for (unsigned i = 0; i < 60; i++) {
		cr_assert(net_data(net, 0, 1));
		(void)tell(net, 1, theirs(net), 1);
		net_run(net, VD_MS(100));
	}
	cr_assert(all(ge(u64, stats(net, 0)->handshakes_begun, begun + 2),
		      le(u64, stats(net, 0)->handshakes_begun, begun + 3)),
		  "in six seconds");
	end(net);
}

Test(peering_lost, the_old_link_serves_until_the_new_one_is_done)
{
	struct net *net = two_settled(PEERING_LINK);
	unsigned before = net->nodes[1].data_received;

	cr_assert(net_data(net, 0, 1));
	cr_assert(eq(int, tell(net, 1, theirs(net), 1), VD_OK)); /* forged by who sees the path */
	for (unsigned i = 0; i < 50; i++) {
		cr_assert(net_data(net, 0, 1));
		net_run(net, VD_MS(3));
	}
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net->nodes[1].data_received, before + 51));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_DOWN]));
	end(net);
}

Test(peering_lost, a_report_over_the_path_that_a_session_has_moved_to_is_believed)
{
	struct net *net = two_settled(PEERING_SESSION);
	struct peering_path other = net_path(1);

	other.bytes[1] = 1; /* another way */
	cr_assert(net_data(net, 0, 1));
	cr_assert(eq(int, peering_move(net->nodes[0].peering, &net->nodes[1].identity.id, &other),
		     VD_OK));
	cr_assert(eq(int, tell(net, 1, theirs(net), 1), VD_EPEER_STATE));
	assert_believed(net, false);

	uint8_t report[LOST_BYTES] = { MG_REPORT, 0 };

	vd_be32_store(report + 2, theirs(net));
	vd_be64_store(report + 6, 1);
	cr_assert(eq(int, net_inject(net, 0, other, vd_bytes(report, sizeof report)), VD_OK));
	cr_assert(eq(u64, stats(net, 0)->lost_believed, 1));
	end(net);
}

static unsigned longest_chain(const struct peering *p)
{
	unsigned longest = 0;

	for (uint32_t head = 0; head <= p->by_remote.mask; head++) {
		uint32_t slot = slot_chain_first(&p->by_remote, head);
		unsigned len = 0;

		for (; slot != SLOT_NONE; slot = slot_chain_next(&p->by_remote, slot))
			len++;
		longest = len > longest ? len : longest;
	}
	return longest;
}

enum { MANY = 1024, INDEX = 77 };

/* A machine with MANY generations, as far as reports know them; number `i` is over `path_of(i)`. */
static struct peering *one_index(struct net *net, struct peering_path (*path_of)(uint32_t))
{
	struct peering *p;

	net->nodes[0].config.peers_max = MANY / PEERING_GENERATIONS;
	net_start(net, 0);
	p = net->nodes[0].peering;
	for (uint32_t i = 0; i < MANY; i++) {
		p->generations[i].remote_index = INDEX;
		p->generations[i].path = path_of(i);
		peering_remote_add(p, i);
	}
	return p;
}

static struct peering_path own_path(uint32_t i)
{
	struct peering_path path = { 0 };

	vd_be32_store(path.bytes, i);
	return path;
}

static struct peering_path one_path(uint32_t i)
{
	(void)i;
	return own_path(0);
}

/* 1,024 in as many chains: 16 in one is less likely than 1 in 10^9. */
Test(peering_lost, peers_with_one_index_make_no_long_chain)
{
	struct net *net = net_new(PEERING_LINK, 1);
	struct peering *p = one_index(net, own_path);

	cr_assert(lt(uint, longest_chain(p), 16));
	for (uint32_t i = 0; i < MANY; i++)
		peering_remote_del(p, i);
	cr_assert(zero(uint, longest_chain(p)));
	end(net);
}

Test(peering_lost, nor_do_those_who_share_a_path)
{
	struct net *net = net_new(PEERING_LINK, 1);
	struct peering *p = one_index(net, one_path);

	cr_assert(eq(uint, longest_chain(p), 4));
	for (uint32_t i = 0; i < MANY; i++)
		peering_remote_del(p, i);
	cr_assert(zero(uint, longest_chain(p)), "those that were turned away, too");
	end(net);
}
