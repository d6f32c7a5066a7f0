/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Public-key work that is done elsewhere: results that come late, out of order, or for nobody. */
#include <sodium.h>

#include "controlplane/proto/peering_state.h"
#include "tests/unit/proto/peering_two.h"

enum { FIRST = 1024, MOST_FIRST = PEERING_JOBS - JOBS_KEPT };

#define NEVER VD_SECONDS(1 << 20) /* jobs are finished by hand */

static struct net *two_waiting(enum peering_kind kind)
{
	struct net *net = two(kind);

	net->job_delay = NEVER;
	return net;
}

/* Jobs that are out; `last`: the one handed out last, in the order of the table. */
static unsigned jobs_out(const struct net *net)
{
	unsigned count = 0;

	for (unsigned i = 0; i < NET_JOBS; i++)
		count += net->jobs[i].at != VD_NEVER;
	return count;
}

static void finish(struct net *net, unsigned job)
{
	cr_assert(ne(u64, net->jobs[job].at, VD_NEVER));
	net->jobs[job].at = net->now;
	net_run(net, 0);
}

/* Frames arrive, jobs do not come back. */
static void pass(struct net *net)
{
	net_run(net, VD_MS(20));
}

/* Node 0 has dialled; `count` jobs of the handshake are done, the next one is out. */
static struct net *handshake_until(enum peering_kind kind, unsigned count)
{
	struct net *net = two_waiting(kind);

	net_dial(net, 0, 1);
	pass(net);
	for (unsigned i = 0; i < count; i++) {
		finish(net, 0);
		pass(net);
	}
	cr_assert(eq(uint, jobs_out(net), 1));
	return net;
}

static void first_message(struct net *net, uint32_t i, uint8_t out[FIRST])
{
	static uint8_t model[FIRST];

	if (!model[0]) {
		net->cut = true;
		net_dial(net, 0, 1);
		memcpy(model, net->frames[0].bytes, FIRST);
		peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
		net_run(net, VD_SECONDS(1));
		net->cut = false;
	}
	memcpy(out, model, FIRST);
	vd_be32_store(out + 2, i + 1);
	vd_be32_store(out + 10, UINT32_C(0x01000000) + i); /* e: any 32 bytes are a point */
}

static struct peering_path stranger(uint8_t i)
{
	return (struct peering_path){ .bytes = { NET_NOBODY, 0, i } };
}

/* With the cookie, where one is asked for. */
static enum vd_err knock(struct net *net, uint32_t i, uint8_t path)
{
	uint8_t frame[FIRST];
	enum vd_err err;

	first_message(net, i, frame);
	net->nobody.len = 0;
	err = net_inject(net, 1, stranger(path), vd_bytes(frame, FIRST));
	if (net->nobody.len == 0 || net->nobody.bytes[1] != 4)
		return err;
	memcpy(frame + FIRST - 16, net->nobody.bytes + 18, 16);
	net->nodes[1].counts[PEERING_SEND]--;
	return net_inject(net, 1, stranger(path), vd_bytes(frame, FIRST));
}

/* ---- each message's work ---- */

static void check_each_message_waits(enum peering_kind kind)
{
	struct net *net = handshake_until(kind, 0);

	cr_assert(zero(int, net->nodes[1].counts[PEERING_SEND]), "message 2 is being made");
	cr_assert(eq(int, net->jobs[0].node, 1));
	finish(net, 0);
	cr_assert(eq(int, net->nodes[1].counts[PEERING_SEND], 1));
	pass(net);
	cr_assert(eq(int, net->jobs[0].node, 0));
	cr_assert(zero(int, net->nodes[0].counts[PEERING_INSTALL]), "message 2 is being looked at");
	finish(net, 0);
	pass(net);
	cr_assert(eq(int, net->jobs[0].node, 1));
	cr_assert(zero(int, net->nodes[1].counts[PEERING_INSTALL]), "message 3 is being looked at");
	finish(net, 0);
	pass(net);
	cr_assert(net_both_up(net));
	cr_assert(net_keys_match(net, 0, 1));
	end(net);
}

Test(peering_job, nothing_comes_of_a_links_message_before_its_job_is_done)
{
	check_each_message_waits(PEERING_LINK);
}

Test(peering_job, nothing_comes_of_a_sessions_message_before_its_job_is_done)
{
	check_each_message_waits(PEERING_SESSION);
}

Test(peering_job, both_come_up_whatever_the_order_and_delay_of_jobs)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct net *net = net_new(seed & 1 ? PEERING_LINK : PEERING_SESSION, seed);

		net->job_delay = VD_MS(1 + seed * 20);
		net->copies = 50;
		net_start(net, 0);
		net_start(net, 1);
		net_dial(net, 0, 1);
		if (seed & 2)
			net_dial(net, 1, 0);
		cr_assert(net_run_until(net, net_both_up, VD_SECONDS(10)), "seed %lu",
			  (unsigned long)seed);
		net_run(net, VD_SECONDS(60));
		cr_assert(net_keys_match(net, 0, 1), "seed %lu", (unsigned long)seed);
		end(net);
	}
}

Test(peering_job, a_message_1_that_fails_leaves_nothing)
{
	struct net *net = two_waiting(PEERING_LINK);
	uint8_t frame[FIRST];

	first_message(net, 0, frame);
	memset(frame + 42, 0xff, 8); /* no payload */
	(void)net_inject(net, 1, stranger(0), vd_bytes(frame, FIRST));
	cr_assert(eq(int, net->nodes[1].indices_out, 1));
	finish(net, 0);
	cr_assert(zero(int, net->nodes[1].indices_out));
	cr_assert(eq(u64, stats(net, 1)->bad_frames, 1));
	cr_assert(zero(int, net->nodes[1].counts[PEERING_SEND]));
	end(net);
}

Test(peering_job, a_repeat_is_answered_once_when_the_answer_is_made)
{
	struct net *net = two_waiting(PEERING_LINK);

	for (unsigned i = 0; i < 5; i++)
		cr_assert(eq(int, knock(net, 0, 0), VD_OK));
	cr_assert(eq(uint, jobs_out(net), 1));
	finish(net, 0);
	cr_assert(eq(int, net->nodes[1].counts[PEERING_SEND], 1));
	(void)knock(net, 0, 0);
	cr_assert(eq(int, net->nodes[1].counts[PEERING_SEND], 2));
	cr_assert(zero(uint, jobs_out(net)));
	end(net);
}

/* ---- late ---- */

Test(peering_job, an_answer_made_after_20_s_is_for_nobody)
{
	struct net *net = handshake_until(PEERING_LINK, 0);

	net->cut = true;
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	net_run(net, VD_SECONDS(21));
	cr_assert(zero(int, net->nodes[1].indices_out), "the handshake is gone");
	finish(net, 0);
	cr_assert(zero(int, net->nodes[1].counts[PEERING_SEND]));
	cr_assert(eq(u64, stats(net, 1)->jobs_late, 1));
	end(net);
}

Test(peering_job, message_2_of_a_peer_that_is_not_wanted_any_more_makes_nothing)
{
	struct net *net = handshake_until(PEERING_LINK, 1);
	struct peering_view view;

	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	cr_assert(eq(int, peering_find(net->nodes[0].peering, &net->nodes[1].identity.id, &view),
		     VD_ENOTFOUND));
	finish(net, 0);
	cr_assert(zero(int, net->nodes[0].counts[PEERING_INSTALL]));
	cr_assert(zero(int, net->nodes[0].indices_out));
	cr_assert(eq(u64, stats(net, 0)->jobs_late, 1));
	end(net);
}

Test(peering_job, message_3_after_its_handshake_ended_makes_no_link)
{
	struct net *net = handshake_until(PEERING_SESSION, 2);

	net->cut = true;
	net_run(net, VD_SECONDS(21));
	finish(net, 0);
	cr_assert(zero(int, net->nodes[1].counts[PEERING_INSTALL]));
	cr_assert(zero(int, net->nodes[1].indices_out));
	cr_assert(eq(u64, stats(net, 1)->jobs_late, 1));
	end(net);
}

Test(peering_job, a_result_is_not_taken_for_the_next_handshake_in_its_place)
{
	struct net *net = two_waiting(PEERING_LINK);

	for (uint32_t i = 0; i < HALF_OPEN_PATH; i++)
		cr_assert(eq(int, knock(net, i, 0), VD_OK));
	cr_assert(eq(int, knock(net, HALF_OPEN_PATH, 0), VD_OK)); /* the oldest goes */
	cr_assert(eq(u64, stats(net, 1)->limits[PEERING_LIMIT_PATH], 1));
	finish(net, 0);
	cr_assert(eq(u64, stats(net, 1)->jobs_late, 1));
	cr_assert(zero(int, net->nodes[1].counts[PEERING_SEND]));
	finish(net, HALF_OPEN_PATH);
	cr_assert(eq(int, net->nodes[1].counts[PEERING_SEND], 1));
	cr_assert(eq(u32, vd_be32_load(net->nobody.bytes + 6), HALF_OPEN_PATH + 1), "to the last");
	end(net);
}

/* ---- out of order ---- */

/* Message 2 twice, the first copy forged; the jobs end in the order `first`, then the other. */
static void check_forged_first(unsigned first)
{
	struct net *net = handshake_until(PEERING_LINK, 0);
	struct net_frame forged;

	finish(net, 0); /* message 2 is on its way */
	forged = net->frames[0].at == VD_NEVER ? net->frames[1] : net->frames[0];
	cr_assert(eq(u8, forged.bytes[1], 2));
	forged.bytes[forged.len - 1] ^= 1;
	cr_assert(
	    eq(int, net_inject(net, 0, net_path(1), vd_bytes(forged.bytes, forged.len)), VD_OK));
	pass(net);
	cr_assert(eq(uint, jobs_out(net), 2));
	finish(net, first);
	finish(net, 1 - first);
	cr_assert(eq(int, net->nodes[0].counts[PEERING_INSTALL], 1));
	cr_assert(eq(u64, stats(net, 0)->bad_frames, first == 0));
	cr_assert(eq(u64, stats(net, 0)->jobs_late, first == 1));
	net->job_delay = 0;
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	end(net);
}

Test(peering_job, a_forged_message_2_ends_nothing_before_or_after_the_true_one)
{
	check_forged_first(0);
	check_forged_first(1);
}

Test(peering_job, message_3_twice_makes_one_link)
{
	struct net *net = handshake_until(PEERING_LINK, 2);

	net_run(net, VD_MS(600)); /* it is repeated */
	cr_assert(eq(uint, jobs_out(net), 2));
	finish(net, 1);
	finish(net, 0);
	cr_assert(eq(int, net->nodes[1].counts[PEERING_UP], 1));
	cr_assert(eq(int, net->nodes[1].counts[PEERING_INSTALL], 1));
	cr_assert(eq(u64, stats(net, 1)->jobs_late, 1));
	end(net);
}

/* ---- limits ---- */

Test(peering_job, a_forged_message_3_is_no_job)
{
	struct net *net = two_waiting(PEERING_LINK);
	struct net_frame third;

	net_dial(net, 0, 1);
	pass(net);
	finish(net, 0);
	pass(net);
	finish(net, 0); /* message 3 is on its way */
	third = net->frames[0].at == VD_NEVER ? net->frames[1] : net->frames[0];
	cr_assert(eq(u8, third.bytes[1], 3));
	for (unsigned at = 10; at < 10 + 48; at += 3) { /* of the sealed static key */
		third.bytes[at] ^= 1;
		cr_assert(eq(int, net_inject(net, 1, net_path(0), vd_bytes(third.bytes, third.len)),
			     VD_EPEER_AUTH));
		third.bytes[at] ^= 1;
	}
	cr_assert(zero(uint, jobs_out(net)));
	pass(net);
	cr_assert(eq(uint, jobs_out(net), 1));
	end(net);
}

Test(peering_job, sixteen_messages_3_are_tried_a_handshake)
{
	struct net *net = two_waiting(PEERING_LINK);
	struct net_frame third;

	net_dial(net, 0, 1);
	pass(net);
	finish(net, 0);
	pass(net);
	finish(net, 0);
	third = net->frames[0].at == VD_NEVER ? net->frames[1] : net->frames[0];
	third.bytes[third.len - 1] ^= 1; /* of the payload: the static key is right */
	for (unsigned i = 0; i < TRIES_MAX; i++)
		cr_assert(eq(int, net_inject(net, 1, net_path(0), vd_bytes(third.bytes, third.len)),
			     VD_OK));
	cr_assert(
	    eq(int, net_inject(net, 1, net_path(0), vd_bytes(third.bytes, third.len)), VD_ELIMIT));
	cr_assert(eq(u64, stats(net, 1)->limits[PEERING_LIMIT_TRIES], 1));
	end(net);
}

Test(peering_job, 96_first_messages_are_worked_on_at_once_and_more_are_dropped_and_counted)
{
	struct net *net = two_waiting(PEERING_LINK);

	for (uint32_t i = 0; i < MOST_FIRST; i++)
		cr_assert(eq(int, knock(net, i, (uint8_t)i), VD_OK));
	cr_assert(eq(int, knock(net, MOST_FIRST, MOST_FIRST), VD_ELIMIT));
	cr_assert(eq(uint, jobs_out(net), MOST_FIRST));
	cr_assert(eq(u64, stats(net, 1)->limits[PEERING_LIMIT_JOBS], 1));
	cr_assert(eq(int, net->nodes[1].indices_out, MOST_FIRST), "and nothing kept");
	finish(net, 7);
	cr_assert(eq(int, knock(net, MOST_FIRST, MOST_FIRST), VD_OK));
	end(net);
}

Test(peering_job, first_messages_leave_room_for_the_work_of_our_own_dials)
{
	struct net *net = two_waiting(PEERING_LINK);

	net_start(net, 2);
	for (uint32_t i = 0; i < MOST_FIRST; i++)
		(void)knock(net, i, (uint8_t)i);
	net_dial(net, 1, 2);
	net->job_delay = VD_MS(1); /* of what comes from now on */
	cr_assert(not(net->nodes[1].up[2]));
	net_run(net, VD_SECONDS(1));
	cr_assert(net->nodes[1].up[2]);
	cr_assert(zero(u64, stats(net, 1)->limits[PEERING_LIMIT_JOBS]));
	end(net);
}

Test(peering_job, its_secrets_are_wiped_when_it_is_handed_back)
{
	struct net *net = handshake_until(PEERING_LINK, 1);
	const struct peering_job *job = net->jobs[0].job;

	cr_assert(not(sodium_is_zero((const uint8_t *)job, sizeof *job)));
	finish(net, 0);
	cr_assert(sodium_is_zero((const uint8_t *)job, sizeof *job));
	end(net);
}
