/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/yamux_state.h"

enum {
	BATCH_MAX = 65519,              /* of a Noise record: a batch is one */
	DATA_MAX = 32 * 1024,           /* of a frame while other streams wait */
	LENT_MIN = 16 * 1024,           /* of data, to be a batch of its own */
	HEADERS_MAX = 3 * YAMUX_HEADER, /* of a stream's turn: a window update, data, FIN */
	ROUND_TRIPS = 4,                /* a window used up in less than these doubles */
};

static void write_frame(struct vd_write *w, const struct yamux_frame *frame)
{
	vd_write_u8(w, frame->version);
	vd_write_u8(w, frame->type);
	vd_write_be16(w, frame->flags);
	vd_write_be32(w, frame->id);
	vd_write_be32(w, frame->length);
}

static bool push_frame(struct byte_queue *queue, const struct yamux_frame *frame)
{
	uint8_t bytes[YAMUX_HEADER];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	write_frame(&w, frame);
	return byte_queue_push(queue, vd_write_done(&w)) == VD_OK;
}

void yamux_push_control(struct yamux *y, const struct yamux_frame *frame)
{
	if (!push_frame(&y->control, frame))
		y->out_of_memory = true;
}

/* ---- receive windows ---- */

/* What can be granted so that the peer may fill the window. */
static uint32_t grant_of(const struct yamux_stream *stream)
{
	uint64_t used = (uint64_t)stream->recv_credit + stream->in.len;

	return used < stream->recv_window ? (uint32_t)(stream->recv_window - used) : 0;
}

bool yamux_grant_due(const struct yamux_stream *stream)
{
	return !stream->peer_finished && grant_of(stream) >= stream->recv_window / 2;
}

/* As go-yamux does: half of it went in less than 4 round trips, so it is smaller than what fits
 * the way. */
static void grow_window(struct yamux *y, struct yamux_stream *stream, vd_ns now)
{
	uint32_t max = y->config.window_max, add = stream->recv_window;

	if (!y->base.rtt || now - stream->epoch >= ROUND_TRIPS * y->base.rtt)
		return;
	if (add > max - stream->recv_window)
		add = max - stream->recv_window;
	if (y->windows + add > y->config.buffered_max)
		return;
	stream->recv_window += add;
	y->windows += add;
}

static uint32_t take_grant(struct yamux *y, struct yamux_stream *stream, vd_ns now)
{
	if (!yamux_grant_due(stream))
		return 0;
	grow_window(y, stream, now);

	uint32_t grant = grant_of(stream);

	stream->recv_credit += grant;
	stream->epoch = now;
	return grant;
}

/* ---- a stream's frames ---- */

/* Flags of the first frame either way. */
static uint16_t opening_flags(struct yamux_stream *stream)
{
	uint16_t flags = 0;

	if (!stream->base.inbound && !stream->syn_sent) {
		flags = YAMUX_SYN;
		stream->syn_sent = true;
	}
	if (stream->ack_due) {
		flags = YAMUX_ACK;
		stream->ack_due = false;
	}
	return flags;
}

/*
 * Once all was sent; never on a data frame, though the specification allows it: go-yamux (v5.1.0)
 * acts on the flag before it has the data, and a reader that wakes in between sees an end. A young
 * stream waits for yamux_expire.
 */
static uint16_t closing_flags(struct yamux_stream *stream, vd_ns now)
{
	if (!stream->finished || stream->fin_sent || stream->out.len)
		return 0;
	if (now < stream->fin_from && !stream->base.answered &&
	    !yamux_session(stream)->going_away) {
		yamux_enqueue(stream, YAMUX_LATER);
		return 0;
	}
	stream->fin_sent = true;
	return YAMUX_FIN;
}

static struct yamux_frame window_frame(const struct yamux_stream *stream, uint16_t flags,
				       uint32_t grant)
{
	return (struct yamux_frame){
		.type = YAMUX_WINDOW_UPDATE, .flags = flags, .id = stream->id, .length = grant
	};
}

static struct yamux_frame data_frame(const struct yamux_stream *stream, uint16_t flags, size_t len)
{
	return (struct yamux_frame){
		.type = YAMUX_DATA, .flags = flags, .id = stream->id, .length = (uint32_t)len
	};
}

void yamux_push_grant(struct yamux_stream *stream)
{
	struct yamux_frame frame = window_frame(stream, 0, grant_of(stream));

	stream->recv_credit += frame.length;
	yamux_push_control(yamux_session(stream), &frame);
}

static bool push_window(struct yamux *y, const struct yamux_stream *stream, uint16_t flags,
			uint32_t grant)
{
	struct yamux_frame frame = window_frame(stream, flags, grant);

	return push_frame(&y->out, &frame);
}

static void count_data(struct yamux *y, struct yamux_stream *stream, size_t len)
{
	y->unsent -= len;
	stream->send_window -= (uint32_t)len;
	yamux_leave_on(stream);
}

static bool push_data(struct yamux *y, struct yamux_stream *stream, size_t len, uint16_t flags)
{
	struct yamux_frame frame = data_frame(stream, flags, len);
	uint8_t *room = byte_queue_room(&y->out, YAMUX_HEADER + len);
	struct vd_write w = vd_write_to(room, room ? YAMUX_HEADER : 0);

	if (!room)
		return false;
	memcpy(room + YAMUX_HEADER, byte_queue_bytes(&stream->out).at, len);
	byte_queue_pop(&stream->out, len);
	write_frame(&w, &frame);
	byte_queue_added(&y->out, YAMUX_HEADER + len);
	count_data(y, stream, len);
	return true;
}

static size_t sendable(const struct yamux_stream *stream, size_t room)
{
	size_t len = stream->out.len < stream->send_window ? stream->out.len : stream->send_window;

	return len < room ? len : room;
}

/* Once all is on its way, so that what is written next begins at the front of its memory. */
static void tell_room(struct yamux_stream *stream)
{
	if (!stream->wants_room || stream->out.len)
		return;
	stream->wants_room = false;
	yamux_event(stream, MUXER_WRITABLE);
}

/* The first frame of ours opens the stream. */
static uint16_t begin_turn(const struct yamux *y, struct yamux_stream *stream, vd_ns now)
{
	uint16_t flags = opening_flags(stream);

	if (flags) {
		stream->epoch = now;
		stream->fin_from = vd_ns_add(now, y->config.fin_delay);
	}
	return flags;
}

static void end_turn(struct yamux_stream *stream)
{
	if (stream->out.len && stream->send_window)
		yamux_enqueue(stream, YAMUX_SENDS);
	tell_room(stream);
	yamux_settle(stream);
}

/* A stream's turn: a window update if one is due or no data carries the flags; data; FIN. */
static bool push_stream(struct yamux *y, struct yamux_stream *stream, vd_ns now)
{
	size_t room = BATCH_MAX - HEADERS_MAX - y->out.len;
	uint32_t grant = take_grant(y, stream, now);
	uint16_t flags = begin_turn(y, stream, now);
	size_t len = sendable(stream, room < DATA_MAX ? room : DATA_MAX);

	if (!len)
		flags |= closing_flags(stream, now);
	if (grant || (flags && !len)) {
		if (!push_window(y, stream, flags, grant))
			return false;
		flags = 0;
	}
	if (len && !push_data(y, stream, len, flags))
		return false;
	flags = closing_flags(stream, now);
	if (flags && !push_window(y, stream, flags, 0))
		return false;
	end_turn(stream);
	return true;
}

/* ---- a stream's own batch: frames made around its data, where that lies ---- */

static bool may_lend(const struct yamux_stream *stream)
{
	return sendable(stream, LENT_MIN) == LENT_MIN;
}

static bool lend(struct yamux *y, struct yamux_stream *stream, vd_ns now)
{
	uint32_t grant = take_grant(y, stream, now);
	uint16_t flags = begin_turn(y, stream, now);
	size_t heads = grant ? 2 * YAMUX_HEADER : YAMUX_HEADER;
	bool others = y->lists[YAMUX_SENDS].head != NULL;
	size_t len = sendable(stream, others ? DATA_MAX : BATCH_MAX - heads);
	uint8_t *room = byte_queue_front(&stream->out, heads);
	struct vd_write w = vd_write_to(room, room ? heads : 0);
	struct yamux_frame window = window_frame(stream, flags, grant);
	struct yamux_frame data = data_frame(stream, grant ? 0 : flags, len);

	if (!room)
		return false;
	if (grant)
		write_frame(&w, &window);
	write_frame(&w, &data);
	count_data(y, stream, len);
	stream->lent = heads + len;
	y->lender = stream;
	return true;
}

static void lent_sent(struct yamux *y, struct yamux_stream *stream, size_t len)
{
	byte_queue_pop(&stream->out, len);
	stream->lent -= len;
	if (stream->lent)
		return;
	y->lender = NULL;
	if (stream->finished)
		yamux_enqueue(stream, YAMUX_SENDS);
	end_turn(stream);
}

/* ---- batches ---- */

/* Room for the whole batch at once, when there is much. */
static bool reserve(struct yamux *y)
{
	const struct yamux_stream *first = y->lists[YAMUX_SENDS].head;
	size_t want = y->control.len;

	if (first && !may_lend(first))
		want += first->out.len + 6 * YAMUX_HEADER;
	return !want || byte_queue_room(&y->out, want < BATCH_MAX ? want : BATCH_MAX) != NULL;
}

/* Of several streams, or of one that has much. */
static bool fill(struct yamux *y, vd_ns now)
{
	struct yamux_stream *stream;

	if (!reserve(y) || byte_queue_push(&y->out, byte_queue_bytes(&y->control)))
		return false;
	byte_queue_fini(&y->control);
	while ((stream = y->lists[YAMUX_SENDS].head) != NULL &&
	       y->out.len + HEADERS_MAX < BATCH_MAX) {
		bool lends = may_lend(stream);

		if (lends && y->out.len)
			return true; /* it is the next one */
		yamux_dequeue(stream, YAMUX_SENDS);
		if (lends) {
			byte_queue_fini(&y->out); /* room for one with nothing to say after all */
			return lend(y, stream, now);
		}
		if (!push_stream(y, stream, now))
			return false;
	}
	return true;
}

struct vd_bytes yamux_next_output(struct muxer *m, vd_ns now)
{
	struct yamux *y = yamux_of(m);

	y->now = now;
	if (!y->out.len && !y->lender && (!fill(y, now) || y->out_of_memory))
		(void)yamux_fail(y, VD_ENOMEM, "out of memory");
	if (y->lender)
		return vd_bytes(byte_queue_bytes(&y->lender->out).at, y->lender->lent);
	return byte_queue_bytes(&y->out);
}

void yamux_sent(struct muxer *m, size_t len)
{
	struct yamux *y = yamux_of(m);

	if (y->lender)
		lent_sent(y, y->lender, len);
	else
		byte_queue_pop(&y->out, len);
}
