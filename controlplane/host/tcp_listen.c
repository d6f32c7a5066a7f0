/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_listen: TCP's listeners.
 *
 * Accepting is not libuv's: for want of a descriptor it cuts those who wait, without a word to us,
 * or tries again without end. Here they wait in the kernel's queue, and we look again later.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "controlplane/host/host_state.h"
#include "controlplane/host/tcp.h"

enum {
	BACKLOG = 1024,
	ACCEPTS_A_TURN = 64, /* then the others' turn */
	AGAIN_MS = 100,
};

static const vd_ns told_again = VD_SECONDS(60);

struct tcp_listener {
	struct transport_listener listener;
	int fd;
	uv_poll_t poll;
	uv_timer_t again; /* listens again, when there was no descriptor for one */
	unsigned handles; /* of the two, not closed yet */
};

static struct host *host_of(const struct tcp_listener *listener)
{
	return listener->listener.transport->host;
}

/* ---- accepting ---- */

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
	vd_log(VD_LOG_WARN, VD_SUB_HOST,
	       "cannot accept connections; who connects waits. If files are too many, raise their "
	       "limit (ulimit -n, or LimitNOFILE= of the unit), or lower host.connections_max",
	       VD_STR("network", host_network_name(host)), VD_STR("cause", strerror(error)));
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void on_again(uv_timer_t *timer)
{
	struct tcp_listener *listener = timer->data;

	uv_poll_start(&listener->poll, UV_READABLE, on_ready);
}

/* Level-triggered: it would be ready all the time. */
static void put_off(struct tcp_listener *listener, int error)
{
	host_of(listener)->counters.accepts_put_off++;
	tell_shortage(host_of(listener), error);
	uv_poll_stop(&listener->poll);
	uv_timer_start(&listener->again, on_again, AGAIN_MS, 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct tcp_listener *listener = poll->data;

	(void)status;
	(void)events;
	for (unsigned i = 0; i < ACCEPTS_A_TURN && !uv_is_closing((uv_handle_t *)poll); i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			host_accepted(listener->listener.transport, fd);
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
	struct tcp_listener *listener = handle->data;

	host_let_go(host_of(listener));
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
	tcp_local_share(fd);
	return 0;
}

static int open_listener(struct transport *transport, const struct sockaddr_storage *at,
			 struct tcp_listener *listener)
{
	struct sockaddr_storage bound;
	int error;

	listener->listener.transport = transport;
	listener->fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = bind_socket(listener->fd, at, &bound);
	if (!error && uv_poll_init(transport->host->loop, &listener->poll, listener->fd))
		error = EINVAL;
	if (error) {
		if (listener->fd >= 0)
			close(listener->fd);
		return error;
	}
	uv_timer_init(transport->host->loop, &listener->again);
	listener->poll.data = listener->again.data = listener;
	listener->handles = 2;
	host_hold(transport->host);
	host_hold(transport->host);
	host_address_of(&bound, &listener->listener.address);
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

enum vd_err tcp_listen(struct transport *transport, const struct vd_multiaddr *address,
		       struct transport_listener **listener_out, char *why)
{
	struct tcp_listener *listener = calloc(1, sizeof *listener);
	struct sockaddr_storage at;
	int error;

	if (!listener)
		return VD_ENOMEM;
	error = tcp_address_parse(address, &at) ? EINVAL : open_listener(transport, &at, listener);
	if (error) {
		snprintf(why, HOST_WHY, "%s; %s", strerror(error), cure_of(error));
		free(listener);
		return VD_ESYS;
	}
	*listener_out = &listener->listener;
	return VD_OK;
}

void tcp_unlisten(struct transport_listener *base)
{
	struct tcp_listener *listener = (struct tcp_listener *)base;

	uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
	uv_close((uv_handle_t *)&listener->again, on_handle_closed);
	close(listener->fd);
}

enum vd_err tcp_give(struct transport_listener *base, unsigned user)
{
	const struct tcp_listener *listener = (struct tcp_listener *)base;

	return fchown(listener->fd, user, (gid_t)-1) ? VD_ESYS : VD_OK;
}
