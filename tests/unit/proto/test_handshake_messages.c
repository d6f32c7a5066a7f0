/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is in the messages of a handshake, against messages made by hand (switch/SPEC.md, 3
 * and 3.2).
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "base/init.h"
#include "controlplane/proto/handshake.h"
#include "controlplane/proto/noise_payload.h"

enum { OURS = 11, THEIRS = 22, ROOM = 1400 };

static const char chacha[] = "ChaCha20-Poly1305", gcm[] = "AES-256-GCM";
static struct vd_identity identities[2];
static struct handshake_self self, peer; /* who is tested; by whose keys messages are made */
static struct handshake hs;
static struct noise hand; /* the other side, by hand */
static uint8_t message[ROOM];
static size_t message_len;

static void set_up_kind(enum handshake_kind kind)
{
	handshake_self_init(&self, kind, &identities[0], 77, 8, 0);
	handshake_self_init(&peer, kind, &identities[1], 78, 9, 0);
	self.offer[0] = "/viaduct/ping/1";
	self.offer_count = 1;
}

static void set_up(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	for (unsigned i = 0; i < 2; i++)
		vd_identity_generate(&identities[i]);
	set_up_kind(HANDSHAKE_SESSION);
}

TestSuite(handshake_messages, .init = set_up);

static struct vd_bytes prologue(void)
{
	return vd_bytes_of_text(self.kind == HANDSHAKE_LINK ? "viaduct link 1"
							    : "viaduct session 1");
}

/* The hand's next Noise message, into `message`. */
static void write_message(const struct noise_payload *payload, size_t padded_len)
{
	uint8_t plain[ROOM];
	struct vd_write w = vd_write_to(plain, sizeof plain);

	cr_assert(eq(int, noise_payload_write(&w, payload, padded_len), VD_OK));
	cr_assert(eq(int,
		     noise_write(&hand, vd_write_done(&w), message, sizeof message, &message_len),
		     VD_OK));
}

static struct handshake_frame frame_of(enum handshake_type type, uint32_t receiver)
{
	static const uint8_t zeros[HANDSHAKE_COOKIE_BYTES];

	return (struct handshake_frame){ .type = type,
					 .sender = THEIRS,
					 .receiver = receiver,
					 .noise = vd_bytes(message, message_len),
					 .cookie = vd_bytes(zeros, sizeof zeros) };
}

/* ---- our message 1 ---- */

/* It is not encrypted: e, then the payload. */
static struct noise_payload payload_1(void)
{
	struct handshake_frame frame;
	struct noise_payload payload;

	cr_assert(eq(int, handshake_start(&hs, &self, OURS), VD_OK));
	cr_assert(eq(int, handshake_frame_read(vd_bytes(hs.sent, hs.sent_len), &frame), VD_OK));
	cr_assert(eq(int,
		     noise_payload_read(vd_bytes(frame.noise.at + NOISE_MESSAGE_1_OVERHEAD,
						 frame.noise.len - NOISE_MESSAGE_1_OVERHEAD),
					&payload),
		     VD_OK));
	return payload;
}

static bool offers(const struct noise_payload *payload, const char *cipher)
{
	for (uint32_t i = 0; i < payload->cipher_count; i++)
		if (vd_bytes_equal(payload->ciphers[i], vd_bytes_of_text(cipher)))
			return true;
	return false;
}

Test(handshake_messages, message_1_carries_only_the_extension)
{
	struct noise_payload payload = payload_1();

	cr_assert(payload.has_viaduct);
	cr_assert(gt(sz, payload.setup.len, 0));
	cr_assert(zero(sz, payload.identity_key.len));
	cr_assert(zero(sz, payload.identity_sig.len));
	cr_assert(zero(u64, payload.boot));
	cr_assert(zero(u32, payload.width));
}

Test(handshake_messages, chacha20_is_always_offered_in_sessions)
{
	struct noise_payload payload = payload_1();

	cr_assert(offers(&payload, chacha));
}

Test(handshake_messages, aes_is_offered_where_the_cpu_has_it_and_preferred)
{
	struct noise_payload payload = payload_1();

	cr_assert(eq(int, offers(&payload, gcm), vd_cipher_available(VD_AES_256_GCM)));
	if (offers(&payload, gcm))
		cr_assert(vd_bytes_equal(payload.ciphers[0], vd_bytes_of_text(gcm)));
}

Test(handshake_messages, links_offer_no_ciphers)
{
	set_up_kind(HANDSHAKE_LINK);
	cr_assert(zero(u32, payload_1().cipher_count));
}

Test(handshake_messages, ephemeral_keys_differ)
{
	uint8_t e[32];

	(void)payload_1();
	memcpy(e, hs.noise.e.public_key, sizeof e);
	(void)payload_1();
	cr_assert(not(zero(int, memcmp(e, hs.noise.e.public_key, sizeof e))));
}

Test(handshake_messages, static_keys_are_drawn_at_each_start)
{
	uint8_t key[32];

	memcpy(key, self.static_key.public_key, sizeof key);
	set_up_kind(HANDSHAKE_SESSION);
	cr_assert(not(zero(int, memcmp(key, self.static_key.public_key, sizeof key))));
}

/* ---- message 1 by hand ---- */

static enum vd_err answer_to(const struct noise_payload *payload)
{
	struct handshake_frame frame;

	noise_init(&hand, NOISE_INITIATOR, prologue(), &peer.static_key);
	write_message(payload,
		      1024 - HANDSHAKE_HEADER - HANDSHAKE_COOKIE_BYTES - NOISE_MESSAGE_1_OVERHEAD);
	frame = frame_of(HANDSHAKE_1, 0);
	return handshake_answer(&hs, &self, &frame, OURS);
}

Test(handshake_messages, unknown_ciphers_are_passed_over)
{
	struct noise_payload payload = { .cipher_count = 2,
					 .ciphers = { vd_bytes_of_text("ROT-13"),
						      vd_bytes_of_text(chacha) } };

	cr_assert(eq(int, answer_to(&payload), VD_OK));
	cr_assert(eq(int, hs.cipher, VD_CHACHA20_POLY1305));
	payload.cipher_count = 1;
	cr_assert(eq(int, answer_to(&payload), VD_EPEER_STATE), "none that we have");
}

Test(handshake_messages, no_setup_is_answered_with_none)
{
	struct noise_payload theirs,
	    payload = { .cipher_count = 1, .ciphers = { vd_bytes_of_text(chacha) } };
	struct handshake_frame frame;
	uint8_t plain[ROOM];
	size_t len;

	cr_assert(eq(int, answer_to(&payload), VD_OK));
	cr_assert(eq(int, handshake_frame_read(vd_bytes(hs.sent, hs.sent_len), &frame), VD_OK));
	cr_assert(eq(int, noise_read(&hand, frame.noise, plain, sizeof plain, &len), VD_OK));
	cr_assert(eq(int, noise_payload_read(vd_bytes(plain, len), &theirs), VD_OK));
	cr_assert(zero(sz, theirs.setup.len));
	cr_assert(eq(int, noise_payload_verify(&theirs, hand.rs, &(struct vd_peer_id){ 0 }), VD_OK),
		  "identity key and signature are in message 2");
}

Test(handshake_messages, an_offer_in_another_codec_fails_message_1)
{
	static const uint8_t json[] = "\x80\x04{\"id\":\"AAECAwQFBgc=\"}";
	struct noise_payload payload = { .setup = vd_bytes(json, sizeof json - 1),
					 .cipher_count = 1,
					 .ciphers = { vd_bytes_of_text(chacha) } };

	cr_assert(eq(int, answer_to(&payload), VD_EPEER_UNSUPPORTED));
}

Test(handshake_messages, an_offer_with_index_0_or_with_more_behind_it_fails_message_1)
{
	static const uint8_t offer[] = "\x00\x51\xa1\x62id\x48\0\1\2\3\4\5\6\7\x08";
	struct noise_payload payload = { .cipher_count = 1,
					 .ciphers = { vd_bytes_of_text(chacha) } };

	payload.setup = vd_bytes(offer, sizeof offer - 2);
	cr_assert(ne(int, answer_to(&payload), VD_OK), "index 0");
	payload.setup = vd_bytes(offer + 1, sizeof offer - 2);
	cr_assert(ne(int, answer_to(&payload), VD_OK), "an empty control message behind");
	payload.setup = vd_bytes(offer + 1, sizeof offer - 3);
	cr_assert(eq(int, answer_to(&payload), VD_OK));
}

/* ---- message 2 by hand ---- */

static struct noise_payload payload_2(void)
{
	return (struct noise_payload){
		.identity_key = vd_bytes(identities[1].public_key, VD_PUBLIC_KEY_BYTES),
		.identity_sig = vd_bytes(peer.signature, VD_SIGNATURE_BYTES),
		.boot = 78,
		.cipher_count = 1,
		.ciphers = { vd_bytes_of_text(chacha) },
	};
}

static struct handshake_result result;

static enum vd_err finish_with(const struct noise_payload *payload)
{
	struct handshake_frame frame;
	uint8_t plain[ROOM];
	size_t len;

	cr_assert(eq(int, handshake_start(&hs, &self, OURS), VD_OK));
	cr_assert(eq(int, handshake_frame_read(vd_bytes(hs.sent, hs.sent_len), &frame), VD_OK));
	noise_init(&hand, NOISE_RESPONDER, prologue(), &peer.static_key);
	cr_assert(eq(int, noise_read(&hand, frame.noise, plain, sizeof plain, &len), VD_OK));
	write_message(payload, 0);
	frame = frame_of(HANDSHAKE_2, OURS);
	return handshake_finish(&hs, &self, &frame, &identities[1].id, &result);
}

Test(handshake_messages, a_message_2_made_by_hand_is_taken)
{
	struct noise_payload payload = payload_2();

	cr_assert(eq(int, finish_with(&payload), VD_OK));
	cr_assert(eq(int, result.cipher, VD_CHACHA20_POLY1305));
	cr_assert(eq(u32, result.remote_index, THEIRS));
}

Test(handshake_messages, a_cipher_that_was_not_offered_fails_message_2)
{
	struct noise_payload payload = payload_2();

	self.ciphers = 1u << VD_CHACHA20_POLY1305;
	payload.ciphers[0] = vd_bytes_of_text(gcm);
	cr_assert(eq(int, finish_with(&payload), VD_EPEER_STATE));
	payload.cipher_count = 0;
	cr_assert(eq(int, finish_with(&payload), VD_EPEER_STATE));
}

Test(handshake_messages, two_ciphers_chosen_fail_message_2)
{
	struct noise_payload payload = payload_2();

	payload.ciphers[payload.cipher_count++] = vd_bytes_of_text(chacha);
	cr_assert(eq(int, finish_with(&payload), VD_EPEER_FORMAT));
}

Test(handshake_messages, a_signature_of_another_key_fails_message_2)
{
	struct noise_payload payload = payload_2();

	payload.identity_sig = vd_bytes(self.signature, VD_SIGNATURE_BYTES);
	cr_assert(eq(int, finish_with(&payload), VD_EPEER_AUTH));
}

Test(handshake_messages, message_2_without_an_identity_fails)
{
	struct noise_payload payload = payload_2();

	payload.identity_key.len = 0;
	cr_assert(ne(int, finish_with(&payload), VD_OK));
	payload = payload_2();
	payload.identity_sig.len = 0;
	cr_assert(ne(int, finish_with(&payload), VD_OK));
}

Test(handshake_messages, an_offer_in_message_2_fails)
{
	static const uint8_t offer[] = "\x51\xa1\x62id\x48\0\1\2\3\4\5\6\7";
	struct noise_payload payload = payload_2();

	payload.setup = vd_bytes(offer, sizeof offer - 1);
	cr_assert(eq(int, finish_with(&payload), VD_EPEER_STATE));
}

/* What Noise yields keys nothing. */
Test(handshake_messages, no_key_is_that_of_split)
{
	struct noise_payload payload = payload_2();
	struct noise_keys split;

	cr_assert(eq(int, finish_with(&payload), VD_OK));
	cr_assert(eq(int, noise_split(&hs.noise, &split), VD_OK));
	cr_assert(not(zero(int, memcmp(result.keys.tx_tag, split.send, 16))));
	cr_assert(not(zero(int, memcmp(result.keys.tx_control, split.send, 32))));
	cr_assert(not(zero(int, memcmp(result.keys.tx_aead, split.send, 32))));
	cr_assert(not(zero(int, memcmp(result.keys.rx_aead, split.recv, 32))));
	cr_assert(not(zero(int, memcmp(result.keys.tx_control, result.keys.tx_aead, 32))));
}
