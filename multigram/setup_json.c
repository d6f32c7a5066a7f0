/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Setup operations in JSON: one object, with what follows its brace left alone. */
#include <jansson.h>
#include <sodium.h>

#include "multigram/setup_codec.h"

enum { ID_DIGITS = 2 * MG_ID_BYTES };

/* ---- reading ---- */

static enum vd_err err_of(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_premature_end_of_input: return VD_EPEER_TRUNC;
	case json_error_numeric_overflow: return VD_EPEER_RANGE;
	case json_error_out_of_memory: return VD_ENOMEM;
	default: return VD_EPEER_FORMAT;
	}
}

/* 16 lower-case digits. */
static enum vd_err read_id(const json_t *value, enum mg_op_kind kind, struct mg_op *op)
{
	const char *digits = json_string_value(value);

	if (!digits || json_string_length(value) != ID_DIGITS ||
	    strspn(digits, "0123456789abcdef") != ID_DIGITS)
		return VD_EPEER_FORMAT;
	op->kind = kind;
	(void)sodium_hex2bin(op->id, sizeof op->id, digits, ID_DIGITS, NULL, NULL, NULL);
	return VD_OK;
}

static enum vd_err read_err(const json_t *value, struct mg_op *op)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return VD_EPEER_FORMAT;
	op->kind = MG_OP_ERROR;
	op->err_index = (uint64_t)json_integer_value(value);
	return VD_OK;
}

static enum vd_err read_entry(const char *key, const json_t *value, struct mg_op_text *text,
			      struct mg_op *op)
{
	uint64_t index;
	enum vd_err err = mg_key_read(vd_bytes_of_text(key), &index);

	if (err)
		return err;
	if (!json_is_string(value))
		return VD_EPEER_FORMAT;
	return mg_op_add(op, text, index,
			 vd_bytes(json_string_value(value), json_string_length(value)));
}

static enum vd_err read_object(json_t *object, struct mg_op_text *text, struct mg_op *op)
{
	const json_t *id = json_object_get(object, "id"), *re = json_object_get(object, "re");
	const json_t *error = json_object_get(object, "err");
	enum vd_err err = VD_EPEER_FORMAT;
	const char *key;
	json_t *value;

	if (!!id + !!re + !!error != 1)
		return VD_EPEER_FORMAT;
	err = error ? read_err(error, op)
		    : read_id(id ? id : re, id ? MG_OP_OFFER : MG_OP_ANSWER, op);
	json_object_foreach(object, key, value)
	{
		if (err)
			return err;
		if (!json_is_string(value) && !json_is_integer(value))
			return VD_EPEER_FORMAT;
		if (strncmp(key, "0x", 2) == 0)
			err = read_entry(key, value, text, op);
	}
	return err ? err : op->kind == MG_OP_ERROR && op->count ? VD_EPEER_FORMAT : VD_OK;
}

enum vd_err mg_json_read(struct vd_bytes in, struct mg_op_text *text, struct mg_op *op_out,
			 size_t *used_out)
{
	json_error_t error;
	struct mg_op op = { .codec = MG_CODEC_JSON };
	enum vd_err err;
	json_t *root;

	if (in.len == 0)
		return VD_EPEER_TRUNC;
	root = json_loadb((const char *)in.at, in.len,
			  JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
	if (!root)
		return err_of(&error);
	err = json_is_object(root) ? read_object(root, text, &op) : VD_EPEER_FORMAT;
	json_decref(root);
	if (err)
		return err;
	*used_out = (size_t)error.position;
	*op_out = op;
	return VD_OK;
}

/* ---- writing ---- */

static json_t *make_object(const struct mg_op *op)
{
	char digits[ID_DIGITS + 1], key[MG_KEY_BYTES + 1];
	json_t *object = json_object();
	int failed;

	(void)sodium_bin2hex(digits, sizeof digits, op->id, MG_ID_BYTES);
	if (op->kind == MG_OP_ERROR)
		failed =
		    json_object_set_new(object, "err", json_integer((json_int_t)op->err_index));
	else
		failed = json_object_set_new(object, op->kind == MG_OP_OFFER ? "id" : "re",
					     json_string(digits));
	for (size_t i = 0; i < op->count; i++) {
		(void)mg_key_write(op->entries[i].index, key);
		failed |= json_object_set_new(
		    object, key,
		    json_stringn((const char *)op->entries[i].name.at, op->entries[i].name.len));
	}
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

enum vd_err mg_json_write(struct vd_write *w, const struct mg_op *op)
{
	json_t *object = make_object(op);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text)
		return VD_ENOMEM;
	vd_write_bytes(w, vd_bytes_of_text(text));
	free(text);
	return vd_write_end(w);
}
