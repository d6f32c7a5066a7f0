/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Links whose peer speaks from another address (switch/SPEC.md, 4.3). */

#include "controlplane/proto/control_msg.h"
#include "controlplane/proto/peering.h"
#include "multigram/frame.h"
#include "tests/unit/proto/peering_two.h"

enum { ELSEWHERE = 50, THIEF = 9, CHALLENGE_BYTES = 42 };

static uint8_t address_at(const struct net *net)
{
	struct peering_view view;

	cr_assert(
	    eq(int, peering_find(net->nodes[1].peering, &net->nodes[0].identity.id, &view), VD_OK));
	return view.path.bytes[0];
}

Test(peering_path, a_frame_from_another_address_moves_the_link_once_that_is_proven)
{
	struct net *net = two_settled(PEERING_LINK);
	uint64_t begun = stats(net, 0)->handshakes_begun + stats(net, 1)->handshakes_begun;

	net->nodes[0].alias = ELSEWHERE;
	cr_assert(net_data(net, 0, 1));
	net_run(net, VD_MS(11));
	cr_assert(eq(u8, address_at(net), 1), "not before the answer");
	net_run(net, VD_MS(30));
	cr_assert(eq(u8, address_at(net), ELSEWHERE));
	cr_assert(eq(u32, net->nodes[1].counts[PEERING_MOVED], 1));
	cr_assert(net_data(net, 1, 0));
	net_run(net, VD_MS(50));
	cr_assert(eq(u32, net->nodes[0].data_received, 1), "it is reached there");
	cr_assert(
	    eq(u64, stats(net, 0)->handshakes_begun + stats(net, 1)->handshakes_begun, begun));
	end(net);
}

Test(peering_path, a_sealed_frame_from_another_address_moves_the_link_too)
{
	struct net *net = two_settled(PEERING_LINK);

	net->nodes[0].alias = ELSEWHERE;
	(void)peering_ping(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	net_drain(net, 0);
	net_run(net, VD_MS(50));
	cr_assert(eq(u8, address_at(net), ELSEWHERE));
	end(net);
}

static unsigned stolen;

/* A thief on the path copies each data frame, and its copy comes first, from its address. */
static bool steal(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] == MG_SWITCH && frame->to == 2) {
		frame->from = THIEF;
		stolen++;
	}
	return true;
}

Test(peering_path, a_forged_address_moves_nothing)
{
	struct net *net = two_settled(PEERING_LINK);

	net->watch = steal;
	for (unsigned i = 0; i < 40; i++) {
		cr_assert(net_data(net, 0, 1));
		net_run(net, VD_MS(500));
	}
	cr_assert(eq(u32, stolen, 40));
	cr_assert(gt(u64, stats(net, 1)->challenges, 10));
	cr_assert(zero(u64, stats(net, 1)->moves));
	cr_assert(eq(u8, address_at(net), 1));
	cr_assert(net_data(net, 1, 0));
	net_run(net, VD_MS(50));
	cr_assert(eq(u32, net->nodes[0].data_received, 1), "it is reached where it was");
	end(net);
}

Test(peering_path, an_unproven_address_gets_no_more_than_came_from_it_but_for_one_challenge)
{
	struct net *net = two_settled(PEERING_LINK);

	net->watch = steal;
	cr_assert(net_data(net, 0, 1)); /* 29 bytes */
	net_run(net, VD_SECONDS(20));
	cr_assert(eq(u64, net->nodes[1].tx_bytes[THIEF], CHALLENGE_BYTES), "the first only");
	for (unsigned i = 0; i < 100; i++) {
		cr_assert(net_data(net, 0, 1));
		net_run(net, VD_MS(100));
	}
	cr_assert(le(u64, net->nodes[1].tx_bytes[THIEF],
		     net->nodes[1].rx_bytes[THIEF] + CHALLENGE_BYTES));
	end(net);
}

/* It copies what is sealed, too. */
static bool steal_all(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] != MG_HANDSHAKE && frame->to == 2)
		frame->from = THIEF;
	return true;
}

static void challenge_node_1(struct net *net)
{
	struct control_msg msg = { .kind = CONTROL_CHALLENGE, .challenge = { 1, 2, 3 } };
	uint8_t body[CONTROL_MSG_MAX];

	cr_assert(eq(int,
		     peering_send_control(net->nodes[0].peering, &net->nodes[1].identity.id,
					  vd_bytes(body, control_msg_encode(&msg, body)), net->now),
		     VD_OK));
	net_drain(net, 0);
}

Test(peering_path, answers_to_challenges_count_among_the_bytes_sent)
{
	struct net *net = two_settled(PEERING_LINK);
	const struct node *node = &net->nodes[1];

	net->watch = steal_all;
	for (unsigned i = 0; i < 20; i++) {
		challenge_node_1(net);
		net_run(net, VD_MS(400));
	}
	cr_assert(ge(u64, node->tx_bytes[THIEF], 20 * CHALLENGE_BYTES), "each is answered there");
	cr_assert(le(u64, node->tx_bytes[THIEF], node->rx_bytes[THIEF] + CHALLENGE_BYTES));
	end(net);
}

Test(peering_path, an_address_is_challenged_every_half_second_for_ten)
{
	struct net *net = two_settled(PEERING_LINK);

	net->watch = steal;
	for (unsigned i = 0; i < 98; i++) {
		cr_assert(net_data(net, 0, 1));
		net_run(net, VD_MS(100));
	}
	cr_assert(
	    all(ge(u64, stats(net, 1)->challenges, 19), le(u64, stats(net, 1)->challenges, 20)));
	end(net);
}

/* What was for the thief, it hands on to the peer, as if it came from node 1. */
static bool hand_on(struct net *net, struct net_frame *frame)
{
	(void)steal(net, frame);
	if (frame->to == THIEF)
		frame->to = 1;
	return true;
}

Test(peering_path, an_answer_over_another_path_than_the_challenged_one_does_not_count)
{
	struct net *net = two_settled(PEERING_LINK);

	net->watch = hand_on;
	cr_assert(net_data(net, 0, 1));
	net_run(net, VD_SECONDS(2));
	cr_assert(ge(u64, stats(net, 1)->challenges, 1));
	cr_assert(zero(u64, stats(net, 1)->moves));
	cr_assert(eq(u8, address_at(net), 1));
	end(net);
}

Test(peering_path, a_frame_that_is_not_the_newest_challenges_nobody)
{
	struct net *net = two_settled(PEERING_LINK);

	cr_assert(net_data(net, 0, 1));
	net->delay_min = net->delay_max = VD_MS(1);
	cr_assert(net_data(net, 0, 1)); /* overtakes the first */
	net_run(net, VD_MS(5));
	net->watch = steal;
	net_run(net, VD_MS(50));
	cr_assert(eq(u32, stolen, 1));
	cr_assert(zero(u64, stats(net, 1)->challenges));
	end(net);
}

Test(peering_path, two_forged_addresses_do_not_keep_a_true_one_out)
{
	struct net *net = two_settled(PEERING_LINK);
	struct peering_path thief = { .bytes = { THIEF } }, other = { .bytes = { THIEF + 1 } };
	uint32_t index = net_current(net, 1, 0)->index;

	peering_moved(net->nodes[1].peering, index, &thief, 100, net->now);
	peering_moved(net->nodes[1].peering, index, &other, 100, net->now);
	net_drain(net, 1);
	net->nodes[0].alias = ELSEWHERE;
	net_run(net, VD_SECONDS(1));
	cr_assert(net_data(net, 0, 1));
	net_run(net, VD_MS(50));
	cr_assert(eq(u8, address_at(net), ELSEWHERE));
	end(net);
}

Test(peering_path, an_answer_ends_the_challenges_to_other_addresses)
{
	struct net *net = two_settled(PEERING_LINK);
	struct peering_path thief = { .bytes = { THIEF } };
	uint64_t before;

	peering_moved(net->nodes[1].peering, net_current(net, 1, 0)->index, &thief, 1000, net->now);
	net_drain(net, 1);
	net_run(net, VD_MS(600));
	cr_assert(eq(u64, stats(net, 1)->challenges, 2), "the thief is challenged again");
	net->nodes[0].alias = ELSEWHERE;
	cr_assert(net_data(net, 0, 1));
	net_run(net, VD_MS(50));
	cr_assert(eq(u8, address_at(net), ELSEWHERE));
	before = stats(net, 1)->challenges;
	net_run(net, VD_SECONDS(5));
	cr_assert(eq(u64, stats(net, 1)->challenges, before));
	end(net);
}

static bool lose_sealed_to_0(struct net *net, struct net_frame *frame)
{
	(void)net;
	return frame->bytes[0] != MG_SEALED || frame->from != 2;
}

/*
 * After a silence node 0 shakes hands from elsewhere, hears no answer, comes back, and goes on
 * with the older keys, while node 1 sends under the newer ones to where they came from.
 */
static struct net *half_rekeyed(void)
{
	struct net *net = two_settled(PEERING_LINK);
	uint64_t begun = stats(net, 0)->handshakes_begun;

	net->cut = true;
	while (stats(net, 0)->handshakes_begun == begun)
		net_run(net, VD_MS(100));
	net->cut = false;
	net->nodes[0].alias = ELSEWHERE;
	net->watch = lose_sealed_to_0;
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u8, address_at(net), ELSEWHERE));
	net->nodes[0].alias = 0;
	net->watch = NULL;
	return net;
}

Test(peering_path, whom_newer_keys_do_not_reach_is_found_where_older_ones_come_from)
{
	struct net *net = half_rekeyed();

	for (unsigned i = 0; i < 70; i++) {
		cr_assert(net_data(net, 0, 1));
		net_run(net, VD_SECONDS(1));
	}
	cr_assert(eq(u8, address_at(net), 1));
	cr_assert(net_data(net, 1, 0));
	net_run(net, VD_MS(50));
	cr_assert(eq(u32, net->nodes[0].data_received, 1));
	end(net);
}
