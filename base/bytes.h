/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * bytes: borrowed byte ranges, and cursors that read and write them.
 *
 * Cursors are sticky: after the first failure every further read yields zeros
 * (every further write nothing), and one check at the end tells:
 *
 *	struct vd_read r = vd_read_of(in);
 *	uint32_t index = vd_read_be32(&r);
 *	uint64_t counter = vd_read_be64(&r);
 *	return vd_read_end(&r);              // VD_EPEER_TRUNC, VD_EPEER_FORMAT or VD_OK
 *
 * Threads: no shared state. Memory: borrows; nothing is allocated.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* A borrowed range. `at` may be NULL only when `len` is 0. */
struct vd_bytes {
	const uint8_t *at;
	size_t len;
};

static inline struct vd_bytes vd_bytes(const void *at, size_t len)
{
	struct vd_bytes bytes = { (const uint8_t *)at, len };

	return bytes;
}

/* The characters of a C string, without its NUL. */
static inline struct vd_bytes vd_bytes_of_text(const char *text)
{
	return vd_bytes(text, strlen(text));
}

static inline bool vd_bytes_equal(struct vd_bytes a, struct vd_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Big-endian loads and stores at any alignment. */
static inline uint16_t vd_be16_load(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap16(v);
}

static inline uint32_t vd_be32_load(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap32(v);
}

static inline uint64_t vd_be64_load(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap64(v);
}

static inline void vd_be16_store(uint8_t *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof v);
}

static inline void vd_be32_store(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof v);
}

static inline void vd_be64_store(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof v);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the loads above swap");

/* ---- reading ---- */

struct vd_read {
	const uint8_t *at;
	const uint8_t *end;
	enum vd_err err; /* the first failure; VD_OK until then */
};

static inline struct vd_read vd_read_of(struct vd_bytes in)
{
	struct vd_read r = { in.at, in.len ? in.at + in.len : in.at, VD_OK };

	return r;
}

static inline size_t vd_read_left(const struct vd_read *r)
{
	return r->err ? 0 : (size_t)(r->end - r->at);
}

/* Marks the cursor failed, unless it is already. */
static inline void vd_read_fail(struct vd_read *r, enum vd_err err)
{
	if (!r->err)
		r->err = err;
}

/* The next `len` bytes, borrowed from the input; empty on failure. */
static inline struct vd_bytes vd_read_bytes(struct vd_read *r, size_t len)
{
	if (len > vd_read_left(r)) {
		vd_read_fail(r, VD_EPEER_TRUNC);
		return vd_bytes(NULL, 0);
	}
	struct vd_bytes got = vd_bytes(r->at, len);
	if (len) /* an empty range may be NULL */
		r->at += len;
	return got;
}

/* All that is left. */
static inline struct vd_bytes vd_read_rest(struct vd_read *r)
{
	return vd_read_bytes(r, vd_read_left(r));
}

/* Copies `len` bytes to `out`; `out` is zeroed on failure. */
void vd_read_copy(struct vd_read *r, void *out, size_t len);

uint8_t vd_read_u8(struct vd_read *r);
uint16_t vd_read_be16(struct vd_read *r);
uint32_t vd_read_be32(struct vd_read *r);
uint64_t vd_read_be64(struct vd_read *r);

/*
 * An unsigned varint in its shortest form, at most 63 bits in 9 bytes
 * (multiformats/unsigned-varint). VD_EPEER_FORMAT when longer than needed or
 * too large.
 */
uint64_t vd_read_uvarint(struct vd_read *r);

/* The first failure; VD_EPEER_FORMAT when bytes are left over. */
static inline enum vd_err vd_read_end(const struct vd_read *r)
{
	if (r->err)
		return r->err;
	return r->at == r->end ? VD_OK : VD_EPEER_FORMAT;
}

/* ---- writing ---- */

struct vd_write {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	enum vd_err err; /* VD_OK or VD_EBUG_ROOM */
};

static inline struct vd_write vd_write_to(void *out, size_t cap)
{
	uint8_t *start = (uint8_t *)out;
	struct vd_write w = { start, start, start + cap, VD_OK };

	return w;
}

/* Bytes written so far. */
static inline size_t vd_write_len(const struct vd_write *w)
{
	return (size_t)(w->at - w->start);
}

static inline struct vd_bytes vd_write_done(const struct vd_write *w)
{
	return vd_bytes(w->start, vd_write_len(w));
}

/* Room for `len` bytes, to be filled by the caller; NULL when there is none. */
uint8_t *vd_write_room(struct vd_write *w, size_t len);

void vd_write_bytes(struct vd_write *w, struct vd_bytes bytes);
void vd_write_zeros(struct vd_write *w, size_t len);
void vd_write_u8(struct vd_write *w, uint8_t v);
void vd_write_be16(struct vd_write *w, uint16_t v);
void vd_write_be32(struct vd_write *w, uint32_t v);
void vd_write_be64(struct vd_write *w, uint64_t v);
void vd_write_uvarint(struct vd_write *w, uint64_t v);

/* Length of `v` as an unsigned varint, 1 to 10. */
size_t vd_uvarint_len(uint64_t v);

static inline enum vd_err vd_write_end(const struct vd_write *w)
{
	return w->err;
}
