/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * key: libp2p keys (libp2p/specs, peer-ids): protobuf `Key { type = 1; data = 2 }`.
 * Ours are Ed25519, signing and verifying; the other types are told apart here, and
 * verified by controlplane/proto/public_key, which has the libraries.
 *
 * The key file is the raw private protobuf, 68 bytes: seed and public key.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/peer_id.h"

enum vd_key_type {
	VD_KEY_RSA = 0,
	VD_KEY_ED25519 = 1,
	VD_KEY_SECP256K1 = 2,
	VD_KEY_ECDSA = 3,
};

enum {
	VD_PUBLIC_KEY_BYTES = 36,  /* protobuf of an Ed25519 public key */
	VD_PRIVATE_KEY_BYTES = 68, /* protobuf of an Ed25519 private key: the key file */
	VD_SIGNATURE_BYTES = 64,
};

/* An identity we can sign with. Secret: wipe with vd_identity_fini. */
struct vd_identity {
	uint8_t secret[64];                      /* seed and public key */
	uint8_t public_key[VD_PUBLIC_KEY_BYTES]; /* protobuf */
	struct vd_peer_id id;
};

void vd_identity_generate(struct vd_identity *identity_out);
void vd_identity_fini(struct vd_identity *identity);

/* From the private protobuf. VD_EUSER unless it is a consistent Ed25519 key. */
enum vd_err vd_identity_of_protobuf(struct vd_bytes protobuf, struct vd_identity *identity_out);
void vd_identity_to_protobuf(const struct vd_identity *identity, uint8_t out[VD_PRIVATE_KEY_BYTES]);

/*
 * Reads a key file. VD_ESYS (errno) when it cannot be read, VD_EUSER when it is not
 * an Ed25519 libp2p private key or others can read it.
 */
enum vd_err vd_identity_read_file(const char *path, struct vd_identity *identity_out);

/* Writes a new file with mode 0600, synced; never replaces one: VD_ESYS with EEXIST. */
enum vd_err vd_identity_write_file(const struct vd_identity *identity, const char *path);

/* Reads a key file, or makes one where there is none: an identity that stays. As the two above. */
enum vd_err vd_identity_open_file(const char *path, struct vd_identity *identity_out);

void vd_identity_sign(const struct vd_identity *identity, struct vd_bytes message,
		      uint8_t signature_out[VD_SIGNATURE_BYTES]);

/*
 * Type and data of a public key's protobuf: both present, in this order, in their shortest
 * form, nothing else, for the peer id is a hash of these bytes. `data_out` is borrowed from
 * it, and not looked into. VD_EPEER_FORMAT; VD_EPEER_RANGE for a type that there is not.
 */
enum vd_err vd_public_key_read(struct vd_bytes protobuf, enum vd_key_type *type_out,
			       struct vd_bytes *data_out);

/*
 * Verifies a signature by the owner of a public key's protobuf. VD_EPEER_FORMAT for a key
 * that is not well-formed, VD_EPEER_RANGE for a type we cannot verify, VD_EPEER_AUTH.
 */
enum vd_err vd_key_verify(struct vd_bytes public_key, struct vd_bytes message,
			  struct vd_bytes signature);
