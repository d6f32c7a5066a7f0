/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * cid: content identifiers, versions 0 and 1 (multiformats/cid).
 *
 * Version 0 is a bare sha2-256 multihash, base58btc in text ("Qm…"), with codec
 * dag-pb. Version 1 is varint 1, varint codec, multihash; multibase in text. The two
 * forms of the same multihash are different CIDs.
 *
 * Values, compared and copied as such; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/multihash.h"

enum {
	VD_CODEC_RAW = 0x55,
	VD_CODEC_DAG_PB = 0x70,
	VD_CODEC_DAG_CBOR = 0x71,
	VD_CODEC_LIBP2P_KEY = 0x72,

	VD_CID_MAX = 1 + 9 + VD_MULTIHASH_MAX, /* bytes of the binary form */
	VD_CID_TEXT = 512,                     /* room for the text form and its NUL */
};

struct vd_cid {
	uint8_t version; /* 0 or 1 */
	uint8_t len;     /* of the multihash */
	uint64_t codec;
	uint8_t multihash[VD_MULTIHASH_MAX]; /* zero after len */
};

/*
 * From the binary form, exactly one CID. VD_EPEER_FORMAT for version 0 that is not sha2-256
 * and for versions above 1; else as vd_multihash_read.
 */
enum vd_err vd_cid_of_bytes(struct vd_bytes bytes, struct vd_cid *cid_out);
/* The next CID of a longer input; fails the cursor. */
void vd_cid_read(struct vd_read *r, struct vd_cid *cid_out);
void vd_cid_write(struct vd_write *w, const struct vd_cid *cid);

/* Version 0, or version 1 in any multibase. VD_EUSER. */
enum vd_err vd_cid_of_text(struct vd_bytes text, struct vd_cid *cid_out);

/* Base58btc for version 0, base32 for version 1; NUL-terminated; returns `out`. */
const char *vd_cid_text(const struct vd_cid *cid, char out[VD_CID_TEXT]);

/* Version 1 of a codec and a multihash in its binary form (valid). */
struct vd_cid vd_cid_make(uint64_t codec, struct vd_bytes multihash);

static inline struct vd_bytes vd_cid_multihash(const struct vd_cid *cid)
{
	return vd_bytes(cid->multihash, cid->len);
}

bool vd_cid_equal(const struct vd_cid *a, const struct vd_cid *b);
