/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/byte_queue.h"

#include <stdlib.h>

enum { CAP_MIN = 256 };

void byte_queue_fini(struct byte_queue *queue)
{
	free(queue->at);
	*queue = (struct byte_queue){ 0 };
}

static bool grow(struct byte_queue *queue, size_t want)
{
	size_t cap = queue->cap ? queue->cap : CAP_MIN;

	while (cap < want)
		cap *= 2;

	uint8_t *at = malloc(cap);

	if (!at)
		return false;
	if (queue->len)
		memcpy(at, queue->at + queue->head, queue->len);
	free(queue->at);
	*queue = (struct byte_queue){ .at = at, .len = queue->len, .cap = cap };
	return true;
}

uint8_t *byte_queue_room(struct byte_queue *queue, size_t len)
{
	size_t want = queue->len + len;

	if (queue->cap - queue->head - queue->len >= len && queue->at)
		return queue->at + queue->head + queue->len;
	if (queue->head >= queue->len && want <= queue->cap) {
		memcpy(queue->at, queue->at + queue->head, queue->len);
		queue->head = 0;
	} else if (!grow(queue, want)) {
		return NULL;
	}
	return queue->at + queue->len;
}

void byte_queue_added(struct byte_queue *queue, size_t len)
{
	queue->len += len;
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
