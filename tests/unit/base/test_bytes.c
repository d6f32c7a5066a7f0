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
