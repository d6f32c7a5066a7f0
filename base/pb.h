/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * pb: protobuf's wire format (protobuf.dev, "Encoding"), without schema or allocation.
 *
 *	struct vd_read r = vd_read_of(in);
 *	struct vd_pb_field f;
 *
 *	while (vd_pb_next(&r, &f)) {
 *		if (f.number == 1)
 *			id = vd_pb_uint(&r, &f, UINT32_MAX);
 *		else if (f.number == 2)
 *			peer = vd_pb_bytes(&r, &f);
 *	}                                    // other fields are skipped, as protobuf asks
 *	return vd_read_end(&r);
 *
 * Groups (wire types 3 and 4, long obsolete) are refused. A varint may be up to 10
 * bytes and longer than needed, as protobuf allows; a value above 64 bits is refused.
 *
 * Threads: no shared state. Memory: bytes are borrowed from the input.
 */
#include "base/bytes.h"

enum vd_pb_wire {
	VD_PB_VARINT = 0,
	VD_PB_FIXED64 = 1,
	VD_PB_BYTES = 2,
	VD_PB_FIXED32 = 5,
};

struct vd_pb_field {
	uint32_t number; /* 1 to 2^29 - 1 */
	enum vd_pb_wire wire;
	uint64_t value;        /* varint, fixed64, fixed32; else 0 */
	struct vd_bytes bytes; /* VD_PB_BYTES; else empty */
};

/*
 * The next field; false at the end, and after a failure. The failures: VD_EPEER_TRUNC,
 * VD_EPEER_FORMAT (field number 0, a group, an oversized varint).
 */
bool vd_pb_next(struct vd_read *r, struct vd_pb_field *field_out);

/*
 * The value of a field of that type. Another wire type fails the cursor with
 * VD_EPEER_FORMAT, a value above `max` with VD_EPEER_RANGE; both yield 0 (empty).
 */
uint64_t vd_pb_uint(struct vd_read *r, const struct vd_pb_field *field, uint64_t max);
uint64_t vd_pb_fixed64(struct vd_read *r, const struct vd_pb_field *field);
uint32_t vd_pb_fixed32(struct vd_read *r, const struct vd_pb_field *field);
struct vd_bytes vd_pb_bytes(struct vd_read *r, const struct vd_pb_field *field);

/* Writing: one field each, in its shortest form. */
void vd_pb_write_uint(struct vd_write *w, uint32_t number, uint64_t value);
void vd_pb_write_fixed64(struct vd_write *w, uint32_t number, uint64_t value);
void vd_pb_write_fixed32(struct vd_write *w, uint32_t number, uint32_t value);
void vd_pb_write_bytes(struct vd_write *w, uint32_t number, struct vd_bytes bytes);

/*
 * The head of a bytes field whose `len` bytes the caller writes next: for a message
 * inside a message.
 */
void vd_pb_write_head(struct vd_write *w, uint32_t number, size_t len);

/* Bytes that vd_pb_write_uint and vd_pb_write_bytes take. */
size_t vd_pb_uint_len(uint32_t number, uint64_t value);
size_t vd_pb_bytes_len(uint32_t number, size_t len);
