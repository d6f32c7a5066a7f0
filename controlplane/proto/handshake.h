/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * handshake: the frames of one handshake, and its state from message 1 to the keys
 * (switch/SPEC.md, 3):
 *
 *	04 ‖ type(1) ‖ sender index(4) ‖ receiver index(4) ‖ body
 *
 *	type 1       Noise message 1 ‖ cookie(16); at least 1,024 bytes
 *	type 2, 3    Noise message 2, 3
 *	type 4       cookie: SHA-256(e)[0..8] ‖ MAC(16)
 *
 * Initiator: start, finish. Responder: answer, conclude. What fails leaves a handshake as
 * it was. Whom to admit, when to repeat, and what becomes of the keys is peering's business.
 *
 * Threads: one at a time. Memory: the caller's; holds secrets, wiped by fini.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/aead.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"
#include "base/formats/peer_id.h"
#include "base/token.h"
#include "controlplane/proto/noise.h"
#include "multigram/setup.h"

enum handshake_type {
	HANDSHAKE_1 = 1,
	HANDSHAKE_2 = 2,
	HANDSHAKE_3 = 3,
	HANDSHAKE_COOKIE = 4,
};

enum {
	HANDSHAKE_HEADER = 10,
	HANDSHAKE_COOKIE_BYTES = 16,
	HANDSHAKE_ECHO_BYTES = 8,
	HANDSHAKE_COOKIE_FRAME = HANDSHAKE_HEADER + HANDSHAKE_ECHO_BYTES + HANDSHAKE_COOKIE_BYTES,
	HANDSHAKE_1_MIN = 1024,    /* the whole frame of type 1 */
	HANDSHAKE_SEND_MAX = 1400, /* bytes of a frame of ours */
	HANDSHAKE_RECV_MAX = 2048, /* longer frames are not looked at */
	HANDSHAKE_OFFERS = 4,      /* names of one side */
};

enum handshake_kind { HANDSHAKE_LINK, HANDSHAKE_SESSION };

/* A frame taken apart; borrows. */
struct handshake_frame {
	enum handshake_type type;
	uint32_t sender, receiver;
	struct vd_bytes noise;  /* 1, 2, 3: the Noise message */
	struct vd_bytes cookie; /* 1: the last 16 bytes; cookie: the MAC */
	struct vd_bytes echo;   /* cookie: of e */
};

/*
 * VD_EPEER_TRUNC, VD_EPEER_FORMAT (not index 4, an unknown type, bytes after a cookie),
 * VD_EPEER_RANGE (an index that must not be 0, or must be; over HANDSHAKE_RECV_MAX).
 */
enum vd_err handshake_frame_read(struct vd_bytes in, struct handshake_frame *frame_out);

/* The answer of a responder under load to the message 1 in `first`. */
void handshake_cookie_write(const struct handshake_frame *first,
			    const uint8_t cookie[HANDSHAKE_COOKIE_BYTES],
			    uint8_t out[HANDSHAKE_COOKIE_FRAME]);

/* What we are in every handshake of one kind. */
struct handshake_self {
	enum handshake_kind kind;
	const struct vd_identity *identity; /* keeps */
	struct noise_keypair static_key;    /* drawn at init */
	uint8_t signature[VD_SIGNATURE_BYTES];
	uint64_t boot;
	uint32_t width;                      /* links */
	uint32_t ciphers;                    /* sessions: bits of enum vd_cipher that we do */
	const char *offer[HANDSHAKE_OFFERS]; /* keeps */
	size_t offer_count;
};

/* `ciphers` 0: all that this CPU does. */
void handshake_self_init(struct handshake_self *self, enum handshake_kind kind,
			 const struct vd_identity *identity, uint64_t boot, uint32_t width,
			 uint32_t ciphers);
void handshake_self_fini(struct handshake_self *self);

/* Keys of one generation, both directions. */
struct handshake_keys {
	uint8_t tx_tag[16], rx_tag[16];
	uint8_t tx_control[32], rx_control[32];
	uint8_t tx_aead[32], rx_aead[32]; /* sessions, of the cipher agreed on */
};

struct handshake_result {
	struct vd_peer_id peer;
	uint32_t remote_index;
	uint32_t width; /* links: the peer's */
	uint64_t boot;  /* the peer's */
	enum vd_cipher cipher;
	/* indices of each name of self->offer, ascending; 0: no more */
	uint8_t inner[HANDSHAKE_OFFERS][MG_SAME_NAME];
	bool has_token;                    /* responder: message 3 brought one */
	uint8_t token_hash[VD_TOKEN_HASH]; /* its SHA-256 */
	struct handshake_keys keys;
};

void handshake_result_fini(struct handshake_result *result);

struct handshake {
	struct noise noise;
	uint32_t index, remote_index;
	struct mg_offer offer;                         /* initiator */
	uint8_t inner[HANDSHAKE_OFFERS][MG_SAME_NAME]; /* responder */
	enum vd_cipher cipher;                         /* responder, sessions */
	uint8_t token_len; /* initiator: to show in message 3, set after start */
	uint8_t token[VD_TOKEN_MAX];
	uint16_t sent_len;
	uint8_t sent[HANDSHAKE_SEND_MAX]; /* our last message, as a frame, to be repeated */
};

/* Initiator: writes message 1 to `sent`. `index`: ours, for what comes back. VD_EBUG_ROOM. */
enum vd_err handshake_start(struct handshake *hs, const struct handshake_self *self,
			    uint32_t index);

/*
 * Responder: reads message 1, writes message 2 to `sent`, never longer than what it
 * answers. VD_EPEER_…; VD_EPEER_STATE: no cipher or setup in common terms.
 */
enum vd_err handshake_answer(struct handshake *hs, const struct handshake_self *self,
			     const struct handshake_frame *frame, uint32_t index);

/*
 * Initiator, before message 2: puts the cookie into `sent`, the same message 1 else.
 * VD_EPEER_STATE: it is for another message 1.
 */
enum vd_err handshake_take_cookie(struct handshake *hs, const struct handshake_frame *frame);

/*
 * Initiator: reads message 2, and if it is `expected`'s writes message 3 to `sent`.
 * VD_EPEER_…; VD_EPEER_REFUSED: of another peer than expected.
 */
enum vd_err handshake_finish(struct handshake *hs, const struct handshake_self *self,
			     const struct handshake_frame *frame, const struct vd_peer_id *expected,
			     struct handshake_result *result_out);

/* Responder: reads message 3. VD_EPEER_…; VD_EPEER_REFUSED: it is ourselves. */
enum vd_err handshake_conclude(struct handshake *hs, const struct handshake_self *self,
			       const struct handshake_frame *frame,
			       struct handshake_result *result_out);

void handshake_fini(struct handshake *hs);
