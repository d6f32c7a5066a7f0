/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * listen: listening, and what becomes of who connects.
 *
 * Accepting is not libuv's: for want of a descriptor it cuts those who wait, without a word to us,
 * or tries again without end. Here they wait in the kernel's queue, and we look again later.
 */
#include "controlplane/host/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum {
	BACKLOG = 1024,
	ACCEPTS_A_TURN = 64, /* then the others' turn */
	AGAIN_MS = 100,
};

static const vd_ns told_again = VD_SECONDS(60);

/* ---- accepting ---- */

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

/* To whoever the events' owner chooses. */
static void take_accepted(struct host *host, int fd)
{
	if (!host->events.accepted || !host->events.accepted(host->events.context, fd))
		(void)!host_adopt(host, fd);
}

/* Whether accept(2) failed because of the one connection; the next may be had. */
static bool is_of_one(int error)
{
	return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM;
}

static void tell_shortage(struct host *host, int error)
{
	if (host->shortage_told && vd_now() < host->shortage_told + told_again)
		return;
	host->shortage_told = vd_now();
	vd_log(VD_WARN, VD_SUB_HOST,
	       "cannot accept connections; who connects waits. If files are too many, raise their "
	       "limit (ulimit -n, or LimitNOFILE= of the unit), or lower host.connections_max",
	       VD_STR("network", host_network_name(host)), VD_STR("cause", strerror(error)));
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void on_again(uv_timer_t *timer)
{
	struct host_listener *listener = timer->data;

	uv_poll_start(&listener->poll, UV_READABLE, on_ready);
}

/* Level-triggered: it would be ready all the time. */
static void put_off(struct host_listener *listener, int error)
{
	listener->host->counters.accepts_put_off++;
	tell_shortage(listener->host, error);
	uv_poll_stop(&listener->poll);
	uv_timer_start(&listener->again, on_again, AGAIN_MS, 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct host_listener *listener = poll->data;

	(void)status;
	(void)events;
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take_accepted(listener->host, fd);
		} else if (!is_of_one(errno)) {
			if (errno != EAGAIN)
				put_off(listener, errno);
			return;
		}
	}
}

/* ---- listening ---- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct host_listener *listener = handle->data;

	listener->host->handle_count--;
	if (--listener->handles == 0)
		free(listener);
}

/* 0, or errno's. */
static int bind_socket(int fd, const struct sockaddr_storage *at, struct sockaddr_storage *bound)
{
	socklen_t len =
	    at->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	socklen_t room = sizeof *bound;
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
	    (at->ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on)) ||
	    bind(fd, (const struct sockaddr *)at, len) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)bound, &room))
		return errno;
	host_local_share(fd);
	return 0;
}

static int open_listener(struct host *host, const struct sockaddr_storage *at,
			 struct host_listener *listener)
{
	struct sockaddr_storage bound;
	int error;

	listener->host = host;
	listener->fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = bind_socket(listener->fd, at, &bound);
	if (!error && uv_poll_init(host->loop, &listener->poll, listener->fd))
		error = EINVAL;
	if (error) {
		if (listener->fd >= 0)
			close(listener->fd);
		return error;
	}
	uv_timer_init(host->loop, &listener->again);
	listener->poll.data = listener->again.data = listener;
	listener->handles = 2;
	host->handle_count += 2;
	host_address_of(&bound, &listener->address);
	uv_poll_start(&listener->poll, UV_READABLE, on_ready);
	return 0;
}

static const char *cure_of(int error)
{
	switch (error) {
	case EADDRINUSE: return "is another program there?";
	case EADDRNOTAVAIL: return "is it an address of this machine?";
	case EMFILE: return "raise the limit of open files (ulimit -n)";
	default: return "is this process allowed to?";
	}
}

enum vd_err host_listen(struct host *host, const struct vd_multiaddr *address, char *why)
{
	struct host_listener *listener;
	struct sockaddr_storage at;
	struct vd_peer_id peer;
	int error;

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
	error = open_listener(host, &at, listener);
	if (error) {
		snprintf(why, HOST_WHY, "%s; %s", strerror(error), cure_of(error));
		free(listener);
		return VD_ESYS;
	}
	host->listeners[host->listen_count++] = listener;
	host_self_listens_changed(host);
	return VD_OK;
}

/* Nobody is accepted from here on, and the port is free. */
static void close_listener(struct host_listener *listener)
{
	uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
	uv_close((uv_handle_t *)&listener->again, on_handle_closed);
	close(listener->fd);
}

void host_listen_close(struct host *host)
{
	while (host->listen_count)
		close_listener(host->listeners[--host->listen_count]);
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
