/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(bytes, big_endian_values_are_read_in_order)
{
	const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct vd_read r = vd_read_of(vd_bytes(in, sizeof in));

	cr_assert(eq(u8, vd_read_u8(&r), 1));
	cr_assert(eq(u16, vd_read_be16(&r), 0x0203));
	cr_assert(eq(u32, vd_read_be32(&r), 0x04050607));
	cr_assert(eq(int, vd_read_end(&r), VD_OK));
}

Test(bytes, reading_past_the_end_fails_once_and_yields_zero_ever_after)
{
	const uint8_t in[] = { 9, 9, 9 };
	struct vd_read r = vd_read_of(vd_bytes(in, sizeof in));

	cr_assert(eq(u32, vd_read_be32(&r), 0));
	cr_assert(eq(u8, vd_read_u8(&r), 0), "sticky: bytes that are left are not given out");
	cr_assert(eq(int, vd_read_end(&r), VD_EPEER_TRUNC));
}

Test(bytes, bytes_left_over_are_a_format_error)
{
	const uint8_t in[] = { 1, 2 };
	struct vd_read r = vd_read_of(vd_bytes(in, sizeof in));

	(void)vd_read_u8(&r);
	cr_assert(eq(int, vd_read_end(&r), VD_EPEER_FORMAT));
}

/* multiformats/unsigned-varint, README, examples. */
Test(bytes, uvarint_examples_of_the_specification)
{
	static const struct {
		uint64_t value;
		uint8_t bytes[3];
		size_t len;
	} rows[] = {
		{ 1, { 0x01 }, 1 },         { 127, { 0x7f }, 1 },
		{ 128, { 0x80, 0x01 }, 2 }, { 255, { 0xff, 0x01 }, 2 },
		{ 300, { 0xac, 0x02 }, 2 }, { 16384, { 0x80, 0x80, 0x01 }, 3 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t out[10];
		struct vd_write w = vd_write_to(out, sizeof out);
		struct vd_read r = vd_read_of(vd_bytes(rows[i].bytes, rows[i].len));

		vd_write_uvarint(&w, rows[i].value);
		cr_assert(eq(sz, vd_write_len(&w), rows[i].len));
		cr_assert(zero(int, memcmp(out, rows[i].bytes, rows[i].len)));
		cr_assert(eq(sz, vd_uvarint_len(rows[i].value), rows[i].len));
		cr_assert(eq(u64, vd_read_uvarint(&r), rows[i].value));
		cr_assert(eq(int, vd_read_end(&r), VD_OK));
	}
}

Test(bytes, uvarint_longer_than_needed_is_refused)
{
	const uint8_t in[] = { 0x81, 0x00 };
	struct vd_read r = vd_read_of(vd_bytes(in, sizeof in));

	(void)vd_read_uvarint(&r);
	cr_assert(eq(int, vd_read_end(&r), VD_EPEER_FORMAT));
}

Test(bytes, uvarint_above_63_bits_is_refused)
{
	const uint8_t in[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	struct vd_read r = vd_read_of(vd_bytes(in, sizeof in));

	(void)vd_read_uvarint(&r);
	cr_assert(eq(int, r.err, VD_EPEER_FORMAT));
}

Test(bytes, uvarint_that_ends_early_is_truncated)
{
	const uint8_t in[] = { 0x80 };
	struct vd_read r = vd_read_of(vd_bytes(in, sizeof in));

	(void)vd_read_uvarint(&r);
	cr_assert(eq(int, vd_read_end(&r), VD_EPEER_TRUNC));
}

Test(bytes, a_full_writer_takes_nothing_more)
{
	uint8_t out[3];
	struct vd_write w = vd_write_to(out, sizeof out);

	vd_write_be16(&w, 0x0102);
	vd_write_be32(&w, 1);
	vd_write_u8(&w, 1);
	cr_assert(eq(int, vd_write_end(&w), VD_EBUG_ROOM));
	cr_assert(eq(sz, vd_write_len(&w), 2));
}

Test(bytes, a_copy_is_whole_or_zero)
{
	const uint8_t in[] = { 1, 2, 3, 4 };
	struct vd_read r = vd_read_of(vd_bytes(in, sizeof in));
	uint8_t out[4] = { 9, 9, 9, 9 };

	vd_read_copy(&r, out, 3);
	cr_assert(zero(int, memcmp(out, "\1\2\3\11", 4)));
	vd_read_copy(&r, out, 4);
	cr_assert(zero(int, memcmp(out, "\0\0\0\0", 4)));
	cr_assert(eq(int, vd_read_end(&r), VD_EPEER_TRUNC));
}

Test(bytes, what_is_written_is_read_back)
{
	uint8_t out[64];
	struct vd_write w = vd_write_to(out, sizeof out);

	vd_write_u8(&w, 0xfe);
	vd_write_be16(&w, 0xfedc);
	vd_write_be32(&w, 0xfedcba98);
	vd_write_be64(&w, 0xfedcba9876543210);
	vd_write_uvarint(&w, INT64_MAX);
	vd_write_zeros(&w, 2);
	vd_write_bytes(&w, vd_bytes_of_text("end"));
	cr_assert(eq(int, vd_write_end(&w), VD_OK));

	struct vd_read r = vd_read_of(vd_write_done(&w));
	cr_assert(eq(u8, vd_read_u8(&r), 0xfe));
	cr_assert(eq(u16, vd_read_be16(&r), 0xfedc));
	cr_assert(eq(u32, vd_read_be32(&r), 0xfedcba98));
	cr_assert(eq(u64, vd_read_be64(&r), 0xfedcba9876543210));
	cr_assert(eq(u64, vd_read_uvarint(&r), INT64_MAX));
	cr_assert(zero(u16, vd_read_be16(&r)));
	cr_assert(vd_bytes_equal(vd_read_rest(&r), vd_bytes_of_text("end")));
	cr_assert(eq(int, vd_read_end(&r), VD_OK));
}

Test(bytes, a_writer_that_failed_stays_failed)
{
	uint8_t out[8];
	struct vd_write w = vd_write_to(out, sizeof out);

	cr_assert(zero(ptr, vd_write_room(&w, 9)));
	vd_write_be64(&w, 1);
	vd_write_zeros(&w, 1);
	vd_write_bytes(&w, vd_bytes("x", 1));
	cr_assert(zero(sz, vd_write_len(&w)));
	cr_assert(eq(int, vd_write_end(&w), VD_EBUG_ROOM));
}

Test(bytes, the_first_failure_is_the_one_told)
{
	struct vd_read r = vd_read_of(vd_bytes(NULL, 0));

	vd_read_fail(&r, VD_EPEER_RANGE);
	(void)vd_read_be64(&r);
	cr_assert(zero(sz, vd_read_left(&r)));
	cr_assert(eq(int, vd_read_end(&r), VD_EPEER_RANGE));
}
