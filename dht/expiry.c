/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dht/expiry.h"

#include <stdlib.h>

enum vd_err dht_expiry_init(struct dht_expiry *expiry, size_t room)
{
	*expiry = (struct dht_expiry){ .heap = calloc(room ? room : 1, sizeof *expiry->heap),
				       .room = room };
	return expiry->heap ? VD_OK : VD_ENOMEM;
}

void dht_expiry_fini(struct dht_expiry *expiry)
{
	free(expiry->heap);
	*expiry = (struct dht_expiry){ 0 };
}

static void set(struct dht_expiry *expiry, size_t place, struct dht_expiring *entry)
{
	expiry->heap[place] = entry;
	entry->place = place;
}

static void rise(struct dht_expiry *expiry, struct dht_expiring *entry)
{
	size_t at = entry->place;

	for (; at; at = (at - 1) / 2) {
		struct dht_expiring *above = expiry->heap[(at - 1) / 2];

		if (above->expires <= entry->expires)
			break;
		set(expiry, at, above);
	}
	set(expiry, at, entry);
}

static void sink(struct dht_expiry *expiry, struct dht_expiring *entry)
{
	size_t at = entry->place, below;

	while ((below = 2 * at + 1) < expiry->count) {
		if (below + 1 < expiry->count &&
		    expiry->heap[below + 1]->expires < expiry->heap[below]->expires)
			below++;
		if (entry->expires <= expiry->heap[below]->expires)
			break;
		set(expiry, at, expiry->heap[below]);
		at = below;
	}
	set(expiry, at, entry);
}

void dht_expiry_add(struct dht_expiry *expiry, struct dht_expiring *entry)
{
	entry->place = expiry->count++;
	rise(expiry, entry);
}

void dht_expiry_del(struct dht_expiry *expiry, struct dht_expiring *entry)
{
	struct dht_expiring *last = expiry->heap[--expiry->count];

	if (last == entry)
		return;
	last->place = entry->place;
	set(expiry, last->place, last);
	rise(expiry, last);
	sink(expiry, last);
}

void dht_expiry_move(struct dht_expiry *expiry, struct dht_expiring *entry, vd_ns expires)
{
	entry->expires = expires;
	rise(expiry, entry);
	sink(expiry, entry);
}
