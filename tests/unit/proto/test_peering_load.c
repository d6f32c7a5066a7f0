/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Handshakes under attack: cookies, limits after the cookie, bytes out per byte in. */
#include <sodium.h>
#include <stdlib.h>

#include "controlplane/proto/peering.h"
#include "multigram/frame.h"
#include "tests/unit/proto/peering_two.h"

enum { LOAD = 64, FIRST = 1024, COOKIE_FRAME = 34, COOKIE_AT = 18 };

static uint8_t model[NET_FRAME_BYTES]; /* a genuine message 1 of node 0 */

static struct net *two_attacked(enum peering_kind kind)
{
	struct net *net = two(kind);

	net->cut = true;
	net_dial(net, 0, 1);
	memcpy(model, net->frames[0].bytes, FIRST);
	net_stop(net, 0);
	net_run(net, VD_SECONDS(1));
	net->cut = false;
	net_start(net, 0);
	return net;
}

static struct peering_path stranger(uint32_t i)
{
	struct peering_path path = { .bytes = { NET_NOBODY } };

	vd_be32_store(path.bytes + 2, i);
	return path;
}

static void first_message(uint32_t i, uint8_t out[FIRST])
{
	memcpy(out, model, FIRST);
	vd_be32_store(out + 2, i + 1);
	vd_be32_store(out + 10, UINT32_C(0x01000000) + i); /* e: any 32 bytes are a point */
}

/* The answer to an input from a stranger; its length, 0: none. */
static size_t answer_to(struct net *net, unsigned node, struct peering_path path,
			const uint8_t *frame, size_t len)
{
	net->nobody.len = 0;
	(void)net_inject(net, node, path, vd_bytes(frame, len));
	return net->nobody.len;
}

static void flood(struct net *net, uint32_t from, uint32_t count)
{
	uint8_t frame[FIRST];

	for (uint32_t i = from; i < from + count; i++) {
		first_message(i, frame);
		(void)answer_to(net, 1, stranger(i), frame, FIRST);
	}
}

static struct net *loaded(enum peering_kind kind)
{
	struct net *net = two_attacked(kind);

	flood(net, 0, LOAD);
	return net;
}

/* ---- the responder ---- */

static void check_asks_for_a_cookie(enum peering_kind kind)
{
	struct net *net = two_attacked(kind);
	uint8_t frame[FIRST];

	for (uint32_t i = 0; i < 2 * LOAD; i++) {
		first_message(i, frame);

		size_t len = answer_to(net, 1, stranger(i), frame, FIRST);

		if (i < LOAD)
			cr_assert(eq(u8, net->nobody.bytes[1], 2), "message 2");
		else
			cr_assert(eq(sz, len, COOKIE_FRAME));
	}
	cr_assert(eq(int, net->nodes[1].indices_out, LOAD), "no state for the others");
	cr_assert(eq(u64, stats(net, 1)->handshakes_begun, LOAD), "and no work");
	cr_assert(eq(u64, stats(net, 1)->cookies_asked, LOAD));
	end(net);
}

Test(peering_load, from_64_half_open_links_on_a_cookie_is_asked_for_and_nothing_kept)
{
	check_asks_for_a_cookie(PEERING_LINK);
}

Test(peering_load, from_64_half_open_sessions_on_a_cookie_is_asked_for_and_nothing_kept)
{
	check_asks_for_a_cookie(PEERING_SESSION);
}

Test(peering_load, a_cookie_frame_names_the_initiators_index_and_the_hash_of_e)
{
	struct net *net = loaded(PEERING_LINK);
	uint8_t frame[FIRST], hash[32];
	static const uint8_t head[] = { MG_HANDSHAKE, 4, 0, 0, 0, 0, 0, 0, 3, 0xe8 };

	first_message(999, frame);
	cr_assert(eq(sz, answer_to(net, 1, stranger(999), frame, FIRST), COOKIE_FRAME));
	crypto_hash_sha256(hash, frame + 10, 32);
	cr_assert(zero(int, memcmp(net->nobody.bytes, head, sizeof head)));
	cr_assert(zero(int, memcmp(net->nobody.bytes + 10, hash, 8)));
	end(net);
}

/* Message 1 number i with the cookie that was asked for. */
static void with_cookie(struct net *net, uint32_t i, uint8_t frame[FIRST])
{
	first_message(i, frame);
	cr_assert(eq(sz, answer_to(net, 1, stranger(i), frame, FIRST), COOKIE_FRAME));
	memcpy(frame + FIRST - 16, net->nobody.bytes + COOKIE_AT, 16);
}

Test(peering_load, who_brings_the_cookie_back_is_answered_with_message_2)
{
	struct net *net = loaded(PEERING_LINK);
	uint8_t frame[FIRST];

	with_cookie(net, 999, frame);
	cr_assert(gt(sz, answer_to(net, 1, stranger(999), frame, FIRST), COOKIE_FRAME));
	cr_assert(eq(u8, net->nobody.bytes[1], 2));
	cr_assert(eq(u64, stats(net, 1)->cookies_fit, 1));
	cr_assert(eq(int, net->nodes[1].indices_out, LOAD + 1));
	end(net);
}

Test(peering_load, a_cookie_is_worth_nothing_from_elsewhere_or_when_old)
{
	struct net *net = loaded(PEERING_LINK);
	uint8_t frame[FIRST];

	with_cookie(net, 999, frame);
	cr_assert(eq(sz, answer_to(net, 1, stranger(998), frame, FIRST), COOKIE_FRAME));
	frame[20] ^= 1; /* e */
	cr_assert(eq(sz, answer_to(net, 1, stranger(999), frame, FIRST), COOKIE_FRAME));
	frame[20] ^= 1;
	net->now += VD_SECONDS(240);
	cr_assert(eq(sz, answer_to(net, 1, stranger(999), frame, FIRST), COOKIE_FRAME));
	cr_assert(zero(u64, stats(net, 1)->cookies_fit));
	end(net);
}

Test(peering_load, ends_when_the_half_open_handshakes_do)
{
	struct net *net = loaded(PEERING_LINK);
	uint8_t frame[FIRST];

	net_run(net, VD_SECONDS(20));
	first_message(999, frame);
	cr_assert(gt(sz, answer_to(net, 1, stranger(999), frame, FIRST), COOKIE_FRAME));
	cr_assert(zero(u64, stats(net, 1)->cookies_asked));
	end(net);
}

Test(peering_load, a_repeat_of_a_known_message_1_needs_no_cookie)
{
	struct net *net = loaded(PEERING_LINK);
	uint8_t frame[FIRST];

	first_message(5, frame);
	cr_assert(gt(sz, answer_to(net, 1, stranger(5), frame, FIRST), COOKIE_FRAME));
	cr_assert(zero(u64, stats(net, 1)->cookies_asked));
	end(net);
}

/* ---- limits after the cookie ---- */

static size_t one_prefix(void *context, const struct peering_path *path, uint8_t out[16])
{
	(void)context;
	out[0] = path->bytes[0];
	out[1] = path->bytes[2]; /* a /8 of strangers' numbers */
	return 2;
}

static struct net *two_by_prefix(enum peering_kind kind)
{
	struct net *net = two_attacked(kind);

	net_stop(net, 1);
	net->nodes[1].config.prefix = one_prefix;
	net_start(net, 1);
	return net;
}

static unsigned answered(struct net *net, uint32_t from, uint32_t count)
{
	uint8_t frame[FIRST];
	unsigned sum = 0;

	for (uint32_t i = from; i < from + count; i++) {
		with_cookie(net, i, frame);
		sum += answer_to(net, 1, stranger(i), frame, FIRST) > COOKIE_FRAME;
	}
	return sum;
}

Test(peering_load, a_prefix_gets_40_handshakes_at_once_and_20_a_second_after_the_cookie)
{
	struct net *net = two_by_prefix(PEERING_LINK);

	flood(net, UINT32_C(2) << 24, LOAD / 2);
	flood(net, UINT32_C(3) << 24, LOAD / 2);
	cr_assert(eq(u32, answered(net, 1000, 100), 40));
	cr_assert(eq(u64, stats(net, 1)->limits[PEERING_LIMIT_PREFIX], 60));
	cr_assert(eq(u32, answered(net, UINT32_C(1) << 24, 10), 10), "another prefix");
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, answered(net, 2000, 100), 20));
	end(net);
}

Test(peering_load, without_load_a_prefix_is_asked_for_cookies_after_40_handshakes)
{
	struct net *net = two_by_prefix(PEERING_LINK);

	flood(net, 0, LOAD - 1);
	cr_assert(eq(int, net->nodes[1].indices_out, 40));
	cr_assert(eq(u64, stats(net, 1)->cookies_asked, LOAD - 1 - 40));
	cr_assert(zero(u64, stats(net, 1)->turned_away));
	flood(net, UINT32_C(1) << 24, 1);
	cr_assert(eq(int, net->nodes[1].indices_out, 41), "another prefix");
	end(net);
}

Test(peering_load, whose_share_liars_spend_is_asked_for_a_cookie_and_comes_up_at_once)
{
	struct net *net = two_by_prefix(PEERING_LINK);
	uint8_t frame[FIRST];

	for (uint32_t i = 0; i < 1000; i++) {
		first_message(i, frame);
		(void)net_inject(net, 1, net_path(0), vd_bytes(frame, FIRST));
	}
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_MS(200)));
	cr_assert(eq(u64, stats(net, 0)->cookies, 1));
	end(net);
}

/* A peer without a tier, whose address is its own, does as many handshakes as it gets in 5 s. */
static void check_quick_finisher(enum peering_kind kind)
{
	enum { SECONDS = 5, MOST = 40 + 20 * SECONDS };
	struct net *net = two_by_prefix(kind);
	vd_ns until = net->now + VD_SECONDS(SECONDS);

	net->delay_min = net->delay_max = VD_MS(1);
	net->nodes[1].refuses = true;
	while (net->now < until) {
		net_dial(net, 0, 1);
		net_run(net, VD_MS(8)); /* message 1, a cookie, 1, 2, 3, the refusal */
		peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	}
	cr_assert(ge(u64, stats(net, 1)->refused, MOST - 20), "it gets its share");
	cr_assert(le(u64, stats(net, 1)->refused, MOST));
	cr_assert(le(u64, stats(net, 1)->handshakes_begun, 2 * MOST), "unproven ones on top");
	cr_assert(gt(u64, stats(net, 1)->limits[PEERING_LIMIT_PREFIX], 100));
	end(net);
}

Test(peering_load, quick_handshakes_get_40_links_and_20_a_second_of_their_prefix)
{
	check_quick_finisher(PEERING_LINK);
}

Test(peering_load, quick_handshakes_get_40_sessions_and_20_a_second_of_their_link)
{
	check_quick_finisher(PEERING_SESSION);
}

/* ---- the initiator ---- */

static void check_connects(enum peering_kind kind)
{
	struct net *net = loaded(kind);

	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_MS(200)), "at once: no repeat was needed");
	cr_assert(net_keys_match(net, 0, 1));
	cr_assert(eq(u64, stats(net, 0)->cookies, 1));
	cr_assert(eq(u64, stats(net, 1)->cookies_fit, 1));
	end(net);
}

Test(peering_load, a_genuine_link_comes_up_at_once_with_a_cookie)
{
	check_connects(PEERING_LINK);
}

Test(peering_load, a_genuine_session_comes_up_at_once_with_a_cookie)
{
	check_connects(PEERING_SESSION);
}

Test(peering_load, two_at_once_under_load_come_up)
{
	struct net *net = loaded(PEERING_LINK);
	uint8_t frame[FIRST];

	for (uint32_t i = 0; i < LOAD; i++) {
		first_message(i, frame);
		(void)answer_to(net, 0, stranger(i), frame, FIRST);
	}
	net_dial(net, 0, 1);
	net_dial(net, 1, 0);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(3)));
	cr_assert(net_keys_match(net, 0, 1));
	end(net);
}

static unsigned firsts_sent;
static uint8_t first_sent[2][FIRST];

static bool count_firsts(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] == MG_HANDSHAKE && frame->bytes[1] == 1) {
		memcpy(first_sent[firsts_sent % 2], frame->bytes, FIRST);
		firsts_sent++;
	}
	return false; /* nobody answers */
}

/* A cookie frame for node 0's message 1. */
static void cookie_for(const uint8_t first[FIRST], uint8_t fill, uint8_t out[COOKIE_FRAME])
{
	uint8_t hash[32];

	crypto_hash_sha256(hash, first + 10, 32);
	memcpy(out, (uint8_t[]){ MG_HANDSHAKE, 4, 0, 0, 0, 0 }, 6);
	memcpy(out + 6, first + 2, 4);
	memcpy(out + 10, hash, 8);
	memset(out + COOKIE_AT, fill, 16);
}

static struct net *dialling(void)
{
	struct net *net = two_attacked(PEERING_LINK);

	firsts_sent = 0;
	net->watch = count_firsts;
	net_dial(net, 0, 1);
	net_run(net, VD_MS(20));
	cr_assert(eq(u32, firsts_sent, 1));
	return net;
}

Test(peering_load, the_retry_is_the_same_message_with_the_cookie_once_a_transmission)
{
	struct net *net = dialling();
	uint8_t cookie[COOKIE_FRAME];

	cookie_for(first_sent[0], 0xaa, cookie);
	for (unsigned i = 0; i < 10; i++)
		cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(cookie, sizeof cookie)),
			     VD_OK));
	net_run(net, VD_MS(20));
	cr_assert(eq(u32, firsts_sent, 2));
	cr_assert(zero(int, memcmp(first_sent[0], first_sent[1], FIRST - 16)));
	cr_assert(zero(int, memcmp(first_sent[1] + FIRST - 16, cookie + COOKIE_AT, 16)));
	net_run(net, VD_MS(480)); /* the repeat of its own */
	cr_assert(eq(u32, firsts_sent, 3));
	cr_assert(zero(int, memcmp(first_sent[0], first_sent[1], FIRST)), "with the cookie, too");
	cookie_for(first_sent[0], 0xbb, cookie);
	(void)net_inject(net, 0, net_path(1), vd_bytes(cookie, sizeof cookie));
	net_run(net, VD_MS(20));
	cr_assert(eq(u32, firsts_sent, 4));
	cr_assert(zero(int, memcmp(first_sent[1] + FIRST - 16, cookie + COOKIE_AT, 16)),
		  "the new one");
	end(net);
}

Test(peering_load, cookie_frames_count_only_with_the_right_index_e_and_path)
{
	struct net *net = dialling();
	uint8_t cookie[COOKIE_FRAME];

	cookie_for(first_sent[0], 0xaa, cookie);
	cr_assert(eq(int, net_inject(net, 0, stranger(1), vd_bytes(cookie, sizeof cookie)),
		     VD_EPEER_STATE));
	cookie[9] ^= 1;
	cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(cookie, sizeof cookie)),
		     VD_ENOTFOUND));
	cookie[9] ^= 1;
	for (unsigned at = 10; at < COOKIE_AT; at++) {
		cookie[at] ^= 1;
		cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(cookie, sizeof cookie)),
			     VD_EPEER_STATE));
		cookie[at] ^= 1;
	}
	net_run(net, VD_MS(20));
	cr_assert(eq(u32, firsts_sent, 1));
	cr_assert(zero(u64, stats(net, 0)->cookies));
	end(net);
}

Test(peering_load, cookie_frames_for_a_finished_handshake_are_counted_and_dropped)
{
	struct net *net = two_attacked(PEERING_LINK);
	uint8_t cookie[COOKIE_FRAME];

	net_dial(net, 0, 1);
	memcpy(first_sent[0], net->frames[0].bytes, FIRST);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	cookie_for(first_sent[0], 0xaa, cookie);
	cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(cookie, sizeof cookie)),
		     VD_ENOTFOUND));
	cr_assert(eq(u64, stats(net, 0)->unknown_index, 1));
	end(net);
}

/* ---- a flood ---- */

/* 100,000 a second, for 2 s; scripts/soak makes it a minute by PEERING_FLOOD_S. */
static uint32_t flood_seconds(void)
{
	const char *text = getenv("PEERING_FLOOD_S");

	return text ? (uint32_t)strtoul(text, NULL, 10) : 2;
}

static void check_flood(enum peering_kind kind)
{
	enum { STEPS_A_SECOND = 100, A_STEP = 1000 };
	uint32_t seconds = flood_seconds(), steps = seconds * STEPS_A_SECOND;
	struct net *net = two_attacked(kind);
	bool dialled = false, up = false;
	vd_ns dialled_at = 0;

	for (uint32_t step = 0; step < steps; step++) {
		flood(net, step * A_STEP, A_STEP);
		net_run(net, VD_MS(1000 / STEPS_A_SECOND));
		cr_assert(le(int, net->nodes[1].indices_out, LOAD + 1));
		if (step == steps / 4) {
			net_dial(net, 0, 1);
			dialled = true;
			dialled_at = net->now;
		}
		if (dialled && !up) {
			up = net_both_up(net);
			cr_assert(up || net->now - dialled_at < VD_SECONDS(3));
		}
	}
	cr_assert(up);
	/* each of the half-open ones lasts 20 s */
	cr_assert(le(u64, stats(net, 1)->handshakes_begun, LOAD * (1 + seconds / 20) + 1));
	cr_assert(
	    le(u64, net->nodes[1].tx_bytes[NET_NOBODY], net->nodes[1].rx_bytes[NET_NOBODY] / 25));
	net_run(net, VD_SECONDS(30));
	cr_assert(eq(int, net->nodes[1].indices_out, 1));
	end(net);
}

Test(peering_load, a_flood_of_100000_first_messages_a_second_keeps_no_genuine_link_away)
{
	check_flood(PEERING_LINK);
}

Test(peering_load, a_flood_of_100000_first_messages_a_second_keeps_no_genuine_session_away)
{
	check_flood(PEERING_SESSION);
}

/* ---- bytes out per byte in, before proof ---- */

static void check_ratio(struct net *net, unsigned node, uint32_t from, const uint8_t *frame,
			size_t len)
{
	cr_assert(le(sz, answer_to(net, node, stranger(from), frame, len), len),
		  "an answer longer than its cause: type %u, %zu bytes", frame[1], len);
}

/* Each type and index, each length, each known and unknown receiver index. */
static void check_ratios(struct net *net, unsigned node)
{
	uint8_t frame[1400];
	const struct net_generation *current = net_current(net, node, 1 - node);
	const uint32_t receivers[] = {
		0, 1, 0x101, 0x201, current ? current->index : 0, UINT32_MAX
	};

	for (unsigned index = 0; index < 9; index++) {
		for (unsigned type = 0; type < 6; type++) {
			for (size_t r = 0; r < sizeof receivers / sizeof receivers[0]; r++) {
				memcpy(frame, model, FIRST);
				memset(frame + FIRST, 0, sizeof frame - FIRST);
				frame[0] = (uint8_t)index;
				frame[1] = (uint8_t)type;
				vd_be32_store(frame + (index == MG_HANDSHAKE ? 6 : 1),
					      receivers[r]);
				for (size_t len = 1; len <= sizeof frame; len += len < 64 ? 1 : 97)
					check_ratio(net, node, 1, frame, len);
			}
		}
	}
}

Test(peering_load, no_made_up_frame_is_answered_with_more_bytes_than_it_has)
{
	struct net *net = two_attacked(PEERING_LINK);

	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	check_ratios(net, 0);
	check_ratios(net, 1);
	flood(net, 0, LOAD);
	check_ratios(net, 1);
	end(net);
}

Test(peering_load, no_made_up_frame_of_a_session_is_answered_with_more_bytes_than_it_has)
{
	struct net *net = two_attacked(PEERING_SESSION);

	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	check_ratios(net, 0);
	check_ratios(net, 1);
	flood(net, 0, LOAD);
	check_ratios(net, 1);
	end(net);
}

Test(peering_load, first_messages_are_answered_with_at_most_their_bytes)
{
	struct net *net = two_attacked(PEERING_LINK);
	uint8_t frame[FIRST];

	for (uint32_t i = 0; i < 2 * LOAD; i++) {
		first_message(i, frame);
		check_ratio(net, 1, i, frame, FIRST);
		check_ratio(net, 1, i, frame, FIRST); /* a repeat */
		for (size_t len = 1; len < FIRST; len += 31)
			check_ratio(net, 1, i, frame, len);
		if (i < LOAD)
			continue;
		with_cookie(net, i, frame);
		check_ratio(net, 1, i, frame, FIRST);
	}
	cr_assert(gt(u64, stats(net, 1)->cookies_fit, 0));
	end(net);
}

static struct net_frame seen[64];
static unsigned seen_count;

static bool keep(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (seen_count < sizeof seen / sizeof seen[0])
		seen[seen_count++] = *frame;
	return true;
}

static void check_replays(enum peering_kind kind)
{
	struct net *net = two_attacked(kind);

	seen_count = 0;
	net->watch = keep;
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	net_run(net, VD_SECONDS(2));
	cr_assert(ge(u32, seen_count, 4));
	for (unsigned i = 0; i < seen_count; i++) {
		for (size_t len = 1; len <= seen[i].len; len++)
			check_ratio(net, seen[i].to - 1u, 7, seen[i].bytes, len);
		for (size_t at = 0; at < seen[i].len; at += 7) {
			seen[i].bytes[at] ^= 0x10;
			check_ratio(net, seen[i].to - 1u, 7, seen[i].bytes, seen[i].len);
			seen[i].bytes[at] ^= 0x10;
		}
	}
	cr_assert(net_both_up(net));
	end(net);
}

Test(peering_load, what_was_overheard_and_replayed_or_broken_is_answered_with_at_most_its_bytes)
{
	check_replays(PEERING_LINK);
	check_replays(PEERING_SESSION);
}
