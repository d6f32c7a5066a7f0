/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/yamux_state.h"

enum { USELESS_COST_MS = 10, REFUSED_COST_MS = 1 };

static enum vd_err protocol_error(struct yamux *y, const char *reason)
{
	return yamux_fail(y, VD_EPEER_FORMAT, reason);
}

/* One more, each forgiven after `cost`; false: more than `burst` are not (GCRA). */
static bool forgive(vd_ns *forgiven_at, vd_ns cost, unsigned burst, vd_ns now)
{
	*forgiven_at = (*forgiven_at > now ? *forgiven_at : now) + cost;
	return *forgiven_at - now <= burst * cost;
}

/* A frame without effect: some are fine, floods are not. */
static enum vd_err useless(struct yamux *y, vd_ns now)
{
	y->counts.useless++;
	if (!forgive(&y->useless_at, VD_MS(USELESS_COST_MS), YAMUX_USELESS_BURST, now))
		return yamux_fail(y, VD_EPEER_RANGE, "too many frames without effect");
	return VD_OK;
}

/* ---- streams that the peer opens ---- */

static void push_reset(struct yamux *y, uint32_t id)
{
	yamux_push_control(
	    y, &(struct yamux_frame){ .type = YAMUX_WINDOW_UPDATE, .flags = YAMUX_RST, .id = id });
}

/* A peer that is merely busy breaks nothing: RST is all the answer there is, for long. */
static enum vd_err refuse(struct yamux *y, uint32_t id, vd_ns now)
{
	y->counts.refused++;
	y->discard_left += YAMUX_WINDOW; /* sent before it can know */
	y->late_left += 2;               /* this frame itself, and an end */
	push_reset(y, id);
	if (!forgive(&y->refused_at, VD_MS(REFUSED_COST_MS), YAMUX_REFUSED_BURST, now))
		return yamux_fail(y, VD_ELIMIT, "it goes on opening more streams than it may");
	return VD_OK;
}

static enum vd_err take_syn(struct yamux *y, uint32_t id, vd_ns now)
{
	bool clients = id & 1;

	if (clients != (y->role == YAMUX_SERVER))
		return protocol_error(y, "a stream with an id of our side");
	if (yamux_find(y, id))
		return protocol_error(y, "a stream that is already open");
	if (y->going_away || y->inbound >= y->config.inbound_max ||
	    y->backlog >= y->config.backlog_max)
		return refuse(y, id, now);

	struct yamux_stream *stream = yamux_attach(y, id, true);

	if (!stream)
		return yamux_fail(y, VD_ENOMEM, "out of memory");
	y->backlog++;
	yamux_event(stream, MUXER_STREAM);
	return VD_OK;
}

/* ---- frames of streams ---- */

static void take_fin(struct yamux_stream *stream)
{
	if (!stream->peer_finished)
		yamux_event(stream, MUXER_READABLE);
	stream->peer_finished = true;
	yamux_settle(stream);
}

static enum vd_err take_rst(struct yamux *y, struct yamux_stream *stream, vd_ns now)
{
	bool inbound = stream->base.inbound, unknown = inbound && !stream->told;
	bool unused = inbound && !stream->brought;

	yamux_cut(stream, false);
	if (unknown || stream->released) {
		yamux_stream_free(stream);
	} else {
		stream->events = 1u << MUXER_RESET;
		yamux_enqueue(stream, YAMUX_EVENTS);
	}
	return unused ? useless(y, now) : VD_OK; /* opening and resetting costs us both times */
}

static void take_ack(struct yamux *y, struct yamux_stream *stream)
{
	if (stream->base.inbound || stream->acked)
		return;
	stream->acked = true;
	y->unacked--;
}

static enum vd_err take_window(struct yamux *y, struct yamux_stream *stream, uint32_t add)
{
	if (add > UINT32_MAX - stream->send_window)
		return protocol_error(y, "a window above 2^32");
	stream->send_window += add;
	if (add && stream->out.len)
		yamux_enqueue(stream, YAMUX_SENDS);
	return VD_OK;
}

static enum vd_err take_data_head(struct yamux *y, struct yamux_stream *stream, uint32_t length)
{
	if (length > stream->recv_credit)
		return protocol_error(y, "more data than the window");
	if (length && stream->peer_finished)
		return protocol_error(y, "data after FIN");
	stream->recv_credit -= length;
	stream->brought |= length > 0;
	return VD_OK;
}

/* For streams that are gone: what was granted may come, then no more. */
static enum vd_err take_for_nobody(struct yamux *y, const struct yamux_frame *frame, vd_ns now)
{
	y->body_discarded = true;
	if (frame->type == YAMUX_WINDOW_UPDATE || frame->length == 0) {
		if (!y->late_left)
			return useless(y, now);
		y->late_left--;
		return VD_OK;
	}
	if (frame->length > y->discard_left)
		return protocol_error(y, "data to no stream");
	y->discard_left -= frame->length;
	y->counts.discarded += frame->length;
	push_reset(y, frame->id);
	return VD_OK;
}

static enum vd_err take_stream_frame(struct yamux *y, const struct yamux_frame *frame, vd_ns now)
{
	enum vd_err err = VD_OK;

	if (frame->id == 0)
		return protocol_error(y, "a stream frame without stream");
	if (frame->flags & YAMUX_SYN)
		err = take_syn(y, frame->id, now);
	if (err)
		return err;

	struct yamux_stream *stream = yamux_find(y, frame->id);

	if (!stream)
		return take_for_nobody(y, frame, now);
	if (!stream->base.inbound && !stream->syn_sent)
		return protocol_error(y, "a frame for a stream that was not opened");
	take_ack(y, stream); /* some never say ACK: any answer is one */
	if (frame->flags & YAMUX_RST)
		return take_rst(y, stream, now);
	err = frame->type == YAMUX_DATA ? take_data_head(y, stream, frame->length)
					: take_window(y, stream, frame->length);
	if (err)
		return err;
	if (frame->length == 0 && frame->flags == 0)
		return useless(y, now);
	if ((frame->flags & YAMUX_FIN) && (frame->type != YAMUX_DATA || frame->length == 0))
		take_fin(stream);
	return VD_OK;
}

/* ---- frames of the session ---- */

static void take_pong(struct yamux *y, uint32_t id, vd_ns now)
{
	if (!y->pinging || id != y->ping_id)
		return;
	y->pinging = false;

	vd_ns rtt = now > y->ping_sent ? now - y->ping_sent : 1;

	y->base.rtt = y->base.rtt ? (y->base.rtt + rtt) / 2 : rtt;
}

static enum vd_err take_ping(struct yamux *y, const struct yamux_frame *frame, vd_ns now)
{
	if (!(frame->flags & YAMUX_SYN)) {
		take_pong(y, frame->length, now);
		return VD_OK;
	}
	yamux_push_control(y, &(struct yamux_frame){ .type = YAMUX_PING,
						     .flags = YAMUX_ACK,
						     .length = frame->length });
	return useless(y, now);
}

static enum vd_err take_go_away(struct yamux *y, const struct yamux_frame *frame, vd_ns now)
{
	if (y->peer_going_away)
		return useless(y, now);
	y->peer_going_away = y->base.going_away = true;
	y->go_away_event = true;
	y->go_away_code = frame->length;
	return VD_OK;
}

/* ---- bytes ---- */

static enum vd_err take_head(struct yamux *y, vd_ns now)
{
	struct vd_read r = vd_read_of(vd_bytes(y->head, YAMUX_HEADER));
	struct yamux_frame frame;

	frame.version = vd_read_u8(&r);
	frame.type = vd_read_u8(&r);
	frame.flags = vd_read_be16(&r);
	frame.id = vd_read_be32(&r);
	frame.length = vd_read_be32(&r);
	y->frame = frame;
	y->body_discarded = false;
	y->body_left = frame.type == YAMUX_DATA ? frame.length : 0;
	if (frame.version != 0)
		return protocol_error(y, "an unknown version");
	switch (frame.type) {
	case YAMUX_DATA:
	case YAMUX_WINDOW_UPDATE: return take_stream_frame(y, &frame, now);
	case YAMUX_PING: return take_ping(y, &frame, now);
	case YAMUX_GO_AWAY: return take_go_away(y, &frame, now);
	default: return protocol_error(y, "an unknown type");
	}
}

static enum vd_err read_head(struct yamux *y, struct vd_read *r, vd_ns now)
{
	size_t lacks = YAMUX_HEADER - (size_t)y->head_len, left = vd_read_left(r);
	size_t len = lacks < left ? lacks : left;

	vd_read_copy(r, y->head + y->head_len, len);
	y->head_len = (uint8_t)(y->head_len + len);
	if (y->head_len < YAMUX_HEADER)
		return VD_OK;
	y->head_len = 0;
	return take_head(y, now);
}

static enum vd_err keep(struct yamux *y, struct yamux_stream *stream, struct vd_bytes bytes)
{
	if (byte_queue_push(&stream->in, bytes))
		return yamux_fail(y, VD_ENOMEM, "out of memory");
	y->buffered += bytes.len;
	yamux_event(stream, MUXER_READABLE);
	return VD_OK;
}

/* The one that nobody reads makes room for the others. */
static void cut_fullest(struct yamux *y)
{
	struct yamux_stream *stream = yamux_fullest(y);

	if (!stream)
		return;
	y->counts.cut++;
	yamux_cut(stream, true);
	if (stream->base.inbound && !stream->told) {
		yamux_stream_free(stream);
		return;
	}
	stream->events = 1u << MUXER_RESET;
	yamux_enqueue(stream, YAMUX_EVENTS);
}

static enum vd_err read_body(struct yamux *y, struct vd_read *r)
{
	size_t left = vd_read_left(r);
	struct vd_bytes bytes = vd_read_bytes(r, y->body_left < left ? y->body_left : left);
	struct yamux_stream *stream = yamux_find(y, y->frame.id);
	enum vd_err err = VD_OK;

	y->body_left -= (uint32_t)bytes.len;
	if (!stream || y->body_discarded)
		return VD_OK; /* it ended since; what is left of this frame is dropped */
	if (stream->released)
		yamux_pass_on(stream); /* nobody will read it, but what we have still goes out */
	else
		err = keep(y, stream, bytes);
	if (err)
		return err;
	if (y->body_left == 0 && (y->frame.flags & YAMUX_FIN))
		take_fin(stream);
	if (y->buffered > y->config.buffered_max)
		cut_fullest(y);
	return VD_OK;
}

enum vd_err yamux_receive(struct muxer *m, struct vd_bytes in, size_t *used_out, vd_ns now)
{
	struct yamux *y = yamux_of(m);
	struct vd_read r = vd_read_of(in);
	enum vd_err err = VD_OK;

	*used_out = 0;
	y->now = now;
	if (y->failed)
		return VD_EBUG_STATE;
	if (in.len)
		y->last_received = now;
	while (!err && !y->out_of_memory && vd_read_left(&r) && y->control.len < YAMUX_CONTROL_MAX)
		err = y->body_left ? read_body(y, &r) : read_head(y, &r, now);
	*used_out = in.len - vd_read_left(&r);
	return !err && y->out_of_memory ? yamux_fail(y, VD_ENOMEM, "out of memory") : err;
}
