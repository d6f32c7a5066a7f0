/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Two handshakes that cross, when something else happens too (switch/SPEC.md, 3.3). */
#include <sodium.h>

#include "controlplane/proto/handshake.h"
#include "controlplane/proto/peering.h"
#include "multigram/frame.h"
#include "tests/unit/proto/peering_two.h"

enum { SENDER_AT = 2, RECEIVER_AT = 6, E_AT = 10, ECHO_AT = 10, MAC_AT = 18, COOKIE = 16 };

static struct net_frame first[2]; /* message 1 of each node */
static unsigned sent[2];          /* messages 1 of each */
static struct net_frame last[2];  /* the last of them */

/* No message 2 arrives. */
static bool watch(struct net *net, struct net_frame *frame)
{
	unsigned from = frame->from - 1u;

	(void)net;
	if (frame->bytes[0] != MG_HANDSHAKE)
		return true;
	if (frame->bytes[1] == HANDSHAKE_1 && from < 2) {
		if (sent[from]++ == 0)
			first[from] = *frame;
		last[from] = *frame;
	}
	return frame->bytes[1] != HANDSHAKE_2;
}

/* Asks for the cookie 0909… in the name of the other side. */
static enum vd_err ask_cookie(struct net *net, unsigned node)
{
	uint8_t frame[HANDSHAKE_COOKIE_FRAME] = { MG_HANDSHAKE, HANDSHAKE_COOKIE };
	uint8_t hash[crypto_hash_sha256_BYTES];

	memcpy(frame + RECEIVER_AT, first[node].bytes + SENDER_AT, 4);
	crypto_hash_sha256(hash, first[node].bytes + E_AT, 32);
	memcpy(frame + ECHO_AT, hash, 8);
	memset(frame + MAC_AT, 9, COOKIE);
	return net_inject(net, node, net_path(1 - node), vd_bytes(frame, sizeof frame));
}

Test(peering_crossing, who_yielded_sends_a_cookie_with_its_next_repeat_not_at_once)
{
	struct net *net = net_new(PEERING_LINK, 1);
	uint8_t cookie[COOKIE];
	unsigned larger;

	memset(cookie, 9, sizeof cookie);
	net_start(net, 0);
	net_start(net, 1);
	net->watch = watch;
	memset(sent, 0, sizeof sent);
	net_dial(net, 0, 1);
	net_dial(net, 1, 0);
	net_run(net, VD_MS(15)); /* both have come */
	cr_assert(all(eq(u32, sent[0], 1), eq(u32, sent[1], 1)));
	larger = memcmp(first[0].bytes + E_AT, first[1].bytes + E_AT, 32) < 0;
	cr_assert(eq(int, ask_cookie(net, larger), VD_OK));
	cr_assert(eq(u64, peering_stats(net->nodes[larger].peering)->cookies, 1));
	net_run(net, VD_MS(1900));
	cr_assert(eq(u32, sent[larger], 1));
	net_run(net, VD_MS(200));
	cr_assert(eq(u32, sent[larger], 2));
	cr_assert(
	    zero(int, memcmp(last[larger].bytes + last[larger].len - COOKIE, cookie, COOKIE)));
	end(net);
}

/* Node `from` restarts and dials before its peer notices. */
static void restart(struct net *net, unsigned from, unsigned to)
{
	net_stop(net, from);
	net_start(net, from);
	net_dial(net, from, to);
}

/* Up, by a handshake of the node with the smaller id, which is returned. */
static unsigned dial_by_smaller(struct net *net)
{
	unsigned smaller =
	    vd_peer_id_compare(&net->nodes[0].identity.id, &net->nodes[1].identity.id) > 0;

	net_dial(net, smaller, 1 - smaller);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	return smaller;
}

Test(peering_crossing, the_handshake_of_a_restarted_peer_stays_whoever_initiated_it)
{
	struct net *net = two(PEERING_LINK);
	unsigned smaller = dial_by_smaller(net), larger = 1 - smaller;

	restart(net, larger, smaller);
	net_run(net, VD_MS(100));
	cr_assert(eq(u32, net->nodes[smaller].counts[PEERING_REBOOTED], 1));
	cr_assert(not(net_current(net, smaller, larger)->keys.initiator));
	cr_assert(net_keys_match(net, smaller, larger));
	cr_assert(net_data(net, smaller, larger));
	net_run(net, VD_MS(50));
	cr_assert(eq(u32, net->nodes[larger].data_received, 1));
	end(net);
}

static struct net_frame third;

static bool hold_3(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] != MG_HANDSHAKE || frame->bytes[1] != HANDSHAKE_3)
		return true;
	third = *frame;
	return false;
}

/* What waited in a queue may be of an earlier time than what did not. */
Test(peering_crossing, of_two_at_once_the_smaller_ids_stays_if_the_other_is_of_an_earlier_time)
{
	struct net *net = two(PEERING_LINK);
	unsigned smaller = dial_by_smaller(net), larger = 1 - smaller;

	net->watch = hold_3;
	cr_assert(eq(int,
		     peering_rekey(net->nodes[larger].peering,
				   net_current(net, larger, smaller)->index, net->now),
		     VD_OK));
	net_run(net, VD_MS(100));
	net->now -= VD_MS(500);
	cr_assert(eq(int,
		     net_inject(net, smaller, net_path(larger), vd_bytes(third.bytes, third.len)),
		     VD_OK));
	net->now += VD_MS(500);
	net_run(net, VD_MS(100));
	cr_assert(eq(u64, peering_stats(net->nodes[smaller].peering)->handshakes_done, 2));
	cr_assert(net_current(net, smaller, larger)->keys.initiator);
	cr_assert(not(net_current(net, larger, smaller)->keys.initiator));
	end(net);
}
