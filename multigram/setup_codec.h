/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * setup_codec: setup operations in JSON and protobuf (multigram/SPEC.md, section 4.1), for
 * setup_op.c alone, which knows the codec and what is CBOR.
 *
 * These readers allocate for as long as they run, in proportion to at most 512 bytes, so
 * they are for authenticated bytes. jansson and libprotobuf-c do the parsing.
 *
 * Threads: no shared state.
 */
#include "multigram/setup_op.h"

/*
 * The operation that `in` (behind the codec, cut to 512 bytes) begins with; `*used_out` bytes of
 * it. Names are copied to `text`. VD_ENOMEM; VD_EPEER_… as mg_op_read.
 */
enum vd_err mg_json_read(struct vd_bytes in, struct mg_op_text *text, struct mg_op *op_out,
			 size_t *used_out);
enum vd_err mg_pb_read(struct vd_bytes in, struct mg_op_text *text, struct mg_op *op_out,
		       size_t *used_out);

/* Behind the codec. VD_ENOMEM; VD_EBUG_ROOM. */
enum vd_err mg_json_write(struct vd_write *w, const struct mg_op *op);
enum vd_err mg_pb_write(struct vd_write *w, const struct mg_op *op);

/*
 * Adds an entry in its place, whatever order they come in; the name is copied.
 * VD_EPEER_RANGE: index, name or number of entries; VD_EPEER_FORMAT: the index is there already.
 */
enum vd_err mg_op_add(struct mg_op *op, struct mg_op_text *text, uint64_t index,
		      struct vd_bytes name);

/* The index in "0x…"; VD_EPEER_FORMAT, VD_EPEER_RANGE. And back, to at most MG_KEY_BYTES. */
enum { MG_KEY_BYTES = 18 };
enum vd_err mg_key_read(struct vd_bytes key, uint64_t *index_out);
size_t mg_key_write(uint64_t index, char out[MG_KEY_BYTES + 1]);
