/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dht/provider_table.h"

#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct dht_provider_entry {
	struct dht_expiring ends;        /* first: the heap's pointers are entries */
	struct dht_provider_entry *next; /* of its bucket; of one key the latest first */
	struct vd_peer_id peer;
	uint32_t key_len;
	uint8_t key[];
};

static struct dht_provider_entry **bucket_of(const struct dht_provider_table *table,
					     struct vd_bytes key)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof hash);
	crypto_shorthash((uint8_t *)&hash, key.at, key.len, table->secret);
	return &table->buckets[hash & table->mask];
}

static bool is_of(const struct dht_provider_entry *entry, struct vd_bytes key)
{
	return vd_bytes_equal(vd_bytes(entry->key, entry->key_len), key);
}

/* NULL: it does not provide that key. */
static struct dht_provider_entry *find(const struct dht_provider_table *table, struct vd_bytes key,
				       const struct vd_peer_id *peer)
{
	struct dht_provider_entry *entry = *bucket_of(table, key);

	while (entry && !(vd_peer_id_equal(&entry->peer, peer) && is_of(entry, key)))
		entry = entry->next;
	return entry;
}

static size_t count_of(const struct dht_provider_table *table, struct vd_bytes key)
{
	size_t count = 0;

	for (const struct dht_provider_entry *e = *bucket_of(table, key); e; e = e->next)
		count += is_of(e, key);
	return count;
}

static void bucket_add(struct dht_provider_table *table, struct dht_provider_entry *entry)
{
	struct dht_provider_entry **bucket = bucket_of(table, vd_bytes(entry->key, entry->key_len));

	entry->next = *bucket;
	*bucket = entry;
}

static void bucket_del(struct dht_provider_table *table, const struct dht_provider_entry *entry)
{
	struct dht_provider_entry **at = bucket_of(table, vd_bytes(entry->key, entry->key_len));

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
}

static enum vd_err add_new(struct dht_provider_table *table, struct vd_bytes key,
			   const struct vd_peer_id *peer, vd_ns expires)
{
	struct dht_provider_entry *entry;

	if (count_of(table, key) == DHT_PROVIDERS_KEY) {
		table->counters.refused_key++;
		return VD_ELIMIT;
	}
	if (table->expiry.count == table->expiry.room) {
		table->counters.refused_full++;
		return VD_ELIMIT;
	}
	entry = malloc(sizeof *entry + key.len);
	if (!entry)
		return VD_ENOMEM;
	*entry = (struct dht_provider_entry){ .ends.expires = expires,
					      .peer = *peer,
					      .key_len = (uint32_t)key.len };
	memcpy(entry->key, key.at, key.len);
	bucket_add(table, entry);
	dht_expiry_add(&table->expiry, &entry->ends);
	return VD_OK;
}

enum vd_err dht_provider_table_add(struct dht_provider_table *table, struct vd_bytes key,
				   const struct vd_peer_id *peer, vd_ns expires)
{
	struct dht_provider_entry *entry;

	if (!key.len || key.len > DHT_PROVIDER_KEY_MAX)
		return VD_EPEER_RANGE;
	entry = find(table, key, peer);
	if (!entry)
		return add_new(table, key, peer, expires);
	if (entry->ends.expires < expires) {
		bucket_del(table, entry);
		dht_expiry_move(&table->expiry, &entry->ends, expires);
		bucket_add(table, entry);
	}
	return VD_OK;
}

static void drop(struct dht_provider_table *table, struct dht_provider_entry *entry)
{
	bucket_del(table, entry);
	dht_expiry_del(&table->expiry, &entry->ends);
	free(entry);
}

bool dht_provider_table_del(struct dht_provider_table *table, struct vd_bytes key,
			    const struct vd_peer_id *peer)
{
	struct dht_provider_entry *entry = find(table, key, peer);

	if (!entry)
		return false;
	drop(table, entry);
	return true;
}

size_t dht_provider_table_find(const struct dht_provider_table *table, struct vd_bytes key,
			       vd_ns now, struct dht_provider *out, size_t max)
{
	size_t count = 0;

	for (const struct dht_provider_entry *e = *bucket_of(table, key); e && count < max;
	     e = e->next)
		if (e->ends.expires > now && is_of(e, key))
			out[count++] = (struct dht_provider){ e->peer, e->ends.expires };
	return count;
}

size_t dht_provider_table_expire(struct dht_provider_table *table, vd_ns now, size_t max)
{
	size_t count = 0;

	for (; count < max && dht_expiry_deadline(&table->expiry) <= now; count++)
		drop(table, (struct dht_provider_entry *)dht_expiry_first(&table->expiry));
	table->counters.expired += count;
	return count;
}

/* ---- life ---- */

enum vd_err dht_provider_table_init(struct dht_provider_table *table, size_t providers)
{
	size_t buckets = 16;

	static_assert(offsetof(struct dht_provider_entry, ends) == 0);
	while (buckets < providers)
		buckets *= 2;
	*table = (struct dht_provider_table){ .buckets = calloc(buckets, sizeof *table->buckets),
					      .mask = buckets - 1 };
	static_assert(sizeof table->secret == crypto_shorthash_KEYBYTES);
	randombytes_buf(table->secret, sizeof table->secret);
	return table->buckets ? dht_expiry_init(&table->expiry, providers) : VD_ENOMEM;
}

void dht_provider_table_fini(struct dht_provider_table *table)
{
	for (size_t i = 0; i < table->expiry.count; i++)
		free(table->expiry.heap[i]);
	dht_expiry_fini(&table->expiry);
	free(table->buckets);
	*table = (struct dht_provider_table){ 0 };
}
