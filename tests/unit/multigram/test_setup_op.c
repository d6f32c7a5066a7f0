/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/setup_op.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

/* multigram/SPEC.md, section 4, Examples: an offer of ping at 0x10 under id 0001020304050607. */
static const char known[] =
    "51a262696448000102030405060764307831306f2f766961647563742f70696e672f31";

static uint8_t buffer[1024];

static struct vd_bytes of_hex(const char *hex)
{
	size_t len = 0;

	cr_assert(
	    zero(int, sodium_hex2bin(buffer, sizeof buffer, hex, strlen(hex), NULL, &len, NULL)));
	return vd_bytes(buffer, len);
}

static enum vd_err read_hex(const char *hex, struct mg_op *op_out)
{
	struct vd_bytes rest;

	return mg_op_read(of_hex(hex), op_out, &rest);
}

static struct mg_op offer_of(size_t count, const char *name, uint64_t first)
{
	struct mg_op op = { .kind = MG_OP_OFFER, .id = { 1, 2, 3, 4, 5, 6, 7, 8 }, .count = count };

	for (size_t i = 0; i < count; i++)
		op.entries[i] = (struct mg_op_entry){ first + i, vd_bytes_of_text(name) };
	return op;
}

Test(setup_op, the_known_offer_reads)
{
	struct mg_op op;
	struct vd_bytes rest = vd_bytes("x", 1);

	cr_assert(eq(int, mg_op_read(of_hex(known), &op, &rest), VD_OK));
	cr_assert(eq(int, op.kind, MG_OP_OFFER));
	cr_assert(zero(int, memcmp(op.id, "\0\1\2\3\4\5\6\7", 8)));
	cr_assert(eq(sz, op.count, 1));
	cr_assert(eq(u64, op.entries[0].index, 0x10));
	cr_assert(vd_bytes_equal(op.entries[0].name, vd_bytes_of_text("/viaduct/ping/1")));
	cr_assert(eq(sz, rest.len, 0));
}

Test(setup_op, the_known_offer_is_what_is_written)
{
	struct mg_op op = offer_of(1, "/viaduct/ping/1", 16);
	uint8_t out[64];
	struct vd_write w = vd_write_to(out, sizeof out);

	memcpy(op.id, "\0\1\2\3\4\5\6\7", 8);
	cr_assert(eq(int, mg_op_write(&w, &op), VD_OK));
	cr_assert(vd_bytes_equal(vd_write_done(&w), of_hex(known)));
	cr_assert(eq(sz, vd_write_len(&w),
		     MG_OP_EMPTY_LEN - 1 + mg_op_entry_len(16, strlen("/viaduct/ping/1"))),
		  "a map of under 24 pairs has a head of one byte");
}

Test(setup_op, what_trails_the_map_is_given_back)
{
	struct mg_op op;
	struct vd_bytes in, rest;
	char hex[sizeof known + 4];

	snprintf(hex, sizeof hex, "%s08ff", known);
	in = of_hex(hex);
	cr_assert(eq(int, mg_op_read(in, &op, &rest), VD_OK));
	cr_assert(eq(sz, rest.len, 2));
	cr_assert(eq(ptr, (void *)rest.at, (void *)(in.at + in.len - 2)));
}

Test(setup_op, answers_and_errors_read)
{
	struct mg_op op;

	cr_assert(eq(int, read_hex("51a1627265480001020304050607", &op), VD_OK));
	cr_assert(eq(int, op.kind, MG_OP_ANSWER));
	cr_assert(eq(sz, op.count, 0));
	cr_assert(eq(int, read_hex("51a1636572721863", &op), VD_OK));
	cr_assert(eq(int, op.kind, MG_OP_ERROR));
	cr_assert(eq(u64, op.err_index, 99));
}

Test(setup_op, an_operation_cut_anywhere_is_truncated)
{
	struct vd_bytes in = of_hex(known), rest = vd_bytes("z", 1);
	struct mg_op op = { .count = 9 };

	for (size_t len = 0; len < in.len; len++) {
		uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees one byte too many */

		memcpy(exact, in.at, len);
		cr_assert(eq(int, mg_op_read(vd_bytes(exact, len), &op, &rest), VD_EPEER_TRUNC),
			  "%zu", len);
		free(exact);
	}
	cr_assert(eq(sz, op.count, 9), "outputs are untouched on failure");
	cr_assert(eq(sz, rest.len, 1));
}

Test(setup_op, other_codecs_are_told_from_rubbish)
{
	struct mg_op op;

	cr_assert(eq(int, read_hex("80047b7d", &op), VD_EPEER_UNSUPPORTED), "JSON");
	cr_assert(eq(int, read_hex("500a00", &op), VD_EPEER_UNSUPPORTED), "protobuf");
	cr_assert(eq(int, read_hex("52a1636572721863", &op), VD_EPEER_RANGE), "never heard of");
	cr_assert(eq(int, read_hex("d100a1636572721863", &op), VD_EPEER_FORMAT),
		  "0x51 in a longer form");
}

Test(setup_op, maps_that_are_no_operation_are_refused)
{
	static const struct {
		const char *what;
		enum vd_err err;
		const char *hex;
	} rows[] = {
		{ "no kind", VD_EPEER_FORMAT, "51a0" },
		{ "entries without id", VD_EPEER_FORMAT, "51a16430783130622f78" },
		{ "id and re", VD_EPEER_FORMAT,
		  "51a2626964480001020304050607627265480001020304050607" },
		{ "id and err", VD_EPEER_FORMAT, "51a26269644800010203040506076365727201" },
		{ "err with an entry", VD_EPEER_FORMAT, "51a263657272016430783130622f78" },
		{ "id of 7 bytes", VD_EPEER_FORMAT, "51a16269644700010203040506" },
		{ "id of 9 bytes", VD_EPEER_FORMAT, "51a162696449000102030405060708" },
		{ "id as text", VD_EPEER_FORMAT, "51a1626964683031323334353637" },
		{ "id twice", VD_EPEER_FORMAT,
		  "51a2626964480001020304050607626964480001020304050607" },
		{ "err as bytes", VD_EPEER_FORMAT, "51a1636572724101" },
		{ "err of 64 bits", VD_EPEER_RANGE, "51a1636572721bffffffffffffffff" },
		{ "a name in bytes", VD_EPEER_FORMAT,
		  "51a26269644800010203040506076430783130422f78" },
		{ "a name as integer", VD_EPEER_FORMAT,
		  "51a2626964480001020304050607643078313001" },
		{ "a name without slash", VD_EPEER_RANGE,
		  "51a262696448000102030405060764307831306178" },
		{ "an empty name", VD_EPEER_RANGE, "51a2626964480001020304050607643078313060" },
		{ "an entry before id", VD_EPEER_FORMAT,
		  "51a26430783130622f78626964480001020304050607" },
		{ "entries descending", VD_EPEER_FORMAT,
		  "51a36269644800010203040506076430783131622f786430783130622f78" },
		{ "an entry twice", VD_EPEER_FORMAT,
		  "51a36269644800010203040506076430783130622f786430783130622f78" },
		{ "0x alone", VD_EPEER_FORMAT, "51a2623078622f78626964480001020304050607" },
		{ "an odd number of digits", VD_EPEER_FORMAT,
		  "51a26269644800010203040506076530783131 30622f78" },
		{ "a leading zero byte", VD_EPEER_FORMAT,
		  "51a262696448000102030405060766307830303130622f78" },
		{ "upper-case digits", VD_EPEER_FORMAT,
		  "51a26269644800010203040506076430783141622f78" },
		{ "not a digit", VD_EPEER_FORMAT, "51a2626964480001020304050607643078316 7622f78" },
		{ "a key of bytes", VD_EPEER_FORMAT, "51a2410100626964480001020304050607" },
		{ "a key that is a number", VD_EPEER_FORMAT, "51a20100626964480001020304050607" },
		{ "a value that is a list", VD_EPEER_FORMAT, "51a2616180626964480001020304050607" },
		{ "a value below 0", VD_EPEER_FORMAT, "51a2616120626964480001020304050607" },
		{ "a value that is true", VD_EPEER_FORMAT, "51a26161f5626964480001020304050607" },
		{ "a text that is not ASCII", VD_EPEER_FORMAT,
		  "51a2616162c3a9626964480001020304050607" },
		{ "an index of 64 bits", VD_EPEER_RANGE,
		  "51a262696448000102030405060772307866666666666666666666666666666666622f78" },
		{ "an index of 72 bits", VD_EPEER_RANGE,
		  "51a2626964480001020304050607743078313131313131313131313131313131313131622f78" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mg_op op;
		char hex[200];
		size_t len = 0;

		for (const char *c = rows[i].hex; *c; c++)
			if (*c != ' ')
				hex[len++] = *c;
		hex[len] = 0;
		cr_assert(eq(int, read_hex(hex, &op), rows[i].err), "%s", rows[i].what);
	}
}

Test(setup_op, unknown_keys_are_read_over)
{
	struct mg_op op;

	/* {"a": 1, "id": …, "zz": h'', "0x10": "/x"} */
	cr_assert(eq(int,
		     read_hex("51a4616101626964480001020304050607627a7a406430783130622f78", &op),
		     VD_OK));
	cr_assert(eq(sz, op.count, 1));
}

Test(setup_op, indices_have_an_even_number_of_digits)
{
	static const struct {
		uint64_t index;
		size_t digits;
	} rows[] = { { 0, 2 },     { 4, 2 },       { 0xff, 2 },      { 0x100, 4 },
		     { 0xabc, 4 }, { 0x12345, 6 }, { INT64_MAX, 16 } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mg_op op = offer_of(1, "/x", rows[i].index), back;
		uint8_t out[64];
		struct vd_write w = vd_write_to(out, sizeof out);
		struct vd_bytes rest;

		cr_assert(eq(int, mg_op_write(&w, &op), VD_OK));
		cr_assert(eq(sz, mg_op_entry_len(rows[i].index, 2), 3 + rows[i].digits + 3));
		cr_assert(eq(int, mg_op_read(vd_write_done(&w), &back, &rest), VD_OK));
		cr_assert(eq(u64, back.entries[0].index, rows[i].index));
	}
}

Test(setup_op, sixty_four_entries_fit_and_no_more)
{
	struct mg_op op = offer_of(64, "/", 16), back;
	struct vd_write w = vd_write_to(buffer, sizeof buffer);
	struct vd_bytes rest;

	cr_assert(eq(int, mg_op_write(&w, &op), VD_OK));
	cr_assert(eq(int, mg_op_read(vd_write_done(&w), &back, &rest), VD_OK));
	cr_assert(eq(sz, back.count, 64));

	/* one more, by hand: 66 pairs, and 0x50 */
	buffer[2] = 66;
	vd_write_bytes(&w, vd_bytes("\x64"
				    "0x50\x61/",
				    7));
	cr_assert(eq(int, mg_op_read(vd_write_done(&w), &back, &rest), VD_EPEER_RANGE));
}

Test(setup_op, an_operation_over_512_bytes_is_out_of_range)
{
	static const char name[] =
	    "/a/name/of/64/bytes/so/that/seven/fill/an/operation/up/to/511/xx";
	struct mg_op op = offer_of(7, name, 16), back;
	struct vd_write w = vd_write_to(buffer, sizeof buffer);
	struct vd_bytes rest;

	cr_assert(eq(sz, strlen(name), 64));
	cr_assert(eq(int, mg_op_write(&w, &op), VD_OK));
	cr_assert(eq(sz, vd_write_len(&w), 511));
	vd_write_zeros(&w, 100);
	cr_assert(eq(int, mg_op_read(vd_write_done(&w), &back, &rest), VD_OK));
	cr_assert(eq(sz, rest.len, 100), "what trails does not count");

	op = offer_of(8, name, 16);
	w = vd_write_to(buffer, sizeof buffer);
	cr_assert(eq(int, mg_op_write(&w, &op), VD_EBUG_ROOM));
	cr_assert(eq(sz, vd_write_len(&w), 0));
}

Test(setup_op, an_operation_that_goes_on_after_512_bytes_is_not_called_truncated)
{
	struct vd_write w = vd_write_to(buffer, sizeof buffer);
	struct vd_bytes rest;
	struct mg_op op;

	vd_write_bytes(&w, vd_bytes("\x51\xa2\x61"
				    "a\x59\x02\x00",
				    7)); /* 512 bytes under "a" */
	vd_write_zeros(&w, 512);
	vd_write_bytes(&w, vd_bytes("\x62id\x48"
				    "12345678",
				    12));
	cr_assert(eq(int, mg_op_read(vd_write_done(&w), &op, &rest), VD_EPEER_RANGE));
}

Test(setup_op, a_writer_without_room_says_so)
{
	struct mg_op op = offer_of(1, "/viaduct/ping/1", 16);
	uint8_t out[34];
	struct vd_write w = vd_write_to(out, sizeof out);

	cr_assert(eq(int, mg_op_write(&w, &op), VD_EBUG_ROOM));
}
