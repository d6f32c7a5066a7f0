/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* with_peer: an address with a peer id at its end; for tests. */
#include "base/bytes.h"
#include "base/formats/multiaddr.h"

static inline struct vd_multiaddr with_peer(const struct vd_multiaddr *address,
					    const struct vd_peer_id *peer)
{
	struct vd_multiaddr full = *address;
	struct vd_write w = vd_write_to(full.bytes + full.len, sizeof full.bytes - full.len);

	vd_write_uvarint(&w, VD_MA_P2P);
	vd_write_uvarint(&w, peer->len);
	vd_write_bytes(&w, vd_peer_id_bytes(peer));
	full.len = (uint16_t)(full.len + vd_write_len(&w));
	return full;
}
