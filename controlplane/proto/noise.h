/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * noise: the handshake Noise_XX_25519_ChaChaPoly_SHA256 (Noise Protocol Framework,
 * revision 34), for links and sessions here, and for libp2p's /noise: they differ in
 * prologue and payload, which are the caller's.
 *
 * Sans-IO: bytes in, bytes out. A message that fails leaves the state as it was, so
 * that a forged message 2 does not end a handshake.
 *
 * Threads: one at a time. Memory: the caller's; holds secrets, wiped by fini.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	NOISE_KEY_BYTES = 32,
	NOISE_TAG_BYTES = 16,
	NOISE_MESSAGE_1_OVERHEAD = 32,           /* e */
	NOISE_MESSAGE_2_OVERHEAD = 32 + 48 + 16, /* e, s sealed, payload tag */
	NOISE_MESSAGE_3_OVERHEAD = 48 + 16,      /* s sealed, payload tag */
};

enum noise_role { NOISE_INITIATOR, NOISE_RESPONDER };

struct noise_keypair {
	uint8_t secret[NOISE_KEY_BYTES];
	uint8_t public_key[NOISE_KEY_BYTES];
};

struct noise {
	enum noise_role role;
	uint8_t next; /* message that comes next: 1, 2, 3; 4: done */
	bool has_key;
	struct noise_keypair s, e;
	uint8_t rs[NOISE_KEY_BYTES]; /* the remote's static key, once known */
	uint8_t re[NOISE_KEY_BYTES]; /* the remote's ephemeral key, once known */
	uint8_t ck[32], h[32], k[32];
	uint64_t n;
};

/* What a finished handshake yields. Secret: wipe. */
struct noise_keys {
	uint8_t send[NOISE_KEY_BYTES];
	uint8_t recv[NOISE_KEY_BYTES];
	uint8_t hash[32]; /* the final handshake hash */
};

void noise_keypair_generate(struct noise_keypair *pair_out);
void noise_keypair_of_secret(const uint8_t secret[NOISE_KEY_BYTES], struct noise_keypair *pair_out);

/* Begins; the ephemeral key is drawn here and belongs to this handshake alone. */
void noise_init(struct noise *noise, enum noise_role role, struct vd_bytes prologue,
		const struct noise_keypair *static_key);
/* The same with a given ephemeral key: for test vectors. */
void noise_init_with(struct noise *noise, enum noise_role role, struct vd_bytes prologue,
		     const struct noise_keypair *static_key, const struct noise_keypair *ephemeral);
void noise_fini(struct noise *noise);

/* Whether the next message is ours to write. */
bool noise_is_ours(const struct noise *noise);

/*
 * Writes our next message. VD_EBUG_STATE when it is not our turn, VD_EBUG_ROOM when `cap` is
 * under payload.len plus the message's overhead.
 */
enum vd_err noise_write(struct noise *noise, struct vd_bytes payload, uint8_t *out, size_t cap,
			size_t *len_out);

/*
 * Reads the peer's next message; its payload is written to `payload_out` (message.len bytes
 * suffice). VD_EPEER_TRUNC, VD_EPEER_AUTH; VD_EBUG_STATE when it is not their turn.
 */
enum vd_err noise_read(struct noise *noise, struct vd_bytes message, uint8_t *payload_out,
		       size_t cap, size_t *len_out);

/*
 * Responder, before message 3: whether the static key in `message` is sealed by whoever read
 * our message 2. Costs no public-key work, and changes nothing.
 */
bool noise_is_answer(const struct noise *noise, struct vd_bytes message);

/* VD_EBUG_STATE before message 3 was written or read. */
enum vd_err noise_split(const struct noise *noise, struct noise_keys *keys_out);
