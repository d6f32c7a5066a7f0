/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * noise_payload: libp2p's NoiseHandshakePayload (libp2p/specs, noise) with Viaduct's
 * extension 1042 (switch/SPEC.md, 3.2), without allocation.
 *
 *	message NoiseHandshakePayload { bytes identity_key = 1; bytes identity_sig = 2;
 *	                                NoiseExtensions extensions = 4; }
 *	message NoiseExtensions { ViaductExtension viaduct = 1042; }
 *	message ViaductExtension { bytes setup = 1; uint32 width = 2; repeated string ciphers = 3;
 *	                           fixed64 boot = 4; bytes token = 5; bytes padding = 15; }
 *
 * Fields that we do not know are skipped; of a repeated singular field the last one
 * counts, as protobuf asks.
 *
 * Threads: any. Memory: borrows from the input.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"
#include "base/formats/peer_id.h"
#include "base/token.h"
#include "controlplane/proto/noise.h"

enum {
	NOISE_PAYLOAD_CIPHERS = 8, /* names read; further ones are passed over */
};

struct noise_payload {
	struct vd_bytes identity_key, identity_sig; /* empty: absent */
	struct vd_bytes setup;                      /* empty: absent */
	uint32_t width;
	uint64_t boot;         /* 0: absent */
	struct vd_bytes token; /* empty: absent; at most VD_TOKEN_MAX bytes */
	uint32_t cipher_count;
	struct vd_bytes ciphers[NOISE_PAYLOAD_CIPHERS];
	bool has_viaduct; /* the extension is there */
};

/* VD_EPEER_TRUNC, VD_EPEER_FORMAT, VD_EPEER_RANGE (a width above 24). */
enum vd_err noise_payload_read(struct vd_bytes in, struct noise_payload *payload_out);

/* Pads with zeros to `padded_len` bytes or the next length there is, at most 3 more. */
enum vd_err noise_payload_write(struct vd_write *w, const struct noise_payload *payload,
				size_t padded_len);

/* libp2p's signature of a static key by an identity. */
void noise_payload_sign(const struct vd_identity *identity,
			const uint8_t static_key[NOISE_KEY_BYTES],
			uint8_t signature_out[VD_SIGNATURE_BYTES]);

/*
 * Whose payload this is, once the signature over the static key that came with it verifies.
 * VD_EPEER_FORMAT, VD_EPEER_RANGE, VD_EPEER_AUTH.
 */
enum vd_err noise_payload_verify(const struct noise_payload *payload,
				 const uint8_t static_key[NOISE_KEY_BYTES],
				 struct vd_peer_id *peer_out);
