/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * slots: numbered things in fixed memory: a pool that gives out numbers, and hash
 * chains that find them. The things themselves are the caller's arrays.
 *
 * All memory is taken at init; pages are touched as numbers come into use.
 *
 * Threads: one at a time.
 */
#include <stdint.h>

#include "base/err.h"

#define SLOT_NONE UINT32_MAX

struct slot_pool {
	uint32_t *next; /* [capacity], of free ones */
	uint32_t capacity;
	uint32_t high; /* [0, high) have been given out before */
	uint32_t free; /* the last one given back, or SLOT_NONE */
	uint32_t count;
};

/* VD_ENOMEM. */
enum vd_err slot_pool_init(struct slot_pool *pool, uint32_t capacity);
void slot_pool_fini(struct slot_pool *pool);
/* SLOT_NONE when none is left. */
uint32_t slot_take(struct slot_pool *pool);
void slot_give(struct slot_pool *pool, uint32_t slot);

/* Chains of slots with one hash; a slot is on at most one chain. */
struct slot_chains {
	uint32_t *heads; /* [mask + 1]; slot + 1, 0: empty */
	uint32_t *next;  /* [capacity]; likewise */
	uint32_t mask;
};

/* VD_ENOMEM. */
enum vd_err slot_chains_init(struct slot_chains *chains, uint32_t capacity);
void slot_chains_fini(struct slot_chains *chains);
void slot_chain_add(struct slot_chains *chains, uint64_t hash, uint32_t slot);
/* Nothing happens if it is not there. */
void slot_chain_del(struct slot_chains *chains, uint64_t hash, uint32_t slot);

/* Newest first; SLOT_NONE at the end. Slots of other hashes may be among them. */
static inline uint32_t slot_chain_first(const struct slot_chains *chains, uint64_t hash)
{
	return chains->heads[hash & chains->mask] - 1;
}

static inline uint32_t slot_chain_next(const struct slot_chains *chains, uint32_t slot)
{
	return chains->next[slot] - 1;
}
