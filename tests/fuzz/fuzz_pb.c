/* Targets: base/pb.c, the reader of protobuf's wire format */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/pb.h"

static void write_field(struct vd_write *w, const struct vd_pb_field *f)
{
	switch (f->wire) {
	case VD_PB_VARINT: vd_pb_write_uint(w, f->number, f->value); return;
	case VD_PB_FIXED64: vd_pb_write_fixed64(w, f->number, f->value); return;
	case VD_PB_FIXED32: vd_pb_write_fixed32(w, f->number, (uint32_t)f->value); return;
	case VD_PB_BYTES: vd_pb_write_bytes(w, f->number, f->bytes); return;
	}
	abort();
}

/* Writes all fields in their shortest form; how the input ended. */
static enum vd_err rewrite(struct vd_bytes in, struct vd_write *w)
{
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f))
		write_field(w, &f);
	return vd_read_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t once[4096], twice[4096];
	struct vd_write a = vd_write_to(once, sizeof once), b = vd_write_to(twice, sizeof twice);

	if (size > sizeof once || rewrite(vd_bytes(data, size), &a))
		return 0;
	if (vd_write_end(&a) || rewrite(vd_write_done(&a), &b) ||
	    !vd_bytes_equal(vd_write_done(&a), vd_write_done(&b)))
		abort();
	return 0;
}
