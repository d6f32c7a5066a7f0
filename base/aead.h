/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * aead: the ciphers of sealed frames, one interface (libsodium behind it).
 *
 * Nonces are 4 zero bytes and the counter, big-endian (switch/SPEC.md,
 * section 5); a caller never seals twice with one counter.
 *
 * Threads: a key may be used by any thread once initialised. Memory: the state is
 * the caller's, and is wiped by fini.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum vd_cipher {
	VD_CHACHA20_POLY1305,
	VD_AES_256_GCM, /* only where the CPU has AES and carry-less multiplication */
	VD_CIPHER_COUNT,
};

enum { VD_AEAD_KEY_BYTES = 32, VD_AEAD_TAG_BYTES = 16 };

struct vd_aead {
	_Alignas(16) uint8_t state[512]; /* AES: expanded key; ChaCha20: the key */
	enum vd_cipher cipher;
};

/* Whether this CPU does `cipher` in hardware, or it needs none. */
bool vd_cipher_available(enum vd_cipher cipher);

/* "ChaCha20-Poly1305", "AES-256-GCM": as in handshakes and key labels; static storage. */
const char *vd_cipher_name(enum vd_cipher cipher);

/* VD_ENOTFOUND for a name we do not know or cannot do. */
enum vd_err vd_cipher_of_name(struct vd_bytes name, enum vd_cipher *cipher_out);

/* Ends the program when this CPU cannot do `cipher`: going on would send plaintext. */
void vd_aead_init(struct vd_aead *aead, enum vd_cipher cipher,
		  const uint8_t key[VD_AEAD_KEY_BYTES]);
void vd_aead_fini(struct vd_aead *aead);

/*
 * Writes plain.len + 16 bytes to `out`: ciphertext, then tag. `out` may be where the
 * plaintext is.
 */
void vd_aead_seal(const struct vd_aead *aead, uint64_t counter, struct vd_bytes ad,
		  struct vd_bytes plain, uint8_t *out);

/*
 * Opens ciphertext and tag to sealed.len - 16 bytes at `out`, which may be where
 * the ciphertext is. VD_EPEER_TRUNC under 16 bytes, VD_EPEER_AUTH when it does
 * not verify; `out` is then not to be read.
 */
enum vd_err vd_aead_open(const struct vd_aead *aead, uint64_t counter, struct vd_bytes ad,
			 struct vd_bytes sealed, uint8_t *out);
