/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * ip_scope: how far an IP address reaches: this machine, a private network, everybody.
 *
 * Private is what libp2p's peers take for it (RFC 1918, 4193, 6598, link-local addresses). What
 * is neither private nor routed in public (documentation, benchmarks, multicast) is reserved.
 * An IPv4 address in IPv6 (::ffff:0:0/96) has the scope of the IPv4 address.
 *
 * Pure; any thread.
 */
#include "base/formats/multiaddr.h"

enum ip_scope {
	IP_NONE,        /* no IP address */
	IP_UNSPECIFIED, /* 0.0.0.0, :: */
	IP_LOOPBACK,
	IP_LINK_LOCAL, /* IPv4 169.254/16, IPv6 fe80::/10 */
	IP_PRIVATE,
	IP_MULTICAST, /* and IPv4 broadcast */
	IP_RESERVED,
	IP_PUBLIC,
};

/* `ip`: 4 or 16 bytes; any other length is IP_NONE. */
enum ip_scope ip_scope(struct vd_bytes ip);
/* Of the address' first component; IP_NONE unless that is /ip4 or /ip6. */
enum ip_scope ip_scope_of(const struct vd_multiaddr *address);
/* Whether an address of this scope leads to a peer whom we see at one of scope `remote`. */
bool ip_scope_leads(enum ip_scope scope, enum ip_scope remote);
/* What go-libp2p's manet.IsPrivateAddr holds for private: loopback, link-local, private. */
bool ip_scope_is_private(enum ip_scope scope);
