/* Targets: mg_op_read_authenticated, mg_op_write, multigram/setup_json.c, setup_pb.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "multigram/setup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* Entries ascend and their names are names, whatever order and codec they came in. */
static void check_entries(const struct mg_op *op)
{
	expect(op->count <= MG_OP_ENTRIES);
	for (size_t i = 0; i < op->count; i++) {
		expect(mg_name_valid(op->entries[i].name));
		expect(i == 0 || op->entries[i - 1].index < op->entries[i].index);
		expect(op->entries[i].index <= INT64_MAX);
	}
}

/* What was read is written no longer, in its own codec, and reads back as the same. */
static void check_written(const struct mg_op *op, size_t read)
{
	uint8_t bytes[MG_OP_BYTES];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct mg_op_text text;
	struct vd_bytes rest;
	struct mg_op again;

	expect(mg_op_write(&w, op) == VD_OK && vd_write_len(&w) <= read);
	expect(mg_op_read_authenticated(vd_write_done(&w), &text, &again, &rest) == VD_OK);
	expect(rest.len == 0 && again.kind == op->kind && again.codec == op->codec);
	expect(again.count == op->count && again.err_index == op->err_index);
	expect(memcmp(again.id, op->id, MG_ID_BYTES) == 0);
	for (size_t i = 0; i < op->count; i++)
		expect(again.entries[i].index == op->entries[i].index &&
		       vd_bytes_equal(again.entries[i].name, op->entries[i].name));
}

static void drive_machine(struct vd_bytes in, enum mg_role role)
{
	static const char *const names[] = { "/viaduct/ping/1", "/x" };
	uint8_t out[MG_SETUP_PACKET];
	struct mg_table table;
	struct mg_setup setup;
	struct vd_bytes rest;
	struct vd_write w;

	mg_table_init(&table, MG_TABLE_VIADUCT);
	expect(mg_setup_init(&setup, &table, role, names, 2) == VD_OK);
	if (mg_setup_recv(&setup, in, &rest, 0) != VD_OK)
		expect(table.count == 6);
	do
		w = vd_write_to(out, sizeof out);
	while (mg_setup_send(&setup, &w, 0) == VD_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_bytes in = vd_bytes(data, size), rest;
	struct mg_op_text text;
	struct mg_op op;

	if (mg_op_read_authenticated(in, &text, &op, &rest) == VD_OK) {
		expect(rest.len <= size && size - rest.len <= MG_OP_BYTES);
		check_entries(&op);
		check_written(&op, size - rest.len);
	}
	drive_machine(in, MG_ROLE_INITIATOR);
	drive_machine(in, MG_ROLE_RESPONDER);
	return 0;
}
