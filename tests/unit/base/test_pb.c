/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/pb.h"

#include "tests/unit/base/vectors.h"

/* Reads all fields; the number of them, and how it ended. */
static enum vd_err count_fields(struct vd_bytes in, int *count_out)
{
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	for (*count_out = 0; vd_pb_next(&r, &f);)
		++*count_out;
	return vd_read_end(&r);
}

static enum vd_err end_of(const char *hex)
{
	struct hex in = hex_of(hex);
	int count;

	return count_fields(hex_bytes(&in), &count);
}

/* protobuf.dev, "Encoding": "A Simple Message", "Length-Delimited Records". */
Test(pb, examples_of_the_documentation_are_read)
{
	struct hex simple = hex_of("089601"), text = hex_of("120774657374696e67");
	struct vd_read r = vd_read_of(hex_bytes(&simple));
	struct vd_pb_field f;

	cr_assert(vd_pb_next(&r, &f));
	cr_assert(eq(u32, f.number, 1));
	cr_assert(eq(u64, vd_pb_uint(&r, &f, UINT64_MAX), 150));
	cr_assert(not(vd_pb_next(&r, &f)));
	cr_assert(eq(int, vd_read_end(&r), VD_OK));

	r = vd_read_of(hex_bytes(&text));
	cr_assert(vd_pb_next(&r, &f));
	cr_assert(eq(u32, f.number, 2));
	assert_bytes(vd_pb_bytes(&r, &f), vd_bytes_of_text("testing"));
	cr_assert(eq(int, vd_read_end(&r), VD_OK));
}

Test(pb, what_is_written_is_read_back)
{
	uint8_t out[100];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct vd_pb_field f;

	vd_pb_write_uint(&w, 1, UINT64_MAX);
	cr_assert(eq(sz, vd_write_len(&w), vd_pb_uint_len(1, UINT64_MAX)));
	vd_pb_write_fixed64(&w, 2, 0x0102030405060708);
	vd_pb_write_fixed32(&w, 3, 0x01020304);
	size_t before = vd_write_len(&w);
	vd_pb_write_bytes(&w, 1024, vd_bytes_of_text("abc"));
	cr_assert(eq(sz, vd_write_len(&w) - before, vd_pb_bytes_len(1024, 3)));
	cr_assert(eq(int, vd_write_end(&w), VD_OK));

	struct vd_read r = vd_read_of(vd_write_done(&w));
	cr_assert(vd_pb_next(&r, &f));
	cr_assert(eq(u64, vd_pb_uint(&r, &f, UINT64_MAX), UINT64_MAX));
	cr_assert(vd_pb_next(&r, &f));
	cr_assert(eq(u64, vd_pb_fixed64(&r, &f), 0x0102030405060708));
	cr_assert(vd_pb_next(&r, &f));
	cr_assert(eq(u32, vd_pb_fixed32(&r, &f), 0x01020304));
	cr_assert(vd_pb_next(&r, &f));
	cr_assert(eq(u32, f.number, 1024));
	assert_bytes(vd_pb_bytes(&r, &f), vd_bytes_of_text("abc"));
	cr_assert(not(vd_pb_next(&r, &f)));
	cr_assert(eq(int, vd_read_end(&r), VD_OK));
}

Test(pb, fixed_values_are_little_endian)
{
	uint8_t out[16];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct hex want = hex_of("2504030201");

	vd_pb_write_fixed32(&w, 4, 0x01020304);
	assert_bytes(vd_write_done(&w), hex_bytes(&want));
}

Test(pb, a_message_inside_a_message_is_written_after_its_head)
{
	uint8_t out[16];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct hex want = hex_of("1a03089601"); /* protobuf.dev, "Submessages" */

	vd_pb_write_head(&w, 3, vd_pb_uint_len(1, 150));
	vd_pb_write_uint(&w, 1, 150);
	assert_bytes(vd_write_done(&w), hex_bytes(&want));
}

Test(pb, an_empty_message_has_no_fields_and_no_error)
{
	int count = -1;

	cr_assert(eq(int, count_fields(vd_bytes(NULL, 0), &count), VD_OK));
	cr_assert(zero(int, count));
}

Test(pb, every_proper_prefix_of_a_field_is_truncated)
{
	struct hex in = hex_of("0896011905060708090a0b0c220474657374350a0b0c0d");
	const size_t ends[] = { 0, 3, 12, 18, 23 };
	int count;

	for (size_t len = 0, i = 0; len <= in.len; len++) {
		bool whole = len == ends[i];

		i += whole;
		cr_assert(eq(int, count_fields(vd_bytes(in.at, len), &count),
			     whole ? VD_OK : VD_EPEER_TRUNC),
			  "%zu bytes", len);
	}
	cr_assert(eq(int, count, 4));
}

Test(pb, groups_and_undefined_wire_types_are_refused)
{
	cr_assert(eq(int, end_of("0b0c"), VD_EPEER_FORMAT), "start group");
	cr_assert(eq(int, end_of("0c"), VD_EPEER_FORMAT), "end group");
	cr_assert(eq(int, end_of("0e00"), VD_EPEER_FORMAT), "type 6");
	cr_assert(eq(int, end_of("0f00"), VD_EPEER_FORMAT), "type 7");
}

Test(pb, field_numbers_outside_1_to_2_29_are_refused)
{
	cr_assert(eq(int, end_of("0000"), VD_EPEER_FORMAT));
	cr_assert(eq(int, end_of("f8ffffff0f00"), VD_OK), "2^29 - 1");
	cr_assert(eq(int, end_of("808080801000"), VD_EPEER_FORMAT), "2^29");
}

Test(pb, a_varint_may_be_padded_up_to_10_bytes_and_no_further)
{
	cr_assert(eq(int, end_of("088100"), VD_OK));
	cr_assert(eq(int, end_of("08ffffffffffffffffff01"), VD_OK), "2^64 - 1");
	cr_assert(eq(int, end_of("08ffffffffffffffffff02"), VD_EPEER_FORMAT), "65 bits");
	cr_assert(eq(int, end_of("088080808080808080808000"), VD_EPEER_FORMAT), "11 bytes");
}

Test(pb, a_length_beyond_the_end_is_truncated_however_large)
{
	cr_assert(eq(int, end_of("0a05616263"), VD_EPEER_TRUNC));
	cr_assert(eq(int, end_of("0affffffffffffffffff01616263"), VD_EPEER_TRUNC));
}

Test(pb, a_field_of_another_type_fails_the_cursor)
{
	struct hex in = hex_of("089601");
	struct vd_read r = vd_read_of(hex_bytes(&in));
	struct vd_pb_field f;

	cr_assert(vd_pb_next(&r, &f));
	cr_assert(zero(sz, vd_pb_bytes(&r, &f).len));
	cr_assert(eq(int, vd_read_end(&r), VD_EPEER_FORMAT));
	cr_assert(not(vd_pb_next(&r, &f)), "sticky");
}

Test(pb, a_value_above_the_callers_bound_is_out_of_range)
{
	struct hex in = hex_of("089601");
	struct vd_read r = vd_read_of(hex_bytes(&in));
	struct vd_pb_field f;

	cr_assert(vd_pb_next(&r, &f));
	cr_assert(eq(u64, vd_pb_uint(&r, &f, 150), 150));
	cr_assert(eq(u64, vd_pb_uint(&r, &f, 149), 0));
	cr_assert(eq(int, vd_read_end(&r), VD_EPEER_RANGE));
}
