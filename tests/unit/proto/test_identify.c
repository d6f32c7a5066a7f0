/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/identify.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/* As a stock peer writes it, fields in the order of their numbers but for the record. */
static const uint8_t sample[] = {
	0x0a, 0x02, 0x08, 0x01,       /* public key */
	0x12, 0x03, 0x04, 0x7f, 0x01, /* an address */
	0x1a, 0x02, '/',  'a',        /* two protocols */
	0x1a, 0x02, '/',  'b',        /* */
	0x22, 0x01, 0x06,             /* observed */
	0x2a, 0x03, 'v',  '/',  '1',  /* protocol version */
	0x32, 0x02, 'g',  'o',        /* agent */
	0x42, 0x01, 0x99,             /* signed record */
	0x38, 0x05,                   /* a field that there is not (7) */
};

static bool is(struct vd_bytes bytes, const char *text)
{
	return vd_bytes_equal(bytes, vd_bytes_of_text(text));
}

Test(identify, a_message_is_taken_apart)
{
	struct identify got;

	cr_assert(eq(int, identify_decode(vd_bytes(sample, sizeof sample), &got), VD_OK));
	cr_assert(eq(sz, got.public_key.len, 2));
	cr_assert(eq(sz, got.addresses_count, 1));
	cr_assert(is(got.addresses[0], "\x04\x7f\x01"));
	cr_assert(eq(sz, got.protocols_count, 2));
	cr_assert(is(got.protocols[0], "/a"));
	cr_assert(is(got.protocols[1], "/b"));
	cr_assert(is(got.observed, "\x06"));
	cr_assert(is(got.protocol_version, "v/1"));
	cr_assert(is(got.agent, "go"));
	cr_assert(is(got.signed_record, "\x99"));
}

Test(identify, every_truncation_is_refused_or_loses_whole_fields)
{
	struct identify got;

	for (size_t len = 0; len < sizeof sample; len++) {
		enum vd_err err = identify_decode(vd_bytes(sample, len), &got);

		cr_assert(err == VD_OK || err == VD_EPEER_TRUNC);
		if (!err)
			cr_assert(le(sz, got.protocols_count, 2));
	}
	cr_assert(eq(int, identify_decode(vd_bytes(sample, 3), &got), VD_EPEER_TRUNC));
}

Test(identify, a_field_of_another_wire_type_is_refused)
{
	static const uint8_t number_as_agent[] = { 0x30, 0x05 };
	struct identify got;

	cr_assert(eq(int, identify_decode(vd_bytes(number_as_agent, 2), &got), VD_EPEER_FORMAT));
}

Test(identify, a_message_above_the_limit_is_refused)
{
	static const uint8_t large[IDENTIFY_MESSAGE_MAX + 1];
	struct identify got;

	cr_assert(eq(int, identify_decode(vd_bytes(large, sizeof large), &got), VD_EPEER_RANGE));
}

Test(identify, what_is_beyond_the_lists_is_left_out)
{
	uint8_t many[4 * 2 * IDENTIFY_PROTOCOLS];
	struct identify got;

	for (size_t i = 0; i < sizeof many; i += 4)
		memcpy(many + i, "\x1a\x02/x", 4);
	cr_assert(eq(int, identify_decode(vd_bytes(many, sizeof many), &got), VD_OK));
	cr_assert(eq(sz, got.protocols_count, (size_t)IDENTIFY_PROTOCOLS));
}

Test(identify, what_is_written_reads_the_same)
{
	uint8_t out[256];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct identify first, again;
	struct vd_read r;

	cr_assert(eq(int, identify_decode(vd_bytes(sample, sizeof sample), &first), VD_OK));
	cr_assert(eq(int, identify_encode(&first, &w), VD_OK));
	r = vd_read_of(vd_write_done(&w));
	cr_assert(eq(u64, vd_read_uvarint(&r), sizeof sample - 2)); /* without the unknown field */
	cr_assert(eq(int, identify_decode(vd_read_rest(&r), &again), VD_OK));
	cr_assert(vd_bytes_equal(first.signed_record, again.signed_record));
	cr_assert(vd_bytes_equal(first.protocols[1], again.protocols[1]));
	cr_assert(vd_bytes_equal(first.observed, again.observed));
}

Test(identify, without_room_nothing_is_claimed)
{
	uint8_t out[8];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct identify first;

	cr_assert(eq(int, identify_decode(vd_bytes(sample, sizeof sample), &first), VD_OK));
	cr_assert(eq(int, identify_encode(&first, &w), VD_EBUG_ROOM));
}
