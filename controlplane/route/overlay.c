/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/overlay.h"

#include <sodium.h>

void route_overlay_address(uint16_t prefix, const struct vd_peer_id *peer,
			   uint8_t address_out[SW_IPV6_ADDR])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, peer->bytes, peer->len);
	vd_be16_store(address_out, prefix);
	memcpy(address_out + 2, hash, SW_IPV6_ADDR - 2);
}
