/* Targets: base/formats/key.c, protobufs of private and public keys */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/formats/key.h"

static void check(const struct vd_identity *identity, struct vd_bytes in)
{
	struct vd_bytes key = vd_bytes(identity->public_key, VD_PUBLIC_KEY_BYTES);
	uint8_t out[VD_PRIVATE_KEY_BYTES], signature[VD_SIGNATURE_BYTES];

	vd_identity_to_protobuf(identity, out);
	if (!vd_bytes_equal(in, vd_bytes(out, sizeof out)))
		abort();
	vd_identity_sign(identity, in, signature);
	if (vd_key_verify(key, in, vd_bytes(signature, sizeof signature)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t signature[VD_SIGNATURE_BYTES];
	struct vd_identity identity;

	if (vd_identity_of_protobuf(vd_bytes(data, size), &identity) == VD_OK)
		check(&identity, vd_bytes(data, size));
	/* Nobody's signature: libsodium refuses keys of small order, for which it would verify. */
	if (vd_key_verify(vd_bytes(data, size), vd_bytes_of_text("m"), vd_bytes(signature, 64)) ==
	    VD_OK)
		abort();
	return 0;
}
