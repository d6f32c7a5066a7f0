/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/byte_queue.h"

#include <pthread.h> /* and not threads.h, whose call_once ThreadSanitizer does not see */
#include <stdlib.h>

enum {
	CAP_MIN = 256,
	SMALL_MAX = 16384,        /* beyond, a queue begins with a block */
	BLOCK_BYTES = 128 * 1024, /* a record of 64 KiB and what comes before it is taken */
	BLOCK_MAX = 2 * BLOCK_BYTES,
	BLOCKS = BYTE_QUEUE_KEPT_BYTES / BLOCK_MAX,
};

/*
 * Under AddressSanitizer nothing is kept, so that it sees uses of memory that was freed.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS false
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define KEEPS false
#endif
#ifndef KEEPS
#define KEEPS true
#endif

/* ---- blocks that a thread keeps ---- */

struct block {
	uint8_t *at;
	size_t cap;
};

struct kept {
	unsigned count;
	struct block blocks[BLOCKS];
};

static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;
static bool kept_ready;

/* The thread ends. */
static void free_kept(void *pointer)
{
	struct kept *kept = pointer;

	while (kept->count)
		free(kept->blocks[--kept->count].at);
	free(kept);
}

static void make_key(void)
{
	kept_ready = KEEPS && pthread_key_create(&kept_key, free_kept) == 0;
}

/* NULL when nothing can be kept, or (unless `make`) nothing is. */
static struct kept *kept_of_thread(bool make)
{
	struct kept *kept;

	(void)pthread_once(&kept_once, make_key);
	if (!kept_ready)
		return NULL;
	kept = pthread_getspecific(kept_key);
	if (kept || !make)
		return kept;
	kept = calloc(1, sizeof *kept);
	if (kept && pthread_setspecific(kept_key, kept) != 0) {
		free(kept);
		return NULL;
	}
	return kept;
}

static bool is_block(size_t cap)
{
	return cap >= BLOCK_BYTES && cap <= BLOCK_MAX;
}

static uint8_t *new_bytes(size_t cap)
{
	struct kept *kept = is_block(cap) ? kept_of_thread(false) : NULL;

	for (unsigned i = kept ? kept->count : 0; i-- > 0;)
		if (kept->blocks[i].cap == cap) {
			uint8_t *at = kept->blocks[i].at;

			kept->blocks[i] = kept->blocks[--kept->count];
			return at;
		}
	return malloc(cap);
}

static void free_bytes(uint8_t *at, size_t cap)
{
	struct kept *kept = at && is_block(cap) ? kept_of_thread(true) : NULL;

	if (kept && kept->count < BLOCKS)
		kept->blocks[kept->count++] = (struct block){ at, cap };
	else
		free(at);
}

size_t byte_queue_kept(void)
{
	const struct kept *kept = kept_of_thread(false);
	size_t bytes = 0;

	for (unsigned i = 0; kept && i < kept->count; i++)
		bytes += kept->blocks[i].cap;
	return bytes;
}

/* ---- queues ---- */

void byte_queue_fini(struct byte_queue *queue)
{
	free_bytes(queue->at, queue->cap);
	*queue = (struct byte_queue){ 0 };
}

static size_t cap_of(const struct byte_queue *queue, size_t want)
{
	size_t cap = queue->cap ? queue->cap : CAP_MIN;

	if (want > SMALL_MAX && cap < BLOCK_BYTES)
		cap = BLOCK_BYTES;
	while (cap < want)
		cap *= 2;
	return cap;
}

static bool grow(struct byte_queue *queue, size_t want)
{
	size_t cap = cap_of(queue, want);
	uint8_t *at = new_bytes(cap);

	if (!at)
		return false;
	if (queue->len)
		memcpy(at + BYTE_QUEUE_FRONT, queue->at + queue->head, queue->len);
	free_bytes(queue->at, queue->cap);
	*queue = (struct byte_queue){ at, BYTE_QUEUE_FRONT, queue->len, cap };
	return true;
}

uint8_t *byte_queue_room(struct byte_queue *queue, size_t len)
{
	size_t want = BYTE_QUEUE_FRONT + queue->len + len;

	if (queue->cap - queue->head - queue->len >= len && queue->at)
		return queue->at + queue->head + queue->len;
	if (queue->head >= BYTE_QUEUE_FRONT + queue->len && want <= queue->cap) {
		memcpy(queue->at + BYTE_QUEUE_FRONT, queue->at + queue->head, queue->len);
		queue->head = BYTE_QUEUE_FRONT;
	} else if (!grow(queue, want)) {
		return NULL;
	}
	return queue->at + queue->head + queue->len;
}

void byte_queue_added(struct byte_queue *queue, size_t len)
{
	queue->len += len;
}

uint8_t *byte_queue_front(struct byte_queue *queue, size_t len)
{
	if (queue->head < len)
		return NULL;
	queue->head -= len;
	queue->len += len;
	return queue->at + queue->head;
}

enum vd_err byte_queue_push(struct byte_queue *queue, struct vd_bytes bytes)
{
	if (!bytes.len)
		return VD_OK;

	uint8_t *room = byte_queue_room(queue, bytes.len);

	if (!room)
		return VD_ENOMEM;
	memcpy(room, bytes.at, bytes.len);
	byte_queue_added(queue, bytes.len);
	return VD_OK;
}

void byte_queue_pop(struct byte_queue *queue, size_t len)
{
	if (len >= queue->len) {
		byte_queue_fini(queue);
		return;
	}
	queue->head += len;
	queue->len -= len;
}
