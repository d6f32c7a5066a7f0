/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/identify_stream.h"

#include "tests/unit/base/vectors.h"

static uint8_t bytes[IDENTIFY_STREAM_MAX + 100];

static struct vd_bytes written(const struct identify *identify)
{
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	cr_assert(eq(int, identify_stream_write(identify, &w), VD_OK));
	return vd_write_done(&w);
}

static struct identify example(void)
{
	return (struct identify){
		.public_key = vd_bytes("key", 3),
		.protocol_version = vd_bytes_of_text("ipfs/0.1.0"),
		.agent = vd_bytes_of_text("viaduct/0.1.0"),
		.observed = vd_bytes("\4\1\2\3\4", 5),
		.signed_record = vd_bytes("record", 6),
		.addresses_count = 2,
		.addresses = { vd_bytes("\4\1\1\1\1", 5), vd_bytes("\4\2\2\2\2", 5) },
		.protocols_count = 1,
		.protocols = { vd_bytes_of_text("/ipfs/ping/1.0.0") },
	};
}

static void assert_same(const struct identify *a, const struct identify *b)
{
	assert_bytes(a->public_key, b->public_key);
	assert_bytes(a->protocol_version, b->protocol_version);
	assert_bytes(a->agent, b->agent);
	assert_bytes(a->observed, b->observed);
	assert_bytes(a->signed_record, b->signed_record);
	cr_assert(eq(sz, a->addresses_count, b->addresses_count));
	cr_assert(eq(sz, a->protocols_count, b->protocols_count));
	assert_bytes(a->addresses[1], b->addresses[1]);
	assert_bytes(a->protocols[0], b->protocols[0]);
}

/* libp2p/specs, identify, "The Identify Message"; signedPeerRecord = 8 as in go-libp2p. */
Test(identify_stream, a_short_one_is_one_message)
{
	struct identify in = { .public_key = vd_bytes("k", 1),
			       .addresses_count = 1,
			       .addresses = { vd_bytes("a", 1) },
			       .protocols_count = 1,
			       .protocols = { vd_bytes("p", 1) },
			       .observed = vd_bytes("o", 1),
			       .protocol_version = vd_bytes("v", 1),
			       .agent = vd_bytes("g", 1),
			       .signed_record = vd_bytes("r", 1) };

	assert_bytes(written(&in),
		     vd_bytes("\x15\x0a\1k\x12\1a\x1a\1p\x22\1o\x2a\1v\x32\1g\x42\1r", 22));
}

Test(identify_stream, above_two_kibibytes_the_record_is_a_message_by_itself)
{
	static const uint8_t zeros[2000];
	struct identify in = example(), got;
	size_t first;

	in.signed_record = vd_bytes(zeros, sizeof zeros);
	(void)written(&in);
	first = bytes[0];
	cr_assert(lt(sz, first, 128)); /* its length is a byte */
	assert_bytes(vd_bytes(bytes + 1 + first, 5), vd_bytes("\xd3\x0f\x42\xd0\x0f", 5));
	cr_assert(eq(int, identify_stream_read(written(&in), &got), VD_OK));
	assert_same(&got, &in);
}

Test(identify_stream, a_whole_that_is_too_long_for_a_message_may_be_two)
{
	static const uint8_t zeros[5000];
	struct identify in = example(), got;

	in.signed_record = in.observed = vd_bytes(zeros, sizeof zeros);
	cr_assert(eq(int, identify_stream_read(written(&in), &got), VD_OK));
	assert_same(&got, &in);
}

Test(identify_stream, messages_are_joined_and_the_last_value_counts)
{
	static const char in[] = "\7\x12\1a\x2a\2v1"
				 "\x0a\x12\1b\x2a\2v2\x32\1g";
	struct identify got;

	cr_assert(eq(int, identify_stream_read(vd_bytes(in, sizeof in - 1), &got), VD_OK));
	cr_assert(eq(sz, got.addresses_count, 2));
	assert_bytes(got.addresses[1], vd_bytes("b", 1));
	assert_bytes(got.protocol_version, vd_bytes("v2", 2));
	assert_bytes(got.agent, vd_bytes("g", 1));
}

Test(identify_stream, joined_lists_are_bounded)
{
	static uint8_t in[4 * 302];
	struct identify got;
	struct vd_write w = vd_write_to(in, sizeof in);

	for (unsigned message = 0; message < 4; message++) {
		vd_write_uvarint(&w, 300);
		for (unsigned i = 0; i < 100; i++)
			vd_write_bytes(&w, vd_bytes(i & 1 ? "\x12\1a" : "\x1a\1p", 3));
	}
	cr_assert(eq(int, identify_stream_read(vd_write_done(&w), &got), VD_OK));
	cr_assert(eq(sz, got.addresses_count, IDENTIFY_ADDRESSES));
	cr_assert(eq(sz, got.protocols_count, IDENTIFY_PROTOCOLS));
}

Test(identify_stream, a_cut_stream_is_refused)
{
	struct identify in = example(), got;
	struct vd_bytes all = written(&in);

	for (size_t len = 0; len < all.len; len++)
		cr_assert(
		    eq(int, identify_stream_read(vd_bytes(all.at, len), &got), VD_EPEER_TRUNC));
}

Test(identify_stream, long_messages_and_many_are_refused)
{
	static uint8_t in[IDENTIFY_MESSAGE_MAX + 10] = { 0x81, 0x40 };
	struct identify got;

	cr_assert(eq(int, identify_stream_read(vd_bytes(in, sizeof in), &got), VD_EPEER_RANGE));
	memset(in, 0, IDENTIFY_MESSAGES + 1);
	cr_assert(eq(int, identify_stream_read(vd_bytes(in, IDENTIFY_MESSAGES), &got), VD_OK));
	cr_assert(eq(int, identify_stream_read(vd_bytes(in, IDENTIFY_MESSAGES + 1), &got),
		     VD_EPEER_RANGE));
}

Test(identify_stream, too_much_to_tell_is_not_written)
{
	static const uint8_t zeros[IDENTIFY_MESSAGE_MAX];
	struct identify in = { .observed = vd_bytes(zeros, sizeof zeros) };
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	cr_assert(eq(int, identify_stream_write(&in, &w), VD_ELIMIT));
	in = example();
	w = vd_write_to(bytes, 50);
	cr_assert(eq(int, identify_stream_write(&in, &w), VD_EBUG_ROOM));
}
