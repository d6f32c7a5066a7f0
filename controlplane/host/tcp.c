/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* tcp: dialling. */
#include "controlplane/host/parts.h"

#include <stdlib.h>

static void on_connect(uv_connect_t *connect, int status)
{
	struct host_conn *conn = connect->data;

	if (conn->closing)
		return;
	if (status < 0)
		host_conn_close(conn, VD_ELINK_CLOSED, uv_strerror(status));
	else
		host_conn_established(conn);
}

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

/* 0, or libuv's error: then nothing has begun. */
static int connect_from(struct host_conn *conn, const struct sockaddr_storage *to,
			const struct sockaddr_storage *from)
{
	conn->from_listener = from && host_local_bind(&conn->tcp, from);
	return uv_tcp_connect(&conn->connect, &conn->tcp, (const struct sockaddr *)to, on_connect);
}

static enum vd_err begin_dial(struct host *host, const struct sockaddr_storage *to,
			      const struct vd_peer_id *peer, struct host_conn **conn_out)
{
	struct sockaddr_storage from;
	bool has_from = host_local_find(host, to, &from);
	struct host_conn *conn = host_conn_new(host, true, peer);
	int err;

	if (!conn)
		return VD_ELIMIT;
	err = connect_from(conn, to, has_from ? &from : NULL);
	if (err == UV_EADDRNOTAVAIL && conn->from_listener) { /* and connected there already */
		host_conn_close(conn, VD_OK, NULL);
		conn = host_conn_new(host, true, peer);
		if (!conn)
			return VD_ELIMIT;
		err = connect_from(conn, to, NULL);
	}
	host_address_of(to, &conn->remote);
	if (err)
		host_conn_fail_soon(conn, err);
	*conn_out = conn;
	return VD_OK;
}

bool host_dial_again(struct host_conn *conn)
{
	struct sockaddr_storage to;
	struct vd_peer_id none;
	struct host_conn *next;
	int err;

	if (host_address_parse(&conn->remote, &to, &none))
		return false;
	next = host_conn_new(conn->host, true, &conn->machine.expected);
	if (!next)
		return false;
	next->remote = conn->remote;
	next->waiting = conn->waiting;
	conn->waiting = NULL;
	err = connect_from(next, &to, NULL);
	if (err)
		host_conn_fail_soon(next, err);
	return true;
}

enum vd_err host_dial(struct host *host, const struct vd_multiaddr *address, host_dial_fn done,
		      void *context)
{
	struct host_dialling *waiting;
	struct sockaddr_storage to;
	struct vd_multiaddr remote;
	struct vd_peer_id peer;
	struct host_conn *conn;
	enum vd_err err;

	if (host_address_parse(address, &to, &peer) || !peer.len ||
	    vd_peer_id_equal(&peer, host_peer(host)))
		return VD_EUSER;
	conn = host_connection(host, &peer);
	if (conn) {
		done(context, conn, VD_OK, NULL);
		return VD_OK;
	}
	waiting = malloc(sizeof *waiting);
	if (!waiting)
		return VD_ENOMEM;
	host_address_of(&to, &remote);
	conn = find_dial(host, &peer, &remote);
	err = conn ? VD_OK : begin_dial(host, &to, &peer, &conn);
	if (err) {
		free(waiting);
		return err;
	}
	*waiting = (struct host_dialling){ done, context, conn->waiting };
	conn->waiting = waiting;
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

void host_dial_cancel(struct host *host, host_dial_fn done, void *context)
{
	struct host_conn *conn = host->pending;

	while (conn && !forget_waiting(conn, done, context))
		conn = conn->next;
	if (conn && !conn->waiting)
		host_conn_close(conn, VD_OK, "nobody waits for it any more");
}
