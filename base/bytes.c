/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/bytes.h"

void vd_read_copy(struct vd_read *r, void *out, size_t len)
{
	struct vd_bytes got = vd_read_bytes(r, len);

	if (got.len == len && len > 0)
		memcpy(out, got.at, len);
	else
		memset(out, 0, len);
}

uint8_t vd_read_u8(struct vd_read *r)
{
	struct vd_bytes got = vd_read_bytes(r, 1);
	return got.len ? got.at[0] : 0;
}

uint16_t vd_read_be16(struct vd_read *r)
{
	struct vd_bytes got = vd_read_bytes(r, 2);
	return got.len ? vd_be16_load(got.at) : 0;
}

uint32_t vd_read_be32(struct vd_read *r)
{
	struct vd_bytes got = vd_read_bytes(r, 4);
	return got.len ? vd_be32_load(got.at) : 0;
}

uint64_t vd_read_be64(struct vd_read *r)
{
	struct vd_bytes got = vd_read_bytes(r, 8);
	return got.len ? vd_be64_load(got.at) : 0;
}

uint64_t vd_read_uvarint(struct vd_read *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		uint8_t byte = vd_read_u8(r);

		if (r->err)
			return 0;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte == 0 && shift > 0)
			break; /* a trailing zero group: not the shortest form */
		return v;
	}
	vd_read_fail(r, VD_EPEER_FORMAT);
	return 0;
}

uint8_t *vd_write_room(struct vd_write *w, size_t len)
{
	if (w->err || len > (size_t)(w->end - w->at)) {
		w->err = VD_EBUG_ROOM;
		return NULL;
	}
	uint8_t *room = w->at;
	w->at += len;
	return room;
}

void vd_write_bytes(struct vd_write *w, struct vd_bytes bytes)
{
	uint8_t *room = vd_write_room(w, bytes.len);

	if (room && bytes.len)
		memcpy(room, bytes.at, bytes.len);
}

void vd_write_zeros(struct vd_write *w, size_t len)
{
	uint8_t *room = vd_write_room(w, len);

	if (room)
		memset(room, 0, len);
}

void vd_write_u8(struct vd_write *w, uint8_t v)
{
	uint8_t *room = vd_write_room(w, 1);

	if (room)
		*room = v;
}

void vd_write_be16(struct vd_write *w, uint16_t v)
{
	uint8_t *room = vd_write_room(w, 2);

	if (room)
		vd_be16_store(room, v);
}

void vd_write_be32(struct vd_write *w, uint32_t v)
{
	uint8_t *room = vd_write_room(w, 4);

	if (room)
		vd_be32_store(room, v);
}

void vd_write_be64(struct vd_write *w, uint64_t v)
{
	uint8_t *room = vd_write_room(w, 8);

	if (room)
		vd_be64_store(room, v);
}

void vd_write_uvarint(struct vd_write *w, uint64_t v)
{
	while (v >= 0x80) {
		vd_write_u8(w, (uint8_t)(v | 0x80));
		v >>= 7;
	}
	vd_write_u8(w, (uint8_t)v);
}

size_t vd_uvarint_len(uint64_t v)
{
	size_t len = 1;

	while (v >= 0x80) {
		v >>= 7;
		len++;
	}
	return len;
}
