/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/slots.h"

#include <stdlib.h>

enum vd_err slot_pool_init(struct slot_pool *pool, uint32_t capacity)
{
	*pool = (struct slot_pool){ .capacity = capacity, .free = SLOT_NONE };
	pool->next = calloc(capacity ? capacity : 1, sizeof *pool->next);
	return pool->next ? VD_OK : VD_ENOMEM;
}

void slot_pool_fini(struct slot_pool *pool)
{
	free(pool->next);
	pool->next = NULL;
}

uint32_t slot_take(struct slot_pool *pool)
{
	uint32_t slot = pool->free;

	if (slot != SLOT_NONE)
		pool->free = pool->next[slot];
	else if (pool->high < pool->capacity)
		slot = pool->high++;
	else
		return SLOT_NONE;
	pool->count++;
	return slot;
}

void slot_give(struct slot_pool *pool, uint32_t slot)
{
	pool->next[slot] = pool->free;
	pool->free = slot;
	pool->count--;
}

enum vd_err slot_chains_init(struct slot_chains *chains, uint32_t capacity)
{
	uint32_t heads = 16;

	while (heads < capacity && heads < UINT32_C(1) << 31)
		heads *= 2;
	chains->mask = heads - 1;
	chains->heads = calloc(heads, sizeof *chains->heads);
	chains->next = calloc(capacity ? capacity : 1, sizeof *chains->next);
	return chains->heads && chains->next ? VD_OK : VD_ENOMEM;
}

void slot_chains_fini(struct slot_chains *chains)
{
	free(chains->heads);
	free(chains->next);
	*chains = (struct slot_chains){ 0 };
}

void slot_chain_add(struct slot_chains *chains, uint64_t hash, uint32_t slot)
{
	uint32_t *head = &chains->heads[hash & chains->mask];

	chains->next[slot] = *head;
	*head = slot + 1;
}

void slot_chain_del(struct slot_chains *chains, uint64_t hash, uint32_t slot)
{
	uint32_t *at = &chains->heads[hash & chains->mask];

	while (*at && *at != slot + 1)
		at = &chains->next[*at - 1];
	if (!*at)
		return;
	*at = chains->next[slot];
	chains->next[slot] = 0;
}
