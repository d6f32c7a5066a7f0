/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/peer_map.h"

#include <sodium.h>
#include <stdlib.h>

enum vd_err peer_map_init(struct peer_map *map, uint32_t rows_max, const void *rows,
			  const struct vd_peer_id *(*peer_of)(const void *rows, uint32_t row))
{
	uint32_t size = 4;

	while (size / 2 < rows_max)
		size *= 2;
	*map = (struct peer_map){ .mask = size - 1, .peer_of = peer_of, .rows = rows };
	map->entries = calloc(size, sizeof *map->entries);
	randombytes_buf(map->key, sizeof map->key);
	return map->entries ? VD_OK : VD_ENOMEM;
}

void peer_map_fini(struct peer_map *map)
{
	free(map->entries);
	map->entries = NULL;
}

static uint32_t home_of(const struct peer_map *map, const struct vd_peer_id *peer)
{
	uint8_t hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, peer->bytes, peer->len, map->key);
	return vd_be32_load(hash) & map->mask;
}

/* The place of `peer`, or the free place where it would go. */
static uint32_t place_of(const struct peer_map *map, const struct vd_peer_id *peer)
{
	uint32_t at = home_of(map, peer);

	while (map->entries[at] &&
	       !vd_peer_id_equal(map->peer_of(map->rows, map->entries[at] - 1), peer))
		at = (at + 1) & map->mask;
	return at;
}

uint32_t peer_map_find(const struct peer_map *map, const struct vd_peer_id *peer)
{
	uint32_t entry = map->entries[place_of(map, peer)];

	return entry ? entry - 1 : PEER_MAP_NONE;
}

void peer_map_add(struct peer_map *map, uint32_t row)
{
	map->entries[place_of(map, map->peer_of(map->rows, row))] = row + 1;
}

/* Deletes, then moves entries behind it back, so that no search meets a gap. */
void peer_map_del(struct peer_map *map, uint32_t row)
{
	uint32_t gap = place_of(map, map->peer_of(map->rows, row));
	uint32_t at = gap;

	map->entries[gap] = 0;
	for (;;) {
		uint32_t home, entry;

		at = (at + 1) & map->mask;
		entry = map->entries[at];
		if (!entry)
			return;
		home = home_of(map, map->peer_of(map->rows, entry - 1));
		if (((at - home) & map->mask) < ((at - gap) & map->mask))
			continue;
		map->entries[gap] = entry;
		map->entries[at] = 0;
		gap = at;
	}
}
