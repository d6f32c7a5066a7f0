/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * overlay: which session an overlay address is reached by, published as one immutable table.
 *
 * Threads: control makes and swaps it, workers read.
 */
#include <stdint.h>

#include "base/thread.h"
#include "switch/packet.h"
#include "switch/rcu.h"

struct sw_overlay_route {
	uint8_t address[SW_IPV6_ADDR];
	uint32_t session; /* index; 0: known peer without a session now */
	uint32_t reserved;
};

/* Immutable once published; sorted by address. */
struct sw_overlay {
	struct rcu_head rcu;
	uint8_t self[SW_IPV6_ADDR]; /* this edge's own address */
	uint32_t count;
	struct sw_overlay_route routes[];
};

/* A copy of `routes`, sorted, to be published; NULL when out of memory. */
struct sw_overlay *sw_overlay_new(const uint8_t self[SW_IPV6_ADDR],
				  const struct sw_overlay_route *routes, uint32_t count) ON_CONTROL;
void sw_overlay_retire(struct sw_overlay *overlay)
    ON_CONTROL; /* after it was swapped out; NULL is allowed */

/* The route to `address`, or NULL. Any registered thread; valid until quiescent. */
const struct sw_overlay_route *sw_overlay_find(const struct sw_overlay *overlay,
					       const uint8_t address[SW_IPV6_ADDR]);
