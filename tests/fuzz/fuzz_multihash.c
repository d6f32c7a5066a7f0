/* Targets: base/formats/multihash.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/formats/multihash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[VD_MULTIHASH_MAX];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct vd_multihash hash;

	if (vd_multihash_of_bytes(vd_bytes(data, size), &hash))
		return 0;
	vd_multihash_write(&w, &hash);
	if (vd_write_end(&w) || !vd_bytes_equal(vd_write_done(&w), vd_bytes(data, size)))
		abort();
	return 0;
}
