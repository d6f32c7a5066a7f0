/* Targets: mg_setup_recv, mg_setup_unknown and what follows: send, next, deadline, expire */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include <sodium.h>

#include "multigram/setup.h"

/*
 * Input: a byte for the role, then steps: a byte says what, and how much time passes.
 *
 *	0x00 … 0x9f  length: the next bytes, to recv
 *	0xa0 … 0xbf  propose name n
 *	0xc0 … 0xcf  list
 *	0xd0 … 0xdf  an unknown index (next byte)
 *	0xe0 … 0xff  1 to 32 s pass
 *
 * Ids are 1, 2, 3, … in 8 bytes, so that an input can answer our offers.
 */
static const char *const names[] = { "/viaduct/ping/1", "/viaduct/ip6/1", "/x", "/y" };

static uint8_t next_id;

static void counted(void *const out, const size_t len)
{
	memset(out, 0, len);
	((uint8_t *)out)[len - 1] = ++next_id;
}

static uint32_t counted_word(void)
{
	return ++next_id;
}

static const char *counted_name(void)
{
	return "counted";
}

static struct randombytes_implementation counter = {
	.implementation_name = counted_name,
	.random = counted_word,
	.buf = counted,
};

static struct mg_table table;
static struct mg_setup setup;

/* What is due is sent in few packets, and each reads. */
static void drain(vd_ns now)
{
	for (unsigned i = 0;; i++) {
		uint8_t out[MG_SETUP_PACKET];
		struct vd_write w = vd_write_to(out, sizeof out);
		enum vd_err err = mg_setup_send(&setup, &w, now);
		struct vd_bytes rest;
		struct mg_op op;

		if (err == VD_AGAIN)
			break;
		if (err || i > MG_SETUP_PROPOSALS + MG_SETUP_ANSWERS + 3)
			abort();
		if (mg_op_read(vd_bytes(out + 1, vd_write_len(&w) - 1), &op, &rest) || rest.len)
			abort();
	}
	if (mg_setup_deadline(&setup) <= now)
		mg_setup_expire(&setup, now);
	if (mg_setup_deadline(&setup) <= now)
		abort(); /* a loop would spin */
	while (mg_setup_next(&setup).kind != MG_EVENT_NONE)
		;
}

static void check_table(void)
{
	if (table.count > MG_TABLE_ENTRIES)
		abort();
	for (size_t i = 0; i < table.count; i++)
		if (mg_table_find(&table, table.entries[i].index) != &table.entries[i])
			abort(); /* an index twice */
}

static void step(struct vd_read *r, vd_ns *now)
{
	uint8_t what = vd_read_u8(r);

	if (what >= 0xe0) {
		*now += VD_SECONDS(1u + (what & 31));
	} else if (what >= 0xd0) {
		mg_setup_unknown(&setup, vd_read_u8(r), *now);
	} else if (what >= 0xc0) {
		mg_setup_list(&setup, *now);
	} else if (what >= 0xa0) {
		enum vd_err err = mg_setup_propose(&setup, names[what % 4], *now);

		if (err && err != VD_ELIMIT)
			abort();
	} else {
		size_t len = what < vd_read_left(r) ? what : vd_read_left(r);
		struct vd_bytes rest;

		if (mg_setup_recv(&setup, vd_read_bytes(r, len), &rest, *now) == VD_OK &&
		    rest.len > len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	enum mg_role role = vd_read_u8(&r) % 3;
	vd_ns now = 0;

	if (!ready && (randombytes_set_implementation(&counter) || sodium_init() < 0))
		abort();
	ready = true;
	next_id = 0;
	mg_table_init(&table, role == MG_ROLE_BARE ? MG_TABLE_BARE : MG_TABLE_VIADUCT);
	if (mg_setup_init(&setup, &table, role, names, 4))
		abort();
	while (vd_read_left(&r)) {
		step(&r, &now);
		drain(now);
		check_table();
	}
	return 0;
}
