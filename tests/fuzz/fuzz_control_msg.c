/* Targets: controlplane/proto/control_msg (control_msg_decode, control_msg_encode) */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/control_msg.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes, encodes to something that decodes to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_msg first, again;
	uint8_t bytes[CONTROL_MSG_MAX];
	size_t len;

	memset(&again, 0, sizeof again);
	if (control_msg_decode(vd_bytes(data, size), &first))
		return 0;
	if (first.kind == CONTROL_QUERY && first.query.malformed)
		return 0; /* we never write one */
	len = control_msg_encode(&first, bytes);
	if (len == 0 || len > sizeof bytes)
		abort();
	if (control_msg_decode(vd_bytes(bytes, len), &again) || first.kind != again.kind)
		abort();
	return 0;
}
