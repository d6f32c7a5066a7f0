/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * provider_table: which peers said that they provide a key: what a DHT node keeps for others
 * (libp2p/specs, kad-dht, "Content provider advertisement"), and what this node provides itself.
 *
 * A key is a multihash: content of one hash is the same under every CID. Addresses of providers
 * are not here, they are the book of peers' (proto/peer_book.h).
 *
 * Bounded: `providers` in all, DHT_PROVIDERS_KEY a key. A full table refuses newcomers, and
 * counts them: whoever is there stays for its time, so that a flood pushes nobody out.
 *
 * Threads: one at a time. Memory: the heap, a block for each provider of each key.
 * Time:    nanoseconds since 1970.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/peer_id.h"
#include "dht/expiry.h"

enum {
	DHT_PROVIDERS_KEY = 128,  /* of a key */
	DHT_PROVIDER_KEY_MAX = 80 /* bytes of a key; more than any multihash in use */
};

struct dht_provider {
	struct vd_peer_id peer;
	vd_ns expires;
};

struct dht_provider_counters {
	uint64_t refused_full, refused_key, expired; /* refused_key: above DHT_PROVIDERS_KEY */
};

struct dht_provider_entry;

struct dht_provider_table {
	struct dht_expiry expiry;
	struct dht_provider_entry **buckets; /* [mask + 1] */
	size_t mask;
	uint8_t secret[16];
	struct dht_provider_counters counters;
};

/* At most `providers`. VD_ENOMEM: fini it all the same. */
enum vd_err dht_provider_table_init(struct dht_provider_table *table, size_t providers);
void dht_provider_table_fini(struct dht_provider_table *table);

static inline size_t dht_provider_table_count(const struct dht_provider_table *table)
{
	return table->expiry.count;
}

/*
 * It provides the key until `expires`, which never makes it shorter than it was. VD_EPEER_RANGE: no
 * key, or too long; VD_ELIMIT, VD_ENOMEM.
 */
enum vd_err dht_provider_table_add(struct dht_provider_table *table, struct vd_bytes key,
				   const struct vd_peer_id *peer, vd_ns expires);
/* Whether it was there. */
bool dht_provider_table_del(struct dht_provider_table *table, struct vd_bytes key,
			    const struct vd_peer_id *peer);

/* Those of the key that hold, the latest first; at most `max`; returns how many. */
size_t dht_provider_table_find(const struct dht_provider_table *table, struct vd_bytes key,
			       vd_ns now, struct dht_provider *out, size_t max);

static inline vd_ns dht_provider_table_deadline(const struct dht_provider_table *table)
{
	return dht_expiry_deadline(&table->expiry);
}
/* Drops those that hold no more, at most `max`; returns how many. */
size_t dht_provider_table_expire(struct dht_provider_table *table, vd_ns now, size_t max);
