/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/cbor.h"

/* Additional information of a head, RFC 8949, section 3. */
enum { IN_HEAD_MAX = 23, IN_1_BYTE = 24, IN_2_BYTES = 25, IN_4_BYTES = 26, IN_8_BYTES = 27 };

static uint64_t read_argument(struct vd_read *r, unsigned info)
{
	switch (info) {
	case IN_1_BYTE: return vd_read_u8(r);
	case IN_2_BYTES: return vd_read_be16(r);
	case IN_4_BYTES: return vd_read_be32(r);
	case IN_8_BYTES: return vd_read_be64(r);
	default: return info;
	}
}

/* Bytes after the first of a head, by its additional information. */
static size_t argument_len(unsigned info)
{
	return info <= IN_HEAD_MAX ? 0 : (size_t)1 << (info - IN_1_BYTE);
}

size_t mg_cbor_head_len(uint64_t value)
{
	if (value <= IN_HEAD_MAX)
		return 1;
	if (value <= UINT8_MAX)
		return 2;
	if (value <= UINT16_MAX)
		return 3;
	return value <= UINT32_MAX ? 5 : 9;
}

/* 28 to 30 are reserved, and 31 is an indefinite length. */
static uint64_t read_head(struct vd_read *r, unsigned *major_out)
{
	uint8_t first = vd_read_u8(r);
	unsigned info = first & 0x1f;

	*major_out = first >> 5;
	if (info > IN_8_BYTES) {
		vd_read_fail(r, VD_EPEER_FORMAT);
		return 0;
	}
	uint64_t value = read_argument(r, info);
	if (mg_cbor_head_len(value) != 1 + argument_len(info))
		vd_read_fail(r, VD_EPEER_FORMAT); /* a no-op when it was truncated */
	return r->err ? 0 : value;
}

static void check_ascii(struct vd_read *r, struct vd_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] & 0x80)
			vd_read_fail(r, VD_EPEER_FORMAT);
}

/* Lengths are 64 bits on the wire, and may be less here. */
static struct vd_bytes read_string(struct vd_read *r, uint64_t len)
{
	return vd_read_bytes(r, len > SIZE_MAX ? SIZE_MAX : (size_t)len);
}

struct mg_cbor_map mg_cbor_read_map(struct vd_read *r)
{
	unsigned major;
	uint64_t pairs = read_head(r, &major);

	if (major != MG_CBOR_MAP)
		vd_read_fail(r, VD_EPEER_FORMAT);
	if (pairs > vd_read_left(r) / 2)
		vd_read_fail(r, VD_EPEER_TRUNC);
	return (struct mg_cbor_map){ .left = r->err ? 0 : pairs };
}

/* Keys are text, so comparing heads and characters is comparing encoded bytes. */
static int compare_encoded(struct vd_bytes a, struct vd_bytes b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

struct vd_bytes mg_cbor_read_key(struct vd_read *r, struct mg_cbor_map *map)
{
	const uint8_t *start = r->at;
	struct mg_cbor_value key = mg_cbor_read_value(r);
	struct vd_bytes encoded = vd_bytes(start, (size_t)(r->at - start));

	map->left--;
	if (key.kind != MG_CBOR_TEXT)
		vd_read_fail(r, VD_EPEER_FORMAT);
	if (!r->err && map->last.len && compare_encoded(map->last, encoded) >= 0)
		vd_read_fail(r, VD_EPEER_FORMAT);
	map->last = encoded;
	return r->err ? vd_bytes(NULL, 0) : key.bytes;
}

struct mg_cbor_value mg_cbor_read_value(struct vd_read *r)
{
	struct mg_cbor_value value = { 0 };
	unsigned major;
	uint64_t head = read_head(r, &major);

	switch (major) {
	case MG_CBOR_UINT: value.uint = head; break;
	case MG_CBOR_BYTES: value.bytes = read_string(r, head); break;
	case MG_CBOR_TEXT:
		value.bytes = read_string(r, head);
		check_ascii(r, value.bytes);
		break;
	default: vd_read_fail(r, VD_EPEER_FORMAT);
	}
	if (r->err)
		return (struct mg_cbor_value){ 0 };
	value.kind = (enum mg_cbor_kind)major;
	return value;
}

void mg_cbor_write_head(struct vd_write *w, enum mg_cbor_kind kind, uint64_t value)
{
	uint8_t major = (uint8_t)(kind << 5);

	switch (mg_cbor_head_len(value)) {
	case 1: vd_write_u8(w, (uint8_t)(major | value)); break;
	case 2:
		vd_write_u8(w, major | IN_1_BYTE);
		vd_write_u8(w, (uint8_t)value);
		break;
	case 3:
		vd_write_u8(w, major | IN_2_BYTES);
		vd_write_be16(w, (uint16_t)value);
		break;
	case 5:
		vd_write_u8(w, major | IN_4_BYTES);
		vd_write_be32(w, (uint32_t)value);
		break;
	default: vd_write_u8(w, major | IN_8_BYTES); vd_write_be64(w, value);
	}
}

void mg_cbor_write_bytes(struct vd_write *w, struct vd_bytes bytes)
{
	mg_cbor_write_head(w, MG_CBOR_BYTES, bytes.len);
	vd_write_bytes(w, bytes);
}

void mg_cbor_write_text(struct vd_write *w, struct vd_bytes text)
{
	mg_cbor_write_head(w, MG_CBOR_TEXT, text.len);
	vd_write_bytes(w, text);
}
