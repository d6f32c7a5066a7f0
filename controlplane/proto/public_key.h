/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * public_key: signatures by peers of every key type that libp2p has (libp2p/specs,
 * peer-ids, "Key Types"): Ed25519 (libsodium), RSA of 2,048 to 8,192 bits with PKCS #1 v1.5
 * and ECDSA over P-256 (OpenSSL), secp256k1 (libsecp256k1); the last three over SHA-256.
 *
 * base/ has the protobuf, peer ids and our own Ed25519; what needs other libraries is here.
 * Peer ids of all types: vd_peer_id_of_public_key.
 *
 * Threads: any. Memory: borrows; the libraries allocate for a moment.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"

enum {
	PUBLIC_KEY_MAX = 1200,           /* protobuf of an RSA key of 8,192 bits: 1,066 bytes */
	PUBLIC_KEY_SIGNATURE_MAX = 1024, /* of that key */
};

/*
 * Verifies a signature by the owner of a public key's protobuf. VD_EPEER_FORMAT for a key
 * that is not well-formed, VD_EPEER_RANGE for a type, curve or size that we do not take,
 * VD_EPEER_AUTH, VD_ENOMEM.
 */
enum vd_err public_key_verify(struct vd_bytes public_key, struct vd_bytes message,
			      struct vd_bytes signature);
