/* Targets: base/formats/peer_id.c, bytes and text of peer ids */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/formats/peer_id.h"

static void check(const struct vd_peer_id *id)
{
	char text[VD_PEER_ID_TEXT];
	struct vd_peer_id back;

	if (id->len == 0 || id->len > VD_PEER_ID_MAX)
		abort();
	if (vd_peer_id_of_text(vd_peer_id_text(id, text), &back) || !vd_peer_id_equal(id, &back))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_peer_id id;
	char text[512];

	if (vd_peer_id_of_bytes(vd_bytes(data, size), &id) == VD_OK)
		check(&id);
	if (vd_peer_id_of_public_key(vd_bytes(data, size), &id) == VD_OK)
		check(&id);
	if (size >= sizeof text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	if (vd_peer_id_of_text(text, &id) == VD_OK)
		check(&id);
	return 0;
}
