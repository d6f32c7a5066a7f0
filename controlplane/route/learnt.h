/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * learnt: the routes that routers told of: to a peer, by a router at most one.
 *
 * Found by the peer through a hash under a random key, so that nobody chooses where theirs lands.
 *
 * Threads: control. Memory: fixed by routes_max, allocated at new; pages are touched as routes
 * come. NULL stands for no routes.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"

struct learnt_route {
	struct vd_peer_id peer;
	struct vd_peer_id via; /* the router */
	uint64_t label;        /* behind the link to it */
	uint8_t bits;
	uint16_t mtu; /* switch payload, bytes */
};

struct learnt_routes;

/* NULL: out of memory. */
struct learnt_routes *learnt_routes_new(uint32_t routes_max) ON_CONTROL;
void learnt_routes_free(struct learnt_routes *routes) ON_CONTROL;

/* Keeps a copy in place of the one before, if there is room. False: nothing of it is new. */
bool learnt_routes_set(struct learnt_routes *routes, const struct learnt_route *route) ON_CONTROL;

/* NULL: none. Good until the next change. */
const struct learnt_route *learnt_routes_find(const struct learnt_routes *routes,
					      const struct vd_peer_id *peer,
					      const struct vd_peer_id *via) ON_CONTROL;

void learnt_routes_forget_to(struct learnt_routes *routes,
			     const struct vd_peer_id *peer) ON_CONTROL;
void learnt_routes_forget_by(struct learnt_routes *routes, const struct vd_peer_id *via) ON_CONTROL;

/* All of them: from *at (0 at first) on; NULL at the end. */
const struct learnt_route *learnt_routes_next(const struct learnt_routes *routes,
					      uint32_t *at) ON_CONTROL;
