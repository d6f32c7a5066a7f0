/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer_map: from peer id to a row number of the caller's array.
 *
 * Open addressing with SipHash under a random key, so that nobody chooses where
 * their peer id lands; at most half full. The ids themselves stay in the
 * caller's rows: a map entry is the row number.
 *
 * Threads: one. Memory: allocated once, for `rows_max` entries.
 */
#include <stdint.h>

#include "base/err.h"
#include "base/formats/peer_id.h"

enum { PEER_MAP_NONE = UINT32_MAX };

struct peer_map {
	uint32_t *entries; /* row + 1; 0: free */
	uint32_t mask;
	uint8_t key[16];
	const struct vd_peer_id *(*peer_of)(const void *rows, uint32_t row);
	const void *rows; /* borrowed while the map lives */
};

enum vd_err peer_map_init(struct peer_map *map, uint32_t rows_max, const void *rows,
			  const struct vd_peer_id *(*peer_of)(const void *rows, uint32_t row));
void peer_map_fini(struct peer_map *map);

/* The row of `peer`, or PEER_MAP_NONE. */
uint32_t peer_map_find(const struct peer_map *map, const struct vd_peer_id *peer);

/* `row` already holds its peer, which is not in the map yet. */
void peer_map_add(struct peer_map *map, uint32_t row);

/* `row` still holds its peer. */
void peer_map_del(struct peer_map *map, uint32_t row);
