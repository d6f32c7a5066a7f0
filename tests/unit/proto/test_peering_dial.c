/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A peer that is up and dialled over another path, until that is answered or undone. */

#include "controlplane/proto/handshake.h"
#include "controlplane/proto/peering.h"
#include "multigram/frame.h"
#include "tests/unit/proto/peering_two.h"

enum { OTHER_WAY = 7 };

static uint8_t way(const struct net *net, unsigned at)
{
	struct peering_view view;

	cr_assert(eq(int,
		     peering_find(net->nodes[at].peering, &net->nodes[1 - at].identity.id, &view),
		     VD_OK));
	return view.path.bytes[1];
}

static void dial_another_way(struct net *net, unsigned from)
{
	struct peering_path path = net_path(1 - from);

	path.bytes[1] = OTHER_WAY;
	cr_assert(eq(int,
		     peering_dial(net->nodes[from].peering, &net->nodes[1 - from].identity.id,
				  &path, net->now),
		     VD_OK));
	net_drain(net, from);
}

static void undial(struct net *net)
{
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	net_drain(net, 0);
}

static bool drop_another_way(struct net *net, struct net_frame *frame)
{
	(void)net;
	return frame->way != OTHER_WAY;
}

static bool drop_message_2(struct net *net, struct net_frame *frame)
{
	(void)net;
	return frame->bytes[0] != MG_HANDSHAKE || frame->bytes[1] != HANDSHAKE_2;
}

Test(peering_dial, what_was_undone_moves_no_link_when_it_is_answered_late)
{
	for (enum peering_kind kind = PEERING_LINK; kind <= PEERING_SESSION; kind++) {
		struct net *net = two_settled(kind);

		net->watch = drop_another_way;
		dial_another_way(net, 0);
		net_run(net, VD_SECONDS(8));
		undial(net);
		net->watch = NULL;
		net_run(net, VD_SECONDS(30));
		cr_assert(all(zero(u8, way(net, 0)), zero(u8, way(net, 1))));
		cr_assert(eq(u64, stats(net, 0)->handshakes_done, 1));
		cr_assert(net->nodes[0].up[1]);
		end(net);
	}
}

Test(peering_dial, undialling_ends_no_rekeying_of_a_link_that_stays)
{
	struct net *net = two_settled(PEERING_LINK);

	net->watch = drop_message_2;
	cr_assert(eq(int,
		     peering_rekey(net->nodes[0].peering, net_current(net, 0, 1)->index, net->now),
		     VD_OK));
	net_run(net, VD_MS(100));
	cr_assert(eq(u64, stats(net, 0)->handshakes_begun, 2));
	undial(net);
	net->watch = NULL;
	net_run(net, VD_SECONDS(5));
	cr_assert(all(eq(u64, stats(net, 0)->handshakes_begun, 2),
		      eq(u64, stats(net, 0)->handshakes_done, 2)));
	end(net);
}

Test(peering_dial, a_dial_over_another_path_waits_while_the_peers_handshake_stays)
{
	struct net *net = two(PEERING_LINK);
	unsigned smaller =
	    vd_peer_id_compare(&net->nodes[0].identity.id, &net->nodes[1].identity.id) > 0;
	unsigned larger = 1 - smaller;

	net_dial(net, smaller, larger);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	dial_another_way(net, larger);
	net_run(net, VD_SECONDS(4));
	cr_assert(eq(u64, stats(net, larger)->handshakes_begun, 2), "theirs, and one of ours");
	cr_assert(zero(u8, way(net, larger)));
	net_run(net, VD_SECONDS(2));
	cr_assert(eq(u64, stats(net, larger)->handshakes_begun, 3));
	cr_assert(all(eq(u8, way(net, larger), OTHER_WAY), eq(u8, way(net, smaller), OTHER_WAY)));
	end(net);
}

static bool drop_another_way_and_their_message_1(struct net *net, struct net_frame *frame)
{
	bool theirs =
	    frame->from == 2 && frame->bytes[0] == MG_HANDSHAKE && frame->bytes[1] == HANDSHAKE_1;

	return !theirs && drop_another_way(net, frame);
}

static bool rekeyed(const struct net *net, uint32_t index)
{
	return net_current(net, 0, 1)->index != index;
}

/* The path that is dialled has to be dead for a link that rekeys every hour, or a session with
 * traffic. */
Test(peering_dial, a_dead_path_that_is_dialled_holds_up_no_rekeying)
{
	for (enum peering_kind kind = PEERING_LINK; kind <= PEERING_SESSION; kind++) {
		struct net *net = two_settled(kind);
		uint32_t index = net_current(net, 0, 1)->index;
		vd_ns end_at =
		    net->now + (kind == PEERING_LINK ? VD_SECONDS(5400) : VD_SECONDS(180));

		net->watch = drop_another_way_and_their_message_1;
		dial_another_way(net, 0);
		for (; net->now < end_at && !rekeyed(net, index); net_run(net, VD_SECONDS(1)))
			cr_assert(net_data(net, 0, 1));
		cr_assert(rekeyed(net, index), "kind %d", kind);
		cr_assert(zero(u8, way(net, 0)), "over the path in use");
		net->watch = NULL;
		net_run(net, VD_SECONDS(90));
		cr_assert(eq(u8, way(net, 0), OTHER_WAY), "which was not forgotten");
		end(net);
	}
}

Test(peering_dial, another_path_is_tried_at_the_pace_of_the_first)
{
	struct net *net = two(PEERING_LINK);
	struct peering *peering = net->nodes[0].peering;
	const struct vd_peer_id *peer = &net->nodes[1].identity.id;
	const struct peering_path path = net_path(1);

	cr_assert(eq(int, peering_dial_instead(peering, peer, &path), VD_ENOTFOUND));
	net->watch = drop_another_way;
	dial_another_way(net, 0);
	net_run(net, VD_SECONDS(19));
	cr_assert(eq(int, peering_dial_instead(peering, peer, &path), VD_OK));
	net_run(net, VD_MS(900));
	cr_assert(not(net_both_up(net)), "the first has 20 s");
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(3)));
	cr_assert(zero(u8, way(net, 0)));
	end(net);
}
