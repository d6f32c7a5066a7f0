/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/key_map.h"

#include <sodium.h>
#include <stdlib.h>

enum vd_err key_map_init(struct key_map *map, uint32_t rows_max, const void *rows,
			 struct vd_bytes (*key_of)(const void *rows, uint32_t row))
{
	uint32_t size = 4;

	while (size / 2 < rows_max)
		size *= 2;
	*map = (struct key_map){ .mask = size - 1, .key_of = key_of, .rows = rows };
	map->entries = calloc(size, sizeof *map->entries);
	randombytes_buf(map->secret, sizeof map->secret);
	return map->entries ? VD_OK : VD_ENOMEM;
}

void key_map_fini(struct key_map *map)
{
	free(map->entries);
	map->entries = NULL;
}

static uint32_t home_of(const struct key_map *map, struct vd_bytes key)
{
	uint8_t hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, key.at, key.len, map->secret);
	return vd_be32_load(hash) & map->mask;
}

/* The place of `key`, or the free place where it would go. */
static uint32_t place_of(const struct key_map *map, struct vd_bytes key)
{
	uint32_t at = home_of(map, key);

	while (map->entries[at] &&
	       !vd_bytes_equal(map->key_of(map->rows, map->entries[at] - 1), key))
		at = (at + 1) & map->mask;
	return at;
}

uint32_t key_map_find(const struct key_map *map, struct vd_bytes key)
{
	uint32_t entry = map->entries[place_of(map, key)];

	return entry ? entry - 1 : KEY_MAP_NONE;
}

void key_map_add(struct key_map *map, uint32_t row)
{
	map->entries[place_of(map, map->key_of(map->rows, row))] = row + 1;
}

/* Deletes, then moves entries behind it back, so that no search meets a gap. */
void key_map_del(struct key_map *map, uint32_t row)
{
	uint32_t gap = place_of(map, map->key_of(map->rows, row));
	uint32_t at = gap;

	map->entries[gap] = 0;
	for (;;) {
		uint32_t home, entry;

		at = (at + 1) & map->mask;
		entry = map->entries[at];
		if (!entry)
			return;
		home = home_of(map, map->key_of(map->rows, entry - 1));
		if (((at - home) & map->mask) < ((at - gap) & map->mask))
			continue;
		map->entries[gap] = entry;
		map->entries[at] = 0;
		gap = at;
	}
}
