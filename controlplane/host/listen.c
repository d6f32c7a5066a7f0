/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* listen: listening, and what becomes of who connects. */
#include "controlplane/host/parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

