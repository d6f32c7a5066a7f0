/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * identify: /ipfs/id/1.0.0 and its push (libp2p/specs, identify), as the one who is told: we ask on
 * every new connection, and take pushes. What we tell is in identify_tell.c.
 */
#include "controlplane/host/host_state.h"

#include <ctype.h>
#include <stdlib.h>

#include "controlplane/host/link_tell.h"
#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/link_addresses.h"

enum { PUSHES_BURST = 10 };                    /* of one peer (go-libp2p: of a network) */
static const vd_ns push_every = VD_SECONDS(5); /* afterwards */

/* ---- being told ---- */

/* Of a text that a peer chose, what may stand in a log. */
static void copy_printable(struct vd_bytes from, char *to, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < from.len && len + 1 < cap; i++)
		if (isprint(from.at[i]))
			to[len++] = (char)from.at[i];
	to[len] = '\0';
}

static bool tells_of(const struct identify *told, const char *protocol)
{
	for (size_t i = 0; i < told->protocols_count; i++)
		if (vd_bytes_equal(told->protocols[i], vd_bytes_of_text(protocol)))
			return true;
	return false;
}

/* A push has what changed alone: what is not in it stays (the specification, identify/push). */
static void note(struct host_conn *conn, const struct identify *told)
{
	struct host_told *known = &conn->told_of_us;
	struct host_counters *counters = &conn->host->counters;
	bool pushes = tells_of(told, IDENTIFY_PUSH_ID);

	if (told->agent.len)
		copy_printable(told->agent, conn->agent, sizeof conn->agent);
	if (!told->protocols_count && known->asked)
		return;
	if (!known->asked || pushes != known->pushes) {
		counters->push_peers += pushes;
		counters->no_push_peers += !pushes;
	}
	known->asked = true;
	known->pushes = pushes;
	host_self_push_soon(conn);
	if (conn->machine.dialer && tells_of(told, LINK_ADDRESSES_ID))
		(void)host_link_ask(conn);
}

static bool is_push(const struct host_stream *stream)
{
	const char *protocol = host_stream_protocol(stream);

	return protocol && strcmp(protocol, IDENTIFY_PUSH_ID) == 0;
}

static enum vd_err take_message(struct host_stream *stream, struct vd_bytes in)
{
	struct host_conn *conn = host_stream_conn(stream);
	struct identify told;
	enum vd_err err = identify_stream_read(in, &told);

	if (err)
		return err;
	if (is_push(stream))
		conn->host->counters.pushes_in++;
	else
		conn->host->counters.identify_out++;
	note(conn, &told);
	return VD_OK;
}

static void tell_identified(struct host_conn *conn, struct vd_bytes told)
{
	const struct host_events *events = &conn->host->events;

	if (events->identified && !conn->closing)
		events->identified(events->context, conn, told);
}

static enum vd_err add_told(struct host_conn *conn, struct byte_queue *told, struct vd_bytes in)
{
	size_t before = byte_queue_held(told);
	enum vd_err err =
	    told->len + in.len > IDENTIFY_STREAM_MAX ? VD_EPEER_RANGE : byte_queue_push(told, in);

	conn->told_of_us.held += byte_queue_held(told) - before;
	return err;
}

static void free_told(struct host_conn *conn, struct byte_queue *told)
{
	conn->told_of_us.held -= byte_queue_held(told);
	byte_queue_fini(told);
	free(told);
}

static void forget(struct host_stream *stream)
{
	struct host_conn *conn = host_stream_conn(stream);

	if (is_push(stream))
		conn->told_of_us.pushing = false;
	free_told(conn, host_stream_user(stream));
	host_stream_use(stream, NULL, NULL);
}

static void on_told(struct host_stream *stream)
{
	struct host_conn *conn = host_stream_conn(stream);
	struct byte_queue *told = host_stream_user(stream);
	struct vd_bytes in;
	enum vd_err err = VD_OK;

	while (!err && (in = host_stream_read(stream)).len) {
		err = add_told(conn, told, in);
		host_stream_taken(stream, in.len);
	}
	if (!err && !host_stream_ended(stream))
		return;
	if (!err)
		err = take_message(stream, byte_queue_bytes(told));
	if (err) {
		host_stream_broke(stream, err, "what it told does not read");
		forget(stream);
		host_stream_reset(stream);
		return;
	}
	if (is_push(stream))
		conn->told_of_us.pushing = false;
	host_stream_use(stream, NULL, NULL);
	host_stream_finish(stream);
	host_stream_release(stream);
	tell_identified(conn, byte_queue_bytes(told));
	free_told(conn, told);
}

static void on_lost(struct host_stream *stream, enum vd_err err)
{
	(void)err;
	forget(stream);
}

static const struct host_stream_class being_told = { .readable = on_told, .closed = on_lost };

/* Each costs us the reading: a peer has some at once, then one in a while. */
static bool may_push(struct host_conn *conn)
{
	struct host_told *told = &conn->told_of_us;
	vd_ns now = vd_now();

	if (told->pushing)
		return false;
	if (told->pushes_full < now)
		told->pushes_full = now;
	if (told->pushes_full + push_every > now + PUSHES_BURST * push_every)
		return false;
	told->pushes_full += push_every;
	return true;
}

static void be_told(void *context, struct host_stream *stream)
{
	struct host_conn *conn = host_stream_conn(stream);
	struct byte_queue *told = may_push(conn) ? calloc(1, sizeof *told) : NULL;

	(void)context;
	if (!told) {
		conn->host->counters.pushes_refused++;
		host_stream_reset(stream);
		return;
	}
	conn->told_of_us.pushing = true;
	host_stream_use(stream, &being_told, told);
	host_stream_until(stream, vd_now() + HOST_IDENTIFY_UNTIL);
}

void host_identify_ask(struct host_conn *conn)
{
	static const char *const ids[] = { IDENTIFY_ID, NULL };
	struct byte_queue *told = calloc(1, sizeof *told);
	struct host_stream *stream;

	if (!told || host_open(conn, ids, &being_told, told, &stream))
		free(told);
	else
		host_stream_until(stream, vd_now() + HOST_IDENTIFY_UNTIL);
}

enum vd_err host_identify_init(struct host *host)
{
	enum vd_err err = host_self_init(host);

	if (!err)
		err =
		    host_handle(host, &(struct host_protocol){ IDENTIFY_ID, host_self_tell, host });
	if (!err)
		err = host_handle(host, &(struct host_protocol){ IDENTIFY_PUSH_ID, be_told, NULL });
	return err;
}
