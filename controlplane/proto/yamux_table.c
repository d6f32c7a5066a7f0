/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/yamux_state.h"

enum {
	BUCKETS_MIN = 8,
	LATE_FRAMES = 4, /* window updates, FIN and RST that cross the end of a stream */
};

/* ---- streams by id ---- */

/* The seed keeps a peer from choosing ids that share a bucket. */
static uint32_t bucket_of(const struct yamux *y, uint32_t id)
{
	return (uint32_t)((uint64_t)(id * y->seed) * y->bucket_count >> 32);
}

struct yamux_stream *yamux_find(const struct yamux *y, uint32_t id)
{
	struct yamux_stream *at = y->buckets ? y->buckets[bucket_of(y, id)] : NULL;

	while (at && at->id != id)
		at = at->bucket_next;
	return at;
}

static void insert(struct yamux *y, struct yamux_stream *stream)
{
	struct yamux_stream **bucket = &y->buckets[bucket_of(y, stream->id)];

	stream->bucket_next = *bucket;
	*bucket = stream;
}

static bool grow(struct yamux *y)
{
	struct yamux_stream **old = y->buckets;
	uint32_t old_count = y->bucket_count, count = old ? 2 * old_count : BUCKETS_MIN;
	struct yamux_stream **buckets = calloc(count, sizeof(struct yamux_stream *));

	if (!buckets)
		return false;
	y->buckets = buckets;
	y->bucket_count = count;
	for (uint32_t i = 0; old && i < old_count; i++)
		for (struct yamux_stream *at = old[i], *next; at; at = next) {
			next = at->bucket_next;
			insert(y, at);
		}
	free(old);
	return true;
}

struct yamux_stream *yamux_attach(struct yamux *y, uint32_t id, bool inbound)
{
	if (y->base.streams >= y->bucket_count && !grow(y))
		return NULL;

	struct yamux_stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return NULL;
	stream->base = (struct muxer_stream){ .muxer = &y->base, .id = id, .inbound = inbound };
	stream->id = id;
	stream->send_window = stream->recv_window = stream->recv_credit = YAMUX_WINDOW;
	stream->attached = true;
	insert(y, stream);
	yamux_enqueue(stream, YAMUX_ALL);
	y->base.streams++;
	y->windows += YAMUX_WINDOW;
	*(inbound ? &y->inbound : &y->outbound) += 1;
	return stream;
}

static void remove_from_bucket(struct yamux *y, struct yamux_stream *stream)
{
	struct yamux_stream **at = &y->buckets[bucket_of(y, stream->id)];

	while (*at != stream)
		at = &(*at)->bucket_next;
	*at = stream->bucket_next;
	if (--y->base.streams == 0) {
		free(y->buckets); /* an idle connection keeps none */
		y->buckets = NULL;
		y->bucket_count = 0;
	}
}

void yamux_detach(struct yamux_stream *stream)
{
	struct yamux *y = yamux_session(stream);

	if (!stream->attached)
		return;
	stream->attached = false;
	remove_from_bucket(y, stream);
	y->windows -= stream->recv_window;
	*(stream->base.inbound ? &y->inbound : &y->outbound) -= 1;
	if (!stream->base.inbound && !stream->acked)
		y->unacked--;
	y->late_left += LATE_FRAMES;
	/* What was granted may be on its way, unless the peer said that nothing is. */
	if (!stream->peer_finished)
		y->discard_left += stream->recv_credit;
	yamux_dequeue(stream, YAMUX_SENDS);
	yamux_dequeue(stream, YAMUX_LATER);
}

void yamux_stream_free(struct yamux_stream *stream)
{
	struct yamux *y = yamux_session(stream);

	yamux_detach(stream);
	for (unsigned i = 0; i < YAMUX_LISTS; i++)
		yamux_dequeue(stream, (enum yamux_list_of)i);
	if (stream->base.inbound && !stream->told)
		y->backlog--;
	if (stream->base.inbound && stream->released)
		y->base.leaving--;
	y->buffered -= stream->in.len;
	byte_queue_fini(&stream->in);
	yamux_drop_output(stream);
	free(stream);
}

struct yamux_stream *yamux_any(const struct yamux *y)
{
	for (uint32_t i = 0; i < y->bucket_count; i++)
		if (y->buckets[i])
			return y->buckets[i];
	return NULL;
}

struct yamux_stream *yamux_fullest(const struct yamux *y)
{
	struct yamux_stream *fullest = y->lists[YAMUX_ALL].head;

	for (struct yamux_stream *at = fullest; at; at = at->links[YAMUX_ALL].next)
		if (at->in.len > fullest->in.len)
			fullest = at;
	return fullest;
}

/* ---- lists of streams ---- */

void yamux_enqueue(struct yamux_stream *stream, enum yamux_list_of which)
{
	struct yamux_list *list = &yamux_session(stream)->lists[which];
	struct yamux_link *link = &stream->links[which];

	if (link->queued)
		return;
	*link = (struct yamux_link){ .prev = list->tail, .queued = true };
	if (list->tail)
		list->tail->links[which].next = stream;
	else
		list->head = stream;
	list->tail = stream;
}

void yamux_dequeue(struct yamux_stream *stream, enum yamux_list_of which)
{
	struct yamux_list *list = &yamux_session(stream)->lists[which];
	struct yamux_link *link = &stream->links[which];

	if (!link->queued)
		return;
	*(link->prev ? &link->prev->links[which].next : &list->head) = link->next;
	*(link->next ? &link->next->links[which].prev : &list->tail) = link->prev;
	*link = (struct yamux_link){ 0 };
}
