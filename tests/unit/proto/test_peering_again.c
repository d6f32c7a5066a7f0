/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What comes again, late or changed: repeats of messages 1 and 3 and what they are known by, and
 * a close that arrives behind its time (switch/SPEC.md, 3.3, 3.6 and 12.4).
 */

#include "controlplane/proto/peering.h"
#include "multigram/frame.h"
#include "tests/unit/proto/peering_two.h"

enum { ELSEWHERE = NET_NOBODY, SENDER_AT = 2, E_AT = 10, EMPTY_SEALED = 29 };

static struct net_frame kept;

/* Keeps the last handshake frame of the type. */
static uint8_t type_to_keep;

static bool keep(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] == MG_HANDSHAKE && frame->bytes[1] == type_to_keep)
		kept = *frame;
	return true;
}

static struct net *start(enum peering_kind kind, uint8_t keep_type)
{
	struct net *net = net_new(kind, 1);

	net_start(net, 0);
	net_start(net, 1);
	type_to_keep = keep_type;
	net->watch = keep;
	net_dial(net, 0, 1);
	return net;
}

static struct net *start_up(enum peering_kind kind, uint8_t keep_type)
{
	struct net *net = start(kind, keep_type);

	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	return net;
}

/* What was kept comes to node 1 by `path`; whether it says something there. */
static bool answers(struct net *net, struct peering_path path, enum vd_err *err_out)
{
	uint64_t before = net->nodes[1].tx_bytes[path.bytes[0]];

	*err_out = net_inject(net, 1, path, vd_bytes(kept.bytes, kept.len));
	return net->nodes[1].tx_bytes[path.bytes[0]] > before;
}

/* ---- message 1 ---- */

Test(peering_again, message_1_is_a_repeat_only_with_its_e_sender_index_and_path)
{
	struct net *net = start(PEERING_LINK, 1);
	const struct peering_stats *stats = peering_stats(net->nodes[1].peering);
	struct peering_path path = net_path(0), other = { .bytes = { ELSEWHERE } };
	enum vd_err err;

	net_run(net, VD_MS(15)); /* message 1 has come, and is answered */
	cr_assert(eq(u64, stats->handshakes_begun, 1));
	cr_assert(answers(net, path, &err));
	cr_assert(eq(u64, stats->handshakes_begun, 1), "a repeat");
	kept.bytes[SENDER_AT] ^= 1;
	cr_assert(answers(net, path, &err));
	cr_assert(eq(u64, stats->handshakes_begun, 2), "another sender index");
	kept.bytes[SENDER_AT] ^= 1;
	kept.bytes[E_AT] ^= 1;
	cr_assert(answers(net, path, &err));
	cr_assert(eq(u64, stats->handshakes_begun, 3), "another e");
	kept.bytes[E_AT] ^= 1;
	cr_assert(answers(net, other, &err));
	cr_assert(eq(u64, stats->handshakes_begun, 4), "another path");
	end(net);
}

/* ---- message 3 ---- */

Test(peering_again, message_3_is_answered_again_for_20_s)
{
	struct net *net = start_up(PEERING_LINK, 3);
	enum vd_err err;

	net_run(net, VD_SECONDS(19));
	cr_assert(answers(net, net_path(0), &err));
	cr_assert(eq(int, err, VD_OK));
	net_run(net, VD_SECONDS(2));
	cr_assert(not(answers(net, net_path(0), &err)));
	cr_assert(eq(int, err, VD_EPEER_STATE));
	end(net);
}

Test(peering_again, message_3_over_another_path_or_changed_is_no_repeat)
{
	struct net *net = start_up(PEERING_LINK, 3);
	struct peering_path other = { .bytes = { ELSEWHERE } };
	enum vd_err err;

	cr_assert(not(answers(net, other, &err)));
	cr_assert(eq(int, err, VD_EPEER_STATE));
	kept.bytes[kept.len - 1] ^= 1;
	cr_assert(not(answers(net, net_path(0), &err)));
	cr_assert(eq(int, err, VD_EPEER_STATE));
	end(net);
}

Test(peering_again, a_refused_peer_is_told_again_over_its_path_only_for_20_s)
{
	struct net *net = start(PEERING_LINK, 3);
	struct peering_path other = { .bytes = { ELSEWHERE } };
	enum vd_err err;

	net->nodes[1].refuses = true;
	net_run(net, VD_MS(100));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_REFUSED_BY], 1));
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	cr_assert(not(answers(net, other, &err)));
	cr_assert(eq(int, err, VD_EPEER_STATE));
	net_run(net, VD_SECONDS(19));
	cr_assert(answers(net, net_path(0), &err));
	cr_assert(eq(int, err, VD_EPEER_REFUSED));
	net_run(net, VD_SECONDS(2));
	cr_assert(not(answers(net, net_path(0), &err)));
	end(net);
}

Test(peering_again, message_3_of_a_session_is_answered_with_an_empty_plaintext)
{
	struct net *net = start_up(PEERING_SESSION, 3);
	const struct node *node = &net->nodes[1];
	uint64_t before = node->tx_bytes[1];
	enum vd_err err;

	cr_assert(answers(net, net_path(0), &err));
	cr_assert(eq(u64, node->tx_bytes[1] - before, EMPTY_SEALED));
	end(net);
}

/* ---- back-off ---- */

Test(peering_again, the_back_off_of_two_that_failed_at_once_differs)
{
	vd_ns least = VD_NEVER, most = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct net *net;
		vd_ns began;

		net_seed(seed);
		net = start(PEERING_LINK, 1);
		began = net->now;
		net->cut = true;
		net_run(net, VD_SECONDS(20)); /* given up */
		while (peering_stats(net->nodes[0].peering)->handshakes_begun == 1)
			net_run(net, VD_MS(1));
		least = vd_ns_min(least, net->now - began);
		most = net->now - began > most ? net->now - began : most;
		end(net);
	}
	cr_assert(ge(u64, most - least, VD_MS(50)), "of 500");
}

/* ---- close ---- */

static bool drop_3(struct net *net, struct net_frame *frame)
{
	(void)net;
	return frame->bytes[0] != MG_HANDSHAKE || frame->bytes[1] != 3;
}

static bool hold_sealed_of_1(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] != MG_SEALED || frame->from != 2)
		return true;
	kept = *frame;
	return false;
}

static void rekey_at_0(struct net *net)
{
	cr_assert(eq(int,
		     peering_rekey(net->nodes[0].peering, net_current(net, 0, 1)->index, net->now),
		     VD_OK));
}

static void close_at_1(struct net *net)
{
	peering_close(net->nodes[1].peering, &net->nodes[0].identity.id, CONTROL_SHUTDOWN, "bye",
		      net->now);
	net_drain(net, 1);
}

static void check_carries(struct net *net)
{
	unsigned received[2] = { net->nodes[0].data_received, net->nodes[1].data_received };

	cr_assert(net_data(net, 0, 1));
	cr_assert(net_data(net, 1, 0));
	net_run(net, VD_MS(50));
	for (unsigned i = 0; i < 2; i++)
		cr_assert(eq(u32, net->nodes[i].data_received, received[i] + 1));
}

static void check_late_close(enum peering_kind kind)
{
	struct net *net = start_up(kind, 1);

	net_run(net, VD_SECONDS(6)); /* past the time in which two at once are settled */
	net->watch = hold_sealed_of_1;
	close_at_1(net);
	net_run(net, VD_MS(50));
	net->watch = NULL;
	rekey_at_0(net);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 2));
	kept.at = net->now;
	net->frames[net->frames_high++] = kept; /* at last it arrives */
	net_run(net, VD_MS(50));
	cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 1));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_DOWN]));
	check_carries(net);
	end(net);
}

Test(peering_again, a_close_that_is_late_ends_no_newer_generation)
{
	check_late_close(PEERING_LINK);
	check_late_close(PEERING_SESSION);
}

Test(peering_again, a_close_ends_no_newer_generation_that_waits_to_be_confirmed)
{
	struct net *net = start_up(PEERING_LINK, 1);

	net_run(net, VD_SECONDS(6));
	net->watch = drop_3;
	rekey_at_0(net);
	net_run(net, VD_MS(100));
	cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 2));
	close_at_1(net);
	net_run(net, VD_MS(50));
	cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 1));
	net->watch = NULL;
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(2)));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_DOWN]));
	check_carries(net);
	end(net);
}

/* What it closed was all that it ever answered by: the newer one dies with its handshake. */
Test(peering_again, a_close_beside_a_handshake_that_fails_is_told_at_last)
{
	for (enum peering_kind kind = PEERING_LINK; kind <= PEERING_SESSION; kind++) {
		struct net *net = start_up(kind, 1);

		net_run(net, VD_SECONDS(6));
		peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
		net->watch = drop_3;
		rekey_at_0(net);
		net_run(net, VD_MS(100));
		cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 2));
		close_at_1(net);
		net_run(net, VD_SECONDS(25));
		cr_assert(eq(u32, net->nodes[0].counts[PEERING_DOWN], 1));
		cr_assert(zero(u32, net_generation_count(&net->nodes[0])));
		end(net);
	}
}
