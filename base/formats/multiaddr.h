/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * multiaddr: self-describing addresses, binary and text (multiformats/multiaddr).
 *
 * One static table lists every component: those of multiaddr's protocols.csv that
 * libp2p uses, and /viaduct (0x300076, private use). The binary form is the value;
 * it is always valid once it is in a struct vd_multiaddr.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/udp_addr.h"

enum {
	VD_MULTIADDR_MAX = 512,   /* bytes of the binary form we accept */
	VD_MULTIADDR_TEXT = 1536, /* room for the text form and its NUL */
	VD_MA_IP4 = 4,
	VD_MA_TCP = 6,
	VD_MA_IP6 = 41,
	VD_MA_DNS = 53,
	VD_MA_DNS4 = 54,
	VD_MA_DNS6 = 55,
	VD_MA_DNSADDR = 56,
	VD_MA_UDP = 273,
	VD_MA_P2P = 421,
	VD_MA_VIADUCT = 0x300076,
};

struct vd_multiaddr {
	uint16_t len;
	uint8_t bytes[VD_MULTIADDR_MAX];
};

/* VD_EPEER_…: unknown component, wrong length, trailing bytes, too long. */
enum vd_err vd_multiaddr_of_bytes(struct vd_bytes bytes, struct vd_multiaddr *addr_out);
/* VD_EUSER. */
enum vd_err vd_multiaddr_of_text(const char *text, struct vd_multiaddr *addr_out);
/* NUL-terminated; returns `out`. */
const char *vd_multiaddr_text(const struct vd_multiaddr *addr, char out[VD_MULTIADDR_TEXT]);
bool vd_multiaddr_equal(const struct vd_multiaddr *a, const struct vd_multiaddr *b);

/* One component: its code and binary value (without a length prefix). */
struct vd_multiaddr_part {
	uint32_t code;
	struct vd_bytes value; /* borrowed from the address */
};

/* Iterates: `*at` starts at 0; false at the end. */
bool vd_multiaddr_next(const struct vd_multiaddr *addr, size_t *at,
		       struct vd_multiaddr_part *part_out);

/*
 * A link address: /ip4|ip6/…/udp/…[/viaduct][/p2p/…]. `peer_out->len` is 0 without /p2p.
 * VD_EUSER for any other shape. peer_out may be NULL.
 */
enum vd_err vd_multiaddr_to_link(const struct vd_multiaddr *addr, struct vd_udp_addr *udp_out,
				 struct vd_peer_id *peer_out);
/* /ip…/udp/…, then /viaduct/p2p/… when `peer` is given (neither NULL nor of length 0). */
void vd_multiaddr_of_link(const struct vd_udp_addr *udp, const struct vd_peer_id *peer,
			  struct vd_multiaddr *addr_out);
