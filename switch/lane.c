/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/lane.h"

#include <stdlib.h>
#include <string.h>

enum vd_err sw_lane_init(struct sw_lane *lane, uint32_t capacity, uint32_t item_bytes)
{
	if (capacity == 0 || (capacity & (capacity - 1)) != 0 || item_bytes % 8 != 0)
		return VD_EBUG_STATE;
	size_t bytes = (size_t)capacity * item_bytes;
	uint8_t *items = aligned_alloc(SW_CACHE_LINE,
				       (bytes + SW_CACHE_LINE - 1) & ~(size_t)(SW_CACHE_LINE - 1));

	if (!items)
		return VD_ENOMEM;
	*lane = (struct sw_lane){ .items = items, .mask = capacity - 1, .item_bytes = item_bytes };
	return VD_OK;
}

void sw_lane_fini(struct sw_lane *lane)
{
	free(lane->items);
	lane->items = NULL;
}

static uint8_t *item_at(const struct sw_lane *lane, uint32_t position)
{
	return lane->items + (size_t)(position & lane->mask) * lane->item_bytes;
}

/* Places free for the producer, who is at `head`; looks at the consumer only if it must. */
static uint32_t room(struct sw_lane *lane, uint32_t head, uint32_t wanted)
{
	uint32_t left = lane->mask + 1 - (head - lane->tail_seen);

	if (left >= wanted)
		return left;
	/* pairs with the release in pop and release: the item was read before it is overwritten */
	lane->tail_seen = atomic_load_explicit(&lane->tail, memory_order_acquire);
	return lane->mask + 1 - (head - lane->tail_seen);
}

/* Items there for the consumer, who is at `tail`. */
static uint32_t ready(struct sw_lane *lane, uint32_t tail, uint32_t wanted)
{
	uint32_t there = lane->head_seen - tail;

	if (there >= wanted)
		return there;
	/* pairs with the release in push and commit: the item was written before it is read */
	lane->head_seen = atomic_load_explicit(&lane->head, memory_order_acquire);
	return lane->head_seen - tail;
}

/* How many of `count` items lie before the ring wraps. */
static uint32_t until_wrap(const struct sw_lane *lane, uint32_t position, uint32_t count)
{
	uint32_t left = lane->mask + 1 - (position & lane->mask);

	return count < left ? count : left;
}

uint32_t sw_lane_push_burst(struct sw_lane *lane, const void *items, uint32_t count)
{
	uint32_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	uint32_t free_items = room(lane, head, count);
	uint32_t n = count < free_items ? count : free_items;
	uint32_t first = until_wrap(lane, head, n);
	const uint8_t *from = items;
	size_t size = lane->item_bytes;

	if (n == 0)
		return 0;
	memcpy(item_at(lane, head), from, first * size);
	if (n > first)
		memcpy(lane->items, from + first * size, (n - first) * size);
	atomic_store_explicit(&lane->head, head + n, memory_order_release);
	return n;
}

uint32_t sw_lane_pop_burst(struct sw_lane *lane, void *items_out, uint32_t count)
{
	uint32_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);
	uint32_t there = ready(lane, tail, count);
	uint32_t n = count < there ? count : there;
	uint32_t first = until_wrap(lane, tail, n);
	uint8_t *to = items_out;
	size_t size = lane->item_bytes;

	if (n == 0)
		return 0;
	memcpy(to, item_at(lane, tail), first * size);
	if (n > first)
		memcpy(to + first * size, lane->items, (n - first) * size);
	atomic_store_explicit(&lane->tail, tail + n, memory_order_release);
	return n;
}

void *sw_lane_reserve(struct sw_lane *lane)
{
	uint32_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);

	return room(lane, head, 1) ? item_at(lane, head) : NULL;
}

void sw_lane_commit(struct sw_lane *lane)
{
	uint32_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);

	atomic_store_explicit(&lane->head, head + 1, memory_order_release);
}

const void *sw_lane_peek(struct sw_lane *lane)
{
	uint32_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);

	return ready(lane, tail, 1) ? item_at(lane, tail) : NULL;
}

void sw_lane_release(struct sw_lane *lane)
{
	uint32_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);

	atomic_store_explicit(&lane->tail, tail + 1, memory_order_release);
}
