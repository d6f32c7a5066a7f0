/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * noise_stream: libp2p's secure channel `/noise` (libp2p/specs, noise): the machine of noise.h
 * with an empty prologue, messages of 2 bytes of length and up to 65,535 bytes; in messages 2 and
 * 3 the identity payload and the extension `stream_muxers`; then records of up to 65,519 bytes of
 * plaintext under ChaCha20-Poly1305.
 *
 * It is a `security`: see security.h for calls, threads, ownership and errors. Its own errors:
 * VD_EPEER_AUTH (a signature, or another peer than was dialled), VD_EPEER_FORMAT, VD_EPEER_TRUNC,
 * VD_EPEER_RANGE (a key type or size that we do not take, a handshake message above
 * NOISE_STREAM_HANDSHAKE_MAX), VD_EPEER_UNSUPPORTED (no muxer in common).
 *
 * Noise has no word for "ended": the channel below ends, and whoever needs to know has it said by
 * the muxer. An initiator proves who it is only after the responder did.
 */
#include "controlplane/proto/noise.h"
#include "controlplane/proto/security.h"

#include "base/formats/key.h"

enum {
	NOISE_STREAM_HANDSHAKE_MAX = 4096, /* an RSA key of 8,192 bits and its signature: 2.2 kB */
	NOISE_STREAM_PLAIN_MAX = 65535 - NOISE_TAG_BYTES, /* plaintext of a record */
};

/*
 * What all connections of a host share: a static key, signed once. It lives no longer than the
 * process, as the specification advises. Kept by reference by every machine; wipe with fini.
 */
struct noise_stream_config {
	const struct security_config *security;
	struct noise_keypair static_key;
	uint8_t signature[VD_SIGNATURE_BYTES];
};

void noise_stream_config_init(struct noise_stream_config *config,
			      const struct security_config *security);
void noise_stream_config_fini(struct noise_stream_config *config);

/*
 * A channel at its beginning. `expected`, of whom it has to be (copied), or NULL for anybody.
 * NULL without memory.
 */
struct security *noise_stream_new(const struct noise_stream_config *config, enum noise_role role,
				  const struct vd_peer_id *expected);
