/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dht/record_memory.h"

#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "dht/expiry.h"

struct entry {
	struct dht_expiring ends; /* first: the heap's pointers are entries */
	struct entry *next;       /* of its bucket */
	uint32_t key_len, value_len;
	uint8_t bytes[]; /* key, value */
};

struct memory_store {
	struct dht_record_store store;
	struct dht_record_memory_config limits;
	struct dht_expiry expiry;
	struct entry **buckets; /* [mask + 1] */
	size_t mask;
	uint8_t secret[crypto_shorthash_KEYBYTES]; /* keys are strangers' to choose */
};

static struct memory_store *of(struct dht_record_store *store)
{
	return (struct memory_store *)store;
}

static const struct memory_store *of_const(const struct dht_record_store *store)
{
	return (const struct memory_store *)store;
}

/* ---- entries ---- */

static struct vd_bytes key_of(const struct entry *entry)
{
	return vd_bytes(entry->bytes, entry->key_len);
}

static size_t size_of(const struct entry *entry)
{
	return (size_t)entry->key_len + entry->value_len;
}

static struct dht_record record_of(const struct entry *entry)
{
	return (struct dht_record){ .key = key_of(entry),
				    .value =
					vd_bytes(entry->bytes + entry->key_len, entry->value_len),
				    .expires = entry->ends.expires };
}

static struct entry *new_entry(const struct dht_record *record)
{
	struct entry *entry = malloc(sizeof *entry + record->key.len + record->value.len);

	if (!entry)
		return NULL;
	*entry = (struct entry){ .ends.expires = record->expires,
				 .key_len = (uint32_t)record->key.len,
				 .value_len = (uint32_t)record->value.len };
	memcpy(entry->bytes, record->key.at, record->key.len);
	if (record->value.len)
		memcpy(entry->bytes + record->key.len, record->value.at, record->value.len);
	return entry;
}

/* ---- the table ---- */

static struct entry **bucket_of(const struct memory_store *memory, struct vd_bytes key)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof hash);
	crypto_shorthash((uint8_t *)&hash, key.at, key.len, memory->secret);
	return &memory->buckets[hash & memory->mask];
}

/* Where it hangs; what is there is NULL without it. */
static struct entry **find(const struct memory_store *memory, struct vd_bytes key)
{
	struct entry **at = bucket_of(memory, key);

	while (*at && !vd_bytes_equal(key_of(*at), key))
		at = &(*at)->next;
	return at;
}

static void drop_at(struct memory_store *memory, struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	dht_expiry_del(&memory->expiry, &entry->ends);
	memory->store.count--;
	memory->store.bytes -= size_of(entry);
	free(entry);
}

static bool has_room(const struct memory_store *memory, const struct dht_record *record,
		     const struct entry *there)
{
	size_t count = memory->store.count + (there ? 0 : 1);
	size_t bytes = memory->store.bytes - (there ? size_of(there) : 0) + record->key.len +
		       record->value.len;

	return count <= memory->limits.records && bytes <= memory->limits.bytes;
}

static enum vd_err put(struct dht_record_store *store, const struct dht_record *record)
{
	struct memory_store *memory = of(store);
	struct entry **at = find(memory, record->key);
	struct entry *entry;

	if (!has_room(memory, record, *at))
		return VD_ELIMIT;
	entry = new_entry(record);
	if (!entry)
		return VD_ENOMEM;
	if (*at)
		drop_at(memory, at);
	entry->next = *at;
	*at = entry;
	dht_expiry_add(&memory->expiry, &entry->ends);
	store->count++;
	store->bytes += size_of(entry);
	return VD_OK;
}

static enum vd_err get(const struct dht_record_store *store, struct vd_bytes key,
		       struct dht_record *record_out)
{
	const struct entry *entry = *find(of_const(store), key);

	if (!entry)
		return VD_ENOTFOUND;
	*record_out = record_of(entry);
	return VD_OK;
}

static bool del(struct dht_record_store *store, struct vd_bytes key)
{
	struct entry **at = find(of(store), key);

	if (!*at)
		return false;
	drop_at(of(store), at);
	return true;
}

static bool next(const struct dht_record_store *store, size_t *at, struct dht_record *record_out)
{
	const struct dht_expiry *expiry = &of_const(store)->expiry;

	if (*at == expiry->count)
		return false;
	*record_out = record_of((const struct entry *)expiry->heap[(*at)++]);
	return true;
}

static bool drop(struct dht_record_store *store, vd_ns now)
{
	const struct entry *first = (struct entry *)dht_expiry_first(&of(store)->expiry);

	return first && first->ends.expires <= now && del(store, key_of(first));
}

static vd_ns deadline(const struct dht_record_store *store)
{
	return dht_expiry_deadline(&of_const(store)->expiry);
}

/* ---- life ---- */

static void free_store(struct dht_record_store *store)
{
	struct memory_store *memory = of(store);

	for (size_t i = 0; i < memory->expiry.count; i++)
		free(memory->expiry.heap[i]);
	dht_expiry_fini(&memory->expiry);
	free(memory->buckets);
	free(memory);
}

static const struct dht_record_store_class class = {
	put, get, del, next, drop, deadline, free_store
};

enum vd_err dht_record_memory_new(const struct dht_record_memory_config *config,
				  const struct dht_record_rules *rules,
				  struct dht_record_store **store_out)
{
	struct memory_store *memory = calloc(1, sizeof *memory);
	size_t buckets = 16;

	static_assert(offsetof(struct entry, ends) == 0);
	if (!memory)
		return VD_ENOMEM;
	memory->store = (struct dht_record_store){ .class = &class, .rules = rules };
	memory->limits = *config;
	while (buckets < config->records)
		buckets *= 2;
	memory->mask = buckets - 1;
	memory->buckets = calloc(buckets, sizeof *memory->buckets);
	randombytes_buf(memory->secret, sizeof memory->secret);
	if (!memory->buckets || dht_expiry_init(&memory->expiry, config->records)) {
		free_store(&memory->store);
		return VD_ENOMEM;
	}
	*store_out = &memory->store;
	return VD_OK;
}
