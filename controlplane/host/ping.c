/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* ping: /ipfs/ping/1.0.0 on streams, both sides; the machines are stream_ping's. */
#include "controlplane/host/parts.h"

#include <stdlib.h>

#include "controlplane/proto/stream_ping.h"

#define PING_ID "/ipfs/ping/1.0.0"

/* ---- who answers ---- */

static void forget(struct host_stream *stream)
{
	free(host_stream_user(stream));
	host_stream_use(stream, NULL, NULL);
}

static void end(struct host_stream *stream)
{
	forget(stream);
	host_stream_finish(stream);
	host_stream_release(stream);
}

static bool send_echo(struct host_stream *stream, struct stream_pong *pong)
{
	struct vd_bytes out;

	while ((out = stream_pong_next_output(pong)).len) {
		size_t took = 0;

		if (host_stream_write(stream, out, &took) || !took)
			return false;
		stream_pong_sent(pong, took);
	}
	return true;
}

static void answer(struct host_stream *stream)
{
	struct stream_pong *pong = host_stream_user(stream);
	struct vd_bytes in;

	while (send_echo(stream, pong) && (in = host_stream_read(stream)).len)
		host_stream_taken(stream, stream_pong_receive(pong, in));
	if (host_stream_ended(stream))
		end(stream);
}

static void lose_pong(struct host_stream *stream, enum vd_err err)
{
	(void)err;
	forget(stream);
}

static const struct host_stream_class pong_class = { .readable = answer,
						     .writable = answer,
						     .closed = lose_pong };

static void accept_ping(void *context, struct host_stream *stream)
{
	struct stream_pong *pong = calloc(1, sizeof *pong);

	(void)context;
	if (pong)
		host_stream_use(stream, &pong_class, pong);
	else
		host_stream_reset(stream);
}

enum vd_err host_ping_init(struct host *host)
{
	return host_handle(host, &(struct host_protocol){ PING_ID, accept_ping, NULL });
}

/* ---- who asks ---- */

struct asked {
	struct stream_ping ping;
	host_ping_fn done;
	void *context;
};

/* The stream is nobody's by now: who is told may close its connection. */
static void tell(struct host_conn *conn, struct asked *asked, enum vd_err err)
{
	const struct host_events *events = &conn->host->events;

	if (!err && events->pinged)
		events->pinged(events->context, conn, asked->ping.rtt);
	asked->done(asked->context, err, asked->ping.rtt);
	free(asked);
}

static void send_ping(struct host_stream *stream)
{
	struct asked *asked = host_stream_user(stream);
	struct vd_bytes out = stream_ping_next_output(&asked->ping);
	size_t took = 0;

	if (!out.len || host_stream_write(stream, out, &took))
		return;
	stream_ping_sent(&asked->ping, took);
}

static void take_pong(struct host_stream *stream)
{
	struct asked *asked = host_stream_user(stream);
	struct host_conn *conn = host_stream_conn(stream);
	struct vd_bytes in = host_stream_read(stream);
	enum vd_err err = stream_ping_receive(&asked->ping, in, vd_now());

	host_stream_taken(stream, in.len);
	if (err == VD_AGAIN && !host_stream_ended(stream))
		return;
	if (err == VD_AGAIN)
		err = VD_EPEER_TRUNC;
	if (err)
		host_stream_broke(stream, err, "it answered otherwise than it was asked");
	host_stream_use(stream, NULL, NULL);
	host_stream_finish(stream);
	host_stream_release(stream);
	tell(conn, asked, err);
}

static void lose_ping(struct host_stream *stream, enum vd_err err)
{
	tell(host_stream_conn(stream), host_stream_user(stream), err);
}

static const struct host_stream_class ping_class = {
	.opened = send_ping, .readable = take_pong, .writable = send_ping, .closed = lose_ping
};

enum vd_err host_ping(struct host_conn *conn, host_ping_fn done, void *context)
{
	static const char *const ids[] = { PING_ID, NULL };
	struct asked *asked = calloc(1, sizeof *asked);
	struct host_stream *stream;
	enum vd_err err;

	if (!asked)
		return VD_ENOMEM;
	asked->done = done;
	asked->context = context;
	err = host_open(conn, ids, &ping_class, asked, &stream);
	if (err) {
		free(asked);
		return err;
	}
	(void)!stream_ping_begin(&asked->ping, vd_now()); /* none is under way */
	host_stream_until(stream, stream_ping_deadline(&asked->ping));
	send_ping(stream);
	return VD_OK;
}
