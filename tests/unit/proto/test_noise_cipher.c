/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise_cipher.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

enum { LEN = 1000 };

static uint8_t key[32], plain[LEN], sealed[LEN + NOISE_TAG_BYTES], opened[LEN];
static struct noise_cipher seals, opens;

static void begin(void)
{
	randombytes_buf(key, sizeof key);
	randombytes_buf(plain, sizeof plain);
	cr_assert(noise_cipher_init(&seals, key, true));
	cr_assert(noise_cipher_init(&opens, key, false));
}

static void end(void)
{
	noise_cipher_fini(&seals);
	noise_cipher_fini(&opens);
}

static bool open_in_parts_of(size_t piece)
{
	cr_assert(noise_cipher_begin(&opens));
	for (size_t at = 0; at < LEN; at += piece) {
		size_t len = piece < LEN - at ? piece : LEN - at;

		cr_assert(noise_cipher_open(&opens, vd_bytes(sealed + at, len), opened + at));
	}
	return noise_cipher_verify(&opens, sealed + LEN);
}

Test(noise_cipher, seals_as_libsodium_does_under_a_nonce_that_counts)
{
	uint8_t want[sizeof sealed], nonce[12] = { 0 };

	begin();
	for (uint8_t n = 0; n < 3; n++) {
		nonce[4] = n;
		crypto_aead_chacha20poly1305_ietf_encrypt(want, NULL, plain, LEN, NULL, 0, NULL,
							  nonce, key);
		cr_assert(noise_cipher_seal(&seals, vd_bytes(plain, LEN), sealed));
		cr_assert(zero(int, memcmp(sealed, want, sizeof want)));
	}
	end();
}

Test(noise_cipher, what_is_sealed_is_opened_in_parts_of_any_length)
{
	static const size_t pieces[] = { 1, 15, 16, 63, 64, 65, 999, LEN };

	begin();
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		cr_assert(noise_cipher_seal(&seals, vd_bytes(plain, LEN), sealed));
		memset(opened, 0, sizeof opened);
		cr_assert(open_in_parts_of(pieces[i]), "%zu", pieces[i]);
		cr_assert(zero(int, memcmp(opened, plain, LEN)));
	}
	end();
}

Test(noise_cipher, a_change_anywhere_is_seen_at_the_end)
{
	for (size_t at = 0; at < sizeof sealed; at += 37) {
		begin();
		cr_assert(noise_cipher_seal(&seals, vd_bytes(plain, LEN), sealed));
		sealed[at] ^= 1;
		cr_assert(not(open_in_parts_of(100)));
		end();
	}
}
