/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/yamux_state.h"

void yamux_event(struct yamux_stream *stream, enum muxer_what what)
{
	if (stream->released || stream->was_reset)
		return;
	stream->events |= (uint8_t)(1u << what);
	yamux_enqueue(stream, YAMUX_EVENTS);
}

static void drop_input(struct yamux_stream *stream)
{
	yamux_session(stream)->buffered -= stream->in.len;
	byte_queue_fini(&stream->in);
}

void yamux_drop_output(struct yamux_stream *stream)
{
	struct yamux *y = yamux_session(stream);

	y->unsent -= stream->out.len - stream->lent;
	if (y->lender != stream) {
		byte_queue_fini(&stream->out);
		return;
	}
	y->lender = NULL;
	y->out = stream->out; /* has no memory while one lends */
	y->out.len = stream->lent;
	stream->out = (struct byte_queue){ 0 };
	stream->lent = 0;
}

void yamux_cut(struct yamux_stream *stream, bool tell)
{
	const struct yamux_frame rst = { .type = YAMUX_WINDOW_UPDATE,
					 .flags = YAMUX_RST,
					 .id = stream->id };
	bool known = stream->base.inbound || stream->syn_sent;

	if (tell && known && stream->attached)
		yamux_push_control(yamux_session(stream), &rst);
	yamux_detach(stream);
	drop_input(stream);
	yamux_drop_output(stream);
	stream->events = 0;
	yamux_dequeue(stream, YAMUX_EVENTS);
	stream->was_reset = true;
}

/* Not a reset: that would take from the peer what we sent before. */
void yamux_pass_on(struct yamux_stream *stream)
{
	if (!stream->attached || !yamux_grant_due(stream))
		return;
	if (stream->fin_sent)
		yamux_push_grant(stream);
	else
		yamux_enqueue(stream, YAMUX_SENDS);
}

void yamux_settle(struct yamux_stream *stream)
{
	bool done = stream->fin_sent && (stream->peer_finished || stream->released);

	if (done)
		yamux_detach(stream);
	if (stream->released && !stream->attached)
		yamux_stream_free(stream);
}

void yamux_leave_on(struct yamux_stream *stream)
{
	const struct yamux *y = yamux_session(stream);

	if (!stream->released)
		return;
	yamux_dequeue(stream, YAMUX_LEAVING);
	stream->leave_by = vd_ns_add(y->now, y->config.leave_within);
	yamux_enqueue(stream, YAMUX_LEAVING);
}

static size_t room_of(struct yamux_stream *stream)
{
	size_t cap = yamux_session(stream)->config.send_buffer;

	return stream->out.len < cap ? cap - stream->out.len : 0;
}

bool yamux_has_room(struct muxer_stream *base, size_t len)
{
	struct yamux_stream *stream = yamux_stream_of(base);

	if (stream->was_reset || stream->finished || room_of(stream) >= len)
		return true;
	stream->wants_room = true;
	return false;
}

enum vd_err yamux_write(struct muxer_stream *base, struct vd_bytes bytes, size_t *took_out)
{
	struct yamux_stream *stream = yamux_stream_of(base);
	size_t room = room_of(stream);
	size_t took = bytes.len < room ? bytes.len : room;

	*took_out = 0;
	if (stream->was_reset)
		return VD_ELINK_CLOSED;
	if (stream->finished)
		return VD_EBUG_STATE;
	if (byte_queue_push(&stream->out, vd_bytes(bytes.at, took)))
		return VD_ENOMEM;
	*took_out = took;
	yamux_session(stream)->unsent += took;
	if (took < bytes.len)
		stream->wants_room = true;
	if (took && (stream->send_window || !stream->syn_sent))
		yamux_enqueue(stream, YAMUX_SENDS);
	return took || !bytes.len ? VD_OK : VD_AGAIN;
}

void yamux_finish(struct muxer_stream *base)
{
	struct yamux_stream *stream = yamux_stream_of(base);

	if (stream->finished || stream->was_reset)
		return;
	stream->finished = true;
	yamux_enqueue(stream, YAMUX_SENDS);
}

void yamux_reset(struct muxer_stream *base)
{
	struct yamux_stream *stream = yamux_stream_of(base);

	if (!stream->was_reset)
		yamux_cut(stream, true);
}

struct vd_bytes yamux_read(struct muxer_stream *base)
{
	return byte_queue_bytes(&yamux_stream_of(base)->in);
}

void yamux_taken(struct muxer_stream *base, size_t len)
{
	struct yamux_stream *stream = yamux_stream_of(base);

	if (len > stream->in.len)
		len = stream->in.len;
	yamux_session(stream)->buffered -= len;
	byte_queue_pop(&stream->in, len);
	if (stream->attached && yamux_grant_due(stream))
		yamux_enqueue(stream, YAMUX_SENDS);
}

bool yamux_finished(const struct muxer_stream *base)
{
	const struct yamux_stream *stream = (const struct yamux_stream *)base;

	return stream->peer_finished && !stream->was_reset;
}

bool yamux_ended(const struct muxer_stream *base)
{
	return yamux_finished(base) && ((const struct yamux_stream *)base)->in.len == 0;
}

void yamux_release(struct muxer_stream *base)
{
	struct yamux_stream *stream = yamux_stream_of(base);

	if (!stream->was_reset && !stream->finished)
		yamux_cut(stream, true);
	stream->events = 0;
	yamux_dequeue(stream, YAMUX_EVENTS);
	stream->released = true;
	yamux_session(stream)->base.leaving += stream->base.inbound;
	yamux_leave_on(stream);
	drop_input(stream);
	yamux_pass_on(stream);
	yamux_settle(stream);
}
