/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * aead_nonce: the ciphers of aead.h with a whole nonce instead of a counter, for
 * protocols that count differently (Noise: little-endian) and for published vectors.
 *
 * Threads, memory, errors: as aead.h.
 */
#include "base/aead.h"

enum { VD_AEAD_NONCE_BYTES = 12 };

void vd_aead_seal_nonce(const struct vd_aead *aead, const uint8_t nonce[VD_AEAD_NONCE_BYTES],
			struct vd_bytes ad, struct vd_bytes plain, uint8_t *out);
enum vd_err vd_aead_open_nonce(const struct vd_aead *aead, const uint8_t nonce[VD_AEAD_NONCE_BYTES],
			       struct vd_bytes ad, struct vd_bytes sealed, uint8_t *out);
