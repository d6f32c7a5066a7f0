/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* load_stream: streams of the load: identify both ways, and perf as its client. */
#include <stdlib.h>

#include "bench/load_state.h"
#include "controlplane/proto/identify_stream.h"

static const char *const identify_ids[] = { IDENTIFY_ID, NULL };
static const char *const perf_ids[] = { "/perf/1.0.0", NULL };

static bool has(void *context, struct vd_bytes id)
{
	(void)context;
	return vd_bytes_equal(id, vd_bytes_of_text(IDENTIFY_ID));
}

static const struct multistream_handlers handlers = { .has = has };

static struct load_stream *add(struct load_conn *conn, struct muxer_stream *raw,
			       enum load_kind kind)
{
	struct load_stream *stream = calloc(1, sizeof *stream);

	if (!stream) {
		conn->why = "out of memory";
		return NULL;
	}
	*stream = (struct load_stream){ .conn = conn, .raw = raw, .kind = kind };
	stream->next = conn->streams;
	conn->streams = stream;
	raw->user = stream;
	return stream;
}

static void fail(struct load_stream *stream, const char *why)
{
	stream->conn->why = why;
}

/* Done with; its memory goes with the connection's, which has few streams. */
static void release(struct load_stream *stream)
{
	muxer_release(stream->raw);
	stream->raw = NULL;
}

/* ---- out ---- */

static bool flush_select(struct load_stream *stream)
{
	struct vd_bytes out;

	while ((out = multistream_next_output(&stream->select)).len) {
		size_t took = 0;

		if (muxer_write(stream->raw, out, &took) || !took)
			return false;
		multistream_sent(&stream->select, took);
	}
	return true;
}

static void send_perf(struct load_stream *stream)
{
	struct vd_bytes out;

	if (!flush_select(stream))
		return;
	while ((out = perf_next_output(&stream->perf)).len) {
		size_t took = 0;
		enum vd_err err = muxer_write(stream->raw, out, &took);

		perf_sent(&stream->perf, took);
		if (err || took < out.len)
			return;
	}
	if (stream->finished || !perf_may_finish(&stream->perf))
		return;
	stream->finished = true;
	muxer_finish(stream->raw);
}

/* Who we are: as a node with one address and two protocols tells it. */
static void answer(struct load_stream *stream)
{
	static const uint8_t address[] = { 4, 127, 0, 0, 1, 6, 0x0f, 0xa1 };
	const struct vd_identity *identity = &stream->conn->identity->identity;
	struct identify message = {
		.public_key = vd_bytes(identity->public_key, VD_PUBLIC_KEY_BYTES),
		.observed = vd_bytes(address, sizeof address),
		.protocol_version = vd_bytes_of_text("load/1"),
		.agent = vd_bytes_of_text("viaduct-load"),
		.addresses_count = 1,
		.protocols_count = 2,
		.addresses = { vd_bytes(address, sizeof address) },
		.protocols = { vd_bytes_of_text(IDENTIFY_ID),
			       vd_bytes_of_text("/ipfs/ping/1.0.0") },
	};
	uint8_t out[1024];
	struct vd_write w = vd_write_to(out, sizeof out);
	size_t took;

	if (identify_stream_write(&message, &w) ||
	    muxer_write(stream->raw, vd_write_done(&w), &took) || took < vd_write_len(&w)) {
		fail(stream, "identify was not taken");
		return;
	}
	muxer_finish(stream->raw);
	release(stream);
	stream->conn->answered = true;
}

/* ---- in ---- */

static void be_told(struct load_stream *stream)
{
	struct vd_bytes in = muxer_read(stream->raw);
	const struct security *security = stream->conn->machine.security;
	struct identify told;

	if (byte_queue_push(&stream->told, in))
		fail(stream, "out of memory");
	muxer_taken(stream->raw, in.len);
	if (!muxer_ended(stream->raw))
		return;
	if (identify_stream_read(byte_queue_bytes(&stream->told), &told) ||
	    !vd_bytes_equal(told.public_key, security->public_key))
		fail(stream, "identify told what is not so");
	stream->conn->asked = true;
	byte_queue_fini(&stream->told);
	muxer_finish(stream->raw);
	release(stream);
}

static void take_perf(struct load_stream *stream)
{
	struct vd_bytes in;
	enum vd_err err = VD_OK;

	while (!err && (in = muxer_read(stream->raw)).len) {
		err = perf_receive(&stream->perf, in);
		muxer_taken(stream->raw, in.len);
	}
	if (!err && !muxer_ended(stream->raw))
		return;
	if (!err)
		err = perf_ended(&stream->perf);
	if (err || !stream->finished)
		fail(stream, "perf: not as many bytes as were asked for");
	stream->conn->transferred = !err;
	release(stream);
}

static bool negotiate(struct load_stream *stream)
{
	while (!multistream_protocol(&stream->select)) {
		struct vd_bytes in = muxer_read(stream->raw);
		size_t used = 0;

		if (multistream_receive(&stream->select, in, &used)) {
			muxer_reset(stream->raw);
			release(stream);
			if (stream->kind != LOAD_ANSWERS)
				fail(stream, "a protocol is refused");
			return false;
		}
		muxer_taken(stream->raw, used);
		flush_select(stream);
		if (!in.len)
			return multistream_protocol(&stream->select) != NULL;
	}
	return true;
}

static void on_readable(struct load_stream *stream)
{
	if (!negotiate(stream))
		return;
	switch (stream->kind) {
	case LOAD_ANSWERS: answer(stream); break;
	case LOAD_ASKS: be_told(stream); break;
	case LOAD_PERF: take_perf(stream); break;
	}
}

void load_stream_on_event(struct load_conn *conn, const struct muxer_event *event)
{
	struct load_stream *stream;

	if (!event->stream)
		return;
	stream = event->stream->user;
	if (event->what == MUXER_STREAM) {
		stream = add(conn, event->stream, LOAD_ANSWERS);
		if (!stream)
			return;
		multistream_listen(&stream->select, &handlers);
		flush_select(stream);
	}
	if (!stream)
		return;
	if (event->what == MUXER_READABLE)
		on_readable(stream);
	if (event->what == MUXER_WRITABLE && stream->kind == LOAD_PERF)
		send_perf(stream);
	if (event->what != MUXER_RESET)
		return;
	if (stream->kind != LOAD_ANSWERS)
		fail(stream, "a stream is reset");
	release(stream);
}

/* ---- birth and death ---- */

static struct load_stream *open_stream(struct load_conn *conn, const char *const *ids,
				       enum load_kind kind)
{
	struct muxer_stream *raw;
	struct load_stream *stream;

	if (muxer_open(conn->machine.muxer, &raw)) {
		conn->why = "no stream";
		return NULL;
	}
	stream = add(conn, raw, kind);
	if (!stream)
		return NULL;
	multistream_dial(&stream->select, ids);
	flush_select(stream);
	return stream;
}

void load_streams_begin(struct load_conn *conn, uint64_t up, uint64_t down)
{
	struct load_stream *stream;

	open_stream(conn, identify_ids, LOAD_ASKS);
	if (!conn->transfers)
		return;
	stream = open_stream(conn, perf_ids, LOAD_PERF);
	if (!stream)
		return;
	perf_client_init(&stream->perf, up, down);
	send_perf(stream);
}

void load_streams_free(struct load_conn *conn)
{
	while (conn->streams) {
		struct load_stream *stream = conn->streams;

		conn->streams = stream->next;
		multistream_fini(&stream->select);
		byte_queue_fini(&stream->told);
		free(stream);
	}
}
