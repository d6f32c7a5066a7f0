/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise_cipher.h"

#include <openssl/evp.h>
#include <string.h>

bool noise_cipher_init(struct noise_cipher *cipher, const uint8_t key[32], bool seals)
{
	*cipher = (struct noise_cipher){ .context = EVP_CIPHER_CTX_new() };
	return cipher->context && EVP_CipherInit_ex(cipher->context, EVP_chacha20_poly1305(), NULL,
						    key, NULL, seals) == 1;
}

void noise_cipher_fini(struct noise_cipher *cipher)
{
	EVP_CIPHER_CTX_free(cipher->context);
	*cipher = (struct noise_cipher){ 0 };
}

/* Noise, 12: 32 zero bits, then n in little-endian order. */
bool noise_cipher_begin(struct noise_cipher *cipher)
{
	uint8_t nonce[12] = { 0 };

	memcpy(nonce + 4, &cipher->n, 8);
	cipher->n++;
	return EVP_CipherInit_ex(cipher->context, NULL, NULL, NULL, nonce, -1) == 1;
}

bool noise_cipher_seal(struct noise_cipher *cipher, struct vd_bytes plain, uint8_t *out)
{
	int len;

	return noise_cipher_begin(cipher) &&
	       EVP_EncryptUpdate(cipher->context, out, &len, plain.at, (int)plain.len) == 1 &&
	       EVP_EncryptFinal_ex(cipher->context, out + len, &len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_GET_TAG, NOISE_TAG_BYTES,
				   out + plain.len) == 1;
}

bool noise_cipher_open(struct noise_cipher *cipher, struct vd_bytes in, uint8_t *out)
{
	int len;

	return EVP_DecryptUpdate(cipher->context, out, &len, in.at, (int)in.len) == 1;
}

bool noise_cipher_verify(struct noise_cipher *cipher, const uint8_t tag[NOISE_TAG_BYTES])
{
	uint8_t want[NOISE_TAG_BYTES], none[1];
	int len;

	memcpy(want, tag, sizeof want);
	return EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_SET_TAG, sizeof want, want) ==
		   1 &&
	       EVP_DecryptFinal_ex(cipher->context, none, &len) == 1;
}
