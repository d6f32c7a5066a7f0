/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * multihash: a digest with the name of its function (multiformats/multihash):
 * varint code, varint length, digest.
 *
 * A function we know has bounds for its digest: shorter ones are truncated, as the
 * specification allows, down to 80 bits; longer ones are malformed. Codes we do not
 * know are read by structure alone, since to route by a hash is not to compute it.
 *
 * Threads: no shared state. Memory: digests are borrowed from the input.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	VD_MH_IDENTITY = 0x00,
	VD_MH_SHA1 = 0x11,
	VD_MH_SHA2_256 = 0x12,
	VD_MH_SHA2_512 = 0x13,
	VD_MH_BLAKE2B_256 = 0xb220,
	VD_MH_BLAKE3 = 0x1e,

	VD_MULTIHASH_DIGEST_MAX = 128,
	VD_MULTIHASH_MAX = VD_MULTIHASH_DIGEST_MAX + 2 + 9,
};

struct vd_multihash {
	uint64_t code;
	struct vd_bytes digest;
};

/*
 * Reads one; fails the cursor with VD_EPEER_FORMAT (varint), VD_EPEER_RANGE (a length
 * the function does not have, or above VD_MULTIHASH_DIGEST_MAX) or VD_EPEER_TRUNC.
 */
struct vd_multihash vd_multihash_read(struct vd_read *r);
void vd_multihash_write(struct vd_write *w, const struct vd_multihash *multihash);

/* Exactly one multihash. */
enum vd_err vd_multihash_of_bytes(struct vd_bytes bytes, struct vd_multihash *multihash_out);

/*
 * Hashes `data` and writes its multihash: sha2-256, sha2-512 and identity; VD_ENOTFOUND
 * for a function we cannot compute, VD_EBUG_ROOM when `w` is full or the identity too long.
 */
enum vd_err vd_multihash_make(uint64_t code, struct vd_bytes data, struct vd_write *w);

/* "sha2-256"; NULL for a code that is not in the table. Static storage. */
const char *vd_multihash_name(uint64_t code);
