/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* tcp: listening and dialling. */
#include "controlplane/host/parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { BACKLOG = 1024 };

/* ---- listening ---- */

/* The socket is in its handle. */
static enum vd_err begin_accepted(struct host_conn *conn, int uv_err)
{
	struct sockaddr_storage remote;
	int len = sizeof remote;
	const char *why;

	if (uv_err || uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&remote, &len) < 0) {
		host_conn_close(conn, VD_ELINK_CLOSED, "gone before it was accepted");
		return VD_ELINK_CLOSED;
	}
	host_address_of(&remote, &conn->remote);
	if (host_bounds_arrived(conn, &why)) {
		host_conn_close(conn, VD_ELIMIT, why);
		return VD_ELIMIT;
	}
	host_conn_established(conn);
	return VD_OK;
}

enum vd_err host_adopt(struct host *host, int fd)
{
	struct host_conn *conn = host_conn_new(host, false, NULL);
	int err;

	if (!conn) {
		close(fd);
		return VD_ELIMIT;
	}
	err = uv_tcp_open(&conn->tcp, fd);
	if (err)
		close(fd);
	return begin_accepted(conn, err);
}

static void on_lent_closed(uv_handle_t *handle)
{
	((struct host *)handle->data)->handle_count--;
	free(handle);
}

/* Out of the handle that libuv wants to accept with; -1: not had. */
static int accept_descriptor(struct host *host, uv_stream_t *listener)
{
	uv_tcp_t *tcp = malloc(sizeof *tcp);
	uv_os_fd_t fd;
	int own = -1;

	if (!tcp || uv_tcp_init(host->loop, tcp)) {
		free(tcp);
		return -1;
	}
	tcp->data = host;
	host->handle_count++;
	if (!uv_accept(listener, (uv_stream_t *)tcp) && !uv_fileno((uv_handle_t *)tcp, &fd))
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	uv_close((uv_handle_t *)tcp, on_lent_closed);
	return own;
}

/* To whoever the events' owner chooses. */
static void hand_over(struct host *host, uv_stream_t *listener)
{
	int fd = accept_descriptor(host, listener);

	if (fd < 0)
		host->counters.connections_refused++;
	else if (!host->events.accepted(host->events.context, fd))
		(void)!host_adopt(host, fd);
}

/* libuv listens no further until what came was accepted. */
static void turn_away(struct host *host, uv_stream_t *listener)
{
	int fd = accept_descriptor(host, listener);

	if (fd >= 0)
		close(fd);
}

static void on_connection(uv_stream_t *tcp, int status)
{
	struct host *host = ((struct host_listener *)tcp->data)->host;
	struct host_conn *conn;

	if (status < 0)
		return;
	if (host->events.accepted) {
		hand_over(host, tcp);
		return;
	}
	conn = host_conn_new(host, false, NULL);
	if (conn)
		(void)!begin_accepted(conn, uv_accept(tcp, (uv_stream_t *)&conn->tcp));
	else
		turn_away(host, tcp);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct host_listener *listener = handle->data;

	listener->host->handle_count--;
	free(listener);
}

static int bind_listener(struct host_listener *listener, const struct sockaddr_storage *at)
{
	unsigned flags = at->ss_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0;
	struct sockaddr_storage bound;
	int len = sizeof bound;
	int err = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)at, flags);

	if (!err)
		err = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
	if (!err)
		err = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&bound, &len);
	if (err)
		return err;
	host_address_of(&bound, &listener->address);
	host_local_share(&listener->tcp);
	return 0;
}

enum vd_err host_listen(struct host *host, const struct vd_multiaddr *address, char *why)
{
	struct host_listener *listener;
	struct sockaddr_storage at;
	struct vd_peer_id peer;
	int err;

	if (host_address_parse(address, &at, &peer) || peer.len) {
		snprintf(why, HOST_WHY, "wants /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT");
		return VD_EUSER;
	}
	if (host->listen_count == HOST_LISTEN_MAX) {
		snprintf(why, HOST_WHY, "more than %d addresses; leave some out", HOST_LISTEN_MAX);
		return VD_ELIMIT;
	}
	listener = calloc(1, sizeof *listener);
	if (!listener)
		return VD_ENOMEM;
	listener->host = host;
	uv_tcp_init(host->loop, &listener->tcp);
	listener->tcp.data = listener;
	host->handle_count++;
	err = bind_listener(listener, &at);
	if (err) {
		snprintf(why, HOST_WHY, "%s; is another program there?", uv_strerror(err));
		uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
		return VD_ESYS;
	}
	host->listeners[host->listen_count++] = listener;
	host_self_listens_changed(host);
	return VD_OK;
}

void host_listen_close(struct host *host)
{
	while (host->listen_count)
		uv_close((uv_handle_t *)&host->listeners[--host->listen_count]->tcp,
			 on_listener_closed);
}

size_t host_listens(const struct host *host, struct vd_multiaddr out[HOST_LISTEN_MAX])
{
	size_t count = host->listen_count;

	for (size_t i = 0; i < count; i++)
		out[i] = host->listeners[i]->address;
	for (size_t i = 0; i < host->by_another_count && count < HOST_LISTEN_MAX; i++)
		out[count++] = host->by_another[i];
	return count;
}

void host_listens_by_another(struct host *host, const struct vd_multiaddr *listens, size_t count)
{
	host->by_another_count = count < HOST_LISTEN_MAX ? count : HOST_LISTEN_MAX;
	memcpy(host->by_another, listens, host->by_another_count * sizeof *listens);
	host_self_listens_changed(host);
}

/* ---- dialling ---- */

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
