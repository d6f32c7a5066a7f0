/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/aead.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/aead_nonce.h"
#include "base/init.h"

static_assert(sizeof(crypto_aead_aes256gcm_state) <= sizeof((struct vd_aead){ 0 }.state), "room");
static_assert(_Alignof(crypto_aead_aes256gcm_state) <= 16, "alignment");
static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == VD_AEAD_KEY_BYTES, "key");
static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == VD_AEAD_TAG_BYTES, "tag");
static_assert(crypto_aead_chacha20poly1305_ietf_NPUBBYTES == VD_AEAD_NONCE_BYTES, "nonce");
static_assert(crypto_aead_aes256gcm_ABYTES == VD_AEAD_TAG_BYTES, "tag");
static_assert(crypto_aead_aes256gcm_NPUBBYTES == VD_AEAD_NONCE_BYTES, "nonce");

static const char *const names[VD_CIPHER_COUNT] = {
	[VD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
	[VD_AES_256_GCM] = "AES-256-GCM",
};

bool vd_cipher_available(enum vd_cipher cipher)
{
	/* libsodium knows the CPU only after its initialisation. */
	if (vd_init())
		return false;
	switch (cipher) {
	case VD_CHACHA20_POLY1305: return true;
	case VD_AES_256_GCM: return crypto_aead_aes256gcm_is_available() == 1;
	case VD_CIPHER_COUNT: break;
	}
	return false;
}

const char *vd_cipher_name(enum vd_cipher cipher)
{
	return (unsigned)cipher < VD_CIPHER_COUNT ? names[cipher] : "";
}

enum vd_err vd_cipher_of_name(struct vd_bytes name, enum vd_cipher *cipher_out)
{
	for (unsigned i = 0; i < VD_CIPHER_COUNT; i++) {
		enum vd_cipher cipher = (enum vd_cipher)i;

		if (!vd_bytes_equal(name, vd_bytes_of_text(names[i])))
			continue;
		if (!vd_cipher_available(cipher))
			return VD_ENOTFOUND;
		*cipher_out = cipher;
		return VD_OK;
	}
	return VD_ENOTFOUND;
}

void vd_aead_init(struct vd_aead *aead, enum vd_cipher cipher, const uint8_t key[VD_AEAD_KEY_BYTES])
{
	/* A caller's bug, and going on would send plaintext. */
	if (!vd_cipher_available(cipher)) {
		fputs("viaduct: aead initialised with a cipher that this CPU lacks\n", stderr);
		abort();
	}
	*aead = (struct vd_aead){ .cipher = cipher };
	if (cipher == VD_AES_256_GCM)
		crypto_aead_aes256gcm_beforenm((crypto_aead_aes256gcm_state *)aead->state, key);
	else
		memcpy(aead->state, key, VD_AEAD_KEY_BYTES);
}

void vd_aead_fini(struct vd_aead *aead)
{
	sodium_memzero(aead, sizeof *aead);
}

static const crypto_aead_aes256gcm_state *aes_of(const struct vd_aead *aead)
{
	return (const crypto_aead_aes256gcm_state *)aead->state;
}

void vd_aead_seal_nonce(const struct vd_aead *aead, const uint8_t nonce[VD_AEAD_NONCE_BYTES],
			struct vd_bytes ad, struct vd_bytes plain, uint8_t *out)
{
	uint8_t *tag = out + plain.len;

	if (aead->cipher == VD_AES_256_GCM)
		crypto_aead_aes256gcm_encrypt_detached_afternm(
		    out, tag, NULL, plain.at, plain.len, ad.at, ad.len, NULL, nonce, aes_of(aead));
	else
		crypto_aead_chacha20poly1305_ietf_encrypt_detached(
		    out, tag, NULL, plain.at, plain.len, ad.at, ad.len, NULL, nonce, aead->state);
}

enum vd_err vd_aead_open_nonce(const struct vd_aead *aead, const uint8_t nonce[VD_AEAD_NONCE_BYTES],
			       struct vd_bytes ad, struct vd_bytes sealed, uint8_t *out)
{
	if (sealed.len < VD_AEAD_TAG_BYTES)
		return VD_EPEER_TRUNC;

	size_t len = sealed.len - VD_AEAD_TAG_BYTES;
	const uint8_t *tag = sealed.at + len;
	int failed;

	if (aead->cipher == VD_AES_256_GCM)
		failed = crypto_aead_aes256gcm_decrypt_detached_afternm(
		    out, NULL, sealed.at, len, tag, ad.at, ad.len, nonce, aes_of(aead));
	else
		failed = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
		    out, NULL, sealed.at, len, tag, ad.at, ad.len, nonce, aead->state);
	return failed ? VD_EPEER_AUTH : VD_OK;
}

static void nonce_of_counter(uint64_t counter, uint8_t nonce_out[VD_AEAD_NONCE_BYTES])
{
	memset(nonce_out, 0, 4);
	vd_be64_store(nonce_out + 4, counter);
}

void vd_aead_seal(const struct vd_aead *aead, uint64_t counter, struct vd_bytes ad,
		  struct vd_bytes plain, uint8_t *out)
{
	uint8_t nonce[VD_AEAD_NONCE_BYTES];

	nonce_of_counter(counter, nonce);
	vd_aead_seal_nonce(aead, nonce, ad, plain, out);
}

enum vd_err vd_aead_open(const struct vd_aead *aead, uint64_t counter, struct vd_bytes ad,
			 struct vd_bytes sealed, uint8_t *out)
{
	uint8_t nonce[VD_AEAD_NONCE_BYTES];

	nonce_of_counter(counter, nonce);
	return vd_aead_open_nonce(aead, nonce, ad, sealed, out);
}
