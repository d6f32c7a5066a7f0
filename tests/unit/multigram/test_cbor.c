/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/cbor.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/* Reads a whole map, as a setup operation is read; pairs go to `pairs_out`. */
static enum vd_err read_map(struct vd_bytes in, size_t *pairs_out)
{
	struct vd_read r = vd_read_of(in);
	struct mg_cbor_map map = mg_cbor_read_map(&r);

	for (*pairs_out = 0; map.left && !r.err; ++*pairs_out) {
		(void)mg_cbor_read_key(&r, &map);
		(void)mg_cbor_read_value(&r);
	}
	return vd_read_end(&r);
}

/* RFC 8949, appendix A. */
Test(cbor, unsigned_integers_of_the_rfc_read_and_write)
{
	static const struct {
		uint64_t value;
		uint8_t bytes[9];
		size_t len;
	} rows[] = {
		{ 0, { 0x00 }, 1 },
		{ 23, { 0x17 }, 1 },
		{ 24, { 0x18, 0x18 }, 2 },
		{ 100, { 0x18, 0x64 }, 2 },
		{ 1000, { 0x19, 0x03, 0xe8 }, 3 },
		{ 1000000, { 0x1a, 0x00, 0x0f, 0x42, 0x40 }, 5 },
		{ UINT64_C(1000000000000),
		  { 0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00 },
		  9 },
		{ UINT64_MAX, { 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 9 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t out[9];
		struct vd_write w = vd_write_to(out, sizeof out);
		struct vd_read r = vd_read_of(vd_bytes(rows[i].bytes, rows[i].len));
		struct mg_cbor_value value = mg_cbor_read_value(&r);

		cr_assert(eq(int, vd_read_end(&r), VD_OK));
		cr_assert(eq(int, value.kind, MG_CBOR_UINT));
		cr_assert(eq(u64, value.uint, rows[i].value));
		mg_cbor_write_head(&w, MG_CBOR_UINT, rows[i].value);
		cr_assert(eq(sz, vd_write_len(&w), rows[i].len));
		cr_assert(zero(int, memcmp(out, rows[i].bytes, rows[i].len)));
		cr_assert(eq(sz, mg_cbor_head_len(rows[i].value), rows[i].len));
	}
}

Test(cbor, strings_read_and_write)
{
	const uint8_t in[] = { 0x44, 1, 2, 3, 4, 0x64, 'I', 'E', 'T', 'F' };
	uint8_t out[sizeof in];
	struct vd_read r = vd_read_of(vd_bytes(in, sizeof in));
	struct vd_write w = vd_write_to(out, sizeof out);
	struct mg_cbor_value bytes = mg_cbor_read_value(&r), text = mg_cbor_read_value(&r);

	cr_assert(eq(int, vd_read_end(&r), VD_OK));
	cr_assert(eq(int, bytes.kind, MG_CBOR_BYTES));
	cr_assert(eq(int, text.kind, MG_CBOR_TEXT));
	mg_cbor_write_bytes(&w, bytes.bytes);
	mg_cbor_write_text(&w, text.bytes);
	cr_assert(eq(sz, vd_write_len(&w), sizeof in));
	cr_assert(zero(int, memcmp(out, in, sizeof in)));
}

Test(cbor, what_is_not_deterministic_or_not_ours_is_malformed)
{
	static const struct {
		const char *what;
		uint8_t bytes[12];
		size_t len;
	} rows[] = {
		{ "23 in two bytes", { 0x18, 0x17 }, 2 },
		{ "255 in three bytes", { 0x19, 0x00, 0xff }, 3 },
		{ "65535 in five bytes", { 0x1a, 0x00, 0x00, 0xff, 0xff }, 5 },
		{ "2^32 - 1 in nine bytes", { 0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, 9 },
		{ "text with a head too long", { 0x78, 0x01, 'a' }, 3 },
		{ "a reserved head", { 0x1c }, 1 },
		{ "a reserved head", { 0x1d }, 1 },
		{ "a reserved head", { 0x1e }, 1 },
		{ "bytes of indefinite length", { 0x5f, 0x41, 1, 0xff }, 4 },
		{ "text of indefinite length", { 0x7f, 0x61, 'a', 0xff }, 4 },
		{ "a negative integer", { 0x20 }, 1 },
		{ "an array", { 0x80 }, 1 },
		{ "a nested map", { 0xa0 }, 1 },
		{ "a tag", { 0xc0, 0x00 }, 2 },
		{ "true", { 0xf5 }, 1 },
		{ "a float", { 0xf9, 0x3c, 0x00 }, 3 },
		{ "break", { 0xff }, 1 },
		{ "text that is not ASCII", { 0x62, 0xc3, 0xa9 }, 3 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct vd_read r = vd_read_of(vd_bytes(rows[i].bytes, rows[i].len));

		(void)mg_cbor_read_value(&r);
		cr_assert(eq(int, r.err, VD_EPEER_FORMAT), "%s", rows[i].what);
	}
}

Test(cbor, keys_ascend_by_encoded_bytes_and_come_once)
{
	static const struct {
		const char *what;
		enum vd_err err;
		uint8_t bytes[16];
		size_t len;
	} rows[] = {
		{ "a, b", VD_OK, { 0xa2, 0x61, 'a', 0, 0x61, 'b', 0 }, 7 },
		{ "b, aa: shorter first", VD_OK, { 0xa2, 0x61, 'b', 0, 0x62, 'a', 'a', 0 }, 8 },
		{ "an empty map", VD_OK, { 0xa0 }, 1 },
		{ "b, a", VD_EPEER_FORMAT, { 0xa2, 0x61, 'b', 0, 0x61, 'a', 0 }, 7 },
		{ "a twice", VD_EPEER_FORMAT, { 0xa2, 0x61, 'a', 0, 0x61, 'a', 0 }, 7 },
		{ "aa, b", VD_EPEER_FORMAT, { 0xa2, 0x62, 'a', 'a', 0, 0x61, 'b', 0 }, 8 },
		{ "a key that is an integer", VD_EPEER_FORMAT, { 0xa1, 0x01, 0 }, 3 },
		{ "a key that is bytes", VD_EPEER_FORMAT, { 0xa1, 0x41, 'a', 0 }, 4 },
		{ "indefinite length", VD_EPEER_FORMAT, { 0xbf, 0x61, 'a', 0, 0xff }, 5 },
		{ "an array for a map", VD_EPEER_FORMAT, { 0x82, 0x61, 'a', 0 }, 4 },
		{ "2^64 - 1 pairs",
		  VD_EPEER_TRUNC,
		  { 0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x61, 'a', 0 },
		  12 },
		{ "text of 2^64 - 1 bytes",
		  VD_EPEER_TRUNC,
		  { 0xa1, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'a', 0 },
		  12 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t pairs;

		cr_assert(
		    eq(int, read_map(vd_bytes(rows[i].bytes, rows[i].len), &pairs), rows[i].err),
		    "%s", rows[i].what);
	}
}

Test(cbor, a_map_cut_anywhere_is_truncated)
{
	static const uint8_t in[] = { 0xa3, 0x61, 'a',  0x19, 0x01, 0x00, 0x61, 'b', 0x42,
				      1,    2,    0x62, 'c',  'd',  0x63, 'x',  'y', 'z' };
	size_t pairs;

	cr_assert(eq(int, read_map(vd_bytes(in, sizeof in), &pairs), VD_OK));
	cr_assert(eq(sz, pairs, 3));
	for (size_t len = 0; len < sizeof in; len++)
		cr_assert(eq(int, read_map(vd_bytes(in, len), &pairs), VD_EPEER_TRUNC), "%zu", len);
}
