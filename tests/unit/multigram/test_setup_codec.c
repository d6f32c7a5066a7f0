/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Operations in JSON and protobuf, which are read only where they are authenticated. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "multigram/setup_op.h"

static struct mg_op_text text;
static struct vd_bytes rest;
static uint8_t out[MG_OP_BYTES];

static enum vd_err read_bytes(const void *at, size_t len, struct mg_op *op_out)
{
	return mg_op_read_authenticated(vd_bytes(at, len), &text, op_out, &rest);
}

static enum vd_err read_json(const char *json, struct mg_op *op_out)
{
	static uint8_t bytes[1024];

	memcpy(bytes, "\x80\x04", 2);
	memcpy(bytes + 2, json, strlen(json));
	return read_bytes(bytes, 2 + strlen(json), op_out);
}

/* `hex`: length and message. */
static enum vd_err read_pb(const char *hex, struct mg_op *op_out)
{
	static uint8_t bytes[1024] = { 0x50 };
	size_t len;

	cr_assert(zero(
	    int, sodium_hex2bin(bytes + 1, sizeof bytes - 1, hex, strlen(hex), " ", &len, NULL)));
	return read_bytes(bytes, 1 + len, op_out);
}

static struct mg_op offer_of_two(enum mg_codec codec)
{
	return (struct mg_op){ .kind = MG_OP_OFFER,
			       .codec = codec,
			       .id = { 0, 1, 2, 3, 4, 5, 6, 0xff },
			       .count = 2,
			       .entries = { { 16, vd_bytes_of_text("/a/1") },
					    { 256, vd_bytes_of_text("/b\"\\/1") } } };
}

static const enum mg_codec codecs[] = { MG_CODEC_CBOR, MG_CODEC_JSON, MG_CODEC_PROTOBUF };

static struct vd_bytes written(const struct mg_op *op)
{
	struct vd_write w = vd_write_to(out, sizeof out);

	cr_assert(eq(int, mg_op_write(&w, op), VD_OK));
	return vd_write_done(&w);
}

static void check_same(const struct mg_op *a, const struct mg_op *b)
{
	cr_assert(eq(int, a->kind, b->kind));
	cr_assert(eq(int, a->codec, b->codec));
	cr_assert(zero(int, memcmp(a->id, b->id, MG_ID_BYTES)));
	cr_assert(eq(u64, a->err_index, b->err_index));
	cr_assert(eq(sz, a->count, b->count));
	for (size_t i = 0; i < a->count; i++) {
		cr_assert(eq(u64, a->entries[i].index, b->entries[i].index));
		cr_assert(vd_bytes_equal(a->entries[i].name, b->entries[i].name));
	}
}

Test(setup_codec, what_is_written_reads_back_in_each_codec)
{
	for (size_t i = 0; i < 3; i++) {
		struct mg_op ops[] = { offer_of_two(codecs[i]),
				       offer_of_two(codecs[i]),
				       { .kind = MG_OP_ERROR, .err_index = INT64_MAX } };

		ops[1].kind = MG_OP_ANSWER;
		ops[2].codec = codecs[i];
		for (size_t k = 0; k < 3; k++) {
			struct vd_bytes bytes = written(&ops[k]);
			struct mg_op op;

			cr_assert(eq(int, read_bytes(bytes.at, bytes.len, &op), VD_OK));
			check_same(&op, &ops[k]);
			cr_assert(eq(sz, rest.len, 0));
		}
	}
}

Test(setup_codec, what_is_not_authenticated_is_read_in_cbor_alone)
{
	for (size_t i = 1; i < 3; i++) {
		struct mg_op op = offer_of_two(codecs[i]);

		cr_assert(eq(int, mg_op_read(written(&op), &op, &rest), VD_EPEER_UNSUPPORTED));
	}
}

Test(setup_codec, what_trails_the_operation_is_given_back)
{
	static const char json[] = "{\"err\":99}\x08{}";
	struct mg_op op;

	cr_assert(eq(int, read_json(json, &op), VD_OK));
	cr_assert(eq(u64, op.err_index, 99));
	cr_assert(vd_bytes_equal(rest, vd_bytes_of_text("\x08{}")));
	cr_assert(eq(int, read_pb("02 1863 0801", &op), VD_OK));
	cr_assert(eq(u64, op.err_index, 99));
	cr_assert(vd_bytes_equal(rest, vd_bytes("\x08\x01", 2)));
}

Test(setup_codec, a_truncated_operation_is_refused_at_every_length)
{
	for (size_t i = 1; i < 3; i++) {
		struct mg_op two = offer_of_two(codecs[i]), op;
		struct vd_bytes bytes = written(&two);

		for (size_t len = 0; len < bytes.len; len++)
			cr_assert(
			    eq(int, vd_err_class(read_bytes(bytes.at, len, &op)), VD_CLASS_PEER),
			    "%zu", len);
	}
}

Test(setup_codec, an_operation_over_512_bytes_is_out_of_range)
{
	char json[700] = "{\"err\":1,\"x\":\"";
	uint8_t pb[700] = { 0x50, 0xd8, 0x04, 0x18, 1, 0x2a, 0xd3, 0x04 };
	struct mg_op op;

	memset(json + strlen(json), 'a', 600);
	strcat(json, "\"}");
	cr_assert(eq(int, read_json(json, &op), VD_EPEER_RANGE));
	cr_assert(eq(int, read_bytes(pb, sizeof pb, &op), VD_EPEER_RANGE));
}

Test(setup_codec, json_of_the_wrong_shape_is_refused)
{
	static const char *const rows[] = {
		"[]",
		"7",
		"{}",
		"{\"id\":\"0001020304050607\",\"re\":\"0001020304050607\"}",
		"{\"id\":\"0001020304050607\",\"id\":\"0001020304050607\"}",
		"{\"id\":\"0001020304050607\",\"0x10\":\"/a\",\"0x10\":\"/a\"}",
		"{\"id\":\"000102030405060\"}",
		"{\"id\":\"000102030405060A\"}",
		"{\"id\":1}",
		"{\"id\":null}",
		"{\"id\":\"0001020304050607\",\"0x10\":1}",
		"{\"id\":\"0001020304050607\",\"0x1\":\"/a\"}",
		"{\"id\":\"0001020304050607\",\"0x\":\"/a\"}",
		"{\"id\":\"0001020304050607\",\"x\":[]}",
		"{\"id\":\"0001020304050607\",\"x\":1.5}",
		"{\"err\":-1}",
		"{\"err\":\"1\"}",
		"{\"err\":1.0}",
		"{\"err\":1,\"0x10\":\"/a\"}",
		"{'err':1}",
		"{\"err\":1,}",
		"{\"err\":1,\"x\":\"\xff\"}",
	};
	struct mg_op op;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_assert(eq(int, read_json(rows[i], &op), VD_EPEER_FORMAT), "%s", rows[i]);
}

Test(setup_codec, json_values_out_of_range_are_told_from_malformed_ones)
{
	static const char *const rows[] = {
		"{\"err\":9223372036854775808}",
		"{\"id\":\"0001020304050607\",\"0x8000000000000000\":\"/a\"}",
		"{\"id\":\"0001020304050607\",\"0x10\":\"a\"}",
		"{\"id\":\"0001020304050607\",\"0x10\":\"/\\u00e9\"}",
	};
	struct mg_op op;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_assert(eq(int, read_json(rows[i], &op), VD_EPEER_RANGE), "%s", rows[i]);
}

Test(setup_codec, json_keys_come_in_any_order_with_space_and_unknown_ones_are_read_over)
{
	struct mg_op op;

	cr_assert(eq(int,
		     read_json(" { \"0x12\" : \"/b\", \"x\": 7, \"0x10\":\"/a\",\n"
			       "\"id\":\"0001020304050607\" }",
			       &op),
		     VD_OK));
	cr_assert(eq(sz, op.count, 2));
	cr_assert(eq(u64, op.entries[0].index, 16), "ascending, as in CBOR");
	cr_assert(vd_bytes_equal(op.entries[0].name, vd_bytes_of_text("/a")));
	cr_assert(eq(u64, op.entries[1].index, 18));
}

Test(setup_codec, deep_nesting_is_refused)
{
	char json[600];
	struct mg_op op;

	memset(json, '[', 500);
	json[500] = 0;
	cr_assert(ne(int, read_json(json, &op), VD_OK));
	memset(json, '{', 500);
	cr_assert(eq(int, read_json(json, &op), VD_EPEER_FORMAT));
	strcpy(json, "{\"err\":1,\"x\":");
	memset(json + strlen(json), '[', 240);
	json[13 + 240] = 0;
	memset(json + 13 + 240, ']', 240);
	strcpy(json + 13 + 480, "}");
	cr_assert(eq(int, read_json(json, &op), VD_EPEER_FORMAT));
}

Test(setup_codec, protobuf_of_the_wrong_shape_is_refused)
{
	static const char *const rows[] = {
		"00",                                             /* nothing in it */
		"04 1801 1a00",                                   /* err as a string */
		"04 0a02 0001",                                   /* an id of 2 */
		"02 0801",                                        /* an id that is a number */
		"0c 0a08 0001020304050607 1801",                  /* id and err */
		"14 0a08 0001020304050607 1208 0001020304050607", /* id and re */
		"0c 1801 2208 0810 1204 2f612f31",                /* an error with an entry */
		"0e 0a08 0001020304050607 2202 0810",             /* an entry without a name */
		"10 0a08 0001020304050607 2204 1202 2f61",        /* and without an index */
		"1a 0a08 0001020304050607 2206 0810 1202 2f61 2206 0810 1202 2f62", /* one twice */
		"01 07",      /* an unknown wire type */
		"03 1a05 00", /* goes on behind its end */
	};
	struct mg_op op;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_assert(eq(int, read_pb(rows[i], &op), VD_EPEER_FORMAT), "%s", rows[i]);
}

Test(setup_codec, protobuf_values_out_of_range_are_told_from_malformed_ones)
{
	static const char *const rows[] = {
		"0b 18 80808080808080808001",                     /* an index of 64 bits */
		"11 0a08 0001020304050607 2205 0810 1201 61",     /* not a name */
		"13 0a08 0001020304050607 2207 0810 1203 2f0061", /* with a NUL in it */
		"1a 0a08 0001020304050607 220e 08 80808080808080808001 1201 2f",
	};
	struct mg_op op;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_assert(eq(int, read_pb(rows[i], &op), VD_EPEER_RANGE), "%s", rows[i]);
}

Test(setup_codec, protobuf_fields_that_are_unknown_are_read_over)
{
	struct mg_op op;

	cr_assert(eq(int, read_pb("06 1863 a206 0178", &op), VD_OK));
	cr_assert(eq(u64, op.err_index, 99));
}

Test(setup_codec, a_list_that_does_not_fit_ends_sooner)
{
	for (size_t i = 0; i < 3; i++) {
		struct mg_op list = { .kind = MG_OP_ANSWER, .codec = codecs[i] }, op;
		struct vd_write w = vd_write_to(out, sizeof out);

		for (size_t k = 0; k < 40; k++)
			list.entries[list.count++] =
			    (struct mg_op_entry){ 16 + k,
						  vd_bytes_of_text("/viaduct/something/1") };
		cr_assert(eq(int, mg_op_write(&w, &list), VD_EBUG_ROOM));
		w = vd_write_to(out, sizeof out);
		cr_assert(eq(int, mg_op_write_most(&w, &list), VD_OK));
		cr_assert(eq(int, read_bytes(out, vd_write_len(&w), &op), VD_OK));
		cr_assert(gt(sz, op.count, 10));
		cr_assert(lt(sz, op.count, 40));
	}
}

Test(setup_codec, an_answer_is_never_longer_than_its_offer)
{
	static const char json[] = "{\"id\":\"0001020304050607\",\"0x10\":\"/a\\\"\\\\b\"}";
	struct mg_op op;

	cr_assert(eq(int, read_json(json, &op), VD_OK));
	op.kind = MG_OP_ANSWER;
	cr_assert(le(sz, written(&op).len, 2 + strlen(json)));
	cr_assert(eq(int, read_pb("12 0a08 0001020304050607 2206 0810 1202 2f61", &op), VD_OK));
	op.kind = MG_OP_ANSWER;
	cr_assert(le(sz, written(&op).len, 2 + 18));
}
