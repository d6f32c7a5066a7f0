/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer_id: libp2p peer ids: the multihash of a public key's protobuf (libp2p/specs,
 * peer-ids): identity for keys of up to 42 bytes, else SHA-256.
 *
 * Values, compared and copied as such; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	VD_PEER_ID_MAX = 44, /* identity multihash of 42 bytes of key; Ed25519: 38 */
	VD_PEER_ID_TEXT = 72 /* room for the text form and its NUL */
};

struct vd_peer_id {
	uint8_t len;                   /* 0: none */
	uint8_t bytes[VD_PEER_ID_MAX]; /* multihash; zero after len */
};

/* VD_EPEER_FORMAT unless `bytes` is one identity or sha2-256 multihash of allowed length. */
enum vd_err vd_peer_id_of_bytes(struct vd_bytes bytes, struct vd_peer_id *id_out);

/* Base58btc ("12D3…", "Qm…") or CIDv1 text with codec libp2p-key ("bafz…", any multibase).
 * VD_EUSER. */
enum vd_err vd_peer_id_of_text(const char *text, struct vd_peer_id *id_out);

/* From the public key's protobuf, as in the identity field of handshakes. */
enum vd_err vd_peer_id_of_public_key(struct vd_bytes key_protobuf, struct vd_peer_id *id_out);

/* Base58btc text with NUL; returns `out`. */
const char *vd_peer_id_text(const struct vd_peer_id *id, char out[VD_PEER_ID_TEXT]);

static inline struct vd_bytes vd_peer_id_bytes(const struct vd_peer_id *id)
{
	return vd_bytes(id->bytes, id->len);
}

static inline bool vd_peer_id_equal(const struct vd_peer_id *a, const struct vd_peer_id *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Byte-string order: negative, 0, positive. */
int vd_peer_id_compare(const struct vd_peer_id *a, const struct vd_peer_id *b);
