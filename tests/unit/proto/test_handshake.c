/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/handshake.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "base/init.h"
#include "multigram/frame.h"

struct both {
	struct vd_identity identities[2];
	struct handshake_self selves[2];
	struct handshake initiator, responder;
	struct handshake_result ours, theirs; /* the initiator's, the responder's */
};

static void begin(struct both *both, enum handshake_kind kind)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	for (unsigned i = 0; i < 2; i++) {
		struct handshake_self *self = &both->selves[i];

		vd_identity_generate(&both->identities[i]);
		handshake_self_init(self, kind, &both->identities[i], 77 + i, 8 + i, 0);
		self->offer[0] = "/viaduct/ip6/1";
		self->offer[1] = "/viaduct/ping/1";
		self->offer_count = 2;
	}
}

static struct handshake_frame frame_of(const struct handshake *hs)
{
	struct handshake_frame frame;

	cr_assert(eq(int, handshake_frame_read(vd_bytes(hs->sent, hs->sent_len), &frame), VD_OK));
	return frame;
}

static enum vd_err answer(struct both *both)
{
	struct handshake_frame frame = frame_of(&both->initiator);

	return handshake_answer(&both->responder, &both->selves[1], &frame, 22);
}

static enum vd_err finish(struct both *both)
{
	struct handshake_frame frame = frame_of(&both->responder);

	return handshake_finish(&both->initiator, &both->selves[0], &frame, &both->identities[1].id,
				&both->ours);
}

static enum vd_err conclude(struct both *both)
{
	struct handshake_frame frame = frame_of(&both->initiator);

	return handshake_conclude(&both->responder, &both->selves[1], &frame, &both->theirs);
}

static void run(struct both *both)
{
	cr_assert(eq(int, handshake_start(&both->initiator, &both->selves[0], 11), VD_OK));
	cr_assert(eq(int, answer(both), VD_OK));
	cr_assert(eq(int, finish(both), VD_OK));
	cr_assert(eq(int, conclude(both), VD_OK));
}

Test(handshake, both_sides_come_to_the_same)
{
	struct both both;

	begin(&both, HANDSHAKE_LINK);
	run(&both);
	cr_assert(vd_peer_id_equal(&both.ours.peer, &both.identities[1].id));
	cr_assert(vd_peer_id_equal(&both.theirs.peer, &both.identities[0].id));
	cr_assert(eq(u32, both.ours.remote_index, 22));
	cr_assert(eq(u32, both.theirs.remote_index, 11));
	cr_assert(eq(u32, both.ours.width, 9));
	cr_assert(eq(u32, both.theirs.width, 8));
	cr_assert(eq(u64, both.ours.boot, 78));
	cr_assert(eq(u64, both.theirs.boot, 77));
	cr_assert(zero(int, memcmp(both.ours.keys.tx_tag, both.theirs.keys.rx_tag, 16)));
	cr_assert(zero(int, memcmp(both.ours.keys.rx_control, both.theirs.keys.tx_control, 32)));
	cr_assert(eq(u8, both.ours.inner[0][0], 16));
	cr_assert(eq(u8, both.ours.inner[1][0], 18));
	cr_assert(zero(int, memcmp(both.ours.inner, both.theirs.inner, sizeof both.ours.inner)));
}

/* The labels of switch/SPEC.md, 3.5, over what Noise itself yields. */
Test(handshake, keys_are_derived_with_their_labels)
{
	struct both both;
	struct noise_keys split;
	uint8_t text[64], expected[32];
	crypto_auth_hmacsha256_state state;

	begin(&both, HANDSHAKE_SESSION);
	both.selves[0].ciphers = 1u << VD_CHACHA20_POLY1305;
	run(&both);
	cr_assert(eq(int, noise_split(&both.initiator.noise, &split), VD_OK));
	memcpy(text, "tag", 3);
	memcpy(text + 3, split.hash, 32);
	crypto_auth_hmacsha256_init(&state, split.send, 32);
	crypto_auth_hmacsha256_update(&state, text, 35);
	crypto_auth_hmacsha256_final(&state, expected);
	cr_assert(zero(int, memcmp(both.ours.keys.tx_tag, expected, 16)));
	memcpy(text, "aead ChaCha20-Poly1305", 22);
	memcpy(text + 22, split.hash, 32);
	crypto_auth_hmacsha256_init(&state, split.recv, 32);
	crypto_auth_hmacsha256_update(&state, text, 54);
	crypto_auth_hmacsha256_final(&state, expected);
	cr_assert(zero(int, memcmp(both.ours.keys.rx_aead, expected, 32)));
}

Test(handshake, the_responder_takes_the_initiators_first_cipher_that_it_has)
{
	struct both both;

	if (!vd_cipher_available(VD_AES_256_GCM))
		cr_skip_test("this CPU has no AES");
	begin(&both, HANDSHAKE_SESSION);
	run(&both);
	cr_assert(eq(int, both.ours.cipher, VD_AES_256_GCM));
	cr_assert(eq(int, both.theirs.cipher, VD_AES_256_GCM));
	both.selves[1].ciphers = 1u << VD_CHACHA20_POLY1305;
	run(&both);
	cr_assert(eq(int, both.ours.cipher, VD_CHACHA20_POLY1305));
	both.selves[0].ciphers = 1u << VD_AES_256_GCM;
	cr_assert(eq(int, handshake_start(&both.initiator, &both.selves[0], 11), VD_OK));
	cr_assert(eq(int, answer(&both), VD_EPEER_STATE));
}

Test(handshake, names_that_only_one_side_has_are_not_granted)
{
	struct both both;

	begin(&both, HANDSHAKE_LINK);
	both.selves[1].offer[0] = "/viaduct/ping/1";
	both.selves[1].offer_count = 1;
	run(&both);
	cr_assert(eq(u8, both.ours.inner[0][0], 0));
	cr_assert(eq(u8, both.ours.inner[1][0], 18));
	cr_assert(eq(u8, both.theirs.inner[0][0], 18));
}

Test(handshake, a_side_without_names_still_links)
{
	struct both both;

	begin(&both, HANDSHAKE_LINK);
	both.selves[0].offer_count = 0;
	run(&both);
	begin(&both, HANDSHAKE_LINK);
	both.selves[1].offer_count = 0;
	run(&both);
	cr_assert(eq(u8, both.ours.inner[0][0], 0));
}

/* All of message 1 is in the transcript: whatever is changed shows at message 2. */
Test(handshake, a_changed_message_1_fails_at_message_2)
{
	struct both both;
	unsigned answered = 0;

	begin(&both, HANDSHAKE_LINK);
	cr_assert(eq(int, handshake_start(&both.initiator, &both.selves[0], 11), VD_OK));
	for (size_t at = HANDSHAKE_HEADER; at < both.initiator.sent_len - 16u; at++) {
		both.initiator.sent[at] ^= 4;
		if (answer(&both) == VD_OK) {
			both.initiator.sent[at] ^= 4;
			answered++;
			cr_assert(eq(int, finish(&both), VD_EPEER_AUTH), "byte %zu", at);
		} else {
			both.initiator.sent[at] ^= 4;
		}
	}
	cr_assert(gt(u32, answered, 800), "padding and e at least are not looked into");
	cr_assert(eq(int, answer(&both), VD_OK));
	cr_assert(eq(int, finish(&both), VD_OK));
}

Test(handshake, message_2_of_another_peer_is_told_apart)
{
	struct both both;
	struct vd_peer_id other = { .len = 1 };
	struct handshake_frame frame;

	begin(&both, HANDSHAKE_LINK);
	cr_assert(eq(int, handshake_start(&both.initiator, &both.selves[0], 11), VD_OK));
	cr_assert(eq(int, answer(&both), VD_OK));
	frame = frame_of(&both.responder);
	cr_assert(eq(int,
		     handshake_finish(&both.initiator, &both.selves[0], &frame, &other, &both.ours),
		     VD_EPEER_REFUSED));
	cr_assert(eq(int, finish(&both), VD_OK), "and leaves the handshake as it was");
}

Test(handshake, a_handshake_with_oneself_is_refused)
{
	struct both both;

	begin(&both, HANDSHAKE_LINK);
	both.selves[1].identity = &both.identities[0];
	noise_keypair_generate(&both.selves[1].static_key);
	handshake_self_init(&both.selves[1], HANDSHAKE_LINK, &both.identities[0], 1, 1, 0);
	both.identities[1] = both.identities[0];
	cr_assert(eq(int, handshake_start(&both.initiator, &both.selves[0], 11), VD_OK));
	cr_assert(eq(int, answer(&both), VD_OK));
	cr_assert(eq(int, finish(&both), VD_OK));
	cr_assert(eq(int, conclude(&both), VD_EPEER_REFUSED));
}

Test(handshake, a_peer_without_boot_is_refused)
{
	struct both both;

	begin(&both, HANDSHAKE_LINK);
	both.selves[1].boot = 0;
	cr_assert(eq(int, handshake_start(&both.initiator, &both.selves[0], 11), VD_OK));
	cr_assert(eq(int, answer(&both), VD_OK));
	cr_assert(eq(int, finish(&both), VD_EPEER_RANGE));
}

/* ---- frames ---- */

static enum vd_err read(const uint8_t *bytes, size_t len)
{
	struct handshake_frame frame;

	return handshake_frame_read(vd_bytes(bytes, len), &frame);
}

Test(handshake, message_1_under_1024_bytes_is_refused)
{
	static uint8_t bytes[HANDSHAKE_RECV_MAX + 1] = { 4, 1, 0, 0, 0, 1 };

	for (size_t len = 0; len < 1024; len++)
		cr_assert(eq(int, read(bytes, len), VD_EPEER_TRUNC));
	cr_assert(eq(int, read(bytes, 1024), VD_OK));
	cr_assert(eq(int, read(bytes, HANDSHAKE_RECV_MAX), VD_OK));
	cr_assert(eq(int, read(bytes, HANDSHAKE_RECV_MAX + 1), VD_EPEER_RANGE));
}

Test(handshake, the_parts_of_message_1_are_where_they_should_be)
{
	static uint8_t bytes[1030] = { 4, 1, 0, 0, 0, 7 };
	struct handshake_frame frame;

	bytes[10] = 0xe;
	bytes[1014] = 0xc;
	cr_assert(eq(int, handshake_frame_read(vd_bytes(bytes, sizeof bytes), &frame), VD_OK));
	cr_assert(eq(u32, frame.sender, 7));
	cr_assert(eq(sz, frame.noise.len, 1004));
	cr_assert(eq(u8, frame.noise.at[0], 0xe));
	cr_assert(eq(sz, frame.cookie.len, 16));
	cr_assert(eq(u8, frame.cookie.at[0], 0xc));
}

Test(handshake, cookie_frames_are_34_bytes)
{
	static uint8_t bytes[35] = { 4, 4, 0, 0, 0, 0, 0, 0, 0, 1 };
	struct handshake_frame frame;

	for (size_t len = 0; len < 34; len++)
		cr_assert(eq(int, read(bytes, len), VD_EPEER_TRUNC));
	cr_assert(eq(int, handshake_frame_read(vd_bytes(bytes, 34), &frame), VD_OK));
	cr_assert(eq(sz, frame.echo.len, 8));
	cr_assert(eq(int, read(bytes, 35), VD_EPEER_FORMAT));
}

Test(handshake, indices_are_zero_only_where_there_is_none)
{
	static uint8_t bytes[1024] = { 4, 1, 0, 0, 0, 0 };

	cr_assert(eq(int, read(bytes, 1024), VD_EPEER_RANGE), "no sender");
	bytes[5] = 1;
	bytes[9] = 1;
	cr_assert(eq(int, read(bytes, 1024), VD_EPEER_RANGE), "a receiver in message 1");
	bytes[1] = 2;
	cr_assert(eq(int, read(bytes, 1024), VD_OK));
	bytes[9] = 0;
	cr_assert(eq(int, read(bytes, 1024), VD_EPEER_RANGE), "no receiver in message 2");
}

Test(handshake, other_indices_and_types_are_refused)
{
	static uint8_t bytes[1024] = { 5, 1, 0, 0, 0, 1 };

	cr_assert(eq(int, read(bytes, 1024), VD_EPEER_FORMAT));
	bytes[0] = MG_HANDSHAKE;
	bytes[1] = 0;
	cr_assert(eq(int, read(bytes, 1024), VD_EPEER_FORMAT));
	bytes[1] = 5;
	cr_assert(eq(int, read(bytes, 1024), VD_EPEER_FORMAT));
}

/* ---- tokens ---- */

static void run_with_token(struct both *both, size_t len)
{
	begin(both, HANDSHAKE_LINK);
	cr_assert(eq(int, handshake_start(&both->initiator, &both->selves[0], 11), VD_OK));
	memset(both->initiator.token, 't', len);
	both->initiator.token_len = (uint8_t)len;
	cr_assert(eq(int, answer(both), VD_OK));
	cr_assert(eq(int, finish(both), VD_OK));
	cr_assert(eq(int, conclude(both), VD_OK));
}

Test(handshake, the_responder_learns_the_hash_of_the_initiators_token)
{
	const size_t lens[] = { 1, 16, VD_TOKEN_MAX };

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		uint8_t token[VD_TOKEN_MAX], hash[VD_TOKEN_HASH];
		struct both both;

		run_with_token(&both, lens[i]);
		memset(token, 't', sizeof token);
		crypto_hash_sha256(hash, token, lens[i]);
		cr_assert(both.theirs.has_token);
		cr_assert(eq(int, memcmp(both.theirs.token_hash, hash, sizeof hash), 0));
		cr_assert(not(both.ours.has_token));
	}
}

Test(handshake, without_a_token_the_responder_is_told_so)
{
	struct both both;

	run_with_token(&both, 0);
	cr_assert(not(both.theirs.has_token));
}

Test(handshake, a_token_is_in_no_message_in_the_clear)
{
	static const uint8_t run_of_t[] = "tttttttt";
	struct both both;

	begin(&both, HANDSHAKE_LINK);
	cr_assert(eq(int, handshake_start(&both.initiator, &both.selves[0], 11), VD_OK));
	memset(both.initiator.token, 't', VD_TOKEN_MAX);
	both.initiator.token_len = VD_TOKEN_MAX;
	cr_assert(memmem(both.initiator.sent, both.initiator.sent_len, run_of_t, 8) == NULL);
	cr_assert(eq(int, answer(&both), VD_OK));
	cr_assert(memmem(both.responder.sent, both.responder.sent_len, run_of_t, 8) == NULL);
	cr_assert(eq(int, finish(&both), VD_OK));
	cr_assert(memmem(both.initiator.sent, both.initiator.sent_len, run_of_t, 8) == NULL);
}

Test(handshake, whom_we_do_not_expect_is_shown_no_token)
{
	struct vd_identity stranger;
	struct both both;

	begin(&both, HANDSHAKE_LINK);
	cr_assert(eq(int, handshake_start(&both.initiator, &both.selves[0], 11), VD_OK));
	both.initiator.token_len = 16;
	cr_assert(eq(int, answer(&both), VD_OK));
	uint16_t before = both.initiator.sent_len;
	vd_identity_generate(&stranger);
	struct handshake_frame frame = frame_of(&both.responder);
	cr_assert(
	    eq(int,
	       handshake_finish(&both.initiator, &both.selves[0], &frame, &stranger.id, &both.ours),
	       VD_EPEER_REFUSED));
	cr_assert(eq(u16, both.initiator.sent_len, before), "still message 1");
}
