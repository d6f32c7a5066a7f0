/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* host_dial: one attempt at one address, by the transport that takes it; callers that wait. */
#include "controlplane/host/host_state.h"

#include <stdlib.h>

/* A dial to that peer and address that is under way. */
static struct host_conn *find_dial(const struct host *host, const struct vd_peer_id *peer,
				   const struct vd_multiaddr *remote)
{
	for (struct host_conn *conn = host->pending; conn; conn = conn->next)
		if (conn->machine.dialer && !conn->closing &&
		    vd_peer_id_equal(&conn->machine.expected, peer) &&
		    vd_multiaddr_equal(&conn->remote, remote))
			return conn;
	return NULL;
}

/* It fails from the loop, as others do, when it fails at once. */
static void begin(struct host_conn *conn, struct transport *transport, bool apart)
{
	const struct transport_dial dial = { .address = &conn->remote,
					     .peer = &conn->machine.expected,
					     .apart = apart };
	const char *why = NULL;
	struct carrier *carrier;
	enum vd_err err = transport->class->dial(transport, &dial, &carrier, &why);

	if (err)
		host_conn_fail_soon(conn, err, why ? why : vd_err_text(err));
	else
		host_conn_carry(conn, carrier);
}

static enum vd_err begin_dial(struct transport *transport, const struct vd_multiaddr *address,
			      const struct vd_peer_id *peer, struct host_conn **conn_out)
{
	struct host_conn *conn = host_conn_new(transport->host, true, peer);

	if (!conn)
		return VD_ELIMIT;
	conn->remote = *address;
	begin(conn, transport, false);
	*conn_out = conn;
	return VD_OK;
}

bool host_dial_again(struct host_conn *conn)
{
	struct transport *transport = host_transport_of(conn->host, &conn->remote);
	struct host_conn *next;

	if (!transport)
		return false;
	next = host_conn_new(conn->host, true, &conn->machine.expected);
	if (!next)
		return false;
	host_dial_note(conn, 0);
	next->remote = conn->remote;
	next->waiting = conn->waiting;
	conn->waiting = NULL;
	begin(next, transport, true);
	return true;
}

void host_dial_note(const struct host_conn *conn, vd_ns now)
{
	for (const struct host_dialling *one = conn->waiting; one; one = one->next)
		if (one->up_at)
			atomic_store_explicit(one->up_at, now, memory_order_relaxed);
}

enum vd_err host_dial(struct host *host, const struct vd_multiaddr *address, host_dial_fn done,
		      void *context)
{
	return host_dial_noting(host, address, done, context, NULL);
}

enum vd_err host_dial_noting(struct host *host, const struct vd_multiaddr *address,
			     host_dial_fn done, void *context, _Atomic uint64_t *up_at)
{
	struct host_dialling *waiting;
	struct transport *transport;
	struct vd_multiaddr remote;
	struct vd_peer_id peer;
	struct host_conn *conn;
	enum vd_err err;

	if (host->stopping)
		return VD_ELINK_CLOSED;
	if (transport_split(address, &remote, &peer) || !peer.len ||
	    vd_peer_id_equal(&peer, host_peer(host)))
		return VD_EUSER;
	transport = host_transport_of(host, &remote);
	if (!transport)
		return VD_EUSER;
	conn = host_connection(host, &peer);
	if (conn) {
		done(context, conn, VD_OK, NULL);
		return VD_OK;
	}
	waiting = malloc(sizeof *waiting);
	if (!waiting)
		return VD_ENOMEM;
	conn = find_dial(host, &peer, &remote);
	err = conn ? VD_OK : begin_dial(transport, &remote, &peer, &conn);
	if (err) {
		free(waiting);
		return err;
	}
	*waiting = (struct host_dialling){ done, context, up_at, conn->waiting };
	conn->waiting = waiting;
	if (conn->established)
		host_dial_note(conn, conn->handshake);
	return VD_OK;
}

/* Out of those who wait for it, if they do. */
static bool forget_waiting(struct host_conn *conn, host_dial_fn done, const void *context)
{
	for (struct host_dialling **at = &conn->waiting; *at; at = &(*at)->next) {
		struct host_dialling *one = *at;

		if (one->done != done || one->context != context)
			continue;
		*at = one->next;
		free(one);
		return true;
	}
	return false;
}

static struct host_conn *find_waited(struct host_conn *list, host_dial_fn done, const void *context)
{
	while (list && !forget_waiting(list, done, context))
		list = list->next;
	return list;
}

/* One that is open just now still has those who are not told yet; it stays. */
void host_dial_cancel(struct host *host, host_dial_fn done, void *context)
{
	struct host_conn *conn = find_waited(host->pending, done, context);

	if (conn && !conn->waiting)
		host_conn_close(conn, VD_OK, "nobody waits for it any more");
	if (!conn)
		(void)find_waited(host->conns, done, context);
}
