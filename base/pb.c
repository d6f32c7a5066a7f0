/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/pb.h"

enum { NUMBER_MAX = (1 << 29) - 1 };

/* Up to 10 bytes; the tenth holds bit 63 alone. */
static uint64_t read_varint(struct vd_read *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t byte = vd_read_u8(r);

		if (r->err)
			return 0;
		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	vd_read_fail(r, VD_EPEER_FORMAT);
	return 0;
}

static uint64_t read_fixed(struct vd_read *r, size_t len)
{
	struct vd_bytes got = vd_read_bytes(r, len);
	uint64_t v = 0;

	for (size_t i = got.len; i > 0; i--)
		v = v << 8 | got.at[i - 1];
	return v;
}

static void read_value(struct vd_read *r, struct vd_pb_field *field)
{
	switch (field->wire) {
	case VD_PB_VARINT: field->value = read_varint(r); return;
	case VD_PB_FIXED64: field->value = read_fixed(r, 8); return;
	case VD_PB_FIXED32: field->value = read_fixed(r, 4); return;
	case VD_PB_BYTES: field->bytes = vd_read_bytes(r, read_varint(r)); return;
	}
	vd_read_fail(r, VD_EPEER_FORMAT);
}

bool vd_pb_next(struct vd_read *r, struct vd_pb_field *field_out)
{
	*field_out = (struct vd_pb_field){ 0 };
	if (vd_read_left(r) == 0)
		return false;

	uint64_t key = read_varint(r);
	struct vd_pb_field field = { .number = (uint32_t)(key >> 3),
				     .wire = (enum vd_pb_wire)(key & 7) };

	if (!r->err && (key >> 3 == 0 || key >> 3 > NUMBER_MAX))
		vd_read_fail(r, VD_EPEER_FORMAT);
	if (!r->err)
		read_value(r, &field);
	if (r->err)
		return false;
	*field_out = field;
	return true;
}

static bool is_wire(struct vd_read *r, const struct vd_pb_field *field, enum vd_pb_wire wire)
{
	if (field->wire != wire)
		vd_read_fail(r, VD_EPEER_FORMAT);
	return field->wire == wire;
}

uint64_t vd_pb_uint(struct vd_read *r, const struct vd_pb_field *field, uint64_t max)
{
	if (!is_wire(r, field, VD_PB_VARINT))
		return 0;
	if (field->value > max) {
		vd_read_fail(r, VD_EPEER_RANGE);
		return 0;
	}
	return field->value;
}

uint64_t vd_pb_fixed64(struct vd_read *r, const struct vd_pb_field *field)
{
	return is_wire(r, field, VD_PB_FIXED64) ? field->value : 0;
}

uint32_t vd_pb_fixed32(struct vd_read *r, const struct vd_pb_field *field)
{
	return is_wire(r, field, VD_PB_FIXED32) ? (uint32_t)field->value : 0;
}

struct vd_bytes vd_pb_bytes(struct vd_read *r, const struct vd_pb_field *field)
{
	return is_wire(r, field, VD_PB_BYTES) ? field->bytes : vd_bytes(NULL, 0);
}

static uint64_t key_of(uint32_t number, enum vd_pb_wire wire)
{
	return (uint64_t)number << 3 | wire;
}

static void write_fixed(struct vd_write *w, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		vd_write_u8(w, (uint8_t)(value >> (8 * i)));
}

void vd_pb_write_uint(struct vd_write *w, uint32_t number, uint64_t value)
{
	vd_write_uvarint(w, key_of(number, VD_PB_VARINT));
	vd_write_uvarint(w, value);
}

void vd_pb_write_fixed64(struct vd_write *w, uint32_t number, uint64_t value)
{
	vd_write_uvarint(w, key_of(number, VD_PB_FIXED64));
	write_fixed(w, value, 8);
}

void vd_pb_write_fixed32(struct vd_write *w, uint32_t number, uint32_t value)
{
	vd_write_uvarint(w, key_of(number, VD_PB_FIXED32));
	write_fixed(w, value, 4);
}

void vd_pb_write_head(struct vd_write *w, uint32_t number, size_t len)
{
	vd_write_uvarint(w, key_of(number, VD_PB_BYTES));
	vd_write_uvarint(w, len);
}

void vd_pb_write_bytes(struct vd_write *w, uint32_t number, struct vd_bytes bytes)
{
	vd_pb_write_head(w, number, bytes.len);
	vd_write_bytes(w, bytes);
}

size_t vd_pb_uint_len(uint32_t number, uint64_t value)
{
	return vd_uvarint_len(key_of(number, VD_PB_VARINT)) + vd_uvarint_len(value);
}

size_t vd_pb_bytes_len(uint32_t number, size_t len)
{
	return vd_uvarint_len(key_of(number, VD_PB_BYTES)) + vd_uvarint_len(len) + len;
}
