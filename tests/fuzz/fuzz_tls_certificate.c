/* Targets: controlplane/proto/tls_certificate.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/tls_certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_certificate certificate;
	struct vd_peer_id again;
	const char *reason = NULL;
	enum vd_err err =
	    tls_certificate_verify(vd_bytes(data, size), 1700000000, &certificate, &reason);

	if (err)
		return reason && vd_err_class(err) == VD_CLASS_PEER ? 0 : (abort(), 0);
	if (vd_peer_id_of_public_key(vd_bytes(certificate.public_key, certificate.public_key_len),
				     &again) ||
	    !vd_peer_id_equal(&again, &certificate.peer))
		abort();
	return 0;
}
