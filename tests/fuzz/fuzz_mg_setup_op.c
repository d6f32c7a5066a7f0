/* Targets: mg_op_read, mg_op_write, multigram/cbor.c, mg_setup_answer, mg_setup_accept */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "multigram/setup.h"

/* What reads without keys of later versions writes back to the same bytes: one encoding each. */
static void check_written(const struct mg_op *op, struct vd_bytes read)
{
	uint8_t out[MG_OP_BYTES];
	struct vd_write w = vd_write_to(out, sizeof out);

	if (mg_op_write(&w, op) != VD_OK || vd_write_len(&w) > read.len)
		abort();
	if (vd_write_len(&w) == read.len && memcmp(out, read.at, read.len) != 0)
		abort();
}

static void check_once(struct vd_bytes in)
{
	static const char *const names[] = { "/viaduct/ping/1", "/x" };
	struct mg_table table;
	struct mg_offer offer = { .id = { 0, 1, 2, 3, 4, 5, 6, 7 }, .count = 1 };
	uint8_t out[MG_OP_BYTES];
	struct vd_write w = vd_write_to(out, sizeof out);

	offer.entries[0].index = 16;
	offer.entries[0].name = names[0];
	mg_table_init(&table, MG_TABLE_VIADUCT);
	if (mg_setup_answer(&table, names, 2, in, &w) != VD_OK && table.count != 6)
		abort();
	mg_table_init(&table, MG_TABLE_VIADUCT);
	if (mg_setup_accept(&table, &offer, in) != VD_OK && table.count != 6)
		abort();
	if (table.count > 7)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_bytes in = vd_bytes(data, size), rest;
	struct mg_op op;

	if (mg_op_read(in, &op, &rest) == VD_OK) {
		if (rest.len > size || size - rest.len > MG_OP_BYTES)
			abort();
		check_written(&op, vd_bytes(data, size - rest.len));
	}
	check_once(in);
	return 0;
}
