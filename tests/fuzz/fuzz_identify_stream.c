/* Targets: controlplane/proto/identify_stream.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/identify_stream.h"

/* What was read can be written, unless joined messages are too long for one, and reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t once[IDENTIFY_STREAM_MAX], twice[IDENTIFY_STREAM_MAX];
	static struct identify first, second;
	struct vd_write w = vd_write_to(once, sizeof once), v = vd_write_to(twice, sizeof twice);

	if (identify_stream_read(vd_bytes(data, size), &first) || identify_stream_write(&first, &w))
		return 0;
	if (vd_write_len(&w) <= 2)
		return 0; /* nothing was told */
	if (identify_stream_read(vd_write_done(&w), &second) || identify_stream_write(&second, &v))
		abort();
	if (!vd_bytes_equal(vd_write_done(&w), vd_write_done(&v)))
		abort();
	return 0;
}
