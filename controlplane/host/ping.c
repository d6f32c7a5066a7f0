/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* ping: /ipfs/ping/1.0.0 on streams, both sides; the machines are stream_ping's. */
#include "controlplane/host/host_state.h"

#include <stdlib.h>

#include "controlplane/proto/stream_ping.h"

#define PING_ID "/ipfs/ping/1.0.0"

enum {
	PONGS = 2, /* streams that a connection's peer may ping on (libp2p/specs, ping) */
};

/* ---- answering ---- */

static void forget(struct host_stream *stream)
{
	host_stream_conn(stream)->pongs--;
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

	while (send_echo(stream, pong) && (in = host_stream_read(stream)).len) {
		host_stream_taken(stream, stream_pong_receive(pong, in));
		host_stream_touch(stream);
	}
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
	struct host_conn *conn = host_stream_conn(stream);
	struct stream_pong *pong = conn->pongs < PONGS ? calloc(1, sizeof *pong) : NULL;

	(void)context;
	if (!pong) {
		conn->host->counters.streams_refused++;
		host_stream_broke(stream, VD_ELIMIT, "more pings at once than one peer may have");
		host_stream_reset(stream);
		return;
	}
	conn->pongs++;
	host_stream_use(stream, &pong_class, pong);
	host_stream_touch(stream);
}

enum vd_err host_ping_init(struct host *host)
{
	return host_handle(host, &(struct host_protocol){ PING_ID, accept_ping, NULL });
}

/* ---- asking: one stream a connection, as long as there is something to ask ---- */

struct asked {
	host_ping_fn done;
	void *context;
	struct asked *next;
};

struct host_pings {
	struct stream_ping ping;      /* the first one's */
	struct asked *first, **after; /* in the order that they were asked */
	unsigned count;
};

static void tell(struct asked *asked, enum vd_err err, vd_ns rtt)
{
	asked->done(asked->context, err, rtt);
	free(asked);
}

/* It ended before it was asked to. A caller may ask anew, on another stream. */
static void tell_all(struct host_conn *conn, struct host_pings *pings, enum vd_err err)
{
	struct asked *asked = pings->first;

	conn->pings = NULL;
	free(pings);
	while (asked) {
		struct asked *next = asked->next;

		tell(asked, err, 0);
		asked = next;
	}
}

static void send_ping(struct host_stream *stream)
{
	struct host_pings *pings = host_stream_user(stream);
	struct vd_bytes out = stream_ping_next_output(&pings->ping);
	size_t took = 0;

	if (!out.len || host_stream_write(stream, out, &took))
		return;
	stream_ping_sent(&pings->ping, took);
}

static void begin(struct host_stream *stream)
{
	struct host_pings *pings = host_stream_user(stream);

	(void)stream_ping_begin(&pings->ping, vd_now()); /* none is under way */
	host_stream_until(stream, stream_ping_deadline(&pings->ping));
	send_ping(stream);
}

static void end_asking(struct host_stream *stream)
{
	host_stream_use(stream, NULL, NULL);
	host_stream_finish(stream);
	host_stream_release(stream);
}

/* The first one is answered. A caller may close the connection, so it is told last. */
static void tell_first(struct host_stream *stream)
{
	struct host_conn *conn = host_stream_conn(stream);
	const struct host_events *events = &conn->host->events;
	struct host_pings *pings = host_stream_user(stream);
	struct asked *asked = pings->first;
	vd_ns rtt = pings->ping.rtt;

	pings->first = asked->next;
	pings->count--;
	if (pings->first) {
		begin(stream);
	} else {
		conn->pings = NULL;
		free(pings);
		end_asking(stream);
	}
	if (events->pinged)
		events->pinged(events->context, conn, rtt);
	tell(asked, VD_OK, rtt);
}

static void take_pong(struct host_stream *stream)
{
	struct host_pings *pings = host_stream_user(stream);
	struct host_conn *conn = host_stream_conn(stream);
	struct vd_bytes in = host_stream_read(stream);
	enum vd_err err = stream_ping_receive(&pings->ping, in, vd_now());

	host_stream_taken(stream, in.len);
	if (err == VD_AGAIN && !host_stream_ended(stream))
		return;
	if (err == VD_AGAIN)
		err = VD_EPEER_TRUNC;
	if (!err) {
		tell_first(stream);
		return;
	}
	host_stream_broke(stream, err, "it answered otherwise than it was asked");
	end_asking(stream);
	tell_all(conn, pings, err);
}

static void lose_ping(struct host_stream *stream, enum vd_err err)
{
	tell_all(host_stream_conn(stream), host_stream_user(stream), err);
}

static const struct host_stream_class ping_class = {
	.opened = send_ping, .readable = take_pong, .writable = send_ping, .closed = lose_ping
};

/* The connection's stream, asked by nobody yet. */
static enum vd_err open_pings(struct host_conn *conn)
{
	static const char *const ids[] = { PING_ID, NULL };
	struct host_pings *pings = calloc(1, sizeof *pings);
	struct host_stream *stream;
	enum vd_err err;

	if (!pings)
		return VD_ENOMEM;
	err = host_open(conn, ids, &ping_class, pings, &stream);
	if (err) {
		free(pings);
		return err;
	}
	pings->after = &pings->first;
	conn->pings = pings;
	begin(stream);
	return VD_OK;
}

enum vd_err host_ping(struct host_conn *conn, host_ping_fn done, void *context)
{
	struct asked *asked;
	enum vd_err err;

	if (conn->closing)
		return VD_ELINK_CLOSED;
	if (conn->pings && conn->pings->count >= HOST_PINGS_MAX)
		return VD_ELIMIT;
	asked = calloc(1, sizeof *asked);
	if (!asked)
		return VD_ENOMEM;
	err = conn->pings ? VD_OK : open_pings(conn);
	if (err) {
		free(asked);
		return err;
	}
	asked->done = done;
	asked->context = context;
	*conn->pings->after = asked;
	conn->pings->after = &asked->next;
	conn->pings->count++;
	return VD_OK;
}
