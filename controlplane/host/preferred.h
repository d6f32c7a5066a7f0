/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * preferred: of several connections to one peer, the one that new streams use, and who closes the
 * others: for a host that rules its own connections, and for the control thread of a swarm.
 *
 * Preferred is the one whose dialer has the smaller peer id: both ends see that alike, so two that
 * dial each other at once keep the same one. Of several by one dialer it is the older one; but in
 * which order they opened the ends may see differently, so there the dialer alone closes one.
 *
 * A peer that connects anew may have lost the connection that we still see: it restarted, or what
 * was between us forgot it. So when it opens one, the older ones are doubted, and asked for a sign
 * of life, until anything comes by them. Any other is preferred to a doubted one, and none is
 * closed for, or as, a doubted one.
 *
 * Threads: any. Memory: none.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/peer_id.h"

struct preferred_conn {
	bool dialer;    /* we dialled it */
	bool doubted;   /* not heard from since another opened */
	uint64_t order; /* in which they opened, here */
};

/* Of two connections between `own` and `peer`, whether `a` is preferred to `b`. */
bool preferred_to(const struct vd_peer_id *own, const struct vd_peer_id *peer,
		  const struct preferred_conn *a, const struct preferred_conn *b);

/* Whether this side closes `other`, once it has no streams, as `best` is preferred. */
bool preferred_closes(const struct preferred_conn *best, const struct preferred_conn *other);
