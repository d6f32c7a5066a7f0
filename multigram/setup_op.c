/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/setup_op.h"

#include "multigram/cbor.h"
#include "multigram/setup_codec.h"

enum { INDEX_DIGITS_MAX = 16 };

static_assert((int)MG_KEY_BYTES == 2 + (int)INDEX_DIGITS_MAX, "room for any index");

/* The keys that say which operation it is; one of them, once. */
static const struct {
	const char *key;
	enum mg_op_kind kind;
} kinds[] = { { "id", MG_OP_OFFER }, { "re", MG_OP_ANSWER }, { "err", MG_OP_ERROR } };

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- reading ---- */

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

/* Behind the codec. */
static enum vd_err read_cbor(struct vd_bytes in, struct mg_op *op_out, size_t *used_out)
{
	struct vd_read r = vd_read_of(in);
	struct mg_op op = { .codec = MG_CODEC_CBOR };

	read_map(&r, &op);
	if (r.err)
		return r.err;
	*used_out = in.len - vd_read_left(&r);
	*op_out = op;
	return VD_OK;
}

/* Without `text`, CBOR only. */
static enum vd_err read_op(struct vd_bytes in, struct mg_op_text *text, struct mg_op *op_out,
			   struct vd_bytes *rest_out)
{
	size_t bound = in.len < MG_OP_BYTES ? in.len : MG_OP_BYTES, used;
	struct vd_read r = vd_read_of(vd_bytes(in.at, bound));
	uint64_t codec = vd_read_uvarint(&r);
	struct vd_bytes body = vd_read_rest(&r);
	enum vd_err err = r.err;

	if (err)
		return err;
	switch (codec) {
	case MG_CODEC_CBOR: err = read_cbor(body, op_out, &used); break;
	case MG_CODEC_JSON:
		err = text ? mg_json_read(body, text, op_out, &used) : VD_EPEER_UNSUPPORTED;
		break;
	case MG_CODEC_PROTOBUF:
		err = text ? mg_pb_read(body, text, op_out, &used) : VD_EPEER_UNSUPPORTED;
		break;
	default: return VD_EPEER_RANGE;
	}
	if (err == VD_EPEER_TRUNC && in.len > MG_OP_BYTES)
		return VD_EPEER_RANGE; /* it goes on, beyond what an operation may have */
	if (err)
		return err;
	used += (size_t)(body.at - in.at);
	*rest_out = vd_bytes(in.at + used, in.len - used);
	return VD_OK;
}

enum vd_err mg_op_read(struct vd_bytes in, struct mg_op *op_out, struct vd_bytes *rest_out)
{
	return read_op(in, NULL, op_out, rest_out);
}

enum vd_err mg_op_read_authenticated(struct vd_bytes in, struct mg_op_text *text,
				     struct mg_op *op_out, struct vd_bytes *rest_out)
{
	text->used = 0;
	return read_op(in, text, op_out, rest_out);
}

/* ---- for the other codecs ---- */

enum vd_err mg_key_read(struct vd_bytes key, uint64_t *index_out)
{
	struct vd_read r = vd_read_of(key);
	uint64_t index = read_index(&r, vd_bytes(key.at + 2, key.len - 2));

	if (!r.err)
		*index_out = index;
	return r.err;
}

enum vd_err mg_op_add(struct mg_op *op, struct mg_op_text *text, uint64_t index,
		      struct vd_bytes name)
{
	uint8_t *copy = text->bytes + text->used;
	size_t at = op->count;

	if (index > INT64_MAX || !mg_name_valid(name) || op->count == MG_OP_ENTRIES ||
	    name.len > sizeof text->bytes - text->used)
		return VD_EPEER_RANGE;
	while (at > 0 && op->entries[at - 1].index >= index)
		at--;
	if (at < op->count && op->entries[at].index == index)
		return VD_EPEER_FORMAT;
	memmove(&op->entries[at + 1], &op->entries[at], (op->count - at) * sizeof op->entries[0]);
	memcpy(copy, name.at, name.len);
	text->used += name.len;
	op->entries[at] = (struct mg_op_entry){ .index = index, .name = vd_bytes(copy, name.len) };
	op->count++;
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

size_t mg_key_write(uint64_t index, char out[MG_KEY_BYTES + 1])
{
	static const char hex[] = "0123456789abcdef";
	size_t digits = digits_of(index);

	memcpy(out, "0x", 2);
	for (size_t i = 0; i < digits; i++)
		out[2 + i] = hex[index >> 4 * (digits - 1 - i) & 15];
	out[2 + digits] = 0;
	return 2 + digits;
}

static void write_entry(struct vd_write *w, const struct mg_op_entry *entry)
{
	char key[MG_KEY_BYTES + 1];
	size_t len = mg_key_write(entry->index, key);

	mg_cbor_write_text(w, vd_bytes(key, len));
	mg_cbor_write_text(w, entry->name);
}

static enum vd_err write_cbor(struct vd_write *w, const struct mg_op *op)
{
	mg_cbor_write_head(w, MG_CBOR_MAP, 1 + op->count);
	mg_cbor_write_text(w, vd_bytes_of_text(kinds[op->kind].key));
	if (op->kind == MG_OP_ERROR)
		mg_cbor_write_head(w, MG_CBOR_UINT, op->err_index);
	else
		mg_cbor_write_bytes(w, vd_bytes(op->id, MG_ID_BYTES));
	for (size_t i = 0; i < op->count; i++)
		write_entry(w, &op->entries[i]);
	return vd_write_end(w);
}

enum vd_err mg_op_write(struct vd_write *w, const struct mg_op *op)
{
	uint8_t bytes[MG_OP_BYTES];
	struct vd_write o = vd_write_to(bytes, sizeof bytes);
	enum vd_err err;

	vd_write_uvarint(&o, op->codec ? op->codec : MG_CODEC_CBOR);
	if (op->codec == MG_CODEC_JSON)
		err = mg_json_write(&o, op);
	else if (op->codec == MG_CODEC_PROTOBUF)
		err = mg_pb_write(&o, op);
	else
		err = write_cbor(&o, op);
	if (err)
		return err;
	vd_write_bytes(w, vd_write_done(&o));
	return vd_write_end(w);
}

enum vd_err mg_op_write_most(struct vd_write *w, const struct mg_op *op)
{
	struct mg_op most = *op;
	enum vd_err err = mg_op_write(w, &most);

	while (err == VD_EBUG_ROOM && !w->err && most.count > 0) {
		most.count--;
		err = mg_op_write(w, &most);
	}
	return err;
}

size_t mg_op_entry_len(uint64_t index, size_t name_len)
{
	return 1 + 2 + digits_of(index) + mg_cbor_head_len(name_len) + name_len;
}
