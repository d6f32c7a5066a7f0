/* Targets: controlplane/proto/pnet.c, controlplane/proto/pnet_key.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/pnet.h"

static void check_key(struct vd_bytes in)
{
	struct pnet_key key;
	const char *reason = NULL;

	if ((pnet_key_read(in, &key, &reason) != VD_OK) != (reason != NULL))
		abort();
}

/* However the bytes are cut, the same comes out. */
static void check_stream(const uint8_t *data, size_t size)
{
	static const struct pnet_key key = { { 1 } };
	static const uint8_t nonce[PNET_NONCE];
	struct pnet whole, cut;
	uint8_t *a = malloc(size), *b = malloc(size);
	size_t at = 0, done = 0, piece = 1 + data[0] % 70;

	memcpy(a, data, size);
	memcpy(b, data, size);
	pnet_init(&whole, &key, nonce);
	pnet_init(&cut, &key, nonce);

	struct vd_bytes plain = pnet_open(&whole, a, size);

	while (at < size && plain.len) {
		size_t len = size - at < piece ? size - at : piece;
		struct vd_bytes part = pnet_open(&cut, b + at, len);

		if (part.len > plain.len - done ||
		    !vd_bytes_equal(part, vd_bytes(plain.at + done, part.len)))
			abort();
		done += part.len;
		at += len;
	}
	if (done != plain.len)
		abort();
	free(a);
	free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_key(vd_bytes(data, size));
	if (size)
		check_stream(data, size);
	return 0;
}
