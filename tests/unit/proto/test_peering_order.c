/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What goes when: repeats, back-off, two handshakes at once, which generation is sent with,
 * when there is another one (switch/SPEC.md, 3.3 and 4.2).
 */
#include "controlplane/proto/peering.h"

#include "multigram/frame.h"
#include "tests/unit/proto/peering_two.h"

enum { LOG = 64, E_AT = 10, INDEX_AT = 1, COUNTER_AT = 5 };

/* Frames that watch() has seen, and which of them it drops. */
static struct seen {
	vd_ns at; /* when it was sent */
	uint8_t from, kind, type;
	uint8_t e[32];
} seen[LOG];
static unsigned seen_count;
static bool (*drops)(const struct net *net, const struct net_frame *frame);

static bool is_type(const struct net_frame *frame, uint8_t type)
{
	return frame->bytes[0] == MG_HANDSHAKE && frame->bytes[1] == type;
}

static bool watch(struct net *net, struct net_frame *frame)
{
	struct seen *s = &seen[seen_count % LOG];

	*s = (struct seen){ net->now - VD_MS(10), frame->from, frame->bytes[0], frame->bytes[1] };
	memcpy(s->e, frame->bytes + E_AT, sizeof s->e);
	seen_count++;
	return !drops || !drops(net, frame);
}

/* When `from` sent its frame number `nth` of a handshake type; VD_NEVER: not so many. */
static vd_ns sent_at(unsigned from, uint8_t type, unsigned nth)
{
	for (unsigned i = 0; i < seen_count && i < LOG; i++)
		if (seen[i].from == from + 1 && seen[i].kind == MG_HANDSHAKE &&
		    seen[i].type == type && nth-- == 0)
			return seen[i].at;
	return VD_NEVER;
}

static struct net *start(enum peering_kind kind, uint64_t seed)
{
	struct net *net;

	net_seed(seed);
	net = net_new(kind, seed);
	net_start(net, 0);
	net_start(net, 1);
	net->watch = watch;
	seen_count = 0;
	drops = NULL;
	return net;
}

static struct net *start_up(enum peering_kind kind, uint64_t seed)
{
	struct net *net = start(kind, seed);

	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	return net;
}

static uint32_t index_of(const struct net *net, unsigned from, unsigned to)
{
	const struct net_generation *current = net_current(net, from, to);

	return current ? current->index : 0;
}

static void rekey(struct net *net, unsigned from, unsigned to)
{
	cr_assert(eq(int,
		     peering_rekey(net->nodes[from].peering, index_of(net, from, to), net->now),
		     VD_OK));
}

static bool all(const struct net *net, const struct net_frame *frame)
{
	(void)net;
	(void)frame;
	return true;
}

static bool message_2(const struct net *net, const struct net_frame *frame)
{
	(void)net;
	return is_type(frame, 2);
}

static bool messages_1_of_0(const struct net *net, const struct net_frame *frame)
{
	(void)net;
	return frame->from == 1 && is_type(frame, 1);
}

static bool messages_1_of_1(const struct net *net, const struct net_frame *frame)
{
	(void)net;
	return frame->from == 2 && is_type(frame, 1);
}

static bool sealed(const struct net *net, const struct net_frame *frame)
{
	(void)net;
	return frame->bytes[0] != MG_HANDSHAKE;
}

static bool from_1_but_handshakes(const struct net *net, const struct net_frame *frame)
{
	(void)net;
	return frame->from == 2 && frame->bytes[0] != MG_HANDSHAKE;
}

/* ---- one handshake ---- */

static const unsigned at_ms[] = { 0, 500, 1500, 3500, 7500, 11500, 15500, 19500 };

Test(peering_order, message_1_is_repeated_after_half_a_second_doubling_to_four)
{
	struct net *net = start(PEERING_LINK, 1);
	vd_ns began = net->now;

	drops = all;
	net_dial(net, 0, 1);
	net_run(net, VD_MS(19990));
	for (unsigned i = 0; i < 8; i++)
		cr_assert(eq(u64, sent_at(0, 1, i) - began, VD_MS(at_ms[i])), "%u", i);
	cr_assert(eq(u32, seen_count, 8));
	end(net);
}

Test(peering_order, message_3_is_repeated_until_a_frame_verifies)
{
	struct net *net = start(PEERING_LINK, 1);

	drops = sealed;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(5));
	for (unsigned i = 1; i < 4; i++)
		cr_assert(eq(u64, sent_at(0, 3, i) - sent_at(0, 3, 0), VD_MS(at_ms[i])), "%u", i);
	drops = NULL;
	net_run(net, VD_SECONDS(20));
	cr_assert(eq(u64, sent_at(0, 3, 5), VD_NEVER), "one more, which was answered");
	cr_assert(net_both_up(net));
	end(net);
}

static unsigned before_3;
static bool three_went;

static bool look_before_3(struct net *net, struct net_frame *frame)
{
	if (is_type(frame, 3) && !three_went) {
		three_went = true;
		cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 1), "keys stand already");
	}
	before_3 += !three_went && frame->bytes[0] != MG_HANDSHAKE;
	return true;
}

static void check_before_3(enum peering_kind kind)
{
	struct net *net = start(kind, 1);

	before_3 = 0;
	three_went = false;
	net->watch = look_before_3;
	net_dial(net, 0, 1);
	cr_assert(not(net_data(net, 0, 1)));
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	cr_assert(three_went);
	cr_assert(zero(u32, before_3));
	end(net);
}

Test(peering_order, nothing_but_handshake_frames_goes_before_message_3)
{
	check_before_3(PEERING_LINK);
	check_before_3(PEERING_SESSION);
}

Test(peering_order, the_answer_to_message_3_opens_with_keys_that_stood_before_it)
{
	struct net *net = start(PEERING_LINK, 1);

	net->delay_min = net->delay_max = 0;
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_MS(1)));
	cr_assert(eq(u64, sent_at(0, 3, 1), VD_NEVER));
	cr_assert(zero(u64, peering_stats(net->nodes[0].peering)->unknown_index));
	end(net);
}

Test(peering_order, message_3_alone_makes_the_responders_link_stand)
{
	struct net *net = start(PEERING_LINK, 1);

	drops = sealed;
	net_dial(net, 0, 1);
	net_run(net, VD_MS(100));
	cr_assert(net->nodes[1].up[0]);
	cr_assert(not(net->nodes[0].up[1]), "its side has heard nothing");
	end(net);
}

Test(peering_order, without_an_older_generation_the_initiator_may_send_after_message_3)
{
	struct net *net = start(PEERING_LINK, 1);

	drops = from_1_but_handshakes;
	net_dial(net, 0, 1);
	net_run(net, VD_MS(100));
	cr_assert(not(net->nodes[0].up[1]));
	cr_assert(net_data(net, 0, 1));
	net_run(net, VD_MS(100));
	cr_assert(eq(u32, net->nodes[1].data_received, 1));
	end(net);
}

Test(peering_order, with_an_older_generation_the_initiator_waits_for_a_frame_under_the_new_keys)
{
	struct net *net = start_up(PEERING_LINK, 1);
	uint32_t first = index_of(net, 0, 1);

	net_run(net, VD_SECONDS(6));
	drops = from_1_but_handshakes;
	rekey(net, 0, 1);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 2));
	cr_assert(eq(u32, index_of(net, 0, 1), first));
	drops = NULL;
	net_run(net, VD_SECONDS(4));
	cr_assert(ne(u32, index_of(net, 0, 1), first));
	end(net);
}

static bool changed_sender(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (is_type(frame, 3))
		frame->bytes[5] ^= 1;
	return true;
}

Test(peering_order, message_3_with_another_sender_index_than_message_1_is_dropped)
{
	struct net *net = start(PEERING_LINK, 1);

	net->watch = changed_sender;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(3));
	cr_assert(zero(u32, net->nodes[1].counts[PEERING_INSTALL]));
	end(net);
}

Test(peering_order, after_failures_the_back_off_doubles_to_a_minute)
{
	static const unsigned expected_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct net *net = start(PEERING_LINK, 3);
	vd_ns last = net->now;

	drops = all;
	net_dial(net, 0, 1);
	for (unsigned i = 0; i < 8; i++) {
		vd_ns gap;

		net_run(net, VD_SECONDS(20)); /* given up */
		seen_count = 0;
		while (seen_count == 0)
			net_run(net, VD_MS(10));
		gap = seen[0].at - last - VD_SECONDS(20);
		cr_assert(ge(u64, gap, VD_MS(750) * expected_s[i]), "%u", i);
		cr_assert(le(u64, gap, VD_MS(1250) * expected_s[i]), "%u", i);
		last = seen[0].at;
	}
	end(net);
}

Test(peering_order, who_gets_a_close_backs_off_before_it_dials_again)
{
	struct net *net = start_up(PEERING_LINK, 1);
	vd_ns closed;

	peering_close(net->nodes[1].peering, &net->nodes[0].identity.id, CONTROL_SHUTDOWN, "bye",
		      net->now);
	net_drain(net, 1);
	seen_count = 0;
	closed = net->now;
	net_run(net, VD_SECONDS(3));
	cr_assert(ge(u64, sent_at(0, 1, 0), closed + VD_MS(750)));
	cr_assert(net_both_up(net));
	end(net);
}

/* ---- two at once ---- */

/* Both dial; the frames sent are in `seen`. Which side has the smaller e. */
static unsigned cross(struct net *net)
{
	net_dial(net, 0, 1);
	net_dial(net, 1, 0);
	net_run(net, VD_MS(15));
	cr_assert(ge(u32, seen_count, 2));
	return memcmp(seen[0].e, seen[1].e, 32) < 0 ? seen[0].from - 1u : seen[1].from - 1u;
}

Test(peering_order, of_two_at_once_the_smaller_e_stays_initiator)
{
	unsigned wins[2] = { 0 };

	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct net *net = start(PEERING_LINK, seed);
		unsigned smaller = cross(net);

		cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
		cr_assert(eq(u64, sent_at(smaller, 2, 0), VD_NEVER), "it answers no message 1");
		cr_assert(net_current(net, smaller, 1 - smaller)->keys.initiator);
		wins[smaller]++;
		end(net);
	}
	cr_assert(wins[0] && wins[1], "both cases were seen");
}

Test(peering_order, the_larger_e_answers_and_waits_two_seconds)
{
	struct net *net = start(PEERING_LINK, 2);
	vd_ns began = net->now;
	unsigned smaller, larger;

	drops = message_2;
	smaller = cross(net);
	larger = 1 - smaller;
	net_run(net, VD_SECONDS(3));
	cr_assert(lt(u64, sent_at(larger, 2, 0) - began, VD_MS(100)));
	cr_assert(eq(u64, sent_at(smaller, 1, 1) - began, VD_MS(500)));
	cr_assert(eq(u64, sent_at(larger, 1, 1) - began, VD_MS(2010)));
	end(net);
}

Test(peering_order, a_forged_crossing_message_1_cancels_nothing)
{
	struct net *net = start(PEERING_LINK, 1);
	uint8_t forged[1024];

	drops = messages_1_of_0;
	net_dial(net, 0, 1);
	memcpy(forged, net->frames[0].bytes, sizeof forged);
	net_run(net, VD_MS(50));
	vd_be32_store(forged + 2, 0x09090909);
	memset(forged + E_AT, 1, 31);
	forged[E_AT] = 0; /* smaller than any but one in 256 */
	cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(forged, sizeof forged)), VD_OK));
	drops = NULL;
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(5)));
	cr_assert(net_current(net, 0, 1)->keys.initiator);
	end(net);
}

Test(peering_order, of_two_finished_within_5_s_the_smaller_peer_id_initiates)
{
	unsigned wins[2] = { 0 };

	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct net *net = start_up(PEERING_LINK, seed);
		bool first_is_smaller =
		    vd_peer_id_compare(&net->nodes[0].identity.id, &net->nodes[1].identity.id) < 0;

		rekey(net, 1, 0);
		net_run(net, VD_SECONDS(2));
		for (unsigned i = 0; i < 2; i++)
			cr_assert(eq(int, net_current(net, i, 1 - i)->keys.initiator,
				     i == (first_is_smaller ? 0 : 1)));
		wins[first_is_smaller]++;
		end(net);
	}
	cr_assert(wins[0] && wins[1], "both cases were seen");
}

/* ---- generations ---- */

Test(peering_order, both_send_by_the_newest_generation_that_verified)
{
	struct net *net = start_up(PEERING_LINK, 1);
	uint32_t first[2] = { index_of(net, 0, 1), index_of(net, 1, 0) };

	net_run(net, VD_SECONDS(6));
	rekey(net, 0, 1);
	net_run(net, VD_SECONDS(1));
	for (unsigned i = 0; i < 2; i++)
		cr_assert(ne(u32, index_of(net, i, 1 - i), first[i]));
	cr_assert(net_keys_match(net, 0, 1));
	end(net);
}

Test(peering_order, the_initiator_rekeys_a_link_after_an_hour_within_a_quarter)
{
	vd_ns least = VD_NEVER, most = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct net *net = start_up(PEERING_LINK, seed);
		vd_ns up = net->now;

		drops = messages_1_of_1; /* whose time may come sooner */
		while (net->nodes[0].counts[PEERING_INSTALL] < 2)
			net_run(net, VD_SECONDS(1));
		least = vd_ns_min(least, net->now - up);
		most = net->now - up > most ? net->now - up : most;
		cr_assert(net_current(net, 0, 1)->keys.initiator);
		end(net);
	}
	cr_assert(ge(u64, least, VD_SECONDS(2700)));
	cr_assert(le(u64, most, VD_SECONDS(4502)));
	cr_assert(gt(u64, most - least, VD_SECONDS(300)), "not all at once");
}

/* The dialer's own message 1 is lost for ever: when does the responder send one? */
static vd_ns responder_rekeys_after(struct net *net, vd_ns step)
{
	vd_ns up = net->now;

	drops = messages_1_of_0;
	for (unsigned i = 0; i < 8000; i++) {
		seen_count = 0;
		(void)net_data(net, 0, 1);
		(void)net_data(net, 1, 0);
		net_run(net, step);
		if (sent_at(1, 1, 0) != VD_NEVER)
			return sent_at(1, 1, 0) - up;
	}
	return VD_NEVER;
}

Test(peering_order, the_responder_rekeys_a_link_at_one_and_a_half_times)
{
	struct net *net = start_up(PEERING_LINK, 1);
	vd_ns after = responder_rekeys_after(net, VD_SECONDS(1));

	cr_assert(ge(u64, after, VD_SECONDS(4049)));
	cr_assert(le(u64, after, VD_SECONDS(6752)));
	end(net);
}

Test(peering_order, the_responder_rekeys_a_session_at_one_and_a_half_times)
{
	struct net *net = start_up(PEERING_SESSION, 1);
	vd_ns after = responder_rekeys_after(net, VD_SECONDS(1));

	cr_assert(ge(u64, after, VD_SECONDS(179)));
	cr_assert(le(u64, after, VD_SECONDS(182)));
	end(net);
}

static uint64_t pretended;

static uint64_t pretend(void *context, uint32_t index, vd_ns now, vd_ns *at_out)
{
	(void)context;
	(void)index;
	*at_out = now;
	return pretended;
}

static bool pretended_long;

static bool pretend_long(void *context, uint32_t index)
{
	(void)context;
	(void)index;
	return pretended_long;
}

/* Whether a generation that carries traffic is rekeyed when so many frames were sealed. */
static bool rekeys_after(enum peering_kind kind, enum vd_cipher cipher, uint64_t frames)
{
	struct net *net;
	bool did;

	net_seed(1);
	net = net_new(kind, 1);
	pretended = 1;
	for (unsigned i = 0; i < 2; i++) {
		net->nodes[i].config.sent = pretend;
		net->nodes[i].config.sent_long = pretend_long;
		net->nodes[i].config.ciphers = 1u << cipher;
		net_start(net, i);
	}
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	net_run(net, VD_SECONDS(6));
	pretended = frames;
	(void)net_data(net, 1, 0);
	net_run(net, VD_SECONDS(1));
	did = net->nodes[0].counts[PEERING_INSTALL] == 2;
	pretended = 1;
	end(net);
	return did;
}

Test(peering_order, a_key_seals_no_more_than_2_to_the_60_frames)
{
	uint64_t most = UINT64_C(1) << 60;

	cr_assert(rekeys_after(PEERING_LINK, VD_CHACHA20_POLY1305, most));
	cr_assert(not(rekeys_after(PEERING_LINK, VD_CHACHA20_POLY1305, most - 1)));
	cr_assert(rekeys_after(PEERING_SESSION, VD_CHACHA20_POLY1305, most));
	cr_assert(not(rekeys_after(PEERING_SESSION, VD_CHACHA20_POLY1305, most - 1)));
}

Test(peering_order, a_key_of_aes_gcm_seals_no_more_than_2_to_the_28_frames)
{
	if (!vd_cipher_available(VD_AES_256_GCM))
		cr_skip_test("this CPU has no AES");
	cr_assert(rekeys_after(PEERING_SESSION, VD_AES_256_GCM, UINT64_C(1) << 28));
	cr_assert(not(rekeys_after(PEERING_SESSION, VD_AES_256_GCM, (UINT64_C(1) << 28) - 1)));
}

Test(peering_order, a_key_of_aes_gcm_that_sealed_above_2_kib_seals_no_more_than_2_to_the_23_frames)
{
	uint64_t most = UINT64_C(1) << 23;

	if (!vd_cipher_available(VD_AES_256_GCM))
		cr_skip_test("this CPU has no AES");
	cr_assert(not(rekeys_after(PEERING_SESSION, VD_AES_256_GCM, most)));
	pretended_long = true;
	cr_assert(rekeys_after(PEERING_SESSION, VD_AES_256_GCM, most));
	cr_assert(not(rekeys_after(PEERING_SESSION, VD_AES_256_GCM, most - 1)));
	cr_assert(not(rekeys_after(PEERING_SESSION, VD_CHACHA20_POLY1305, most)));
	cr_assert(not(rekeys_after(PEERING_LINK, VD_CHACHA20_POLY1305, most)));
	pretended_long = false;
}

Test(peering_order, after_45_s_of_silence_the_side_that_dials_shakes_hands)
{
	struct net *net = start_up(PEERING_LINK, 1);
	vd_ns cut;

	net_run(net, VD_SECONDS(100)); /* pings went, the last one 10 s ago at most */
	drops = all;
	seen_count = 0;
	cut = net->now;
	net_run(net, VD_SECONDS(50));
	cr_assert(ge(u64, sent_at(0, 1, 0), cut + VD_SECONDS(45 - 16)));
	cr_assert(le(u64, sent_at(0, 1, 0), cut + VD_SECONDS(46)));
	cr_assert(eq(u64, sent_at(1, 1, 0), VD_NEVER));
	end(net);
}

/* The last counter of each receiver index that a sealed frame was for. */
static struct {
	uint32_t index;
	uint64_t counter;
} last[LOG];

static bool count_up(struct net *net, struct net_frame *frame)
{
	uint32_t index = vd_be32_load(frame->bytes + INDEX_AT);
	unsigned i = 0;

	(void)net;
	if (frame->bytes[0] != MG_SEALED)
		return true;
	index |= (uint32_t)frame->to << 24;
	while (i < LOG && last[i].index && last[i].index != index)
		i++;
	cr_assert(lt(u32, i, LOG));
	last[i].index = index;
	cr_assert(eq(u64, vd_be64_load(frame->bytes + COUNTER_AT), ++last[i].counter));
	return true;
}

Test(peering_order, sealed_frames_of_each_generation_count_from_1)
{
	struct net *net = start(PEERING_LINK, 1);

	net->watch = count_up;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(60));
	rekey(net, 0, 1);
	net_run(net, VD_SECONDS(60));
	cr_assert(ge(u64, last[0].counter, 4));
	cr_assert(ne(u32, last[3].index, 0), "two generations, both ways");
	end(net);
}

/* A ping request under `index`, as the peer's data plane opened it, at node 0. */
static void hear_ping(struct net *net, uint8_t index)
{
	uint8_t ping[10] = { index };

	(void)peering_recv_inner(net->nodes[0].peering, index_of(net, 0, 1), NULL,
				 vd_bytes(ping, sizeof ping), net->now);
	net_drain(net, 0);
}

Test(peering_order, the_table_of_a_new_generation_is_that_of_its_handshake)
{
	/* offer: id of 8 zeros, 17: ping */
	static const char offer[] = "\x00\x51\xa2\x62id\x48\0\0\0\0\0\0\0\0\x64"
				    "0x11\x6f/viaduct/ping/1";
	struct net *net = start_up(PEERING_SESSION, 1);
	const struct peering_stats *stats = peering_stats(net->nodes[0].peering);

	cr_assert(eq(int,
		     peering_recv_inner(net->nodes[0].peering, index_of(net, 0, 1), NULL,
					vd_bytes(offer, sizeof offer - 1), net->now),
		     VD_OK));
	net_drain(net, 0);
	hear_ping(net, 16);
	cr_assert(zero(u64, stats->unknown_inner));
	net_run(net, VD_SECONDS(6));
	rekey(net, 0, 1);
	net_run(net, VD_SECONDS(1));
	hear_ping(net, 17);
	cr_assert(eq(u64, stats->unknown_inner, 1), "17 was the older generation's");
	end(net);
}

Test(peering_order, a_sealed_frame_under_an_unknown_index_is_not_found)
{
	struct net *net = start_up(PEERING_LINK, 1);
	uint8_t frame[40] = { MG_SEALED, 0x7f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 };

	cr_assert(
	    eq(int, net_inject(net, 0, net_path(1), vd_bytes(frame, sizeof frame)), VD_ENOTFOUND));
	end(net);
}

Test(peering_order, sealed_frames_over_2048_bytes_are_dropped)
{
	struct net *net = start_up(PEERING_LINK, 1);
	uint8_t frame[2049] = { MG_SEALED };
	uint64_t bad = peering_stats(net->nodes[0].peering)->bad_frames;

	vd_be32_store(frame + INDEX_AT, index_of(net, 0, 1));
	cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(frame, sizeof frame)),
		     VD_EPEER_RANGE));
	cr_assert(eq(u64, peering_stats(net->nodes[0].peering)->bad_frames, bad + 1));
	end(net);
}
