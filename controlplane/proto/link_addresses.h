/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * link_addresses: what a peer tells by /viaduct/link/1, a libp2p stream protocol: by which link
 * addresses it is reached (switch/SPEC.md, 4.1.1). Link addresses stand in nothing that stock
 * peers read; this is how Viaduct nodes that met by libp2p come to a link.
 *
 *	varint of the length ‖ message LinkAddresses { repeated bytes address = 1; }
 *
 * Each side sends one message and closes its half.
 *
 * Threads: any. Memory: none; nothing is borrowed.
 */
#include "base/formats/multiaddr.h"
#include "controlplane/proto/ip_scope.h"

#define LINK_ADDRESSES_ID "/viaduct/link/1"

enum {
	LINK_ADDRESSES = 8,         /* of one peer; what is beyond is left out */
	LINK_ADDRESSES_MAX = 1024,  /* bytes of a message, without its length */
	LINK_ADDRESSES_BYTES = 1026 /* room for a message with it */
};

struct link_addresses {
	uint32_t count;
	uint32_t refused; /* of those told: none of the sender's link addresses, or too many */
	struct vd_udp_addr at[LINK_ADDRESSES];
};

/*
 * All that came on the stream. Addresses that are not a whole link address of `peer`, or lead
 * nowhere (port 0, wildcard, multicast), are left out; so are those that do not lead from where we
 * see it (`remote`, the connection's other end) to there. VD_EPEER_TRUNC, VD_EPEER_FORMAT (also
 * bytes behind the message), VD_EPEER_RANGE above LINK_ADDRESSES_MAX: `out` is untouched.
 */
enum vd_err link_addresses_read(struct vd_bytes stream, const struct vd_peer_id *peer,
				enum ip_scope remote, struct link_addresses *out);

/* With its length; LINK_ADDRESSES_BYTES are always enough. VD_EBUG_ROOM. */
enum vd_err link_addresses_write(const struct link_addresses *addresses,
				 const struct vd_peer_id *self, struct vd_write *w);

/* Adds one, unless it is there, leads nowhere, or there is no more room. */
void link_addresses_add(struct link_addresses *addresses, const struct vd_udp_addr *address);
