/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * noise_hello: the payload of `/noise`'s messages 2 and 3 (libp2p/specs, noise, "The libp2p
 * Handshake Payload"): identity, its signature of the static key, stream muxers. The one of
 * links and sessions, with Viaduct's extension, is noise_payload.
 *
 *	message NoiseHandshakePayload { bytes identity_key = 1; bytes identity_sig = 2;
 *	                                NoiseExtensions extensions = 4; }
 *	message NoiseExtensions { repeated bytes webtransport_certhashes = 1;
 *	                          repeated string stream_muxers = 2; }
 *
 * Threads: any. Memory: borrows.
 */
#include "base/formats/key.h"
#include "controlplane/proto/noise.h"
#include "controlplane/proto/security.h"

enum { NOISE_HELLO_MAX = 512 }; /* of ours: 104 bytes and the names of our muxers */

struct noise_hello {
	struct vd_bytes identity_key, identity_sig; /* empty: absent */
	uint32_t muxer_count;
	struct vd_bytes muxers[SECURITY_MUXERS]; /* further ones are passed over */
};

/* VD_EPEER_TRUNC, VD_EPEER_FORMAT. Fields that we do not know are skipped. */
enum vd_err noise_hello_read(struct vd_bytes in, struct noise_hello *hello_out);

enum vd_err noise_hello_write(struct vd_write *w, const struct security_config *config,
			      const uint8_t signature[VD_SIGNATURE_BYTES]);

/* An identity's signature of a static key. */
void noise_hello_sign(const struct vd_identity *identity, const uint8_t static_key[NOISE_KEY_BYTES],
		      uint8_t signature_out[VD_SIGNATURE_BYTES]);

/* Whose it is, once the signature verifies: the errors of public_key_verify. */
enum vd_err noise_hello_verify(const struct noise_hello *hello,
			       const uint8_t static_key[NOISE_KEY_BYTES],
			       struct vd_peer_id *peer_out);

/* The first of a list that is in the other, as our string; NULL when there is none. */
const char *noise_hello_first_of_ours(const char *const *ours, const struct noise_hello *theirs);
const char *noise_hello_first_of_theirs(const char *const *ours, const struct noise_hello *theirs);
