/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/peering.h"

#include <sodium.h>

#include "controlplane/proto/control_msg.h"
#include "multigram/frame.h"
#include "tests/unit/proto/peering_two.h"

static struct peering_view view(const struct net *net, unsigned from, unsigned to)
{
	struct peering_view view;

	cr_assert(eq(int,
		     peering_find(net->nodes[from].peering, &net->nodes[to].identity.id, &view),
		     VD_OK));
	return view;
}

Test(peering, a_link_comes_up_on_both_sides_with_the_same_keys)
{
	struct net *net = two_up(PEERING_LINK);

	cr_assert(net_keys_match(net, 0, 1));
	cr_assert(net_keys_match(net, 1, 0));
	cr_assert(net_current(net, 0, 1)->keys.initiator);
	cr_assert(eq(u32, view(net, 0, 1).remote_width, 9));
	cr_assert(eq(u32, view(net, 1, 0).remote_width, 8));
	cr_assert(eq(u8, net_current(net, 0, 1)->keys.inner[0][0], 16));
	cr_assert(eq(u8, net_current(net, 1, 0)->keys.inner[0][0], 16));
	end(net);
}

Test(peering, the_responder_tells_the_initiator_its_address)
{
	struct net *net = two_up(PEERING_LINK);
	struct control_msg msg;

	cr_assert(
	    eq(int,
	       control_msg_decode(vd_bytes(net->nodes[0].control, net->nodes[0].control_len), &msg),
	       VD_OK));
	cr_assert(eq(int, msg.kind, CONTROL_OBSERVED));
	cr_assert(eq(u8, msg.observed.len, 2));
	cr_assert(eq(u8, msg.observed.address[0], 1));
	end(net);
}

Test(peering, the_first_message_fills_1024_bytes_and_ends_in_an_empty_cookie)
{
	struct net *net = two(PEERING_LINK);
	static const uint8_t zeros[16];

	net_dial(net, 0, 1);
	cr_assert(eq(u16, net->frames[0].len, 1024));
	cr_assert(zero(int, memcmp(net->frames[0].bytes + 1008, zeros, 16)));
	end(net);
}

static bool no_reply_longer_than_1(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] == MG_HANDSHAKE && frame->bytes[1] == 2)
		cr_assert(le(u16, frame->len, 1024));
	return true;
}

Test(peering, message_2_is_never_longer_than_what_it_answers)
{
	struct net *net = two(PEERING_LINK);

	net->watch = no_reply_longer_than_1;
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	cr_assert(ge(u32, net->passed[MG_HANDSHAKE], 3));
	end(net);
}

Test(peering, a_session_comes_up_and_agrees_on_chacha20)
{
	struct net *net = net_new(PEERING_SESSION, 1);

	net->nodes[1].config.ciphers = 1u << VD_CHACHA20_POLY1305;
	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	cr_assert(net_keys_match(net, 0, 1));
	cr_assert(eq(int, view(net, 0, 1).cipher, VD_CHACHA20_POLY1305));
	cr_assert(eq(int, view(net, 1, 0).cipher, VD_CHACHA20_POLY1305));
	end(net);
}

Test(peering, a_session_prefers_aes_where_both_have_it)
{
	if (!vd_cipher_available(VD_AES_256_GCM))
		cr_skip_test("this CPU has no AES");

	struct net *net = two_up(PEERING_SESSION);

	cr_assert(net_keys_match(net, 0, 1));
	cr_assert(eq(int, view(net, 0, 1).cipher, VD_AES_256_GCM));
	net_data(net, 0, 1);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net->nodes[1].data_received, 1));
	end(net);
}

Test(peering, sessions_without_a_common_cipher_do_not_come_up)
{
	if (!vd_cipher_available(VD_AES_256_GCM))
		cr_skip_test("this CPU has no AES");

	struct net *net = net_new(PEERING_SESSION, 1);

	net->nodes[0].config.ciphers = 1u << VD_AES_256_GCM;
	net->nodes[1].config.ciphers = 1u << VD_CHACHA20_POLY1305;
	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(30));
	cr_assert(not(net_both_up(net)));
	cr_assert(gt(u64, stats(net, 1)->bad_frames, 0));
	end(net);
}

Test(peering, links_and_sessions_do_not_understand_each_other)
{
	struct net *net = net_new(PEERING_LINK, 1);

	net->nodes[1].config.kind = PEERING_SESSION;
	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(30));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_INSTALL]));
	cr_assert(zero(u32, net->nodes[1].counts[PEERING_INSTALL]));
	end(net);
}

/* ---- refusal ---- */

static void check_refusal(enum peering_kind kind)
{
	struct net *net = two(kind);

	net->nodes[1].refuses = true;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(2));
	cr_assert(ge(u32, net->nodes[0].counts[PEERING_REFUSED_BY], 1));
	cr_assert(ge(u32, net->nodes[1].counts[PEERING_DENIED], 1));
	cr_assert(eq(int, net->nodes[0].status, CONTROL_REFUSED));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_UP]));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_SILENT]));
	cr_assert(zero(u32, net->nodes[1].counts[PEERING_INSTALL]));
	cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 0));
	end(net);
}

Test(peering, a_stranger_is_refused_a_link_and_told_so)
{
	check_refusal(PEERING_LINK);
}

Test(peering, a_stranger_is_refused_a_session_and_told_so)
{
	check_refusal(PEERING_SESSION);
}

Test(peering, the_refused_back_off_and_get_in_once_they_may)
{
	struct net *net = two(PEERING_LINK);

	net->nodes[1].refuses = true;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(600));
	cr_assert(le(u64, stats(net, 0)->handshakes_begun, 22), "1, 2, 4, … 60 s apart");
	cr_assert(ge(u64, stats(net, 0)->handshakes_begun, 10));
	net->nodes[1].refuses = false;
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(80)));
	end(net);
}

Test(peering, a_refusal_is_forgotten_after_20_seconds)
{
	struct net *net = two(PEERING_LINK);

	net->nodes[1].refuses = true;
	net_dial(net, 0, 1);
	net_run(net, VD_MS(500));
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	cr_assert(eq(int, net->nodes[1].indices_out, 1));
	net_run(net, VD_SECONDS(21));
	cr_assert(eq(int, net->nodes[1].indices_out, 0));
	cr_assert(eq(int, net->nodes[0].indices_out, 0));
	cr_assert(eq(u64, peering_deadline(net->nodes[1].peering), VD_NEVER));
	end(net);
}

static unsigned closes_dropped;

static bool lose_first_sealed(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] == MG_SEALED && closes_dropped == 0) {
		closes_dropped++;
		return false;
	}
	return true;
}

Test(peering, a_lost_refusal_is_repeated_for_a_repeated_message_3)
{
	struct net *net = two(PEERING_LINK);

	net->nodes[1].refuses = true;
	net->watch = lose_first_sealed;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, closes_dropped, 1));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_REFUSED_BY], 1));
	cr_assert(eq(u32, net->nodes[1].counts[PEERING_DENIED], 1), "one handshake, told once");
	end(net);
}

Test(peering, a_lost_answer_to_message_3_is_given_again)
{
	struct net *net = two(PEERING_LINK);

	net->watch = lose_first_sealed;
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(2)));
	cr_assert(eq(u32, closes_dropped, 1));
	cr_assert(eq(u32, net->nodes[1].counts[PEERING_INSTALL], 1));
	end(net);
}

Test(peering, more_peers_than_the_limit_are_refused_with_limit)
{
	struct net *net = net_new(PEERING_LINK, 1);

	net->nodes[1].config.peers_max = 1;
	for (unsigned i = 0; i < 3; i++)
		net_start(net, i);
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(1));
	net_dial(net, 2, 1);
	net_run(net, VD_MS(500));
	cr_assert(net_both_up(net));
	cr_assert(not(net->nodes[2].up[1]));
	cr_assert(eq(int, net->nodes[2].status, CONTROL_LIMIT));
	cr_assert(eq(u64, stats(net, 1)->limits[PEERING_LIMIT_PEERS], 1));
	end(net);
}

/* ---- who ---- */

Test(peering, another_peer_than_the_one_dialled_gets_no_message_3)
{
	struct net *net = net_new(PEERING_LINK, 1);
	struct peering_path path = net_path(1);

	net_start(net, 0);
	net_start(net, 1);
	cr_assert(eq(
	    int, peering_dial(net->nodes[0].peering, &net->nodes[2].identity.id, &path, net->now),
	    VD_OK));
	net_drain(net, 0);
	net_run(net, VD_SECONDS(21));
	cr_assert(ge(u64, stats(net, 0)->unexpected_peer, 1));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_INSTALL]));
	cr_assert(zero(u64, stats(net, 1)->handshakes_done));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_SILENT], 1), "the handshake went on");
	end(net);
}

static uint8_t handshake_type_to_break;
static unsigned forged, breaks_at;

/* Before the true frame comes each variant of it with one bit flipped. */
static bool flip_each_byte(struct net *net, struct net_frame *frame)
{
	struct peering_path path = { .bytes = { frame->from, frame->way } };

	if (frame->bytes[0] != MG_HANDSHAKE || frame->bytes[1] != handshake_type_to_break || forged)
		return true;
	for (unsigned at = breaks_at; at < frame->len; at++) {
		if (handshake_type_to_break == 2 && at >= 2 && at < 6)
			continue; /* the sender index is not authenticated before message 3 */
		frame->bytes[at] ^= 0x40;
		cr_assert(
		    ne(int,
		       net_inject(net, frame->to - 1u, path, vd_bytes(frame->bytes, frame->len)),
		       VD_OK),
		    "byte %u", at);
		frame->bytes[at] ^= 0x40;
		forged++;
		if (forged == 15)
			break; /* 16 are tried */
	}
	return true;
}

Test(peering, a_forged_message_2_does_not_end_the_handshake)
{
	struct net *net;

	handshake_type_to_break = 2;
	for (breaks_at = 0; breaks_at < 400; breaks_at += 15) {
		net = two(PEERING_LINK);
		forged = 0;
		net->watch = flip_each_byte;
		net_dial(net, 0, 1);
		cr_assert(net_run_until(net, net_both_up, VD_MS(400)), "at %u", breaks_at);
		cr_assert(gt(u32, forged, 0));
		end(net);
	}
}

Test(peering, a_forged_message_3_does_not_end_the_handshake)
{
	struct net *net;

	handshake_type_to_break = 3;
	for (breaks_at = 0; breaks_at < 200; breaks_at += 15) {
		net = two(PEERING_LINK);
		forged = 0;
		net->watch = flip_each_byte;
		net_dial(net, 0, 1);
		cr_assert(net_run_until(net, net_both_up, VD_MS(400)), "at %u", breaks_at);
		cr_assert(gt(u32, forged, 0));
		end(net);
	}
}

static bool change_way_of_2(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] == MG_HANDSHAKE && frame->bytes[1] == handshake_type_to_break)
		frame->way = 1;
	return true;
}

Test(peering, message_2_over_another_path_is_not_taken)
{
	struct net *net = two(PEERING_LINK);

	handshake_type_to_break = 2;
	net->watch = change_way_of_2;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(10));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_INSTALL]));
	end(net);
}

Test(peering, message_3_over_another_path_is_not_taken)
{
	struct net *net = two(PEERING_LINK);

	handshake_type_to_break = 3;
	net->watch = change_way_of_2;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(10));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_INSTALL], 1));
	cr_assert(zero(u32, net->nodes[1].counts[PEERING_INSTALL]));
	end(net);
}

Test(peering, at_most_16_messages_2_are_tried)
{
	struct net *net = two(PEERING_LINK);
	struct peering_path path = net_path(1);
	uint8_t frame[300] = { MG_HANDSHAKE, 2, 0, 0, 0, 1 };

	net->cut = true;
	net_dial(net, 0, 1);
	vd_be32_store(frame + 6, net->nodes[0].last_index);
	for (unsigned i = 0; i < 16; i++)
		cr_assert(eq(int, net_inject(net, 0, path, vd_bytes(frame, sizeof frame)),
			     VD_EPEER_AUTH));
	cr_assert(eq(int, net_inject(net, 0, path, vd_bytes(frame, sizeof frame)), VD_ELIMIT));
	cr_assert(eq(u64, stats(net, 0)->limits[PEERING_LIMIT_TRIES], 1));
	end(net);
}

Test(peering, a_repeated_message_1_gets_the_same_message_2)
{
	struct net *net = two(PEERING_LINK);
	struct net_frame *frame = &net->frames[0];
	uint8_t first[NET_FRAME_BYTES], second[NET_FRAME_BYTES];
	struct peering_path path = net_path(0);
	struct peering_event event;

	net_dial(net, 0, 1);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(eq(int,
			     peering_recv(net->nodes[1].peering, &path,
					  vd_bytes(frame->bytes, frame->len), net->now),
			     VD_OK));
		event = peering_next(net->nodes[1].peering);
		if (i == 0) {
			cr_assert(eq(int, event.kind, PEERING_JOB));
			peering_job_run(event.job);
			cr_assert(eq(int,
				     peering_job_done(net->nodes[1].peering, event.job, net->now),
				     VD_OK));
			event = peering_next(net->nodes[1].peering);
		}
		cr_assert(eq(int, event.kind, PEERING_SEND));
		memcpy(i ? second : first, event.frame.at, event.frame.len);
		cr_assert(eq(int, peering_next(net->nodes[1].peering).kind, PEERING_NONE));
	}
	cr_assert(zero(int, memcmp(first, second, event.frame.len)));
	cr_assert(eq(int, net->nodes[1].indices_out, 1));
	end(net);
}

Test(peering, our_own_message_1_reflected_is_dropped)
{
	struct net *net = two(PEERING_LINK);

	net_dial(net, 0, 1);
	cr_assert(
	    eq(int,
	       net_inject(net, 0, net_path(1), vd_bytes(net->frames[0].bytes, net->frames[0].len)),
	       VD_EPEER_REPLAY));
	end(net);
}

Test(peering, nobody_dials_himself)
{
	struct net *net = two(PEERING_LINK);
	struct peering_path path = net_path(0);

	cr_assert(eq(
	    int, peering_dial(net->nodes[0].peering, &net->nodes[0].identity.id, &path, net->now),
	    VD_EUSER));
	end(net);
}

/* ---- limits ---- */

static size_t other_message_1(const struct net_frame *model, unsigned i, uint8_t *out)
{
	memcpy(out, model->bytes, model->len);
	vd_be32_store(out + 2, i + 1);
	vd_be32_store(out + 10, 0x01000000u + i); /* e: any 32 bytes are a point */
	return model->len;
}

/* With the cookie that the answer to it asked for, if it did. */
static enum vd_err inject_with_cookie(struct net *net, unsigned to, struct peering_path path,
				      uint8_t *frame, size_t len)
{
	enum vd_err err = net_inject(net, to, path, vd_bytes(frame, len));

	if (err || net->nobody.bytes[1] != 4)
		return err;
	memcpy(frame + len - 16, net->nobody.bytes + 18, 16);
	return net_inject(net, to, path, vd_bytes(frame, len));
}

Test(peering, of_896_half_open_handshakes_the_oldest_goes_and_room_is_left_for_our_own)
{
	struct net *net = two(PEERING_LINK);
	uint8_t frame[NET_FRAME_BYTES];
	size_t len;

	net->cut = true;
	net_dial(net, 0, 1);
	for (unsigned i = 0; i < 900; i++) {
		struct peering_path path = { .bytes = { NET_NOBODY, (uint8_t)i,
							(uint8_t)(i >> 8) } };

		len = other_message_1(&net->frames[0], i, frame);
		cr_assert(eq(int, inject_with_cookie(net, 1, path, frame, len), VD_OK));
	}
	cr_assert(eq(u64, stats(net, 1)->limits[PEERING_LIMIT_HALF_OPEN], 4));
	cr_assert(eq(int, net->nodes[1].indices_out, 896));
	cr_assert(le(u64, net->nodes[1].tx_bytes[NET_NOBODY], net->nodes[1].rx_bytes[NET_NOBODY]));
	net->cut = false;
	net_dial(net, 1, 0);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(5)));
	net_run(net, VD_SECONDS(21));
	cr_assert(eq(int, net->nodes[1].indices_out, 1), "all were given up after 20 s");
	end(net);
}

Test(peering, one_path_holds_8_half_open_handshakes_the_newest)
{
	struct net *net = two(PEERING_LINK);
	uint8_t frame[NET_FRAME_BYTES];

	net_dial(net, 0, 1);
	for (unsigned i = 0; i < 20; i++) {
		size_t len = other_message_1(&net->frames[0], i, frame);

		cr_assert(eq(int, net_inject(net, 1, net_path(0), vd_bytes(frame, len)), VD_OK));
	}
	cr_assert(eq(int, net->nodes[1].indices_out, 8));
	cr_assert(eq(u64, stats(net, 1)->limits[PEERING_LIMIT_PATH], 12));
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	end(net);
}

/* ---- life ---- */

Test(peering, a_peer_that_does_not_answer_is_silent_after_20_seconds)
{
	struct net *net = two(PEERING_LINK);

	net->cut = true;
	net_dial(net, 0, 1);
	net_run(net, VD_MS(19900));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_SILENT]));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_SEND], 8),
		  "0 .5 1.5 3.5 7.5 11.5 15.5 19.5 s");
	net_run(net, VD_MS(200));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_SILENT], 1));
	net->cut = false;
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(3)), "dialling goes on");
	end(net);
}

Test(peering, two_at_once_become_one_link)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct net *net = net_new(PEERING_LINK, seed);

		net_start(net, 0);
		net_start(net, 1);
		net_dial(net, 0, 1);
		net_dial(net, 1, 0);
		cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
		net_run(net, VD_SECONDS(1));
		cr_assert(net_keys_match(net, 0, 1));
		cr_assert(net_keys_match(net, 1, 0));
		cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 1));
		cr_assert(eq(u32, net_generation_count(&net->nodes[1]), 1));
		end(net);
	}
}

static void exchange(struct net *net, unsigned count, vd_ns gap)
{
	for (unsigned i = 0; i < count; i++) {
		cr_assert(net_data(net, 0, 1));
		cr_assert(net_data(net, 1, 0));
		net_run(net, gap);
	}
}

Test(peering, rekeying_a_link_loses_no_frame)
{
	struct net *net = two_up(PEERING_LINK);
	uint32_t first = view(net, 0, 1).index;

	exchange(net, 6000, VD_SECONDS(1));
	net_run(net, VD_SECONDS(1));
	cr_assert(ne(u32, view(net, 0, 1).index, first));
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(eq(u32, net->nodes[i].data_received, 6000));
		cr_assert(zero(u32, net->nodes[i].data_bad));
		cr_assert(eq(u32, net->nodes[i].counts[PEERING_UP], 1));
		cr_assert(zero(u32, net->nodes[i].counts[PEERING_DOWN]));
		cr_assert(ge(u32, net->nodes[i].counts[PEERING_RETIRE], 1));
		cr_assert(eq(u32, net_generation_count(&net->nodes[i]), 1));
	}
	end(net);
}

Test(peering, a_session_rekeys_after_two_minutes_with_traffic)
{
	struct net *net = two_up(PEERING_SESSION);

	exchange(net, 500, VD_SECONDS(1));
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_INSTALL], 5));
	cr_assert(eq(u32, net->nodes[0].data_received, 500));
	cr_assert(eq(u32, net->nodes[1].data_received, 500));
	end(net);
}

Test(peering, a_session_without_traffic_does_not_rekey_and_goes_after_600_seconds)
{
	struct net *net = two_up(PEERING_SESSION);

	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	net_run(net, VD_SECONDS(595));
	cr_assert(net_both_up(net));
	net_run(net, VD_SECONDS(10));
	cr_assert(not(net->nodes[0].up[1]));
	cr_assert(not(net->nodes[1].up[0]));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_INSTALL], 1));
	end(net);
}

Test(peering, a_rekeying_can_be_asked_for)
{
	struct net *net = two_up(PEERING_LINK);
	uint32_t first = view(net, 1, 0).index;

	net_run(net, VD_SECONDS(6)); /* past the time in which two at once are settled */
	cr_assert(eq(int, peering_rekey(net->nodes[1].peering, first, net->now), VD_OK));
	net_run(net, VD_SECONDS(1));
	cr_assert(ne(u32, view(net, 1, 0).index, first));
	cr_assert(net_keys_match(net, 0, 1));
	cr_assert(eq(int, peering_rekey(net->nodes[1].peering, 1, net->now), VD_ENOTFOUND));
	end(net);
}

Test(peering, an_old_generation_receives_for_30_seconds_more)
{
	struct net *net = two_up(PEERING_LINK);
	uint32_t first = view(net, 1, 0).index;

	cr_assert(
	    eq(int, peering_rekey(net->nodes[0].peering, view(net, 0, 1).index, net->now), VD_OK));
	net_run(net, VD_SECONDS(29));
	cr_assert(net_find(&net->nodes[1], first) != NULL);
	peering_verified(net->nodes[1].peering, first, net->now);
	net_run(net, VD_SECONDS(29));
	cr_assert(net_find(&net->nodes[1], first) != NULL, "since the last frame under it");
	net_run(net, VD_SECONDS(2));
	cr_assert(net_find(&net->nodes[1], first) == NULL);
	end(net);
}

Test(peering, a_peer_has_at_most_four_generations)
{
	struct net *net = two_up(PEERING_LINK);

	for (unsigned i = 0; i < 8; i++) {
		cr_assert(eq(int,
			     peering_rekey(net->nodes[0].peering, view(net, 0, 1).index, net->now),
			     VD_OK));
		net_run(net, VD_SECONDS(1));
		cr_assert(le(u32, net_generation_count(&net->nodes[1]), 4));
	}
	cr_assert(gt(u64, stats(net, 1)->limits[PEERING_LIMIT_GENERATION], 0));
	cr_assert(net_keys_match(net, 0, 1));
	end(net);
}

Test(peering, a_fifth_generation_takes_the_place_of_the_one_silent_longest)
{
	struct net *net = two_up(PEERING_LINK);
	uint32_t indices[4];

	net_run(net, VD_SECONDS(6)); /* past the time in which two at once are settled */
	for (unsigned i = 0; i < 4; i++) {
		indices[i] = view(net, 1, 0).index;
		if (i == 3)
			peering_verified(net->nodes[1].peering, indices[0], net->now);
		cr_assert(eq(int,
			     peering_rekey(net->nodes[0].peering, view(net, 0, 1).index, net->now),
			     VD_OK));
		net_run(net, VD_SECONDS(1));
	}
	cr_assert(eq(u32, net_generation_count(&net->nodes[1]), 4));
	cr_assert(net_find(&net->nodes[1], indices[0]) != NULL, "heard just now");
	cr_assert(net_find(&net->nodes[1], indices[1]) == NULL);
	cr_assert(net_find(&net->nodes[1], indices[2]) != NULL);
	cr_assert(net_find(&net->nodes[1], indices[3]) != NULL);
	end(net);
}

Test(peering, a_silent_link_is_gone_after_120_seconds)
{
	struct net *net = two_up(PEERING_LINK);

	net->cut = true;
	net_run(net, VD_SECONDS(90));
	cr_assert(net_both_up(net));
	cr_assert(ge(u64, stats(net, 0)->handshakes_begun, 2), "after 45 s of silence");
	net_run(net, VD_SECONDS(35));
	cr_assert(not(net->nodes[0].up[1]));
	cr_assert(not(net->nodes[1].up[0]));
	cr_assert(eq(int, net->nodes[0].status, CONTROL_OK));
	net->cut = false;
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(90)));
	end(net);
}

Test(peering, an_idle_link_stays_up)
{
	struct net *net = two_up(PEERING_LINK);

	net_run(net, VD_SECONDS(4000));
	cr_assert(net_both_up(net));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_DOWN]));
	end(net);
}

Test(peering, a_restarted_peer_comes_back_and_is_known_to_have_restarted)
{
	struct net *net = two_up(PEERING_LINK);

	net_stop(net, 1);
	net_run(net, VD_SECONDS(5));
	net_start(net, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(70)));
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_REBOOTED], 1));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_DOWN]));
	cr_assert(net_keys_match(net, 0, 1));
	end(net);
}

Test(peering, a_restarted_dialer_replaces_its_link_at_once)
{
	struct net *net = two_up(PEERING_LINK);

	net_stop(net, 0);
	net_start(net, 0);
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net->nodes[1].counts[PEERING_REBOOTED], 1));
	cr_assert(net_keys_match(net, 0, 1));
	cr_assert(net_keys_match(net, 1, 0));
	end(net);
}

Test(peering, a_close_ends_the_link_with_its_status)
{
	struct net *net = two_up(PEERING_LINK);

	peering_close(net->nodes[1].peering, &net->nodes[0].identity.id, CONTROL_SHUTDOWN, "bye",
		      net->now);
	net_drain(net, 1);
	net_run(net, VD_MS(100));
	cr_assert(not(net->nodes[0].up[1]));
	cr_assert(not(net->nodes[1].up[0]));
	cr_assert(eq(int, net->nodes[0].status, CONTROL_SHUTDOWN));
	cr_assert(eq(str, net->nodes[0].text, "bye"));
	cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 0));
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(3)), "it dials again");
	end(net);
}

Test(peering, a_session_is_closed_with_a_status_too)
{
	struct net *net = two_up(PEERING_SESSION);

	peering_close(net->nodes[0].peering, &net->nodes[1].identity.id, CONTROL_SHUTDOWN, NULL,
		      net->now);
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	net_drain(net, 0);
	net_run(net, VD_SECONDS(3));
	cr_assert(not(net->nodes[1].up[0]));
	cr_assert(eq(int, net->nodes[1].status, CONTROL_SHUTDOWN));
	cr_assert(eq(int, net->nodes[0].indices_out, 0));
	cr_assert(eq(int, net->nodes[1].indices_out, 0));
	end(net);
}

Test(peering, a_new_path_replaces_the_old_one_without_going_down)
{
	struct net *net = two_up(PEERING_LINK);
	struct peering_path path = net_path(1);

	path.bytes[1] = 7;
	cr_assert(eq(
	    int, peering_dial(net->nodes[0].peering, &net->nodes[1].identity.id, &path, net->now),
	    VD_OK));
	net_drain(net, 0);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u8, view(net, 0, 1).path.bytes[1], 7));
	cr_assert(eq(u8, view(net, 1, 0).path.bytes[1], 7));
	cr_assert(zero(u32, net->nodes[0].counts[PEERING_DOWN]));
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u8, view(net, 1, 0).path.bytes[1], 0));
	end(net);
}

/* ---- inside ---- */

Test(peering, pings_measure_the_round_trip)
{
	struct net *net = two_up(PEERING_LINK);

	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u64, view(net, 0, 1).rtt, VD_MS(20)));
	cr_assert(eq(u64, view(net, 1, 0).rtt, VD_MS(20)));
	net->delay_min = net->delay_max = VD_MS(50);
	cr_assert(eq(int, peering_ping(net->nodes[0].peering, &net->nodes[1].identity.id, net->now),
		     VD_OK));
	cr_assert(eq(int, peering_ping(net->nodes[0].peering, &net->nodes[1].identity.id, net->now),
		     VD_AGAIN));
	net_drain(net, 0);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u64, view(net, 0, 1).rtt, VD_MS(100)));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_PONG], 1), "only for a ping asked for");
	end(net);
}

Test(peering, a_control_message_arrives_as_it_was_sent)
{
	struct net *net = two_up(PEERING_LINK);
	struct control_msg msg = { .kind = CONTROL_RESERVE, .reserve = { .id = 5, .ttl_s = 60 } };
	uint8_t body[CONTROL_MSG_MAX];
	size_t len = control_msg_encode(&msg, body);

	cr_assert(eq(int,
		     peering_send_control(net->nodes[0].peering, &net->nodes[1].identity.id,
					  vd_bytes(body, len), net->now),
		     VD_OK));
	net_drain(net, 0);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(sz, net->nodes[1].control_len, len));
	cr_assert(zero(int, memcmp(net->nodes[1].control, body, len)));
	cr_assert(eq(int,
		     peering_send_control(net->nodes[0].peering, &net->nodes[2].identity.id,
					  vd_bytes(body, len), net->now),
		     VD_ENOTFOUND));
	end(net);
}

Test(peering, a_challenge_is_answered_over_the_path_it_came_by)
{
	struct net *net = two_up(PEERING_LINK);
	struct control_msg msg = { .kind = CONTROL_CHALLENGE, .challenge = { 1, 2, 3 } };
	uint8_t body[CONTROL_MSG_MAX];
	unsigned before;

	before = net->nodes[1].counts[PEERING_CONTROL];
	cr_assert(eq(int,
		     peering_send_control(net->nodes[0].peering, &net->nodes[1].identity.id,
					  vd_bytes(body, control_msg_encode(&msg, body)), net->now),
		     VD_OK));
	net_drain(net, 0);
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net->nodes[1].counts[PEERING_CONTROL], before),
		  "not the host's business");
	cr_assert(
	    eq(int,
	       control_msg_decode(vd_bytes(net->nodes[0].control, net->nodes[0].control_len), &msg),
	       VD_OK));
	cr_assert(eq(int, msg.kind, CONTROL_ANSWER));
	cr_assert(eq(u8, msg.challenge[2], 3));
	end(net);
}

Test(peering, a_challenge_in_a_session_is_answered_over_the_path_it_came_by_and_told)
{
	struct net *net = two_up(PEERING_SESSION);
	const struct net_generation *own = net_current(net, 0, 1);
	struct control_msg msg = { .kind = CONTROL_CHALLENGE, .challenge = { 1, 2, 3 } };
	struct peering_path other = { .bytes = { 2, 9 } };
	uint8_t plain[1 + CONTROL_MSG_MAX] = { MG_CONTROL };
	size_t len = 1 + control_msg_encode(&msg, plain + 1);
	struct peering_event event;
	unsigned answers = 0, told = 0;

	cr_assert(eq(int,
		     peering_recv_inner(net->nodes[0].peering, own->index, &other,
					vd_bytes(plain, len), net->now),
		     VD_OK));
	while ((event = peering_next(net->nodes[0].peering)).kind != PEERING_NONE) {
		cr_assert(zero(int, memcmp(&event.path, &other, sizeof other)));
		answers += event.kind == PEERING_SEND_INNER;
		told += event.kind == PEERING_CONTROL;
	}
	cr_assert(eq(uint, answers, 1));
	cr_assert(eq(uint, told, 1));
	end(net);
}

Test(peering, a_moved_session_is_rekeyed_over_its_new_path)
{
	struct net *net = two_up(PEERING_SESSION);
	struct peering_path other = { .bytes = { 2, 9 } };
	struct peering_event event;
	unsigned handshakes = 0;

	cr_assert(eq(int, peering_move(net->nodes[0].peering, &net->nodes[1].identity.id, &other),
		     VD_OK));
	(void)peering_rekey(net->nodes[0].peering, net_current(net, 0, 1)->index, net->now);
	peering_expire(net->nodes[0].peering, net->now);
	while ((event = peering_next(net->nodes[0].peering)).kind != PEERING_NONE) {
		if (event.kind != PEERING_SEND)
			continue;
		handshakes++;
		cr_assert(zero(int, memcmp(&event.path, &other, sizeof other)));
	}
	cr_assert(eq(uint, handshakes, 1));
	end(net);
}

/* A plaintext of the peer's data plane arrives at node 0 (sessions). */
static enum vd_err hear(struct net *net, const void *plain, size_t len)
{
	uint32_t index = net_current(net, 0, 1)->index;
	enum vd_err err =
	    peering_recv_inner(net->nodes[0].peering, index, NULL, vd_bytes(plain, len), net->now);

	return err;
}

Test(peering, malformed_plaintexts_are_counted_and_harm_nothing)
{
	struct net *net = two_up(PEERING_SESSION);
	uint64_t bad = stats(net, 0)->bad_frames;

	cr_assert(eq(int, hear(net, "\x00\x51\xa1", 3), VD_EPEER_TRUNC));
	cr_assert(eq(int, hear(net, "\x80", 1), VD_EPEER_TRUNC));
	cr_assert(ne(int, hear(net, "\x08\xff", 2), VD_OK));
	cr_assert(ne(int, hear(net, "\x10\x00", 2), VD_OK));
	cr_assert(eq(u64, stats(net, 0)->bad_frames, bad + 4));
	cr_assert(eq(int, hear(net, "\x63", 1), VD_ENOTFOUND));
	cr_assert(eq(u64, stats(net, 0)->unknown_inner, 1));
	cr_assert(net_both_up(net));
	net_drain(net, 0);
	end(net);
}

static struct net_frame kept;

static bool keep_sealed(struct net *net, struct net_frame *frame)
{
	(void)net;
	if (frame->bytes[0] == MG_SEALED && frame->to == 1)
		kept = *frame;
	return true;
}

Test(peering, replayed_and_broken_sealed_frames_change_nothing)
{
	struct net *net = two(PEERING_LINK);
	uint64_t bad;
	unsigned controls;

	net->watch = keep_sealed;
	net_dial(net, 0, 1);
	net_run(net, VD_SECONDS(2));
	bad = stats(net, 0)->bad_frames;
	controls = net->nodes[0].counts[PEERING_CONTROL];
	cr_assert(gt(u16, kept.len, 0));
	cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(kept.bytes, kept.len)),
		     VD_EPEER_REPLAY));
	for (unsigned len = 1; len < kept.len; len++)
		cr_assert(
		    ne(int, net_inject(net, 0, net_path(1), vd_bytes(kept.bytes, len)), VD_OK));
	kept.bytes[12]++; /* a newer counter */
	for (unsigned at = 5; at < kept.len; at++) {
		kept.bytes[at] ^= 1;
		cr_assert(ne(int, net_inject(net, 0, net_path(1), vd_bytes(kept.bytes, kept.len)),
			     VD_OK));
		kept.bytes[at] ^= 1;
	}
	cr_assert(gt(u64, stats(net, 0)->bad_frames, bad));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_CONTROL], controls));
	cr_assert(net_both_up(net));
	end(net);
}

Test(peering, frames_of_other_kinds_are_counted_and_dropped)
{
	struct net *net = two(PEERING_LINK);

	cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes(NULL, 0)), VD_EPEER_TRUNC));
	cr_assert(eq(int, net_inject(net, 0, net_path(1), vd_bytes("\x07", 1)), VD_EPEER_FORMAT));
	cr_assert(eq(u64, stats(net, 0)->bad_frames, 2));
	end(net);
}

Test(peering, a_caller_that_does_not_drain_is_told)
{
	struct net *net = two_up(PEERING_LINK);
	enum vd_err err = VD_OK;

	for (unsigned i = 0; i < 100 && !err; i++)
		err = peering_send_control(net->nodes[0].peering, &net->nodes[1].identity.id,
					   vd_bytes("\x32\x00", 2), net->now);
	cr_assert(eq(int, err, VD_AGAIN));
	net_drain(net, 0);
	cr_assert(eq(int,
		     peering_send_control(net->nodes[0].peering, &net->nodes[1].identity.id,
					  vd_bytes("\x32\x00", 2), net->now),
		     VD_OK));
	net_drain(net, 0);
	end(net);
}

Test(peering, all_peers_are_listed)
{
	struct net *net = two_up(PEERING_LINK);
	struct peering_view got;
	size_t at = 0;

	cr_assert(peering_each(net->nodes[0].peering, &at, &got));
	cr_assert(vd_peer_id_equal(&got.peer, &net->nodes[1].identity.id));
	cr_assert(got.up && got.dialled);
	cr_assert(not(peering_each(net->nodes[0].peering, &at, &got)));
	cr_assert(eq(int, peering_find_index(net->nodes[0].peering, got.index, &got), VD_OK));
	cr_assert(eq(int, peering_find_index(net->nodes[0].peering, 1, &got), VD_ENOTFOUND));
	end(net);
}

Test(peering, a_bad_config_is_refused)
{
	struct net *net = net_new(PEERING_LINK, 1);
	struct peering_config config = net->nodes[0].config;
	struct peering *peering;

	cr_assert(eq(int, peering_new(&config, &peering), VD_EBUG_STATE), "boot 0");
	config.boot = 1;
	config.peers_max = 0;
	cr_assert(eq(int, peering_new(&config, &peering), VD_EBUG_STATE));
	end(net);
}

Test(peering, keys_are_used_as_long_as_configured)
{
	struct net *net = net_new(PEERING_LINK, 1);

	net->nodes[0].config.rekey = net->nodes[1].config.rekey = VD_SECONDS(10);
	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	net_run(net, VD_SECONDS(7));
	cr_assert(eq(u64, stats(net, 0)->handshakes_done, 1), "not before 7.5 s");
	net_run(net, VD_SECONDS(100));
	cr_assert(ge(u64, stats(net, 0)->handshakes_done, 8), "at the latest every 12.5 s");
	cr_assert(le(u64, stats(net, 0)->handshakes_done, 15));
	end(net);
}
