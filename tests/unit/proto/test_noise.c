/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <sodium.h>

#include "tests/unit/base/vectors.h"

enum { VECTOR_BYTES = 256 };

static struct vd_bytes unhex(const char *hex, uint8_t out[VECTOR_BYTES])
{
	size_t len;

	cr_assert(zero(int, sodium_hex2bin(out, VECTOR_BYTES, hex, strlen(hex), NULL, &len, NULL)));
	return vd_bytes(out, len);
}

static void init(struct noise *noise, enum noise_role role, const char *prologue, const char *s,
		 const char *e)
{
	uint8_t text[VECTOR_BYTES], secret[VECTOR_BYTES];
	struct noise_keypair static_key, ephemeral;

	(void)unhex(s, secret);
	noise_keypair_of_secret(secret, &static_key);
	(void)unhex(e, secret);
	noise_keypair_of_secret(secret, &ephemeral);
	noise_init_with(noise, role, unhex(prologue, text), &static_key, &ephemeral);
}

struct vector_message {
	const char *payload, *ciphertext;
};

static void check_handshake(struct noise *initiator, struct noise *responder,
			    const struct vector_message *messages)
{
	for (unsigned i = 0; i < 3; i++) {
		struct noise *from = i == 1 ? responder : initiator;
		struct noise *to = i == 1 ? initiator : responder;
		uint8_t a[VECTOR_BYTES], b[VECTOR_BYTES], out[VECTOR_BYTES];
		struct vd_bytes payload = unhex(messages[i].payload, a);
		struct vd_bytes expected = unhex(messages[i].ciphertext, b);
		size_t len;

		cr_assert(noise_is_ours(from));
		cr_assert(eq(int, noise_write(from, payload, out, sizeof out, &len), VD_OK));
		cr_assert(vd_bytes_equal(vd_bytes(out, len), expected), "message %u", i + 1);
		cr_assert(eq(int, noise_read(to, expected, out, sizeof out, &len), VD_OK));
		cr_assert(vd_bytes_equal(vd_bytes(out, len), payload), "payload %u", i + 1);
	}
}

/* Transport messages (5.2): the sender's key, its own n from 0, no associated data. */
static void check_transport(const uint8_t key[32], uint64_t n, const struct vector_message *message)
{
	uint8_t a[VECTOR_BYTES], b[VECTOR_BYTES], out[VECTOR_BYTES], nonce[12] = { 0 };
	struct vd_bytes payload = unhex(message->payload, a);
	struct vd_bytes expected = unhex(message->ciphertext, b);

	nonce[4] = (uint8_t)n;
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, payload.at, payload.len, NULL, 0, NULL,
						  nonce, key);
	cr_assert(vd_bytes_equal(vd_bytes(out, payload.len + 16), expected));
}

static void check_split(const struct noise *initiator, const struct noise *responder,
			const char *hash, const struct vector_message *messages, size_t count)
{
	struct noise_keys ours, theirs;
	uint8_t expected[VECTOR_BYTES];

	cr_assert(eq(int, noise_split(initiator, &ours), VD_OK));
	cr_assert(eq(int, noise_split(responder, &theirs), VD_OK));
	cr_assert(zero(int, memcmp(ours.send, theirs.recv, 32)));
	cr_assert(zero(int, memcmp(ours.recv, theirs.send, 32)));
	cr_assert(zero(int, memcmp(ours.hash, theirs.hash, 32)));
	if (hash)
		cr_assert(vd_bytes_equal(unhex(hash, expected), vd_bytes(ours.hash, 32)));
	for (size_t i = 0; i < count; i++) /* the responder speaks first: message 4 */
		check_transport(i % 2 ? ours.send : theirs.send, i / 2, &messages[i]);
}

/* cacophony's vector Noise_XX_25519_ChaChaPoly_SHA256, as carried by mcginty/snow, tests/vectors,
 * commit 8ac60f5. */
static const struct vector_message CACOPHONY[] = {
	{ "4c756477696720766f6e204d69736573",
	  "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
	  "4c756477696720766f6e204d69736573" },
	{ "4d757272617920526f746862617264",
	  "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
	  "81cbad1f276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9"
	  "bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f"
	  "8814c7194e83f23dbd8d162c9326ad" },
	{ "462e20412e20486179656b",
	  "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a8"
	  "0ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6"
	  "ae769a1d95941d49b25030" },
	{ "4361726c204d656e676572", "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df" },
	{ "4a65616e2d426170746973746520536179",
	  "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07"
	  "f5" },
	{ "457567656e2042f6686d20766f6e2042617765726b",
	  "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3"
	  "a58502ae3f" },
};

Test(noise, a_published_handshake_is_reproduced_byte_for_byte)
{
	struct noise initiator, responder;

	init(&initiator, NOISE_INITIATOR, "4a6f686e2047616c74",
	     "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
	     "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a");
	init(&responder, NOISE_RESPONDER, "4a6f686e2047616c74",
	     "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
	     "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b");
	check_handshake(&initiator, &responder, CACOPHONY);
	check_split(&initiator, &responder,
		    "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e",
		    CACOPHONY + 3, 3);
}

static const char *field(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void check_vector(const json_t *vector)
{
	const json_t *list = json_object_get(vector, "messages");
	struct vector_message messages[16];
	size_t count = json_array_size(list);
	struct noise initiator, responder;

	cr_assert(ge(sz, count, 3));
	cr_assert(le(sz, count, 16));
	for (size_t i = 0; i < count; i++) {
		const json_t *message = json_array_get(list, i);

		messages[i].payload = field(message, "payload");
		messages[i].ciphertext = field(message, "ciphertext");
	}
	init(&initiator, NOISE_INITIATOR, field(vector, "init_prologue"),
	     field(vector, "init_static"), field(vector, "init_ephemeral"));
	init(&responder, NOISE_RESPONDER, field(vector, "resp_prologue"),
	     field(vector, "resp_static"), field(vector, "resp_ephemeral"));
	check_handshake(&initiator, &responder, messages);
	check_split(&initiator, &responder, field(vector, "handshake_hash"), messages + 3,
		    count - 3);
}

static void check_file(const char *name)
{
	FILE *in = open_vectors(name);
	json_t *file = json_loadf(in, 0, NULL);
	const json_t *vectors = json_object_get(file, "vectors");
	unsigned checked = 0;

	(void)fclose(in);
	for (size_t i = 0; i < json_array_size(vectors); i++) {
		const json_t *vector = json_array_get(vectors, i);

		if (strcmp(field(vector, "protocol_name"), "Noise_XX_25519_ChaChaPoly_SHA256") != 0)
			continue;
		check_vector(vector);
		checked++;
	}
	json_decref(file);
	cr_assert(gt(u32, checked, 0));
}

Test(noise, the_vectors_of_cacophony_hold)
{
	check_file("noise/cacophony.json");
}

Test(noise, the_vectors_of_snow_hold)
{
	check_file("noise/snow.json");
}

/* ---- what is not right ---- */

struct pair {
	struct noise initiator, responder;
	uint8_t messages[4][VECTOR_BYTES]; /* by number */
	size_t lens[4];
};

static void run(struct pair *pair, unsigned messages)
{
	struct noise_keypair a, b;
	uint8_t out[VECTOR_BYTES];
	size_t len;

	noise_keypair_generate(&a);
	noise_keypair_generate(&b);
	noise_init(&pair->initiator, NOISE_INITIATOR, vd_bytes_of_text("p"), &a);
	noise_init(&pair->responder, NOISE_RESPONDER, vd_bytes_of_text("p"), &b);
	for (unsigned i = 1; i <= 3; i++) {
		struct noise *from = i == 2 ? &pair->responder : &pair->initiator;
		struct noise *to = i == 2 ? &pair->initiator : &pair->responder;

		cr_assert(eq(int,
			     noise_write(from, vd_bytes_of_text("hello"), pair->messages[i],
					 VECTOR_BYTES, &pair->lens[i]),
			     VD_OK));
		if (i == messages)
			return; /* written, and not read */
		cr_assert(eq(int,
			     noise_read(to, vd_bytes(pair->messages[i], pair->lens[i]), out,
					sizeof out, &len),
			     VD_OK));
	}
}

static void check_flips(unsigned number)
{
	struct pair pair;
	struct noise *to = number == 2 ? &pair.initiator : &pair.responder;
	uint8_t out[VECTOR_BYTES];
	size_t len;

	run(&pair, number);

	struct noise before = *to;
	struct vd_bytes message = vd_bytes(pair.messages[number], pair.lens[number]);

	for (size_t at = 0; at < message.len; at++) {
		uint8_t bit = (uint8_t)(1u << at % 7); /* not bit 255 of a point: it is masked */

		pair.messages[number][at] ^= bit;
		cr_assert(eq(int, noise_read(to, message, out, sizeof out, &len), VD_EPEER_AUTH),
			  "byte %zu", at);
		pair.messages[number][at] ^= bit;
		cr_assert(zero(int, memcmp(&before, to, sizeof before)), "byte %zu", at);
	}
	cr_assert(eq(int, noise_read(to, message, out, sizeof out, &len), VD_OK));
	cr_assert(vd_bytes_equal(vd_bytes(out, len), vd_bytes_of_text("hello")));
}

Test(noise, a_message_2_with_any_byte_changed_fails_and_leaves_the_state)
{
	check_flips(2);
}

Test(noise, a_message_3_with_any_byte_changed_fails_and_leaves_the_state)
{
	check_flips(3);
}

static void check_cuts(unsigned number)
{
	struct pair pair;
	struct noise *to = number == 2 ? &pair.initiator : &pair.responder;
	uint8_t out[VECTOR_BYTES];
	size_t len;

	run(&pair, number);
	for (size_t cut = 0; cut < pair.lens[number] - (number == 1 ? 5 : 0); cut++) {
		enum vd_err err =
		    noise_read(to, vd_bytes(pair.messages[number], cut), out, sizeof out, &len);

		cr_assert(err == VD_EPEER_TRUNC || err == VD_EPEER_AUTH, "length %zu", cut);
	}
	cr_assert(eq(int,
		     noise_read(to, vd_bytes(pair.messages[number], pair.lens[number]), out,
				sizeof out, &len),
		     VD_OK));
}

Test(noise, messages_cut_at_any_length_fail)
{
	for (unsigned number = 1; number <= 3; number++)
		check_cuts(number);
}

Test(noise, another_prologue_fails)
{
	struct noise_keypair a, b;
	struct noise initiator, responder;
	uint8_t message[VECTOR_BYTES], out[VECTOR_BYTES];
	size_t len;

	noise_keypair_generate(&a);
	noise_keypair_generate(&b);
	noise_init(&initiator, NOISE_INITIATOR, vd_bytes_of_text("viaduct link 1"), &a);
	noise_init(&responder, NOISE_RESPONDER, vd_bytes_of_text("viaduct session 1"), &b);
	cr_assert(eq(int, noise_write(&initiator, vd_bytes(NULL, 0), message, sizeof message, &len),
		     VD_OK));
	cr_assert(
	    eq(int, noise_read(&responder, vd_bytes(message, len), out, sizeof out, &len), VD_OK));
	cr_assert(eq(int, noise_write(&responder, vd_bytes(NULL, 0), message, sizeof message, &len),
		     VD_OK));
	cr_assert(eq(int, noise_read(&initiator, vd_bytes(message, len), out, sizeof out, &len),
		     VD_EPEER_AUTH));
}

Test(noise, a_point_of_low_order_is_refused)
{
	struct pair pair;
	uint8_t message[32] = { 0 }, out[VECTOR_BYTES];
	size_t len;

	run(&pair, 1);
	cr_assert(eq(
	    int,
	    noise_read(&pair.responder, vd_bytes(message, sizeof message), out, sizeof out, &len),
	    VD_OK));
	cr_assert(eq(int, noise_write(&pair.responder, vd_bytes(NULL, 0), out, sizeof out, &len),
		     VD_EPEER_AUTH));
}

Test(noise, calls_out_of_turn_and_without_room_are_the_callers_fault)
{
	struct pair pair;
	struct noise_keys keys;
	uint8_t out[VECTOR_BYTES];
	size_t len;

	run(&pair, 1);
	cr_assert(not(noise_is_ours(&pair.initiator)));
	cr_assert(eq(int, noise_write(&pair.initiator, vd_bytes(NULL, 0), out, sizeof out, &len),
		     VD_EBUG_STATE));
	cr_assert(
	    eq(int,
	       noise_read(&pair.responder, vd_bytes(pair.messages[1], pair.lens[1]), out, 4, &len),
	       VD_EBUG_ROOM));
	cr_assert(eq(int, noise_split(&pair.initiator, &keys), VD_EBUG_STATE));
	run(&pair, 0);
	cr_assert(eq(int, noise_read(&pair.responder, vd_bytes(out, 99), out, sizeof out, &len),
		     VD_EBUG_STATE));
	cr_assert(eq(int, noise_write(&pair.initiator, vd_bytes(NULL, 0), out, sizeof out, &len),
		     VD_EBUG_STATE));
	noise_fini(&pair.initiator);
	cr_assert(sodium_is_zero((uint8_t *)&pair.initiator, sizeof pair.initiator));
}

Test(noise, a_message_without_room_for_it_is_not_written)
{
	struct noise_keypair key;
	struct noise noise;
	uint8_t out[40];
	size_t len = 0;

	noise_keypair_generate(&key);
	noise_init(&noise, NOISE_INITIATOR, vd_bytes(NULL, 0), &key);
	cr_assert(
	    eq(int, noise_write(&noise, vd_bytes(out, 9), out, sizeof out, &len), VD_EBUG_ROOM));
	cr_assert(eq(int, noise_write(&noise, vd_bytes_of_text("12345678"), out, sizeof out, &len),
		     VD_OK));
	cr_assert(eq(sz, len, 40));
}
