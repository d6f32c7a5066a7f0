/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/overlay.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

/* SHA-256("abc") begins ba7816bf 8f01cfea 414140de 5dae (FIPS 180-2, appendix B.1). */
Test(overlay, an_address_is_the_prefix_and_14_bytes_of_the_hash)
{
	static const uint8_t want[16] = { 0xfd, 0x76, 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01,
					  0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae };
	const struct vd_peer_id peer = { .len = 3, .bytes = "abc" };
	uint8_t got[16];

	route_overlay_address(0xfd76, &peer, got);
	cr_assert(zero(int, memcmp(got, want, sizeof got)));
	route_overlay_address(0xfd00, &peer, got);
	cr_assert(eq(u8, got[1], 0));
	cr_assert(zero(int, memcmp(got + 2, want + 2, 14)));
}
