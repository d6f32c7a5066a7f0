/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * cbor: the corner of CBOR (RFC 8949) that a setup operation needs, read strictly.
 *
 * A definite-length map; keys are text, ascending by their encoded bytes, so none comes
 * twice; values are unsigned integers, byte strings or ASCII text; every head
 * is the shortest (core deterministic encoding, RFC 8949, 4.2.1). All else is
 * VD_EPEER_FORMAT. Nothing nests, so nothing recurses.
 *
 * The cursors are base/bytes.h's, and as sticky.
 *
 * Threads: no shared state. Memory: borrows; nothing is allocated.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* Major types; their number is the top three bits of a head. */
enum mg_cbor_kind { MG_CBOR_UINT = 0, MG_CBOR_BYTES = 2, MG_CBOR_TEXT = 3, MG_CBOR_MAP = 5 };

struct mg_cbor_value {
	enum mg_cbor_kind kind;
	uint64_t uint;         /* UINT */
	struct vd_bytes bytes; /* BYTES, TEXT: borrowed */
};

/* Where a map is being read. */
struct mg_cbor_map {
	uint64_t left;        /* pairs */
	struct vd_bytes last; /* the key before, encoded */
};

/* The head of a map. A count that cannot fit in what is left is VD_EPEER_TRUNC. */
struct mg_cbor_map mg_cbor_read_map(struct vd_read *r);

/* The next pair, while map.left is not 0. Zeros and empty on failure. */
struct vd_bytes mg_cbor_read_key(struct vd_read *r, struct mg_cbor_map *map);
struct mg_cbor_value mg_cbor_read_value(struct vd_read *r);

/* Pairs are written by the caller in the order of their encoded keys. */
void mg_cbor_write_head(struct vd_write *w, enum mg_cbor_kind kind, uint64_t value);
void mg_cbor_write_bytes(struct vd_write *w, struct vd_bytes bytes);
void mg_cbor_write_text(struct vd_write *w, struct vd_bytes text);

/* Bytes of a head with this value: 1, 2, 3, 5 or 9. */
size_t mg_cbor_head_len(uint64_t value);
