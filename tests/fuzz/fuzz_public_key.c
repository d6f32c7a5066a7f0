/* Targets: controlplane/proto/public_key.c, public keys of each type and their signatures */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/public_key.h"

/* Two bytes of length, a key of that many, and a signature of a message that nobody signed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	size_t len = vd_read_be16(&r), left = vd_read_left(&r);
	struct vd_bytes key = vd_read_bytes(&r, len < left ? len : left);
	struct vd_bytes signature = vd_read_rest(&r);
	enum vd_err err = public_key_verify(key, vd_bytes_of_text("nobody signed this"), signature);

	if (err && vd_err_class(err) != VD_CLASS_PEER && err != VD_ENOMEM)
		abort();
	return 0;
}
