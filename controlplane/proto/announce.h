/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * announce: which addresses a host tells others, from those that it listens on, those that others
 * see it by, and what the operator says; the same for identify, peer records and whatever tells
 * addresses later.
 *
 *	announce given?  those : listening (expanded) and observed ones
 *	+ announce_also
 *	- no_announce                            (all as kubo's Addresses.Announce, AppendAnnounce,
 *						  NoAnnounce)
 *	- what nobody can dial: unspecified, link-local, multicast, port 0
 *	- links' addresses, which no stock peer reads
 *	each once, the ones that reach furthest first, at most ANNOUNCE_MAX of ANNOUNCE_BYTES
 *
 * Loopback addresses are told only over loopback connections, and signed only where there is
 * nothing else: announced.local tells where they begin.
 *
 * Pure; any thread.
 */
#include <stdbool.h>

#include "base/formats/multiaddr.h"

enum {
	ANNOUNCE_MAX = 32,
	ANNOUNCE_BYTES = 1536, /* of all; with protocols and key, identify stays below 4 KiB */
};

/* Borrowed. A filter is a whole address, or a network: /ip4/10.0.0.0/ipcidr/8. */
struct announce_rules {
	const struct vd_multiaddr *announce, *also, *filters;
	size_t announce_count, also_count, filter_count;
};

struct announced {
	uint32_t count, local; /* those from `local` on are loopback ones */
	struct vd_multiaddr at[ANNOUNCE_MAX];
};

void announce(const struct announce_rules *rules, const struct vd_multiaddr *listens,
	      size_t listen_count, const struct vd_multiaddr *observed, size_t observed_count,
	      struct announced *out);

/* Whether others may find us there, if it is ours: no wildcard, no port 0, no link's address. */
bool announce_can_be_dialled(const struct vd_multiaddr *address);

bool announced_equal(const struct announced *a, const struct announced *b);
/* How many of them a connection is told; `loopback`: either end of it is. */
static inline uint32_t announced_to(const struct announced *announced, bool loopback)
{
	return loopback ? announced->count : announced->local;
}
/* How many are signed. */
static inline uint32_t announced_signed(const struct announced *announced)
{
	return announced->local ? announced->local : announced->count;
}

/* "10.0.0.0/8", "fd00::/8", a multiaddr with /ipcidr, or any other multiaddr. VD_EUSER. */
enum vd_err announce_filter_of_text(const char *text, struct vd_multiaddr *filter_out);
