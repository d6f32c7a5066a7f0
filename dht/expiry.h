/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * expiry: which of a table's entries ends first: a binary heap of them, each with its place in it.
 *
 * Threads: one at a time. Memory: `room` pointers on the heap. Progress: O(log n).
 */
#include <stddef.h>

#include "base/err.h"
#include "base/time.h"

/* Embedded in an entry. */
struct dht_expiring {
	vd_ns expires;
	size_t place; /* in the heap; the heap's */
};

struct dht_expiry {
	struct dht_expiring **heap; /* [room] */
	size_t count, room;
};

/* VD_ENOMEM. */
enum vd_err dht_expiry_init(struct dht_expiry *expiry, size_t room);
void dht_expiry_fini(struct dht_expiry *expiry);

/* There is room, and it is not in it yet; its `expires` is set. */
void dht_expiry_add(struct dht_expiry *expiry, struct dht_expiring *entry);
void dht_expiry_del(struct dht_expiry *expiry, struct dht_expiring *entry);
/* Changes when it ends. */
void dht_expiry_move(struct dht_expiry *expiry, struct dht_expiring *entry, vd_ns expires);

/* The one that ends first; NULL: there is none. */
static inline struct dht_expiring *dht_expiry_first(const struct dht_expiry *expiry)
{
	return expiry->count ? expiry->heap[0] : NULL;
}

static inline vd_ns dht_expiry_deadline(const struct dht_expiry *expiry)
{
	return expiry->count ? expiry->heap[0]->expires : VD_NEVER;
}
