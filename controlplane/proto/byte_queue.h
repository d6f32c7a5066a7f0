/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * byte_queue: bytes first in, first out, in one growing piece, so that all that waits can be
 * handed out as a range. The caller bounds its length. An empty queue holds no memory.
 *
 * Amortised constant time a byte: bytes move to the front only when they are fewer than what
 * was popped before them.
 *
 * Memory of 128 and 256 KiB that queues gave up is kept for the next ones of the same thread, as
 * each turn of a busy connection needs it again and the heap would give its pages back meanwhile:
 * BYTE_QUEUE_KEPT_BYTES a thread at most, freed when the thread ends.
 *
 * Threads: one at a time. Memory: the heap.
 */
#include "base/bytes.h"
#include "base/err.h"

enum {
	BYTE_QUEUE_KEPT_BYTES = 2 * 1024 * 1024,
	BYTE_QUEUE_FRONT = 32, /* room before the first byte */
};

struct byte_queue {
	uint8_t *at;
	size_t head, len, cap;
};

void byte_queue_fini(struct byte_queue *queue);

/* Room for `len` bytes at the end, which byte_queue_added then counts; NULL without memory. */
uint8_t *byte_queue_room(struct byte_queue *queue, size_t len);
void byte_queue_added(struct byte_queue *queue, size_t len);

/*
 * Room for `len` bytes before the first, at most BYTE_QUEUE_FRONT, which are the first from then
 * on: for a header, so that what follows it need not be moved. The queue must not be empty. NULL:
 * what was put there before was not popped yet.
 */
uint8_t *byte_queue_front(struct byte_queue *queue, size_t len);

/* VD_ENOMEM. */
enum vd_err byte_queue_push(struct byte_queue *queue, struct vd_bytes bytes);

/* Drops the first `len` bytes, at most all. */
void byte_queue_pop(struct byte_queue *queue, size_t len);

/* Bytes that this thread keeps; 0 under AddressSanitizer. */
size_t byte_queue_kept(void);

/* Bytes of memory it holds, full or not. */
static inline size_t byte_queue_held(const struct byte_queue *queue)
{
	return queue->cap;
}

static inline struct vd_bytes byte_queue_bytes(const struct byte_queue *queue)
{
	return vd_bytes(queue->len ? queue->at + queue->head : NULL, queue->len);
}
