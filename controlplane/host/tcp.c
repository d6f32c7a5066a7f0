/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* tcp: sockets as carriers: dialled, adopted, read and written. */
#include "controlplane/host/tcp.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "controlplane/host/host_state.h"

struct tcp_carrier {
	struct carrier carrier;
	struct host *host;
	uv_tcp_t tcp;
	union { /* it is connected before it is written to */
		uv_connect_t connect;
		uv_write_t write;
	} request;
	uint8_t *writing; /* a copy of what waits; NULL: none */
	bool closing;
};

static struct tcp_carrier *of_handle(const void *handle)
{
	return ((const uv_handle_t *)handle)->data;
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
	struct tcp_carrier *tcp = of_handle(handle);

	host_let_go(tcp->host);
	free(tcp->writing);
	free(tcp);
}

static void close_carrier(struct carrier *carrier)
{
	struct tcp_carrier *tcp = (struct tcp_carrier *)carrier;

	tcp->closing = true;
	uv_close((uv_handle_t *)&tcp->tcp, on_closed);
}

/* ---- in ---- */

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
	(void)wanted;
	*buffer = uv_buf_init((char *)of_handle(handle)->host->read_buffer, HOST_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	struct carrier *carrier = &of_handle(stream)->carrier;

	if (got > 0)
		carrier->events->received(carrier, (uint8_t *)buffer->base, (size_t)got);
	else if (got < 0)
		carrier->events->ended(carrier, got == UV_EOF ? VD_OK : VD_ELINK_CLOSED,
				       uv_strerror((int)got));
}

static void read_carrier(struct carrier *carrier, bool wanted)
{
	uv_stream_t *stream = (uv_stream_t *)&((struct tcp_carrier *)carrier)->tcp;

	if (wanted)
		uv_read_start(stream, give_buffer, on_read);
	else
		uv_read_stop(stream);
}

/* ---- out ---- */

static void on_written(uv_write_t *write, int status)
{
	struct tcp_carrier *tcp = of_handle(write->handle);
	struct carrier *carrier = &tcp->carrier;

	free(tcp->writing);
	tcp->writing = NULL;
	carrier->waiting = 0;
	if (tcp->closing)
		return;
	if (status < 0)
		carrier->events->ended(carrier, VD_ELINK_CLOSED, uv_strerror(status));
	else
		carrier->events->ready(carrier);
}

static enum vd_err cannot_write(struct tcp_carrier *tcp, int err)
{
	tcp->carrier.why = uv_strerror(err);
	return VD_ELINK_CLOSED;
}

/* The socket is full: a copy waits for it. */
static enum vd_err write_later(struct tcp_carrier *tcp, struct vd_bytes bytes)
{
	uv_buf_t buffer;
	int err;

	tcp->writing = malloc(bytes.len);
	if (!tcp->writing)
		return VD_ENOMEM;
	memcpy(tcp->writing, bytes.at, bytes.len);
	buffer = uv_buf_init((char *)tcp->writing, (unsigned)bytes.len);
	err = uv_write(&tcp->request.write, (uv_stream_t *)&tcp->tcp, &buffer, 1, on_written);
	if (err < 0) {
		free(tcp->writing);
		tcp->writing = NULL;
		return cannot_write(tcp, err);
	}
	tcp->carrier.waiting = bytes.len;
	return VD_AGAIN;
}

static enum vd_err write_carrier(struct carrier *carrier, struct vd_bytes bytes)
{
	struct tcp_carrier *tcp = (struct tcp_carrier *)carrier;
	uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);
	int took = uv_try_write((uv_stream_t *)&tcp->tcp, &buffer, 1);

	if (took < 0 && took != UV_EAGAIN)
		return cannot_write(tcp, took);
	if (took < 0)
		took = 0;
	if ((size_t)took == bytes.len)
		return VD_OK;
	return write_later(tcp, vd_bytes(bytes.at + took, bytes.len - (size_t)took));
}

/* What the kernel keeps until it is acknowledged counts: it may be megabytes. */
static size_t left_of(const struct carrier *carrier)
{
	const struct tcp_carrier *tcp = (const struct tcp_carrier *)carrier;
	int fd, unacknowledged;

	if (uv_fileno((const uv_handle_t *)&tcp->tcp, &fd) ||
	    ioctl(fd, SIOCOUTQ, &unacknowledged) < 0)
		unacknowledged = 0;
	return uv_stream_get_write_queue_size((const uv_stream_t *)&tcp->tcp) +
	       (size_t)unacknowledged;
}

static const struct carrier_class carrier_class = {
	.write = write_carrier,
	.read = read_carrier,
	.left = left_of,
	.close = close_carrier,
};

static struct tcp_carrier *new_carrier(struct host *host)
{
	struct tcp_carrier *tcp = calloc(1, sizeof *tcp);

	if (!tcp)
		return NULL;
	tcp->carrier.class = &carrier_class;
	tcp->host = host;
	uv_tcp_init(host->loop, &tcp->tcp);
	tcp->tcp.data = tcp;
	host_hold(host);
	return tcp;
}

/* The socket is connected. */
static void set_up(struct tcp_carrier *tcp)
{
	struct sockaddr_storage local;
	int len = sizeof local;

	if (!uv_tcp_getsockname(&tcp->tcp, (struct sockaddr *)&local, &len))
		host_address_end(&local, &tcp->carrier.local);
	uv_tcp_nodelay(&tcp->tcp, 1);
}

/* ---- from a listener ---- */

static enum vd_err adopt(struct transport *transport, int fd, struct vd_multiaddr *remote_out,
			 struct carrier **carrier_out)
{
	struct tcp_carrier *tcp = new_carrier(transport->host);
	struct sockaddr_storage remote;
	int len = sizeof remote, err = tcp ? uv_tcp_open(&tcp->tcp, fd) : UV_ENOMEM;

	if (err)
		close(fd);
	if (!tcp)
		return VD_ENOMEM;
	if (err || uv_tcp_getpeername(&tcp->tcp, (struct sockaddr *)&remote, &len) < 0) {
		close_carrier(&tcp->carrier);
		return VD_ELINK_CLOSED;
	}
	set_up(tcp);
	host_address_of(&remote, remote_out);
	*carrier_out = &tcp->carrier;
	return VD_OK;
}

/* ---- dials ---- */

static void on_connect(uv_connect_t *connect, int status)
{
	struct tcp_carrier *tcp = of_handle(connect->handle);
	struct carrier *carrier = &tcp->carrier;

	if (tcp->closing)
		return;
	if (status < 0) {
		carrier->events->ended(carrier, VD_ELINK_CLOSED, uv_strerror(status));
		return;
	}
	set_up(tcp);
	carrier->events->up(carrier);
}

/* 0, or libuv's error: then there is no carrier. */
static int connect_from(struct host *host, const struct sockaddr_storage *to,
			const struct sockaddr_storage *from, struct tcp_carrier **tcp_out)
{
	struct tcp_carrier *tcp = new_carrier(host);
	bool bound;
	int err;

	if (!tcp)
		return UV_ENOMEM;
	bound = from && tcp_local_bind(&tcp->tcp, from);
	tcp->carrier.may_cross = bound;
	err = uv_tcp_connect(&tcp->request.connect, &tcp->tcp, (const struct sockaddr *)to,
			     on_connect);
	if (!err) {
		*tcp_out = tcp;
		return 0;
	}
	close_carrier(&tcp->carrier);
	if (err == UV_EADDRNOTAVAIL && bound) /* and connected there already */
		return connect_from(host, to, NULL, tcp_out);
	return err;
}

/* Of ours, not of the way to the peer. */
static bool is_shortage(int uv_err)
{
	return uv_err == UV_EMFILE || uv_err == UV_ENFILE || uv_err == UV_ENOMEM ||
	       uv_err == UV_ENOBUFS;
}

static enum vd_err dial(struct transport *transport, const struct transport_dial *what,
			struct carrier **carrier_out, const char **why_out)
{
	struct sockaddr_storage to, from;
	struct tcp_carrier *tcp;
	bool has_from;
	int err;

	if (tcp_address_parse(what->address, &to))
		return VD_EBUG_STATE;
	has_from = !what->apart && tcp_local_find(transport->host, &to, &from);
	err = connect_from(transport->host, &to, has_from ? &from : NULL, &tcp);
	if (err) {
		*why_out = uv_strerror(err);
		return is_shortage(err) ? VD_ESYS : VD_ELINK_CLOSED;
	}
	*carrier_out = &tcp->carrier;
	return VD_OK;
}

/* ---- the transport ---- */

static bool takes(const struct vd_multiaddr *address)
{
	struct sockaddr_storage ignored;

	return !tcp_address_parse(address, &ignored);
}

const struct transport_class tcp_transport = {
	.name = "tcp",
	.brings = TRANSPORT_BYTES,
	.takes = takes,
	.listen = tcp_listen,
	.unlisten = tcp_unlisten,
	.give = tcp_give,
	.adopt = adopt,
	.dial = dial,
};
