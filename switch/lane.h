/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * lane: bounded ring of fixed-size items from one thread to one other thread.
 *
 * Worker i owns the push side of lane (i, j), worker j its pop side, so no
 * line is written by two cores. Items are copied in and out, or filled and
 * read in place (reserve/commit, peek/release) where they are large.
 *
 * Threads:  push side: the one producer. pop side: the one consumer. They may
 *           overlap. init and fini: while neither side is in use.
 * Memory:   the ring holds `capacity` items of `item_bytes` bytes, allocated once.
 * Progress: wait-free. Errors: none; push returns how many it took, pop how many
 *           it gave.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SW_CACHE_LINE = 64 };

struct sw_lane {
	/* the producer's line */
	_Alignas(SW_CACHE_LINE) _Atomic uint32_t head; /* writer: producer; readers: both */
	uint32_t tail_seen;                            /* writer: producer: its last look at tail */
	/* the consumer's line */
	_Alignas(SW_CACHE_LINE) _Atomic uint32_t tail; /* writer: consumer; readers: both */
	uint32_t head_seen;                            /* writer: consumer */
	/* read by both, written by init only */
	_Alignas(SW_CACHE_LINE) uint8_t *items;
	uint32_t mask; /* capacity - 1 */
	uint32_t item_bytes;
};

/* `capacity` is a power of two, item_bytes a multiple of 8; else VD_EBUG_STATE. VD_ENOMEM. */
enum vd_err sw_lane_init(struct sw_lane *lane, uint32_t capacity, uint32_t item_bytes);
void sw_lane_fini(struct sw_lane *lane);

/* Copies up to `count` items in; returns how many fitted (the first ones). */
uint32_t sw_lane_push_burst(struct sw_lane *lane, const void *items, uint32_t count);

/* Copies up to `count` items out, oldest first; returns how many there were. */
uint32_t sw_lane_pop_burst(struct sw_lane *lane, void *items_out, uint32_t count);

/* The place of the next item, for the producer to fill, then commit; NULL when full. */
void *sw_lane_reserve(struct sw_lane *lane);
void sw_lane_commit(struct sw_lane *lane);

/* The oldest item, for the consumer to read in place, then release; NULL when empty. */
const void *sw_lane_peek(struct sw_lane *lane);
void sw_lane_release(struct sw_lane *lane);

/*
 * Producer: a mark behind all that was pushed so far, and whether the consumer has
 * released everything before a mark. So the producer knows when nobody needs what those
 * items name.
 */
static inline uint32_t sw_lane_mark(const struct sw_lane *lane)
{
	return atomic_load_explicit(&lane->head, memory_order_relaxed);
}

/* The acquire pairs with the release of tail in pop and release. */
static inline bool sw_lane_passed(const struct sw_lane *lane, uint32_t mark)
{
	return (int32_t)(atomic_load_explicit(&lane->tail, memory_order_acquire) - mark) >= 0;
}

/*
 * Producer: the mark before the oldest item that was not released, and the item behind a mark
 * from there to sw_lane_mark, to read: what the consumer has released meanwhile is there, too,
 * until something else is pushed.
 */
static inline uint32_t sw_lane_oldest(const struct sw_lane *lane)
{
	return atomic_load_explicit(&lane->tail, memory_order_acquire);
}

static inline const void *sw_lane_behind(const struct sw_lane *lane, uint32_t mark)
{
	return lane->items + (size_t)(mark & lane->mask) * lane->item_bytes;
}
