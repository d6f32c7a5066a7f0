/* Targets: controlplane/proto/envelope.c, peer_record.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/peer_record.h"

/*
 * The first byte chooses: even, an envelope as it came; odd, a payload that the target signs, so
 * that what is behind the signature is reached.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vd_identity identity;
	static uint8_t bytes[ENVELOPE_PAYLOAD_MAX + ENVELOPE_OVERHEAD];
	struct peer_record record;
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	enum vd_err err;

	if (size < 1 || vd_init())
		return 0;
	if (!identity.id.len)
		vd_identity_generate(&identity);

	struct vd_bytes in = vd_bytes(data + 1, size - 1);

	if (data[0] & 1) {
		if (envelope_write(&w, &identity, "libp2p-peer-record", vd_bytes("\x03\x01", 2),
				   in))
			return 0;
		in = vd_write_done(&w);
	}
	err = peer_record_read(in, &record);
	if (!err && (data[0] & 1) && !vd_peer_id_equal(&record.peer, &identity.id))
		abort();
	if (err && vd_err_class(err) != VD_CLASS_PEER)
		abort();
	return 0;
}
