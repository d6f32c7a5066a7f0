/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* conn_clock: when a connection is looked at next, and what its time being up means. */
#include "controlplane/host/host_state.h"

/* At streams that do not agree on a protocol, while one has the time for it. */
enum { LOOKS = 8 };

/* Also those that are over but for what their users have not taken yet. */
static bool is_used(const struct host_conn *conn)
{
	const struct muxer *muxer = conn->machine.muxer;

	return !muxer || muxer->streams || conn->streams;
}

void host_conn_note_use(struct host_conn *conn, vd_ns now)
{
	const struct muxer *muxer = conn->machine.muxer;

	if (is_used(conn))
		conn->idle_since = 0;
	else if (!conn->idle_since)
		conn->idle_since = now;
	if (!conn->live || !muxer)
		return;
	atomic_store_explicit(&conn->live->streams, muxer->streams, memory_order_relaxed);
	atomic_store_explicit(&conn->live->rtt, muxer->rtt, memory_order_relaxed);
	atomic_store_explicit(&conn->live->going_away, muxer->going_away, memory_order_relaxed);
}

/* When one that another replaced is to be closed. */
static vd_ns retire_at(const struct host_conn *conn)
{
	vd_ns idle = conn->idle_for ? conn->idle_for : VD_NEVER;

	if (conn->surplus)
		idle = vd_ns_min(idle, conn->host->retire_after);
	if (idle == VD_NEVER || !conn->idle_since || is_used(conn))
		return VD_NEVER;
	return vd_ns_add(conn->idle_since, idle);
}

/*
 * Whom we dial in a private network has to greet sooner: what another key makes of our own first
 * byte may have it wait for a long line, which never comes.
 */
static vd_ns open_by(const struct host_conn *conn)
{
	bool greets =
	    conn->pnet && conn->machine.dialer && conn->established && !conn->machine.outer.greeted;

	if (!greets)
		return conn->until;
	return vd_ns_min(conn->until, vd_ns_add(conn->handshake, VD_SECONDS(HOST_DIAL_S)));
}

static void on_timer(uv_timer_t *timer)
{
	struct host_conn *conn = timer->data;
	vd_ns now = vd_now();

	if (conn->failed) {
		host_conn_close(conn, conn->failed, conn->failed_why);
		return;
	}
	if (!conn->announced && now >= open_by(conn)) {
		conn->host->counters.timeouts++;
		host_conn_close(conn, VD_ELINK_TIMEOUT, "no connection in time");
		return;
	}
	if (host_stalled(conn, now)) {
		conn->host->counters.timeouts++;
		host_conn_close(conn, VD_ELINK_TIMEOUT, "it takes nothing of what is sent");
		return;
	}
	if (now >= conn->look_at) {
		conn->look_at = 0;
		host_stream_expire(conn, now);
	}
	if (now >= retire_at(conn)) {
		host_conn_leave(conn, "another connection to this peer is preferred");
		return;
	}
	if (connection_expire(&conn->machine, now)) {
		conn->host->counters.timeouts++;
		host_conn_close(conn, VD_ELINK_TIMEOUT, conn->machine.reason);
		return;
	}
	host_conn_pump(conn);
}

void host_conn_fail_soon(struct host_conn *conn, enum vd_err err, const char *why)
{
	conn->failed = err;
	conn->failed_why = why;
	uv_timer_start(&conn->timer, on_timer, 0, 0);
}

void host_conn_set_timer(struct host_conn *conn)
{
	vd_ns at = connection_deadline(&conn->machine);
	vd_ns now = vd_now();

	if (!conn->announced)
		at = vd_ns_min(at, open_by(conn));
	at = vd_ns_min(at, retire_at(conn));
	at = vd_ns_min(at, host_stall_at(conn, now));
	if (conn->timed && !conn->look_at)
		conn->look_at =
		    now + vd_ns_min(VD_SECONDS(1), conn->host->negotiate_within / LOOKS);
	if (conn->timed && conn->look_at < at)
		at = conn->look_at;
	if (at == VD_NEVER)
		uv_timer_stop(&conn->timer);
	else
		uv_timer_start(&conn->timer, on_timer, at > now ? (at - now) / 1000000 + 1 : 0, 0);
}
