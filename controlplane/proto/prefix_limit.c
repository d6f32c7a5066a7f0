/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/prefix_limit.h"

#include <sodium.h>
#include <stdlib.h>

#define TOKEN (VD_SECONDS(1) / PREFIX_PER_S)

enum vd_err prefix_limit_init(struct prefix_limit *limit)
{
	limit->buckets = calloc(PREFIX_BUCKETS, sizeof *limit->buckets);
	randombytes_buf(limit->hash_key, sizeof limit->hash_key);
	if (!limit->buckets || slot_pool_init(&limit->pool, PREFIX_BUCKETS) ||
	    slot_chains_init(&limit->by_prefix, PREFIX_BUCKETS) ||
	    timers_init(&limit->full, PREFIX_BUCKETS))
		return VD_ENOMEM;
	return VD_OK;
}

void prefix_limit_fini(struct prefix_limit *limit)
{
	slot_pool_fini(&limit->pool);
	slot_chains_fini(&limit->by_prefix);
	timers_fini(&limit->full);
	free(limit->buckets);
	limit->buckets = NULL;
}

static uint64_t hash_of(const struct prefix_limit *limit, const struct prefix_bucket *bucket)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, bucket->prefix, sizeof bucket->prefix, limit->hash_key);
	return hash;
}

static void free_full(struct prefix_limit *limit, vd_ns now)
{
	while (timers_next(&limit->full) <= now) {
		uint32_t slot = timers_owner(&limit->full);

		timers_set(&limit->full, slot, VD_NEVER);
		slot_chain_del(&limit->by_prefix, hash_of(limit, &limit->buckets[slot]), slot);
		slot_give(&limit->pool, slot);
	}
}

/* Found or made; SLOT_NONE: none is free. */
static uint32_t bucket_of(struct prefix_limit *limit, struct vd_bytes prefix, vd_ns now)
{
	struct prefix_bucket want = { .len = (uint8_t)prefix.len, .full_at = now };

	memcpy(want.prefix, prefix.at, prefix.len);

	uint64_t hash = hash_of(limit, &want);
	uint32_t slot = slot_chain_first(&limit->by_prefix, hash);

	for (; slot != SLOT_NONE; slot = slot_chain_next(&limit->by_prefix, slot)) {
		const struct prefix_bucket *bucket = &limit->buckets[slot];

		if (bucket->len == want.len &&
		    memcmp(bucket->prefix, want.prefix, sizeof want.prefix) == 0)
			return slot;
	}
	slot = slot_take(&limit->pool);
	if (slot == SLOT_NONE)
		return SLOT_NONE;
	limit->buckets[slot] = want;
	slot_chain_add(&limit->by_prefix, hash, slot);
	return slot;
}

enum vd_err prefix_limit_take(struct prefix_limit *limit, struct vd_bytes prefix, vd_ns now)
{
	uint32_t slot;
	struct prefix_bucket *bucket;

	free_full(limit, now);
	slot = bucket_of(limit, prefix, now);
	if (slot == SLOT_NONE)
		return VD_ENOMEM;
	bucket = &limit->buckets[slot];
	if (bucket->full_at + TOKEN > now + PREFIX_BURST * TOKEN)
		return VD_ELIMIT;
	bucket->full_at += TOKEN;
	timers_set(&limit->full, slot, bucket->full_at);
	return VD_OK;
}
