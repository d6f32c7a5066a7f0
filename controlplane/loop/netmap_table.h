/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * netmap_table: the containers of netmap: growing arrays, and routes by prefix.
 * Private to netmap.
 *
 * Threads: control. Memory: allocated, freed by fini.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "controlplane/loop/netmap.h"

/* Unordered; deleting moves the last item into the gap. */
struct net_array {
	char *items;
	uint32_t item_bytes, count, cap, max;
};

void net_array_init(struct net_array *array, uint32_t item_bytes, uint32_t max);
void net_array_fini(struct net_array *array);
/* A zeroed item at the end. VD_ENOMEM, VD_ELIMIT. Moves the others. */
enum vd_err net_array_add(struct net_array *array, void **item_out);
void net_array_del(struct net_array *array, uint32_t at);

static inline void *net_array_at(const struct net_array *array, uint32_t at)
{
	return array->items + (size_t)at * array->item_bytes;
}

struct net_route {
	struct net_route *next;
	struct cp_net_route route; /* ip masked to its prefix */
	uint32_t sync;
};

/* Hashed by prefix; looking up walks the lengths that occur, longest first. */
struct net_routes {
	struct net_route **chains;
	uint32_t chain_count;    /* a power of two; 0: there was no route yet */
	uint32_t of_length[129]; /* how many routes have this prefix length */
	uint32_t count;
};

void net_routes_fini(struct net_routes *routes);
enum vd_err net_routes_set(struct net_routes *routes, const struct cp_net_route *route,
			   bool replace, uint32_t sync, bool *changed_out);
bool net_routes_del(struct net_routes *routes, const struct cp_net_route *route);

/* Removes what matches; returns how many. */
uint32_t net_routes_remove(struct net_routes *routes,
			   bool (*match)(const struct net_route *route, const void *context),
			   const void *context);

/* The usable route with the longest prefix, of at least `shortest`, then the lowest metric,
 * then the one that was set first. */
const struct cp_net_route *net_routes_find(
    const struct net_routes *routes, const uint8_t ip[16], unsigned shortest,
    bool (*usable)(const struct cp_net_route *route, const void *context), const void *context);

/* Bits that two addresses have in common from the left, 0 to 128. */
unsigned net_common_bits(const uint8_t a[16], const uint8_t b[16]);
