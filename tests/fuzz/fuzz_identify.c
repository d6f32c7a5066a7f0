/* Targets: controlplane/proto/identify (identify_decode, identify_encode) */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/identify.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes, encodes to something that decodes to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[IDENTIFY_MESSAGE_MAX + 16];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct identify first, again;
	struct vd_read r;

	if (identify_decode(vd_bytes(data, size), &first))
		return 0;
	if (identify_encode(&first, &w))
		abort(); /* never longer than what was read */
	r = vd_read_of(vd_write_done(&w));
	(void)vd_read_uvarint(&r);
	if (identify_decode(vd_read_rest(&r), &again) ||
	    again.protocols_count != first.protocols_count ||
	    !vd_bytes_equal(again.agent, first.agent))
		abort();
	return 0;
}
