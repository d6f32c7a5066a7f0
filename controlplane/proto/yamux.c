/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/yamux.h"

#include <sodium.h>
#include <stdlib.h>

#include "controlplane/proto/yamux_state.h"

const struct yamux_config yamux_defaults = {
	.window_max = 16 * 1024 * 1024,
	.buffered_max = 32 * 1024 * 1024,
	.send_buffer = 255 * 1024,
	.inbound_max = 1024,
	.outbound_max = 1024,
	.backlog_max = 1024,
	.fin_delay = VD_MS(20),
	.leave_within = VD_SECONDS(300),
	.ping_interval = VD_SECONDS(30),
	.ping_timeout = VD_SECONDS(30),
};

/* ---- ends ---- */

static void push_go_away(struct yamux *y, enum yamux_code code)
{
	y->going_away = y->base.going_away = true;
	yamux_push_control(y, &(struct yamux_frame){ .type = YAMUX_GO_AWAY, .length = code });
}

/* The caller hears of it unless it has done with the stream, or has never known it. */
static void end_stream(struct yamux_stream *stream)
{
	bool unknown = stream->base.inbound && !stream->told;

	yamux_cut(stream, false);
	if (unknown || stream->released) {
		yamux_stream_free(stream);
		return;
	}
	stream->events = 1u << MUXER_RESET;
	yamux_enqueue(stream, YAMUX_EVENTS);
}

static enum yamux_code code_of(enum vd_err err)
{
	switch (err) {
	case VD_ELIMIT: return YAMUX_NORMAL;
	case VD_ENOMEM: return YAMUX_INTERNAL_ERROR;
	default: return YAMUX_PROTOCOL_ERROR;
	}
}

enum vd_err yamux_fail(struct yamux *y, enum vd_err err, const char *reason)
{
	struct yamux_stream *stream;

	if (y->failed)
		return err;
	y->failed = true;
	y->base.reason = reason;
	while ((stream = yamux_any(y)) != NULL)
		end_stream(stream);
	y->body_left = 0;
	push_go_away(y, code_of(err));
	return err;
}

/* Streams whose FIN waited until now. The first is not always the earliest: another waits as long
 * at most. */
static void finish_later(struct yamux *y, vd_ns now)
{
	struct yamux_stream *stream = y->lists[YAMUX_LATER].head, *after;

	for (; stream; stream = after) {
		after = stream->links[YAMUX_LATER].next;
		if (now < stream->fin_from)
			continue;
		yamux_dequeue(stream, YAMUX_LATER);
		yamux_enqueue(stream, YAMUX_SENDS);
	}
}

/* What waits to be ended is ended: there may be no later. */
static void go_away(struct muxer *m)
{
	struct yamux *y = yamux_of(m);

	if (y->going_away)
		return;
	push_go_away(y, YAMUX_NORMAL);
	finish_later(y, VD_NEVER);
}

/* ---- time ---- */

static void ping(struct yamux *y, vd_ns now)
{
	y->ping_id++;
	y->pinging = true;
	y->ping_sent = now;
	y->ping_at = vd_ns_add(now, y->config.ping_interval);
	yamux_push_control(y, &(struct yamux_frame){
				  .type = YAMUX_PING, .flags = YAMUX_SYN, .length = y->ping_id });
}

static void probe(struct muxer *m, vd_ns now)
{
	struct yamux *y = yamux_of(m);

	if (!y->failed && !y->pinging)
		ping(y, now);
}

/* Nothing came since the ping, not even something else that shows the peer alive. */
static vd_ns silent_at(const struct yamux *y)
{
	vd_ns since = y->last_received > y->ping_sent ? y->last_received : y->ping_sent;

	return y->pinging ? vd_ns_add(since, y->config.ping_timeout) : VD_NEVER;
}

static vd_ns deadline(const struct muxer *m)
{
	const struct yamux *y = (const struct yamux *)m;

	const struct yamux_stream *later = y->lists[YAMUX_LATER].head;
	const struct yamux_stream *leaving = y->lists[YAMUX_LEAVING].head;
	vd_ns at = vd_ns_min(y->ping_at, silent_at(y));

	if (y->failed)
		return VD_NEVER;
	if (leaving)
		at = vd_ns_min(at, leaving->leave_by);
	return later ? vd_ns_min(at, later->fin_from) : at;
}

/* Released streams of which nothing moved for long. One that waits for the connection, not for the
 * peer's window, has longer: whoever has that looks after it. */
static void cut_leaving(struct yamux *y, vd_ns now)
{
	struct yamux_stream *stream = y->lists[YAMUX_LEAVING].head, *after;
	const struct yamux_stream *last = y->lists[YAMUX_LEAVING].tail;

	for (; stream && now >= stream->leave_by; stream = after) {
		after = stream != last ? stream->links[YAMUX_LEAVING].next : NULL;
		if (!stream->out.len || stream->send_window || y->lender == stream) {
			yamux_leave_on(stream);
			continue;
		}
		y->counts.shut++;
		yamux_cut(stream, true);
		yamux_stream_free(stream);
	}
}

static enum vd_err expire(struct muxer *m, vd_ns now)
{
	struct yamux *y = yamux_of(m);

	y->now = now;
	if (y->failed)
		return VD_OK;
	finish_later(y, now);
	cut_leaving(y, now);
	if (now >= silent_at(y))
		return yamux_fail(y, VD_ELINK_TIMEOUT, "no answer to a ping");
	if (now >= y->ping_at && !y->pinging)
		ping(y, now);
	else if (now >= y->ping_at)
		y->ping_at = vd_ns_add(now, y->config.ping_interval); /* one at a time */
	return y->out_of_memory ? yamux_fail(y, VD_ENOMEM, "out of memory") : VD_OK;
}

/* ---- events ---- */

static struct muxer_event tell(struct yamux_stream *stream, enum muxer_what what)
{
	stream->events &= (uint8_t) ~(1u << what);
	if (!stream->events)
		yamux_dequeue(stream, YAMUX_EVENTS);
	if (what == MUXER_STREAM) {
		stream->told = true;
		stream->ack_due = true;
		yamux_session(stream)->backlog--;
		yamux_enqueue(stream, YAMUX_SENDS);
	}
	return (struct muxer_event){ .what = what, .stream = &stream->base };
}

static struct muxer_event next(struct muxer *m)
{
	struct yamux *y = yamux_of(m);
	struct yamux_stream *stream = y->lists[YAMUX_EVENTS].head;

	for (unsigned what = MUXER_STREAM; stream && what <= MUXER_RESET; what++)
		if (stream->events & 1u << what)
			return tell(stream, (enum muxer_what)what);
	if (y->go_away_event) {
		y->go_away_event = false;
		return (struct muxer_event){ .what = MUXER_GO_AWAY, .code = y->go_away_code };
	}
	return (struct muxer_event){ .what = MUXER_NOTHING };
}

/* ---- birth and death ---- */

static enum vd_err open_stream(struct muxer *m, struct muxer_stream **stream_out)
{
	struct yamux *y = yamux_of(m);

	if (y->base.going_away)
		return VD_ELINK_CLOSED;
	if (y->outbound >= y->config.outbound_max || y->unacked >= YAMUX_ACK_BACKLOG)
		return VD_ELIMIT;

	struct yamux_stream *stream = yamux_attach(y, y->next_id, false);

	if (!stream)
		return VD_ENOMEM;
	y->next_id += 2;
	y->base.going_away = y->next_id > UINT32_MAX - 2;
	y->unacked++; /* from now, or a burst of them would pass before the first SYN */
	yamux_enqueue(stream, YAMUX_SENDS);
	*stream_out = &stream->base;
	return VD_OK;
}

static void free_session(struct muxer *m)
{
	struct yamux *y = yamux_of(m);
	struct yamux_stream *stream;

	while ((stream = y->lists[YAMUX_ALL].head) != NULL)
		yamux_stream_free(stream);
	free(y->buckets);
	byte_queue_fini(&y->control);
	byte_queue_fini(&y->out);
	free(y);
}

static size_t buffered(const struct muxer *m)
{
	const struct yamux *y = (const struct yamux *)m;

	size_t batch = y->lender ? y->lender->lent : y->out.len;

	return (size_t)(y->buffered + y->unsent) + batch + y->control.len;
}

static const struct muxer_class yamux_class = {
	.protocol = "/yamux/1.0.0",
	.receive = yamux_receive,
	.next_output = yamux_next_output,
	.sent = yamux_sent,
	.next = next,
	.deadline = deadline,
	.expire = expire,
	.open = open_stream,
	.buffered = buffered,
	.go_away = go_away,
	.probe = probe,
	.free = free_session,
	.write = yamux_write,
	.has_room = yamux_has_room,
	.finish = yamux_finish,
	.reset = yamux_reset,
	.read = yamux_read,
	.taken = yamux_taken,
	.finished = yamux_finished,
	.ended = yamux_ended,
	.release = yamux_release,
};

struct muxer *yamux_new(const struct yamux_config *config, enum yamux_role role, vd_ns now)
{
	struct yamux *y = calloc(1, sizeof *y);

	if (!y)
		return NULL;
	y->base.class = &yamux_class;
	y->config = *config;
	y->role = role;
	y->next_id = role == YAMUX_CLIENT ? 1 : 2;
	y->seed = randombytes_random() | 1;
	y->discard_left = YAMUX_WINDOW;
	y->last_received = y->now = now;
	ping(y, now);
	if (y->out_of_memory) {
		free_session(&y->base);
		return NULL;
	}
	return &y->base;
}

struct yamux_counts yamux_counts(const struct muxer *m)
{
	return ((const struct yamux *)m)->counts;
}

size_t yamux_buffered(const struct muxer *m)
{
	return (size_t)((const struct yamux *)m)->buffered;
}
