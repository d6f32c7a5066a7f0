/* Targets: controlplane/proto/connection.c: from the first byte to streams, over a plain channel */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/byte_queue.h"
#include "controlplane/proto/connection.h"
#include "controlplane/proto/yamux.h"

enum { QUEUE_MAX = 65536, STREAM_TURNS = 64 };

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* ---- a channel that seals nothing: what is behind it is reached. A zero byte opens it, a one
 * ends it, every other first byte fails. ---- */

struct plain {
	struct security base;
	struct byte_queue in, out;
};

static struct plain *plain_of(struct security *s)
{
	return (struct plain *)s;
}

static enum vd_err plain_receive(struct security *s, struct vd_bytes wire, size_t *used_out)
{
	struct plain *plain = plain_of(s);
	size_t room = QUEUE_MAX - plain->in.len, at = 0;

	*used_out = 0;
	if (s->state == SECURITY_HANDSHAKE && wire.len) {
		if (wire.at[0] > 1) {
			s->state = SECURITY_FAILED;
			s->reason = "not plain";
			return VD_EPEER_FORMAT;
		}
		s->state = wire.at[0] ? SECURITY_ENDED : SECURITY_OPEN;
		at = 1;
	}
	if (s->state == SECURITY_ENDED) {
		*used_out = wire.len;
		return VD_OK;
	}
	if (wire.len - at < room)
		room = wire.len - at;
	expect(!byte_queue_push(&plain->in, vd_bytes(wire.at + at, room)));
	*used_out = at + room;
	return VD_OK;
}

static struct vd_bytes plain_input(struct security *s)
{
	return byte_queue_bytes(&plain_of(s)->in);
}

static void plain_taken(struct security *s, size_t len)
{
	expect(len <= plain_of(s)->in.len);
	byte_queue_pop(&plain_of(s)->in, len);
}

static enum vd_err plain_write(struct security *s, struct vd_bytes bytes, size_t *took_out)
{
	size_t room = QUEUE_MAX - plain_of(s)->out.len;

	*took_out = 0;
	if (s->state != SECURITY_OPEN || !room)
		return VD_AGAIN;
	*took_out = bytes.len < room ? bytes.len : room;
	return byte_queue_push(&plain_of(s)->out, vd_bytes(bytes.at, *took_out));
}

static struct vd_bytes plain_next_output(struct security *s)
{
	return byte_queue_bytes(&plain_of(s)->out);
}

static void plain_sent(struct security *s, size_t len)
{
	expect(len <= plain_of(s)->out.len);
	byte_queue_pop(&plain_of(s)->out, len);
}

static size_t plain_buffered(const struct security *s)
{
	const struct plain *plain = (const struct plain *)s;

	return byte_queue_held(&plain->in) + byte_queue_held(&plain->out);
}

static void plain_close(struct security *s)
{
	(void)s;
}

static void plain_free(struct security *s)
{
	byte_queue_fini(&plain_of(s)->in);
	byte_queue_fini(&plain_of(s)->out);
	free(s);
}

static const struct security_class plain_class = { .protocol = "/plain",
						   .receive = plain_receive,
						   .input = plain_input,
						   .taken = plain_taken,
						   .write = plain_write,
						   .next_output = plain_next_output,
						   .sent = plain_sent,
						   .buffered = plain_buffered,
						   .close = plain_close,
						   .free = plain_free };

static struct security *make_plain(const void *config, bool dialer, const struct vd_peer_id *peer)
{
	struct plain *plain = calloc(1, sizeof *plain);

	(void)config;
	(void)dialer;
	(void)peer;
	expect(plain != NULL);
	plain->base.class = &plain_class;
	return &plain->base;
}

static struct muxer *make_yamux(const void *config, bool dialer, vd_ns now)
{
	return yamux_new(config, dialer ? YAMUX_CLIENT : YAMUX_SERVER, now);
}

static const struct connection_layers layers = {
	.securities = { { "/plain", make_plain, NULL } },
	.security_names = { "/plain" },
	.muxers = { { "/yamux/1.0.0", make_yamux, &yamux_defaults } },
	.muxer_names = { "/yamux/1.0.0" },
};

/* ---- turns ---- */

static void use_stream(const struct muxer_event *event)
{
	struct vd_bytes in = muxer_read(event->stream);
	size_t took;

	(void)muxer_write(event->stream, in, &took);
	muxer_taken(event->stream, in.len);
	if (event->what == MUXER_RESET || muxer_ended(event->stream)) {
		muxer_finish(event->stream);
		muxer_release(event->stream);
	}
}

static void turn(struct connection *c, vd_ns now)
{
	struct muxer_event event;
	struct vd_bytes out;

	while ((event = connection_next(c)).what != MUXER_NOTHING)
		if (event.stream)
			use_stream(&event);
	while ((out = connection_next_output(c, now)).len)
		connection_sent(c, out.len > 7 ? out.len - out.len / 3 : out.len);
}

/* NULL: it did not fail before its muxer. */
static const char *run(bool dialer, struct vd_bytes in, size_t piece, bool *open_out)
{
	struct connection c;
	const char *reason = NULL;
	size_t at = 0, idle = 0;

	connection_init(&c, &layers, dialer, NULL);
	turn(&c, 0);
	while (at < in.len && idle < STREAM_TURNS) {
		size_t used = 0, len = in.len - at < piece ? in.len - at : piece;
		enum vd_err err =
		    connection_receive(&c, vd_bytes(in.at + at, len), &used, VD_MS(at));

		expect(used <= len);
		expect(!err || vd_err_class(err) == VD_CLASS_PEER);
		expect((err != VD_OK) == (c.state == CONNECTION_FAILED));
		expect(c.state != CONNECTION_FAILED || c.reason);
		at += used;
		idle = used ? 0 : idle + 1;
		turn(&c, VD_MS(at));
		if (err)
			break;
	}
	if (c.state == CONNECTION_FAILED && !c.muxer)
		reason = c.reason;
	else if (connection_deadline(&c) != VD_NEVER)
		(void)connection_expire(&c, VD_SECONDS(1000));
	*open_out = c.muxer != NULL;
	turn(&c, VD_SECONDS(1000));
	connection_fini(&c);
	return reason;
}

/* Until its muxer is there, it makes the same of it however the bytes are cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool dialer, open_whole, open_cut;
	const char *whole, *cut;
	struct vd_bytes in;

	if (size < 1 || vd_init())
		return 0;
	dialer = data[0] & 1;
	in = vd_bytes(data + 1, size - 1);
	whole = run(dialer, in, size, &open_whole);
	cut = run(dialer, in, 1 + (data[0] >> 1) % 16, &open_cut);
	expect(open_whole == open_cut);
	expect(whole == cut);
	return 0;
}
