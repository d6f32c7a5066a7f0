/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * name_walk: from a multiaddr with a name to addresses without: which lookups to make, and
 * what their answers mean (multiformats/multiaddr, protocols/DNSADDR.md).
 *
 *	/dns4/NAME/…     A of NAME: /ip4/…
 *	/dns6/NAME/…     AAAA of NAME: /ip6/…
 *	/dns/NAME/…      both
 *	/dnsaddr/NAME/…  TXT of _dnsaddr.NAME: each `dnsaddr=<multiaddr>` that ends in what follows
 *	                 NAME here; it may begin with a name in turn
 *
 * The owner of a name may answer with anything, so a walk is bounded: names behind names to
 * NAME_WALK_DEPTH, lookups and addresses in number. No lookup is made twice, so a circle ends.
 *
 * Threads: one at a time. Memory: no heap.
 */
#include "base/formats/multiaddr.h"

enum {
	NAME_WALK_DEPTH = 4,    /* /dnsaddr behind /dnsaddr, as go-libp2p */
	NAME_WALK_LOOKUPS = 32, /* of one walk */
	NAME_WALK_ADDRESSES = 64,
	NAME_WALK_NAME = 256, /* room for a name and its NUL */
	NAME_WALK_WHY = 256,
};

enum name_kind { NAME_A, NAME_AAAA, NAME_TXT };

struct name_lookup {
	enum name_kind kind;
	char name[NAME_WALK_NAME];
};

struct name_walk_step { /* a lookup: what it is for */
	struct vd_multiaddr address;
	enum name_kind kind;
	uint8_t depth;
	bool done;
};

struct name_walk {
	struct name_walk_step steps[NAME_WALK_LOOKUPS];
	unsigned count, begun, under_way;
	unsigned found;                       /* addresses */
	unsigned others, malformed, too_many; /* records that gave none */
	enum vd_err err;                      /* of the first lookup that failed */
	char why[NAME_WALK_WHY];
};

/* Whether the address begins with a name. */
bool name_walk_needed(const struct vd_multiaddr *address);

/* VD_EUSER: it does not begin with a name, or that is none. */
enum vd_err name_walk_init(struct name_walk *walk, const struct vd_multiaddr *address);

/* A lookup to make; `*step_out` names it below. False: none now. */
bool name_walk_next(struct name_walk *walk, unsigned *step_out, struct name_lookup *lookup_out);

/* An answer: 4 bytes to NAME_A, 16 to NAME_AAAA. True: it makes an address, `*address_out`. */
bool name_walk_ip(struct name_walk *walk, unsigned step, struct vd_bytes ip,
		  struct vd_multiaddr *address_out);
/* A TXT record, its strings joined. True: as above; false: it is none, or leads on. */
bool name_walk_txt(struct name_walk *walk, unsigned step, struct vd_bytes record,
		   struct vd_multiaddr *address_out);
/* No more answers; with an error, and a text of it, the lookup failed. */
void name_walk_done(struct name_walk *walk, unsigned step, enum vd_err err, const char *why);

/* Nothing is to be looked up, and nothing is under way. */
bool name_walk_ended(const struct name_walk *walk);
/* After its end: VD_OK with an address found; VD_ENOTFOUND, or what the first failure was. */
enum vd_err name_walk_err(const struct name_walk *walk);
/* After its end without an address: what, and the cure. Returns `out`. */
const char *name_walk_why(const struct name_walk *walk, char out[NAME_WALK_WHY]);
