/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * envelope: signed envelopes (libp2p RFC 0002): a payload with its type, the signer's public key,
 * and a signature over domain, type and payload, each after its length.
 *
 *	message Envelope { PublicKey public_key = 1; bytes payload_type = 2; bytes payload = 3;
 *	                   bytes signature = 5; }
 *
 * Threads: any. Memory: borrows; nothing is allocated but by public_key_verify.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"

enum {
	ENVELOPE_PAYLOAD_MAX = 8192,
	ENVELOPE_TYPE_MAX = 64,
	ENVELOPE_DOMAIN_MAX = 64,
	ENVELOPE_OVERHEAD = 160 + ENVELOPE_TYPE_MAX, /* of ours, above the payload */
};

struct envelope {
	struct vd_bytes public_key; /* protobuf */
	struct vd_bytes payload_type, payload, signature;
	struct vd_peer_id signer;
};

/*
 * Reads an envelope and verifies that its key's owner signed it for `domain` (at most
 * ENVELOPE_DOMAIN_MAX characters). Ranges are borrowed from `in`. VD_EPEER_TRUNC, VD_EPEER_FORMAT
 * (also: no type, no key), VD_EPEER_RANGE (payload or type too long; a key that we do not take),
 * VD_EPEER_AUTH.
 */
enum vd_err envelope_read(struct vd_bytes in, const char *domain, struct envelope *envelope_out);

/* The type that an envelope names, before anything is verified: it may go with a domain. Empty: it
 * names none, or is none. */
struct vd_bytes envelope_type(struct vd_bytes in);

/* Signs and writes one. VD_EBUG_ROOM: `w` is full, or an argument above its limit. */
enum vd_err envelope_write(struct vd_write *w, const struct vd_identity *identity,
			   const char *domain, struct vd_bytes payload_type,
			   struct vd_bytes payload);
