/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * seal: sealed frames and the counters of one key generation (switch/SPEC.md, 5):
 *
 *	05 ‖ receiver index(4) ‖ counter(8) ‖ ciphertext ‖ tag(16)
 *
 * The first 13 bytes are the associated data. Links seal their control messages so, with
 * ChaCha20-Poly1305 and the `control` keys.
 *
 * Threads: one at a time. Memory: holds secrets, wiped by fini.
 */
#include <stdint.h>

#include "base/aead.h"
#include "base/bytes.h"
#include "base/err.h"
#include "switch/window.h"

enum {
	SEAL_HEADER = 13,
	SEAL_OVERHEAD = SEAL_HEADER + VD_AEAD_TAG_BYTES,
};

struct seal {
	enum vd_cipher cipher;
	uint32_t remote_index;
	uint8_t tx_key[VD_AEAD_KEY_BYTES], rx_key[VD_AEAD_KEY_BYTES];
	uint64_t tx_counter; /* last one used */
	uint64_t top;        /* highest one marked */
	struct sw_window window;
};

void seal_init(struct seal *seal, enum vd_cipher cipher, const uint8_t tx_key[VD_AEAD_KEY_BYTES],
	       const uint8_t rx_key[VD_AEAD_KEY_BYTES], uint32_t remote_index);
void seal_fini(struct seal *seal);

/* The receiver index of a sealed frame. VD_EPEER_TRUNC, VD_EPEER_FORMAT. */
enum vd_err seal_index(struct vd_bytes frame, uint32_t *index_out);

/* Writes plain.len + SEAL_OVERHEAD bytes. VD_EBUG_ROOM. */
enum vd_err seal_create(struct seal *seal, struct vd_bytes plain, uint8_t *out, size_t cap,
			size_t *len_out);

/*
 * Opens a frame whose index was looked up; `plain_out` has room for frame.len bytes. Window,
 * tag, then mark: what fails changes nothing. VD_EPEER_TRUNC, VD_EPEER_FORMAT,
 * VD_EPEER_REPLAY, VD_EPEER_AUTH.
 */
enum vd_err seal_consume(struct seal *seal, struct vd_bytes frame, uint8_t *plain_out,
			 size_t *len_out);
