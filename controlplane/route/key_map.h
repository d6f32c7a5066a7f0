/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * key_map: from a key (a peer id, an overlay address) to a row number of the caller's
 * array.
 *
 * Open addressing with SipHash under a random key, so that nobody chooses where theirs
 * lands; at most half full. The keys themselves stay in the caller's rows: a map
 * entry is the row number.
 *
 * Threads: one. Memory: allocated once, for `rows_max` entries.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum { KEY_MAP_NONE = UINT32_MAX };

struct key_map {
	uint32_t *entries; /* row + 1; 0: free */
	uint32_t mask;
	uint8_t secret[16];
	struct vd_bytes (*key_of)(const void *rows, uint32_t row);
	const void *rows; /* borrowed while the map lives */
};

enum vd_err key_map_init(struct key_map *map, uint32_t rows_max, const void *rows,
			 struct vd_bytes (*key_of)(const void *rows, uint32_t row));
void key_map_fini(struct key_map *map);

/* The row with `key`, or KEY_MAP_NONE. */
uint32_t key_map_find(const struct key_map *map, struct vd_bytes key);

/* `row` already holds its key, which is not in the map yet. */
void key_map_add(struct key_map *map, uint32_t row);

/* `row` still holds its key. */
void key_map_del(struct key_map *map, uint32_t row);
