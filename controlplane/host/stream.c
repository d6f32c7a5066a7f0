/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * stream: one stream of a connection: first multistream-select, then whoever handles the
 * protocol.
 *
 *	raw (muxer) <-> select until a protocol is agreed on <-> class
 */
#include "controlplane/host/host_state.h"

#include <stdlib.h>

#include "base/log.h"

/* ---- what became of it, in the log ---- */

/* Not that it has no protocol that we have, nor that it thought better of it. */
static bool is_fault(enum vd_err err)
{
	return err == VD_ELIMIT || (vd_err_class(err) == VD_CLASS_PEER && err != VD_EPEER_REFUSED &&
				    err != VD_EPEER_TRUNC);
}

static void tell(struct host_conn *conn, const char *protocol, enum vd_err err, const char *why)
{
	char remote[VD_MULTIADDR_TEXT];
	uint64_t more = 0;
	bool news = is_fault(err) &&
		    host_drops_is_news(&conn->host->drops, why ? why : "", vd_now(), &more);

	vd_log(news ? VD_LOG_INFO : VD_LOG_DEBUG, VD_SUB_HOST, "stream dropped",
	       VD_STR("address", vd_multiaddr_text(&conn->remote, remote)),
	       VD_STR("network", host_network_name(conn->host)),
	       VD_STR("protocol", protocol ? protocol : ""), VD_ERR(err), VD_STR("why", why),
	       VD_U64("more", more));
}

void host_stream_broke(const struct host_stream *stream, enum vd_err err, const char *why)
{
	if (vd_err_class(err) == VD_CLASS_PEER)
		stream->conn->host->counters.peers_broke++;
	tell(stream->conn, host_stream_protocol(stream), err, why);
}

/* ---- life ---- */

static void set_until(struct host_stream *stream, vd_ns until)
{
	stream->conn->timed += (until != VD_NEVER);
	stream->conn->timed -= (stream->until != VD_NEVER);
	stream->until = until;
}

static struct host_stream *add_stream(struct host_conn *conn, struct muxer_stream *raw)
{
	struct host_stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return NULL;
	stream->conn = conn;
	stream->raw = raw;
	stream->until = stream->wanted = VD_NEVER;
	set_until(stream, vd_now() + conn->host->negotiate_within);
	stream->next = conn->streams;
	if (stream->next)
		stream->next->prev = stream;
	conn->streams = stream;
	stream->inbound = raw->inbound;
	raw->user = stream;
	return stream;
}

static void set_agreed(struct host_stream *stream)
{
	stream->agreed = true;
	set_until(stream, stream->wanted);
}

/*
 * Out of its connection. Whoever is further up the stack may still look at it: its memory goes
 * with the next turn, and until then it is one without a muxer's stream.
 */
static void detach(struct host_stream *stream)
{
	struct host_conn *conn = stream->conn;

	set_until(stream, VD_NEVER);
	if (stream->inbound)
		host_bounds_stream_ended(conn);
	if (stream->counted)
		host_limits_del_stream(conn->host->limits, stream->counted);
	stream->counted = NULL;
	if (stream->next)
		stream->next->prev = stream->prev;
	if (conn->streams == stream)
		conn->streams = stream->next;
	else
		stream->prev->next = stream->next;
	stream->raw = NULL;
	stream->class = NULL;
	stream->next_dead = conn->dead;
	conn->dead = stream;
	host_conn_due(conn);
}

void host_stream_reap(struct host_conn *conn)
{
	while (conn->dead) {
		struct host_stream *stream = conn->dead;

		conn->dead = stream->next_dead;
		multistream_fini(&stream->select);
		free(stream);
	}
}

/* Gives the muxer's stream back. */
static void let_go(struct host_stream *stream)
{
	stream->raw->user = NULL;
	muxer_release(stream->raw);
}

/* The other side, or we, cut it: tells its user, and forgets it. */
static void lose(struct host_stream *stream, enum vd_err err)
{
	const struct host_stream_class *class = stream->class;

	muxer_reset(stream->raw);
	let_go(stream);
	detach(stream);
	if (class && class->closed)
		class->closed(stream, err);
}

void host_stream_lose_all(struct host_conn *conn, enum vd_err err)
{
	while (conn->streams)
		lose(conn->streams, err);
}

/* `next` may be buried by whom `lose` tells; it leads on to one that is not, all the same. */
void host_stream_expire(struct host_conn *conn, vd_ns now)
{
	struct host_stream *next;

	for (struct host_stream *stream = conn->streams; stream && conn->timed; stream = next) {
		next = stream->next;
		if (!stream->raw || stream->until > now)
			continue;
		conn->host->counters.timeouts++;
		tell(conn, host_stream_protocol(stream), VD_ELINK_TIMEOUT,
		     stream->agreed ? "not done in time" : "no protocol agreed on in time");
		lose(stream, VD_ELINK_TIMEOUT);
	}
}

/* ---- negotiation ---- */

/* With several ids it has to be known first which one it is. */
static bool may_write(const struct host_stream *stream)
{
	return stream->agreed || multistream_may_write(&stream->select);
}

/* What the negotiation has to say goes first; false while some of it waits. */
static bool flush_select(struct host_stream *stream)
{
	struct vd_bytes out;

	while ((out = multistream_next_output(&stream->select)).len) {
		size_t took = 0;

		if (muxer_write(stream->raw, out, &took) || !took)
			return false;
		multistream_sent(&stream->select, took);
		host_conn_due(stream->conn);
	}
	if (stream->finishing && may_write(stream)) {
		stream->finishing = false;
		muxer_finish(stream->raw);
	}
	return true;
}

static const struct host_protocol *protocol_of(const struct host *host, struct vd_bytes id)
{
	for (size_t i = 0; i < host->protocol_count; i++)
		if (vd_bytes_equal(vd_bytes_of_text(host->protocols[i].id), id))
			return &host->protocols[i];
	return NULL;
}

/* One more of its protocol; false: there are too many. */
static bool count_stream(struct host_stream *stream, size_t row)
{
	const struct host *host = stream->conn->host;

	if (host_limits_add_stream(host->limits, host->protocol_streams[row]))
		return false;
	stream->counted = host->protocol_streams[row];
	return true;
}

/* Agreed: a stream of ours is open; one of the peer's goes to its handler. False: it is gone. */
static bool begin(struct host_stream *stream)
{
	struct host *host = stream->conn->host;
	const char *id = multistream_protocol(&stream->select);
	const struct host_protocol *protocol;

	set_agreed(stream);
	flush_select(stream); /* finished already, maybe */
	if (!stream->raw->inbound) {
		if (stream->class && stream->class->opened)
			stream->class->opened(stream);
		return true;
	}
	protocol = protocol_of(host, vd_bytes_of_text(id));
	if (!protocol) { /* unhandled in between */
		host->counters.streams_refused++;
		lose(stream, VD_ELINK_CLOSED);
		return false;
	}
	if (!count_stream(stream, (size_t)(protocol - host->protocols))) {
		tell(stream->conn, id, VD_ELIMIT, "too many streams of its protocol");
		lose(stream, VD_ELIMIT);
		return false;
	}
	host->counters.streams_in++;
	if (protocol->accept)
		protocol->accept(protocol->context, stream);
	else
		host_stream_use(stream, protocol->calls, protocol->context);
	return true;
}

/* Having no protocol in common is no fault; and a peer that ends early changed its mind. */
static void tell_refused(const struct host_stream *stream, enum vd_err err)
{
	bool faultless = err == VD_EPEER_REFUSED || err == VD_EPEER_TRUNC;

	if (!faultless)
		host_stream_broke(stream, err, stream->select.reason);
	else
		tell(stream->conn, NULL, err,
		     stream->select.reason ? stream->select.reason
					   : "ended before a protocol was agreed on");
}

/* No protocol: a `na` that we said still goes out. */
static void refuse(struct host_stream *stream, enum vd_err err)
{
	tell_refused(stream, err);
	if (stream->raw->inbound) {
		stream->conn->host->counters.streams_refused++;
		muxer_finish(stream->raw);
		let_go(stream);
		detach(stream);
		return;
	}
	lose(stream, err);
}

/* Feeds the negotiation; false when the stream is gone, or still negotiates. */
static bool negotiate(struct host_stream *stream)
{
	while (!stream->agreed) {
		struct vd_bytes in = muxer_read(stream->raw);
		size_t used = 0;
		enum vd_err err = multistream_receive(&stream->select, in, &used);

		muxer_taken(stream->raw, used);
		host_conn_due(stream->conn);
		flush_select(stream);
		if (err || (muxer_ended(stream->raw) && !multistream_protocol(&stream->select))) {
			refuse(stream, err ? err : VD_EPEER_TRUNC);
			return false;
		}
		if (multistream_protocol(&stream->select))
			return begin(stream);
		if (!in.len)
			return false;
	}
	return true;
}

/* ---- events ---- */

/* From now on host_connection passes it over, and swarm_find once its place has told it. */
static void on_going(struct host_conn *conn, uint32_t code)
{
	const struct host_events *events = &conn->host->events;
	char remote[VD_MULTIADDR_TEXT];

	if (conn->told_going)
		return;
	conn->told_going = true;
	vd_log(VD_LOG_DEBUG, VD_SUB_HOST, "peer takes no more streams",
	       VD_STR("address", vd_multiaddr_text(&conn->remote, remote)),
	       VD_STR("network", host_network_name(conn->host)), VD_U64("code", code));
	host_settle(conn->host, &conn->machine.security->peer);
	if (events->going_away)
		events->going_away(events->context, conn);
}

static void on_readable(struct host_stream *stream)
{
	if (!stream->agreed) {
		if (!negotiate(stream) || !stream->raw) /* whom it told of it may have ended it */
			return;
		if (!muxer_read(stream->raw).len && !muxer_ended(stream->raw))
			return;
	}
	if (stream->class && stream->class->readable)
		stream->class->readable(stream);
}

static void on_writable(struct host_stream *stream)
{
	if (flush_select(stream) && stream->class && stream->class->writable && may_write(stream))
		stream->class->writable(stream);
}

static void on_stream(struct host_conn *conn, struct muxer_stream *raw)
{
	bool counted = host_bounds_stream(conn) == VD_OK;
	struct host_stream *stream = counted ? add_stream(conn, raw) : NULL;

	if (!stream) {
		tell(conn, NULL, VD_ELIMIT, counted ? "no memory" : "too many streams of the peer");
		if (counted)
			host_bounds_stream_ended(conn);
		muxer_reset(raw);
		muxer_release(raw);
		return;
	}
	multistream_listen(&stream->select, &conn->host->handlers);
	flush_select(stream);
}

void host_stream_on_event(struct host_conn *conn, const struct muxer_event *event)
{
	struct host_stream *stream;

	if (event->what == MUXER_STREAM) {
		on_stream(conn, event->stream);
		return;
	}
	if (event->what == MUXER_GO_AWAY)
		on_going(conn, event->code);
	stream = event->stream ? event->stream->user : NULL;
	if (!stream)
		return;
	switch (event->what) {
	case MUXER_READABLE: on_readable(stream); break;
	case MUXER_WRITABLE: on_writable(stream); break;
	case MUXER_RESET: lose(stream, VD_ELINK_CLOSED); break;
	default: break;
	}
}

/* ---- what users call ---- */

enum vd_err host_open(struct host_conn *conn, const char *const *ids,
		      const struct host_stream_class *class, void *user,
		      struct host_stream **stream_out)
{
	struct muxer_stream *raw;
	enum vd_err err;

	if (conn->host->stopping || conn->closing || !connection_is_open(&conn->machine))
		return VD_ELINK_CLOSED;
	err = muxer_open(conn->machine.muxer, &raw);
	if (err)
		return err;
	*stream_out = add_stream(conn, raw);
	if (!*stream_out) {
		muxer_reset(raw);
		muxer_release(raw);
		return VD_ENOMEM;
	}
	host_stream_use(*stream_out, class, user);
	conn->host->counters.streams_out++;
	multistream_dial(&(*stream_out)->select, ids);
	flush_select(*stream_out);
	return VD_OK;
}

void host_stream_use(struct host_stream *stream, const struct host_stream_class *class, void *user)
{
	stream->class = class;
	stream->user = user;
}

void *host_stream_user(const struct host_stream *stream)
{
	return stream->user;
}

struct host_conn *host_stream_conn(const struct host_stream *stream)
{
	return stream->conn;
}

const char *host_stream_protocol(const struct host_stream *stream)
{
	return stream->agreed ? multistream_protocol(&stream->select) : NULL;
}

struct vd_bytes host_stream_read(struct host_stream *stream)
{
	return stream->agreed && stream->raw ? muxer_read(stream->raw) : vd_bytes(NULL, 0);
}

void host_stream_taken(struct host_stream *stream, size_t len)
{
	if (!stream->raw)
		return;
	stream->raw->answered |= len && !stream->raw->inbound;
	muxer_taken(stream->raw, len);
	host_conn_due(stream->conn);
}

bool host_stream_is_over(const struct host_stream *stream)
{
	return !stream->raw;
}

bool host_stream_finished(const struct host_stream *stream)
{
	return stream->agreed && stream->raw && muxer_finished(stream->raw);
}

bool host_stream_ended(const struct host_stream *stream)
{
	return stream->agreed && stream->raw && muxer_ended(stream->raw);
}

bool host_stream_has_room(struct host_stream *stream, size_t len)
{
	if (!stream->raw || stream->finishing)
		return true;
	return may_write(stream) && flush_select(stream) && muxer_has_room(stream->raw, len);
}

enum vd_err host_stream_write(struct host_stream *stream, struct vd_bytes bytes, size_t *took_out)
{
	*took_out = 0;
	if (!stream->raw)
		return VD_ELINK_CLOSED;
	if (stream->finishing)
		return VD_EBUG_STATE;
	if (!may_write(stream) || !flush_select(stream))
		return VD_AGAIN;
	host_conn_due(stream->conn);
	return muxer_write(stream->raw, bytes, took_out);
}

void host_stream_finish(struct host_stream *stream)
{
	if (!stream->raw)
		return;
	stream->finishing = true;
	flush_select(stream);
	host_conn_due(stream->conn);
}

void host_stream_reset(struct host_stream *stream)
{
	stream->class = NULL; /* no `closed` */
	if (stream->raw)
		lose(stream, VD_OK);
}

void host_stream_release(struct host_stream *stream)
{
	if (!stream->raw)
		return;
	let_go(stream);
	detach(stream);
}

void host_stream_touch(struct host_stream *stream)
{
	vd_ns until = vd_now() + stream->conn->host->idle_within;

	/* It is looked at once a second: no need to move it for each byte. */
	if (stream->wanted == VD_NEVER || until - stream->wanted > VD_MS(200))
		host_stream_until(stream, until);
}

void host_stream_until(struct host_stream *stream, vd_ns deadline)
{
	stream->wanted = deadline;
	if (stream->raw && stream->agreed)
		set_until(stream, deadline);
	host_conn_due(stream->conn);
}
