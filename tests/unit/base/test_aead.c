/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/aead.h"

#include <jansson.h>
#include <signal.h>

#include "base/aead_nonce.h"
#include "tests/unit/base/vectors.h"

struct answer {
	const char *key, *nonce, *ad, *plain, *sealed;
};

/* RFC 8439, section 2.8.2. */
static const struct answer rfc8439 = {
	"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
	"070000004041424344454647",
	"50515253c0c1c2c3c4c5c6c7",
	"4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620"
	"4920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f722074686520667574757265"
	"2c"
	"2073756e73637265656e20776f756c642062652069742e",
	"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da"
	"92"
	"728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594558580"
	"8b"
	"4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
};

/* C2SP/wycheproof dac1dd4, aes_gcm_test.json, tcId 91. */
static const struct answer aes91 = {
	"92ace3e348cd821092cd921aa3546374299ab46209691bc28b8752d17f123c20",
	"00112233445566778899aabb",
	"00000000ffffffff",
	"00010203040506070809",
	"e27abdd2d2a53d2f136b9a4a2579529301bcfb71c78d4060f52c",
};

static const uint8_t key[VD_AEAD_KEY_BYTES] = { 1, 2, 3 };

static void assert_answer(enum vd_cipher cipher, const struct answer *answer)
{
	struct hex k = hex_of(answer->key), nonce = hex_of(answer->nonce), ad = hex_of(answer->ad),
		   plain = hex_of(answer->plain), sealed = hex_of(answer->sealed);
	uint8_t out[HEX_MAX];
	struct vd_aead aead;

	vd_aead_init(&aead, cipher, k.at);
	vd_aead_seal_nonce(&aead, nonce.at, hex_bytes(&ad), hex_bytes(&plain), out);
	assert_bytes(vd_bytes(out, plain.len + VD_AEAD_TAG_BYTES), hex_bytes(&sealed));
	cr_assert(eq(int,
		     vd_aead_open_nonce(&aead, nonce.at, hex_bytes(&ad), hex_bytes(&sealed), out),
		     VD_OK));
	assert_bytes(vd_bytes(out, plain.len), hex_bytes(&plain));
	vd_aead_fini(&aead);
}

static void need(enum vd_cipher cipher)
{
	if (!vd_cipher_available(cipher))
		cr_skip("this CPU has no %s", vd_cipher_name(cipher));
}

Test(aead, chacha20_poly1305_gives_the_answer_of_rfc_8439)
{
	assert_answer(VD_CHACHA20_POLY1305, &rfc8439);
}

Test(aead, aes_256_gcm_gives_a_published_answer)
{
	need(VD_AES_256_GCM);
	assert_answer(VD_AES_256_GCM, &aes91);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void assert_wycheproof_case(enum vd_cipher cipher, const json_t *test)
{
	struct hex k = hex_of(text_of(test, "key")), nonce = hex_of(text_of(test, "iv")),
		   ad = hex_of(text_of(test, "aad")), plain = hex_of(text_of(test, "msg")),
		   sealed = hex_of(text_of(test, "ct")), tag = hex_of(text_of(test, "tag"));
	bool valid = strcmp(text_of(test, "result"), "valid") == 0;
	uint8_t out[HEX_MAX + VD_AEAD_TAG_BYTES];
	struct vd_aead aead;
	int id = (int)json_integer_value(json_object_get(test, "tcId"));

	cr_assert(eq(sz, tag.len, VD_AEAD_TAG_BYTES));
	memcpy(sealed.at + sealed.len, tag.at, tag.len);
	sealed.len += tag.len;
	vd_aead_init(&aead, cipher, k.at);
	enum vd_err err =
	    vd_aead_open_nonce(&aead, nonce.at, hex_bytes(&ad), hex_bytes(&sealed), out);
	cr_assert(eq(int, err, valid ? VD_OK : VD_EPEER_AUTH), "tcId %d", id);
	if (valid) {
		assert_bytes(vd_bytes(out, sealed.len - VD_AEAD_TAG_BYTES), hex_bytes(&plain));
		vd_aead_seal_nonce(&aead, nonce.at, hex_bytes(&ad), hex_bytes(&plain), out);
		assert_bytes(vd_bytes(out, plain.len + VD_AEAD_TAG_BYTES), hex_bytes(&sealed));
	}
}

static int run_wycheproof(enum vd_cipher cipher, const char *name)
{
	FILE *file = open_vectors(name);
	json_t *root = json_loadf(file, 0, NULL), *group, *test;
	size_t i, j;
	int count = 0;

	cr_assert(root != NULL);
	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		if (json_integer_value(json_object_get(group, "keySize")) != 256 ||
		    json_integer_value(json_object_get(group, "ivSize")) != 96)
			continue; /* other keys and nonces are not ours */
		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			assert_wycheproof_case(cipher, test);
			count++;
		}
	}
	json_decref(root);
	fclose(file);
	return count;
}

Test(aead, chacha20_poly1305_agrees_with_wycheproof)
{
	int count = run_wycheproof(VD_CHACHA20_POLY1305, "wycheproof/chacha20_poly1305_test.json");
	cr_assert(ge(int, count, 200));
}

Test(aead, aes_256_gcm_agrees_with_wycheproof)
{
	need(VD_AES_256_GCM);
	cr_assert(ge(int, run_wycheproof(VD_AES_256_GCM, "wycheproof/aes_gcm_test.json"), 60));
}

/* switch/SPEC.md, section 5: 4 zero bytes, then the counter, big-endian. */
Test(aead, the_counter_is_the_nonces_last_eight_bytes_big_endian)
{
	const uint8_t nonce[] = { 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct vd_bytes none = vd_bytes(NULL, 0), plain = vd_bytes_of_text("plain");
	uint8_t by_counter[32], by_nonce[32];
	struct vd_aead aead;

	vd_aead_init(&aead, VD_CHACHA20_POLY1305, key);
	vd_aead_seal(&aead, 0x0102030405060708, none, plain, by_counter);
	vd_aead_seal_nonce(&aead, nonce, none, plain, by_nonce);
	assert_bytes(vd_bytes(by_counter, 5 + VD_AEAD_TAG_BYTES),
		     vd_bytes(by_nonce, 5 + VD_AEAD_TAG_BYTES));
	cr_assert(
	    eq(int, vd_aead_open(&aead, 0x0102030405060708, none, vd_bytes(by_nonce, 21), by_nonce),
	       VD_OK));
}

Test(aead, both_ciphers_seal_and_open_in_place_at_every_length)
{
	for (unsigned c = 0; c < VD_CIPHER_COUNT; c++) {
		struct vd_aead aead;

		if (!vd_cipher_available((enum vd_cipher)c))
			continue;
		vd_aead_init(&aead, (enum vd_cipher)c, key);
		for (size_t len = 0; len < 300; len++) {
			uint8_t apart[320], here[320], ad[13] = { 5 };

			for (size_t i = 0; i < len; i++)
				here[i] = (uint8_t)(i * 7);
			vd_aead_seal(&aead, len + 1, vd_bytes(ad, 13), vd_bytes(here, len), apart);
			vd_aead_seal(&aead, len + 1, vd_bytes(ad, 13), vd_bytes(here, len), here);
			assert_bytes(vd_bytes(here, len + 16), vd_bytes(apart, len + 16));
			cr_assert(eq(int,
				     vd_aead_open(&aead, len + 1, vd_bytes(ad, 13),
						  vd_bytes(here, len + 16), here),
				     VD_OK));
			for (size_t i = 0; i < len; i++)
				cr_assert(eq(u8, here[i], (uint8_t)(i * 7)));
		}
	}
}

Test(aead, any_changed_bit_counter_or_associated_byte_fails_to_open)
{
	for (unsigned c = 0; c < VD_CIPHER_COUNT; c++) {
		struct vd_aead aead;
		uint8_t sealed[24], out[24], ad[2] = { 1, 2 };
		struct vd_bytes in = vd_bytes(sealed, sizeof sealed);

		if (!vd_cipher_available((enum vd_cipher)c))
			continue;
		vd_aead_init(&aead, (enum vd_cipher)c, key);
		vd_aead_seal(&aead, 7, vd_bytes(ad, 2), vd_bytes("8 bytes.", 8), sealed);
		for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
			sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert(eq(int, vd_aead_open(&aead, 7, vd_bytes(ad, 2), in, out),
				     VD_EPEER_AUTH));
			sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		cr_assert(eq(int, vd_aead_open(&aead, 8, vd_bytes(ad, 2), in, out), VD_EPEER_AUTH));
		cr_assert(eq(int, vd_aead_open(&aead, 7, vd_bytes(ad, 1), in, out), VD_EPEER_AUTH));
		cr_assert(eq(int, vd_aead_open(&aead, 7, vd_bytes(ad, 2), in, out), VD_OK));
	}
}

Test(aead, what_is_shorter_than_a_tag_is_truncated)
{
	uint8_t sealed[15] = { 0 }, out[16];
	struct vd_aead aead;

	vd_aead_init(&aead, VD_CHACHA20_POLY1305, key);
	for (size_t len = 0; len <= sizeof sealed; len++)
		cr_assert(eq(int,
			     vd_aead_open(&aead, 1, vd_bytes(NULL, 0), vd_bytes(sealed, len), out),
			     VD_EPEER_TRUNC));
}

Test(aead, fini_wipes_the_key)
{
	struct vd_aead aead;

	vd_aead_init(&aead, VD_CHACHA20_POLY1305, key);
	vd_aead_fini(&aead);
	for (size_t i = 0; i < sizeof aead.state; i++)
		cr_assert(zero(u8, aead.state[i]));
}

Test(aead, ciphers_are_found_by_their_names_only)
{
	enum vd_cipher cipher = VD_CIPHER_COUNT;

	cr_assert(
	    eq(int, vd_cipher_of_name(vd_bytes_of_text("ChaCha20-Poly1305"), &cipher), VD_OK));
	cr_assert(eq(int, cipher, VD_CHACHA20_POLY1305));
	cr_assert(eq(int, vd_cipher_of_name(vd_bytes_of_text("AES-256-GCM"), &cipher),
		     vd_cipher_available(VD_AES_256_GCM) ? VD_OK : VD_ENOTFOUND));
	cr_assert(
	    eq(int, vd_cipher_of_name(vd_bytes_of_text("AES-256-GC"), &cipher), VD_ENOTFOUND));
	cr_assert(eq(int, vd_cipher_of_name(vd_bytes(NULL, 0), &cipher), VD_ENOTFOUND));
}

/* Going on would send plaintext. */
Test(aead, a_cipher_that_there_is_not_ends_the_program, .signal = SIGABRT)
{
	struct vd_aead aead;

	cr_assert(not(vd_cipher_available(VD_CIPHER_COUNT)));
	cr_assert(eq(str, (char *)vd_cipher_name(VD_CIPHER_COUNT), ""));
	vd_aead_init(&aead, VD_CIPHER_COUNT, key);
}
