/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * neighbour: Ethernet headers by number, published as one immutable table.
 *
 * A link's send template names a row, so that a changed Ethernet address is one
 * publication and not one for each link. Row 0 is "no header" (sockets, TUN).
 *
 * Threads: control publishes, workers read.
 */
#include <stdint.h>

#include "base/thread.h"
#include "switch/rcu.h"

enum { SW_L2_MAX = 18 }; /* Ethernet header with one VLAN tag */

struct sw_neighbour {
	uint8_t l2[SW_L2_MAX];
	uint8_t l2_len; /* 14 or 18; 0: not resolved */
	uint8_t reserved[5];
};

struct sw_neighbours {
	struct rcu_head rcu;
	uint32_t count;
	struct sw_neighbour rows[];
};

/* A table of `count` rows (row 0 included), copied; NULL when out of memory. */
struct sw_neighbours *sw_neighbours_new(const struct sw_neighbour *rows, uint32_t count) ON_CONTROL;
void sw_neighbours_retire(struct sw_neighbours *table)
    ON_CONTROL; /* after it was swapped out; NULL is allowed */
