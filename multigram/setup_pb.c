/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Setup operations in protobuf: a varint with the message's length, then the message. */
#include "multigram/setup_codec.h"
#include "setup.pb-c.h"

static enum vd_err read_id(const ProtobufCBinaryData *id, enum mg_op_kind kind, struct mg_op *op)
{
	if (id->len != MG_ID_BYTES)
		return VD_EPEER_FORMAT;
	op->kind = kind;
	memcpy(op->id, id->data, MG_ID_BYTES);
	return VD_OK;
}

static enum vd_err read_kind(const Mg__SetupOperation *in, struct mg_op *op)
{
	if (!!in->has_id + !!in->has_re + !!in->has_err != 1)
		return VD_EPEER_FORMAT;
	if (in->has_id)
		return read_id(&in->id, MG_OP_OFFER, op);
	if (in->has_re)
		return read_id(&in->re, MG_OP_ANSWER, op);
	op->kind = MG_OP_ERROR;
	op->err_index = in->err;
	if (in->err > INT64_MAX)
		return VD_EPEER_RANGE;
	return in->n_entries ? VD_EPEER_FORMAT : VD_OK;
}

static enum vd_err read_message(const Mg__SetupOperation *in, struct mg_op_text *text,
				struct mg_op *op)
{
	enum vd_err err = read_kind(in, op);

	for (size_t i = 0; !err && i < in->n_entries; i++) {
		const Mg__SetupEntry *entry = in->entries[i];

		err = entry->has_index && entry->has_name
			  ? mg_op_add(op, text, entry->index,
				      vd_bytes(entry->name.data, entry->name.len))
			  : VD_EPEER_FORMAT;
	}
	return err;
}

enum vd_err mg_pb_read(struct vd_bytes in, struct mg_op_text *text, struct mg_op *op_out,
		       size_t *used_out)
{
	struct vd_read r = vd_read_of(in);
	uint64_t len = vd_read_uvarint(&r);
	struct vd_bytes body = vd_read_bytes(&r, len > SIZE_MAX ? SIZE_MAX : (size_t)len);
	struct mg_op op = { .codec = MG_CODEC_PROTOBUF };
	Mg__SetupOperation *message;
	enum vd_err err;

	if (r.err)
		return r.err;
	message = mg__setup_operation__unpack(NULL, body.len, body.at);
	if (!message)
		return VD_EPEER_FORMAT; /* or out of memory, which it does not tell */
	err = read_message(message, text, &op);
	mg__setup_operation__free_unpacked(message, NULL);
	if (err)
		return err;
	*used_out = in.len - vd_read_left(&r);
	*op_out = op;
	return VD_OK;
}

/* ---- writing ---- */

static ProtobufCBinaryData data_of(const uint8_t *at, size_t len)
{
	return (ProtobufCBinaryData){ .len = len, .data = (uint8_t *)(uintptr_t)at };
}

static void write_message(struct vd_write *w, const Mg__SetupOperation *message)
{
	size_t len = mg__setup_operation__get_packed_size(message);
	uint8_t *room;

	vd_write_uvarint(w, len);
	room = vd_write_room(w, len);
	if (room)
		mg__setup_operation__pack(message, room);
}

enum vd_err mg_pb_write(struct vd_write *w, const struct mg_op *op)
{
	Mg__SetupOperation message = MG__SETUP_OPERATION__INIT;
	Mg__SetupEntry entries[MG_OP_ENTRIES], *at[MG_OP_ENTRIES];

	message.has_id = op->kind == MG_OP_OFFER;
	message.has_re = op->kind == MG_OP_ANSWER;
	message.has_err = op->kind == MG_OP_ERROR;
	message.id = message.re = data_of(op->id, MG_ID_BYTES);
	message.err = op->err_index;
	for (size_t i = 0; i < op->count; i++) {
		mg__setup_entry__init(&entries[i]);
		entries[i].has_index = entries[i].has_name = true;
		entries[i].index = op->entries[i].index;
		entries[i].name = data_of(op->entries[i].name.at, op->entries[i].name.len);
		at[i] = &entries[i];
	}
	message.n_entries = op->count;
	message.entries = at;
	write_message(w, &message);
	return vd_write_end(w);
}
