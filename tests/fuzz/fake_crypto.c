/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fake_crypto: public-key functions of libsodium for fuzz programs, in place of its own: as right
 * for those who use them honestly, hundreds of times cheaper, and worth nothing. A machine that
 * does a handshake for each input is then tried some thousand times a second instead of eighty.
 *
 * A public key is its private key, masked; the shared secret of two is the sum of both private
 * keys, which is the same from either side. A signature is a keyed hash under the public key, so
 * that one over other bytes, or of another key, does not verify. Hashes and ciphers stay real.
 */
#include <sodium.h>
#include <string.h>

enum { KEY_BYTES = 32, SIGNATURE_BYTES = 64, HASH_BYTES = 8, MASK = 0x5c };

static void mask(uint8_t out[KEY_BYTES], const uint8_t key[KEY_BYTES])
{
	for (unsigned i = 0; i < KEY_BYTES; i++)
		out[i] = key[i] ^ MASK;
}

int crypto_scalarmult_base(unsigned char *q, const unsigned char *n)
{
	mask(q, n);
	return 0;
}

/* As the real one, it refuses keys that would make the secret zero. */
int crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
	for (unsigned i = 0; i < KEY_BYTES; i++)
		q[i] = (uint8_t)(n[i] + (p[i] ^ MASK));
	return sodium_is_zero(q, KEY_BYTES) || sodium_is_zero(p, KEY_BYTES) ? -1 : 0;
}

int crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed)
{
	mask(pk, seed);
	memcpy(sk, seed, KEY_BYTES);
	memcpy(sk + KEY_BYTES, pk, KEY_BYTES);
	return 0;
}

int crypto_sign_keypair(unsigned char *pk, unsigned char *sk)
{
	uint8_t seed[KEY_BYTES];

	randombytes_buf(seed, sizeof seed);
	return crypto_sign_seed_keypair(pk, sk, seed);
}

static void sign(uint8_t signature[SIGNATURE_BYTES], const uint8_t *m, size_t len,
		 const uint8_t pk[KEY_BYTES])
{
	for (unsigned at = 0; at < SIGNATURE_BYTES; at += HASH_BYTES)
		crypto_shorthash(signature + at, m, len, pk + at % KEY_BYTES / 2);
}

int crypto_sign_detached(unsigned char *sig, unsigned long long *siglen_p, const unsigned char *m,
			 unsigned long long mlen, const unsigned char *sk)
{
	sign(sig, m, mlen, sk + KEY_BYTES);
	if (siglen_p)
		*siglen_p = SIGNATURE_BYTES;
	return 0;
}

int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m,
				unsigned long long mlen, const unsigned char *pk)
{
	uint8_t right[SIGNATURE_BYTES];

	sign(right, m, mlen, pk);
	return memcmp(right, sig, sizeof right) == 0 ? 0 : -1;
}
