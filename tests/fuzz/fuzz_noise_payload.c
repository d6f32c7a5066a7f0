/* Targets: noise_payload_read, noise_payload_write */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/noise_payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* What was read, written and read again, is the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[1 << 17];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct noise_payload first, second;
	struct vd_peer_id peer;

	if (size > 1 << 16 || noise_payload_read(vd_bytes(data, size), &first))
		return 0;
	expect(noise_payload_write(&w, &first, size) == VD_OK);
	expect(vd_write_len(&w) >= size);
	expect(noise_payload_read(vd_write_done(&w), &second) == VD_OK);
	expect(vd_bytes_equal(first.identity_key, second.identity_key));
	expect(vd_bytes_equal(first.identity_sig, second.identity_sig));
	expect(vd_bytes_equal(first.setup, second.setup));
	expect(first.width == second.width && first.boot == second.boot);
	expect(first.cipher_count == second.cipher_count);
	for (uint32_t i = 0; i < first.cipher_count; i++)
		expect(vd_bytes_equal(first.ciphers[i], second.ciphers[i]));
	(void)noise_payload_verify(&first, out, &peer);
	return 0;
}
