/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * setup_op: one setup operation, codec and map, as bytes (multigram/SPEC.md, section 4), in CBOR;
 * of authenticated bytes in JSON and protobuf, too.
 *
 *	offer   0x51 { "id": 8 bytes, "0x10": name, … }   without entries: list the table
 *	answer  0x51 { "re": 8 bytes, "0x10": name, … }
 *	error   0x51 { "err": index }
 *
 * An operation is at most 512 bytes. What trails it is the next multigram. Other
 * keys are read over; they may come with later versions.
 *
 * Threads: no shared state. Memory: a decoded operation borrows from its input.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "multigram/table.h"

enum {
	MG_OP_BYTES = 512,
	MG_OP_ENTRIES = MG_TABLE_ENTRIES,
	MG_ID_BYTES = 8,
};

/* multicodec */
enum mg_codec { MG_CODEC_PROTOBUF = 0x50, MG_CODEC_CBOR = 0x51, MG_CODEC_JSON = 0x0200 };

enum mg_op_kind { MG_OP_OFFER, MG_OP_ANSWER, MG_OP_ERROR };

struct mg_op_entry {
	uint64_t index;
	struct vd_bytes name; /* borrowed */
};

struct mg_op {
	enum mg_op_kind kind;
	enum mg_codec codec;     /* it was read in, or is to be written in; 0: CBOR */
	uint8_t id[MG_ID_BYTES]; /* OFFER: its id; ANSWER: the id of the offer */
	uint64_t err_index;      /* ERROR */
	size_t count;
	struct mg_op_entry entries[MG_OP_ENTRIES]; /* OFFER, ANSWER: ascending by index */
};

/*
 * Reads the operation that `in` begins with (from its codec, after index 0); what
 * follows it goes to `rest_out`.
 *
 * VD_EPEER_TRUNC; VD_EPEER_FORMAT: not deterministic CBOR, or not one of the three maps;
 * VD_EPEER_RANGE: more than 512 bytes or 64 entries, or a name that is none, or a codec
 * we have not heard of; VD_EPEER_UNSUPPORTED: in JSON or protobuf.
 */
enum vd_err mg_op_read(struct vd_bytes in, struct mg_op *op_out, struct vd_bytes *rest_out);

/* Where names are kept that do not stand in the input as they are. */
struct mg_op_text {
	size_t used;
	uint8_t bytes[MG_OP_BYTES];
};

/*
 * The same of authenticated bytes: in any codec. The operation borrows from `text`, too.
 * VD_ENOMEM: JSON and protobuf take memory while they are read, for 512 bytes of input.
 */
enum vd_err mg_op_read_authenticated(struct vd_bytes in, struct mg_op_text *text,
				     struct mg_op *op_out, struct vd_bytes *rest_out);

/*
 * Writes codec and map. Entries ascend by index. VD_EBUG_ROOM when it is
 * larger than 512 bytes or than the room left. An answer to an offer is never longer than
 * that, in the same codec, unless it lists. VD_ENOMEM: not in CBOR.
 */
enum vd_err mg_op_write(struct vd_write *w, const struct mg_op *op);
/* The same without the last entries where they do not fit: of lists. */
enum vd_err mg_op_write_most(struct vd_write *w, const struct mg_op *op);

/* What one entry takes in an operation in CBOR, and an offer or answer without entries. */
size_t mg_op_entry_len(uint64_t index, size_t name_len);
enum { MG_OP_EMPTY_LEN = 1 + 2 + 3 + 1 + MG_ID_BYTES }; /* codec, map of up to 64, "id", bytes */
