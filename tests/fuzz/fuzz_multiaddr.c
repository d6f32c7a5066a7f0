/* Targets: base/formats/multiaddr.c and multiaddr_value.c, bytes and text of addresses */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/formats/multiaddr.h"

/* What was accepted has a text, and the text gives the same bytes. */
static void check(const struct vd_multiaddr *addr)
{
	char text[VD_MULTIADDR_TEXT];
	struct vd_multiaddr back, again;
	struct vd_multiaddr_part part;
	struct vd_udp_addr udp;
	struct vd_peer_id peer;
	size_t at = 0;

	if (vd_multiaddr_of_text(vd_multiaddr_text(addr, text), &back) ||
	    !vd_multiaddr_equal(addr, &back))
		abort();
	while (vd_multiaddr_next(addr, &at, &part))
		if (part.value.len > addr->len)
			abort();
	if (at != addr->len)
		abort();
	if (vd_multiaddr_to_link(addr, &udp, &peer))
		return;
	vd_multiaddr_of_link(&udp, &peer, &back);
	if (vd_multiaddr_of_bytes(vd_bytes(back.bytes, back.len), &again) ||
	    !vd_multiaddr_equal(&back, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_multiaddr addr;
	char text[2 * VD_MULTIADDR_TEXT];

	if (vd_multiaddr_of_bytes(vd_bytes(data, size), &addr) == VD_OK)
		check(&addr);
	if (size >= sizeof text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	if (vd_multiaddr_of_text(text, &addr) == VD_OK)
		check(&addr);
	return 0;
}
