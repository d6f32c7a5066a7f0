/* Targets: base/formats/multibase.c, every encoding, both ways */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/formats/multibase.h"

enum { BYTES = 4096, TEXT = 8 * BYTES + 2 };

static void check(char prefix, struct vd_bytes bytes)
{
	static char text[TEXT];
	static uint8_t back[BYTES];
	size_t len;

	if (vd_multibase_encode(prefix, bytes, text, sizeof text))
		return;
	if (vd_multibase_decode(vd_bytes_of_text(text), back, sizeof back, &len) ||
	    !vd_bytes_equal(bytes, vd_bytes(back, len)))
		abort();
}

/* The input is a text, and bytes in the encoding that its first byte names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[BYTES];
	size_t len;

	if (size == 0 || size > BYTES)
		return 0;
	if (vd_multibase_decode(vd_bytes(data, size), bytes, sizeof bytes, &len) == VD_OK)
		check((char)data[0], vd_bytes(bytes, len));
	check((char)data[0], vd_bytes(data + 1, size - 1));
	return 0;
}
