/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * conn: a connection's carrier (transport.h) around its machine; its clock is conn_clock.c.
 *
 *	carrier -> connection_receive -> streams' callbacks -> connection_next_output -> carrier
 *
 * One write is under way at a time; while it is, nothing more is taken from the machine, so that
 * a peer that does not read stops its streams and costs no memory here.
 */
#include "controlplane/host/host_state.h"

#include <stdlib.h>

#include "base/log.h"

/* ---- life ---- */

static void on_timer_closed(uv_handle_t *handle)
{
	struct host_conn *conn = handle->data;

	host_let_go(conn->host);
	host_stream_reap(conn);
	connection_fini(&conn->machine);
	host_network_leave(conn);
	host_bounds_freed(conn);
	free(conn->held);
	free(conn);
}

static struct host_conn **list_of(const struct host_conn *conn)
{
	return conn->announced ? &conn->host->conns : &conn->host->pending;
}

static void link_conn(struct host_conn *conn)
{
	struct host_conn **list = list_of(conn);

	conn->prev = NULL;
	conn->next = *list;
	if (conn->next)
		conn->next->prev = conn;
	*list = conn;
}

static void unlink_conn(struct host_conn *conn)
{
	if (conn->next)
		conn->next->prev = conn->prev;
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		*list_of(conn) = conn->next;
}

struct host_conn *host_conn_new(struct host *host, bool dialer, const struct vd_peer_id *expected)
{
	struct host_conn *conn;

	if (host->stopping)
		return NULL;
	if (host_limits_enter(host->limits, dialer)) {
		host->counters.connections_refused++;
		return NULL;
	}
	conn = calloc(1, sizeof *conn);
	if (!conn) {
		host_limits_leave(host->limits, dialer, false);
		return NULL;
	}
	conn->host = host;
	if (host_network_join(conn)) {
		host_limits_leave(host->limits, dialer, false);
		free(conn);
		return NULL;
	}
	connection_init(&conn->machine, &host->layers, dialer, expected);
	uv_timer_init(host->loop, &conn->timer);
	conn->timer.data = conn;
	host_hold(host);
	host->conn_count++;
	conn->since = vd_now();
	conn->until = conn->since + (dialer ? VD_SECONDS(HOST_DIAL_S) : host->negotiate_within);
	link_conn(conn);
	host_conn_set_timer(conn);
	return conn;
}

/* For those who waited for `conn`: what new streams use, also if another dial led to it. */
static struct host_conn *answer_of(struct host_conn *conn, enum vd_err err)
{
	struct host_conn *best = host_connection(conn->host, &conn->machine.expected);

	return best || err ? best : conn;
}

static void tell_waiting(struct host_conn *conn, enum vd_err err, const char *why)
{
	while (conn->waiting) {
		struct host_dialling *one = conn->waiting;
		struct host_conn *answer = answer_of(conn, err);

		conn->waiting = one->next;
		one->done(one->context, answer, answer ? VD_OK : err, answer ? NULL : why);
		free(one);
	}
}

static void count_failure(struct host_conn *conn, enum vd_err err)
{
	struct host_counters *counters = &conn->host->counters;

	if (vd_err_class(err) == VD_CLASS_PEER)
		counters->peers_broke++;
	if (conn->announced || !err)
		return;
	if (conn->machine.dialer)
		counters->dials_failed++;
	else
		counters->inbound_failed++;
}

static void tell_opened(struct host_conn *conn)
{
	const struct host_events *events = &conn->host->events;

	if (events->opened)
		events->opened(events->context, conn);
}

static void tell_closed(struct host_conn *conn, enum vd_err err, const char *why)
{
	const struct host_events *events = &conn->host->events;

	if (conn->announced && events->closed)
		events->closed(events->context, conn, err, why);
}

/*
 * Two sides that dial each other from where they listen, their SYNs crossing on the way, get one
 * TCP connection in which both are the initiator: neither is understood. Nothing tells that apart
 * from a peer that speaks nonsense, before it proved who it is.
 */
static bool may_have_crossed(const struct host_conn *conn, enum vd_err err)
{
	if (!conn->carrier || !conn->carrier->may_cross)
		return false;
	if (!conn->established || conn->announced || err == VD_EPEER_AUTH)
		return false;
	if (conn->pnet && !conn->machine.outer.greeted)
		return false; /* another key: one who crossed us would have greeted, too */
	return err == VD_ELINK_CLOSED || vd_err_class(err) == VD_CLASS_PEER;
}

/* We turned away a peer that came to us; not that it left. */
static bool was_dropped(const struct host_conn *conn, enum vd_err err)
{
	return !conn->machine.dialer && err != VD_ELINK_CLOSED &&
	       (!conn->announced || err == VD_ELIMIT || vd_err_class(err) == VD_CLASS_PEER);
}

static void tell_end(struct host_conn *conn, enum vd_err err, const char *why)
{
	char remote[VD_MULTIADDR_TEXT];
	uint64_t more = 0;
	bool news = was_dropped(conn, err) &&
		    host_drops_is_news(&conn->host->drops, why ? why : "", vd_now(), &more);

	vd_log(news ? VD_LOG_INFO : VD_LOG_DEBUG, VD_SUB_HOST,
	       news ? "connection dropped" : "connection closed",
	       VD_STR("address", vd_multiaddr_text(&conn->remote, remote)),
	       VD_STR("network", host_network_name(conn->host)), VD_ERR(err), VD_STR("why", why),
	       VD_U64("more", more));
}

void host_conn_close(struct host_conn *conn, enum vd_err err, const char *why)
{
	if (conn->closing)
		return;
	conn->closing = true;
	why = host_network_why(conn, err, why);
	if (!may_have_crossed(conn, err) || !host_dial_again(conn))
		count_failure(conn, err);
	if (err)
		tell_end(conn, err, why);
	if (conn->announced)
		host_table_del(conn);
	tell_waiting(conn, err ? err : VD_ELINK_CLOSED, why);
	host_stream_lose_all(conn, VD_ELINK_CLOSED);
	tell_closed(conn, err, why);
	unlink_conn(conn);
	host_bounds_left(conn);
	conn->host->conn_count--;
	host_conn_not_due(conn);
	if (conn->carrier)
		carrier_close(conn->carrier);
	conn->carrier = NULL;
	uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
}

/* ---- out ---- */

/* Sends until the carrier is full, or there is nothing more, or `most` bytes went. */
static enum vd_err send_output(struct host_conn *conn, size_t most, size_t *sent_out)
{
	vd_ns now = vd_now();

	*sent_out = 0;
	if (conn->carrier->muxer) {
		conn->carrier->class->flush(conn->carrier);
		return VD_OK;
	}
	while (!conn->carrier->waiting && *sent_out < most) {
		size_t of_machine;
		struct vd_bytes out = host_network_seal(
		    conn, connection_next_output(&conn->machine, now), &of_machine);
		enum vd_err err;

		if (!out.len)
			return VD_OK;
		err = carrier_write(conn->carrier, out);
		if (err && err != VD_AGAIN)
			return err;
		conn->host->counters.bytes_out += out.len;
		conn->carried += out.len;
		if (of_machine)
			connection_sent(&conn->machine, of_machine);
		*sent_out += out.len;
	}
	return VD_OK;
}

static const char *reason_of(const struct host_conn *conn, enum vd_err err)
{
	if (conn->machine.reason)
		return conn->machine.reason;
	return conn->carrier && conn->carrier->why ? conn->carrier->why : vd_err_text(err);
}

/* The machine failed, or the carrier: what the one has to say of it goes out, if it can at once. */
static void give_up(struct host_conn *conn, enum vd_err err)
{
	const char *why = reason_of(conn, err);
	size_t sent;

	(void)send_output(conn, SIZE_MAX, &sent);
	host_conn_close(conn, err, why);
}

/* We are done with it: what streams wrote, and that we go, as far as the carrier takes it. */
void host_conn_leave(struct host_conn *conn, const char *why)
{
	size_t sent;

	if (conn->announced && !conn->closing) {
		connection_close(&conn->machine);
		(void)send_output(conn, SIZE_MAX, &sent);
	}
	host_conn_close(conn, VD_OK, why);
}

/* The peer said so within the channel; it need not end the socket. */
static void end_of_peer(struct host_conn *conn)
{
	static const char why[] = "the peer ended the channel";

	if (conn->announced)
		host_conn_leave(conn, why);
	else
		host_conn_close(conn, VD_ELINK_CLOSED, why);
}

/* ---- in ---- */

/* Keeps what the machine does not take yet, and stops reading until it does. */
static enum vd_err hold(struct host_conn *conn, struct vd_bytes rest)
{
	uint8_t *copy = malloc(rest.len);

	if (!copy)
		return VD_ENOMEM;
	memcpy(copy, rest.at, rest.len); /* the rest may be of the old one */
	free(conn->held);
	conn->held = copy;
	conn->held_len = rest.len;
	carrier_read(conn->carrier, false);
	conn->reading = false;
	return VD_OK;
}

static enum vd_err take(struct host_conn *conn, struct vd_bytes wire)
{
	size_t used = 0;
	enum vd_err err = connection_receive(&conn->machine, wire, &used, vd_now());

	if (err)
		return err;
	if (used < wire.len)
		return hold(conn, vd_bytes(wire.at + used, wire.len - used));
	free(conn->held);
	conn->held = NULL;
	conn->held_len = 0;
	return VD_OK;
}

static void read_on(struct host_conn *conn)
{
	if (conn->reading || conn->held || conn->closing || conn->carrier->muxer)
		return;
	carrier_read(conn->carrier, true);
	conn->reading = true;
}

/* ---- the carrier ---- */

static void on_up(struct carrier *carrier)
{
	host_conn_established(carrier->user);
}

static void on_received(struct carrier *carrier, uint8_t *bytes, size_t len)
{
	struct host_conn *conn = carrier->user;
	enum vd_err err;

	conn->host->counters.bytes_in += len;
	conn->carried += len;
	if (conn->doubted)
		host_conn_heard(conn);
	if (conn->closing)
		return; /* by whoever was told */
	err = take(conn, host_network_open(conn, bytes, len));
	if (err)
		give_up(conn, err);
	else
		host_conn_pump(conn);
}

static void on_ready(struct carrier *carrier)
{
	struct host_conn *conn = carrier->user;

	conn->stall_at = 0;
	host_conn_pump(conn);
}

/* The other side may end it in order once it is open. */
static void on_ended(struct carrier *carrier, enum vd_err err, const char *why)
{
	struct host_conn *conn = carrier->user;

	host_conn_close(conn, err || conn->announced ? err : VD_ELINK_CLOSED, why);
}

static const struct carrier_events carrier_events = { on_up, on_received, on_ready, on_ended };

void host_conn_carry(struct host_conn *conn, struct carrier *carrier)
{
	conn->carrier = carrier;
	carrier->events = &carrier_events;
	carrier->user = conn;
}

/* A transport with streams of its own: nothing is left to negotiate. */
static enum vd_err take_streams(struct host_conn *conn)
{
	const struct vd_peer_id *expected = &conn->machine.expected;
	const struct carrier *carrier = conn->carrier;

	connection_take(&conn->machine, carrier->security, carrier->muxer);
	return expected->len && !vd_peer_id_equal(expected, &carrier->security->peer)
		   ? VD_EPEER_AUTH
		   : VD_OK;
}

void host_conn_established(struct host_conn *conn)
{
	conn->local = conn->carrier->local;
	conn->established = true;
	conn->handshake = vd_now();
	host_dial_note(conn, conn->handshake);
	conn->until = vd_now() + conn->host->negotiate_within;
	read_on(conn);
	if (conn->carrier->muxer && take_streams(conn)) {
		host_conn_close(conn, VD_EPEER_AUTH, "another peer than was dialled");
		return;
	}
	host_conn_pump(conn);
}

/* ---- a turn ---- */

static void announce(struct host_conn *conn)
{
	unlink_conn(conn);
	conn->announced = true;
	conn->handshake = vd_now() - conn->handshake;
	link_conn(conn);
	if (conn->machine.dialer)
		conn->host->counters.dialled++;
	else
		conn->host->counters.accepted++;
	host_bounds_opened(conn);
	host_table_add(conn);
	tell_opened(conn);
	if (conn->closing)
		return;
	tell_waiting(conn, VD_OK, NULL);
	host_self_opened(conn);
	host_identify_ask(conn);
}

/* False: it holds too much, and is closed. */
static bool keep_in_bounds(struct host_conn *conn)
{
	enum vd_err err = host_bounds_buffer(conn);

	if (err)
		host_conn_close(conn, err, "holds too much of what all connections may buffer");
	return !err;
}

/* Each may fill its stream's send buffer, and a turn has one for every stream. */
static bool take_events(struct host_conn *conn)
{
	bool any = false;
	struct muxer_event event;

	while (!conn->closing && (event = connection_next(&conn->machine)).what != MUXER_NOTHING) {
		any = true;
		host_stream_on_event(conn, &event);
		if (!conn->closing && host_bounds_grew(conn))
			(void)keep_in_bounds(conn);
	}
	return any;
}

/* Streams take what came, and so make room for what waits, until neither goes on. */
static enum vd_err take_waiting(struct host_conn *conn)
{
	enum vd_err err;
	bool more;

	do {
		size_t before = conn->held_len;

		err = take(conn, vd_bytes(conn->held, conn->held_len));
		more = !err && (take_events(conn) || conn->held_len < before);
	} while (more && !conn->closing);
	return err;
}

/* Streams and socket in turn: what was sent makes room for streams to write more. */
static enum vd_err take_and_send(struct host_conn *conn)
{
	size_t sent = 0, round = 0;
	enum vd_err err;

	do {
		err = take_waiting(conn);
		if (conn->closing || err)
			return err;
		if (send_output(conn, HOST_TURN_BYTES - sent, &round))
			return VD_ELINK_CLOSED;
		if (conn->machine.state == CONNECTION_FAILED)
			return conn->machine.err;
		sent += round;
	} while (round && !conn->carrier->waiting && sent < HOST_TURN_BYTES);
	if (round && !conn->carrier->waiting)
		host_conn_due(conn); /* the others' turn */
	return VD_OK;
}

void host_conn_pump(struct host_conn *conn)
{
	enum vd_err err;

	host_conn_not_due(conn);
	host_stream_reap(conn);
	if (conn->closing || !conn->established)
		return;
	if (!conn->announced && connection_is_open(&conn->machine))
		announce(conn);
	err = take_and_send(conn);
	if (conn->closing)
		return;
	if (err) {
		give_up(conn, err);
		return;
	}
	if (conn->machine.ended) {
		end_of_peer(conn);
		return;
	}
	if (!keep_in_bounds(conn))
		return;
	read_on(conn);
	host_conn_note_use(conn, vd_now());
	host_conn_set_timer(conn);
}
