/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/frame.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(frame, first_bytes_belong_to_stun_multigram_and_quic)
{
	static const struct {
		uint8_t first;
		enum mg_demux demux;
	} rows[] = {
		{ 0x00, MG_DEMUX_STUN },      { 0x03, MG_DEMUX_STUN },
		{ 0x04, MG_DEMUX_MULTIGRAM }, { 0x06, MG_DEMUX_MULTIGRAM },
		{ 0x3f, MG_DEMUX_MULTIGRAM }, { 0x40, MG_DEMUX_QUIC },
		{ 0xc3, MG_DEMUX_QUIC },      { 0xff, MG_DEMUX_QUIC },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_assert(eq(int, mg_demux(rows[i].first), rows[i].demux), "%#x", rows[i].first);
}

Test(frame, index_and_payload_are_split)
{
	const uint8_t in[] = { 0xac, 0x02, 'x', 'y' }; /* 300 */
	uint64_t index = 0;
	struct vd_bytes payload;

	cr_assert(eq(int, mg_frame_read(vd_bytes(in, sizeof in), &index, &payload), VD_OK));
	cr_assert(eq(u64, index, 300));
	cr_assert(eq(sz, payload.len, 2));
	cr_assert(eq(ptr, (void *)payload.at, (void *)(in + 2)));
}

Test(frame, a_payload_may_be_empty)
{
	const uint8_t in[] = { MG_CONTROL };
	uint64_t index = 0;
	struct vd_bytes payload = vd_bytes(in, 1);

	cr_assert(eq(int, mg_frame_read(vd_bytes(in, 1), &index, &payload), VD_OK));
	cr_assert(eq(u64, index, 8));
	cr_assert(eq(sz, payload.len, 0));
}

Test(frame, what_does_not_read_leaves_the_outputs_untouched)
{
	static const struct {
		uint8_t bytes[10];
		size_t len;
		enum vd_err err;
	} rows[] = {
		{ { 0 }, 0, VD_EPEER_TRUNC },
		{ { 0x80 }, 1, VD_EPEER_TRUNC },
		{ { 0x90, 0x00 }, 2, VD_EPEER_FORMAT }, /* 16 in two bytes */
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 },
		  10,
		  VD_EPEER_FORMAT }, /* 64 bits */
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t index = 77;
		struct vd_bytes payload = vd_bytes("z", 1);

		cr_assert(eq(int,
			     mg_frame_read(vd_bytes(rows[i].bytes, rows[i].len), &index, &payload),
			     rows[i].err));
		cr_assert(eq(u64, index, 77));
		cr_assert(eq(sz, payload.len, 1));
	}
}

Test(frame, what_is_written_reads_back)
{
	static const uint64_t rows[] = { 0, 16, 127, 128, 16383, 16384, INT64_MAX };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t out[10];
		struct vd_write w = vd_write_to(out, sizeof out);
		uint64_t index = 0;
		struct vd_bytes payload;

		mg_frame_write(&w, rows[i]);
		cr_assert(eq(int, mg_frame_read(vd_write_done(&w), &index, &payload), VD_OK));
		cr_assert(eq(u64, index, rows[i]));
	}
}
