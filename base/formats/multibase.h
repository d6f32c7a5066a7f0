/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * multibase: bytes as text that names its own encoding by its first character
 * (multiformats/multibase, multibase.csv). All of its encodings but proquint, base45
 * and base256emoji, which no libp2p or IPFS program writes.
 *
 * Decoding is strict: no foreign characters, no missing or surplus padding, no bits
 * that encode nothing. Base 16, 32 and 36 take both cases, as the specification's test
 * vectors do. One value may therefore have several texts; compare bytes.
 *
 * The bases that are no power of two take time quadratic in the length, so their input
 * is limited to VD_BASE_RADIX_MAX bytes.
 *
 * Threads: no shared state. Memory: borrows; nothing is allocated.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum { VD_BASE_RADIX_MAX = 256 };

/* The encodings by their prefix; the common ones have a name. */
enum {
	VD_BASE16 = 'f',
	VD_BASE32 = 'b',
	VD_BASE36 = 'k',
	VD_BASE58BTC = 'z',
	VD_BASE64 = 'm',
	VD_BASE64PAD = 'M',
	VD_BASE64URL = 'u',
};

/* "base58btc" for 'z'; NULL for a prefix we do not know. */
const char *vd_multibase_name(char prefix);

/*
 * Writes prefix and text with a NUL to `out` of `cap` bytes. VD_EUSER for an unknown
 * prefix or bytes longer than VD_BASE_RADIX_MAX where that holds, VD_EBUG_ROOM.
 */
enum vd_err vd_multibase_encode(char prefix, struct vd_bytes bytes, char *out, size_t cap);

/* VD_EUSER for text that is no multibase; VD_ELIMIT when the bytes do not fit in `cap`. */
enum vd_err vd_multibase_decode(struct vd_bytes text, uint8_t *out, size_t cap, size_t *len_out);

/* The same without the prefix character: `prefix` names the encoding. */
enum vd_err vd_base_encode(char prefix, struct vd_bytes bytes, char *out, size_t cap);
enum vd_err vd_base_decode(char prefix, struct vd_bytes text, uint8_t *out, size_t cap,
			   size_t *len_out);
