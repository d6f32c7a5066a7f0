/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * noise_cipher: one direction of an open Noise channel: ChaCha20-Poly1305 (RFC 8439) without
 * associated data, under a nonce that counts (Noise, 12), on OpenSSL, whose assembler does twice
 * the bytes of libsodium's.
 *
 *	init, seal …, fini                                 one message at a time
 *	init, {begin, open … until its end, verify} …, fini    a message as it comes, in parts
 *
 * What noise_cipher_open writes counts for nothing until noise_cipher_verify said that it is so.
 *
 * Threads: one at a time. Memory: OpenSSL's, from init to fini, which wipes the key.
 * Errors: false: out of memory, or (verify) not what the other side sealed.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "controlplane/proto/noise.h"

struct evp_cipher_ctx_st; /* OpenSSL's EVP_CIPHER_CTX */

struct noise_cipher {
	struct evp_cipher_ctx_st *context; /* holds the key */
	uint64_t n;
};

/* To seal, or else to open. */
bool noise_cipher_init(struct noise_cipher *cipher, const uint8_t key[32], bool seals);
void noise_cipher_fini(struct noise_cipher *cipher); /* also of one that was never made, zeroed */

/* Writes plain.len + NOISE_TAG_BYTES. */
bool noise_cipher_seal(struct noise_cipher *cipher, struct vd_bytes plain, uint8_t *out);

bool noise_cipher_begin(struct noise_cipher *cipher);
/* Writes in.len bytes. */
bool noise_cipher_open(struct noise_cipher *cipher, struct vd_bytes in, uint8_t *out);
bool noise_cipher_verify(struct noise_cipher *cipher, const uint8_t tag[NOISE_TAG_BYTES]);
