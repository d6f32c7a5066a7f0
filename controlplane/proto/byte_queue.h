/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * byte_queue: bytes first in, first out, in one growing piece, so that all that waits can be
 * handed out as a range. The caller bounds its length. An empty queue holds no memory.
 *
 * Amortised constant time a byte: bytes move to the front only when they are fewer than what
 * was popped before them.
 *
 * Threads: one at a time. Memory: the heap.
 */
#include "base/bytes.h"
#include "base/err.h"

struct byte_queue {
	uint8_t *at;
	size_t head, len, cap;
};

void byte_queue_fini(struct byte_queue *queue);

/* Room for `len` bytes at the end, which byte_queue_added then counts; NULL without memory. */
uint8_t *byte_queue_room(struct byte_queue *queue, size_t len);
void byte_queue_added(struct byte_queue *queue, size_t len);

/* VD_ENOMEM. */
enum vd_err byte_queue_push(struct byte_queue *queue, struct vd_bytes bytes);

/* Drops the first `len` bytes, at most all. */
void byte_queue_pop(struct byte_queue *queue, size_t len);

static inline struct vd_bytes byte_queue_bytes(const struct byte_queue *queue)
{
	return vd_bytes(queue->len ? queue->at + queue->head : NULL, queue->len);
}
