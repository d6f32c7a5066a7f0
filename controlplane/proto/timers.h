/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * timers: at most one deadline for each of `capacity` numbered owners; a binary heap.
 *
 * Progress: next is O(1), set O(log n). Threads: one at a time.
 */
#include <stdint.h>

#include "base/err.h"
#include "base/time.h"

struct timer {
	vd_ns at;
	uint32_t owner;
};

struct timers {
	struct timer *heap;  /* [capacity] */
	uint32_t *positions; /* [capacity] of owners; position + 1, 0: not set */
	uint32_t capacity;
	uint32_t count;
};

/* VD_ENOMEM. */
enum vd_err timers_init(struct timers *timers, uint32_t capacity);
void timers_fini(struct timers *timers);

/* Replaces the owner's deadline; VD_NEVER takes it away. */
void timers_set(struct timers *timers, uint32_t owner, vd_ns at);

/* The earliest deadline, VD_NEVER if none. */
static inline vd_ns timers_next(const struct timers *timers)
{
	return timers->count ? timers->heap[0].at : VD_NEVER;
}

/* Whose that is; only while there is one. */
static inline uint32_t timers_owner(const struct timers *timers)
{
	return timers->heap[0].owner;
}
