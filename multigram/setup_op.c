/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/setup_op.h"

#include "multigram/cbor.h"

enum { INDEX_DIGITS_MAX = 16, KEY_MAX = 2 + INDEX_DIGITS_MAX };

/* The keys that say which operation it is; one of them, once. */
static const struct {
	const char *key;
	enum mg_op_kind kind;
} kinds[] = { { "id", MG_OP_OFFER }, { "re", MG_OP_ANSWER }, { "err", MG_OP_ERROR } };

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- reading ---- */

static void read_codec(struct vd_read *r)
{
	uint64_t codec = vd_read_uvarint(r);

	if (codec == MG_CODEC_JSON || codec == MG_CODEC_PROTOBUF)
		vd_read_fail(r, VD_EPEER_UNSUPPORTED);
	else if (codec != MG_CODEC_CBOR)
		vd_read_fail(r, VD_EPEER_RANGE);
}

/* 16 for what is no lower-case hex digit. */
static unsigned digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

/* The digits of "0x…": an even number of them, and no leading zero byte but in "00". */
static uint64_t read_index(struct vd_read *r, struct vd_bytes digits)
{
	uint64_t index = 0;

	if (digits.len == 0 || digits.len % 2)
		vd_read_fail(r, VD_EPEER_FORMAT);
	else if (digits.len > 2 && digits.at[0] == '0' && digits.at[1] == '0')
		vd_read_fail(r, VD_EPEER_FORMAT);
	for (size_t i = 0; i < digits.len; i++) {
		unsigned digit = digit_of(digits.at[i]);

		if (digit > 15)
			vd_read_fail(r, VD_EPEER_FORMAT);
		index = index << 4 | (digit & 15);
	}
	if (digits.len > INDEX_DIGITS_MAX || index > INT64_MAX)
		vd_read_fail(r, VD_EPEER_RANGE);
	return index;
}

static void read_entry(struct vd_read *r, struct vd_bytes key, const struct mg_cbor_value *value,
		       struct mg_op *op)
{
	uint64_t index = read_index(r, vd_bytes(key.at + 2, key.len - 2));

	if (value->kind != MG_CBOR_TEXT)
		vd_read_fail(r, VD_EPEER_FORMAT);
	else if (!mg_name_valid(value->bytes) || op->count == MG_OP_ENTRIES)
		vd_read_fail(r, VD_EPEER_RANGE);
	if (r->err)
		return;
	op->entries[op->count++] = (struct mg_op_entry){ .index = index, .name = value->bytes };
}

static void read_err(struct vd_read *r, const struct mg_cbor_value *value, struct mg_op *op)
{
	if (value->kind != MG_CBOR_UINT)
		vd_read_fail(r, VD_EPEER_FORMAT);
	else if (value->uint > INT64_MAX)
		vd_read_fail(r, VD_EPEER_RANGE);
	op->err_index = value->uint;
}

static void read_id(struct vd_read *r, const struct mg_cbor_value *value, struct mg_op *op)
{
	if (value->kind != MG_CBOR_BYTES || value->bytes.len != MG_ID_BYTES)
		vd_read_fail(r, VD_EPEER_FORMAT);
	else
		memcpy(op->id, value->bytes.at, MG_ID_BYTES);
}

/* Whether `key` is one of `kinds`; `*seen` counts them. */
static bool read_kind(struct vd_read *r, struct vd_bytes key, const struct mg_cbor_value *value,
		      struct mg_op *op, unsigned *seen)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (!vd_bytes_equal(key, vd_bytes_of_text(kinds[i].key)))
			continue;
		op->kind = kinds[i].kind;
		++*seen;
		if (op->kind == MG_OP_ERROR)
			read_err(r, value, op);
		else
			read_id(r, value, op);
		return true;
	}
	return false;
}

static void read_map(struct vd_read *r, struct mg_op *op)
{
	struct mg_cbor_map map = mg_cbor_read_map(r);
	unsigned seen = 0;

	while (map.left && !r->err) {
		struct vd_bytes key = mg_cbor_read_key(r, &map);
		struct mg_cbor_value value = mg_cbor_read_value(r);

		if (r->err || read_kind(r, key, &value, op, &seen))
			continue;
		if (key.len >= 2 && memcmp(key.at, "0x", 2) == 0)
			read_entry(r, key, &value, op);
	}
	if (seen != 1 || (op->kind == MG_OP_ERROR && op->count))
		vd_read_fail(r, VD_EPEER_FORMAT);
}

enum vd_err mg_op_read(struct vd_bytes in, struct mg_op *op_out, struct vd_bytes *rest_out)
{
	size_t bound = in.len < MG_OP_BYTES ? in.len : MG_OP_BYTES;
	struct vd_read r = vd_read_of(vd_bytes(in.at, bound));
	struct mg_op op = { 0 };

	read_codec(&r);
	read_map(&r, &op);
	if (r.err == VD_EPEER_TRUNC && in.len > MG_OP_BYTES)
		return VD_EPEER_RANGE; /* it goes on, beyond what an operation may have */
	if (r.err)
		return r.err;
	size_t used = bound - vd_read_left(&r);
	*rest_out = vd_bytes(in.at + used, in.len - used);
	*op_out = op;
	return VD_OK;
}

/* ---- writing ---- */

/* Hex digits of an index: an even number, at least 2. */
static size_t digits_of(uint64_t index)
{
	size_t digits = 2;

	while (index >>= 8)
		digits += 2;
	return digits;
}

static void write_entry(struct vd_write *w, const struct mg_op_entry *entry)
{
	static const char hex[] = "0123456789abcdef";
	size_t digits = digits_of(entry->index);
	uint8_t key[KEY_MAX] = { '0', 'x' };

	for (size_t i = 0; i < digits; i++)
		key[2 + i] = (uint8_t)hex[entry->index >> 4 * (digits - 1 - i) & 15];
	mg_cbor_write_text(w, vd_bytes(key, 2 + digits));
	mg_cbor_write_text(w, entry->name);
}

enum vd_err mg_op_write(struct vd_write *w, const struct mg_op *op)
{
	uint8_t bytes[MG_OP_BYTES];
	struct vd_write o = vd_write_to(bytes, sizeof bytes);

	vd_write_uvarint(&o, MG_CODEC_CBOR);
	mg_cbor_write_head(&o, MG_CBOR_MAP, 1 + op->count);
	mg_cbor_write_text(&o, vd_bytes_of_text(kinds[op->kind].key));
	if (op->kind == MG_OP_ERROR)
		mg_cbor_write_head(&o, MG_CBOR_UINT, op->err_index);
	else
		mg_cbor_write_bytes(&o, vd_bytes(op->id, MG_ID_BYTES));
	for (size_t i = 0; i < op->count; i++)
		write_entry(&o, &op->entries[i]);
	if (o.err)
		return o.err;
	vd_write_bytes(w, vd_write_done(&o));
	return vd_write_end(w);
}

size_t mg_op_entry_len(uint64_t index, size_t name_len)
{
	return 1 + 2 + digits_of(index) + mg_cbor_head_len(name_len) + name_len;
}
