/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * load: sockets and clock around the machines.
 *
 *	socket -> connection_receive -> load_stream.c -> connection_next_output -> socket
 */
#include "bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/load_state.h"

enum {
	READ_BYTES = 262144,
	READS = 4, /* of a turn */
	EVENTS = 256,
	A_SOURCE = 8192, /* connections from one address */
	PATIENCE_S = 60, /* without a byte */
};

struct load {
	int epoll;
	struct sockaddr_in to;
	struct vd_peer_id peer;
	struct load_identity *identities;
	uint32_t identity_count;
	uint64_t made; /* connections so far */
	struct load_conn *conns;
	uint32_t open;  /* of conns */
	uint32_t ready; /* of this call: identified, and closed unless kept */
	uint64_t up, down;
	bool transfers, keep;
	vd_ns swept;
	vd_ns moved;     /* bytes came last */
	const char *why; /* a connection failed */
	uint8_t buffer[READ_BYTES];
};

static bool failed(char why[BENCH_WHY], const char *what)
{
	snprintf(why, BENCH_WHY, "load: %s", what);
	return false;
}

/* ---- a connection's life ---- */

static int open_socket(const struct load *load)
{
	uint32_t host = 0x7f000002 + (uint32_t)(load->made / A_SOURCE % 200);
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = { htonl(host) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&from, sizeof from) == 0 &&
	    (connect(fd, (const struct sockaddr *)&load->to, sizeof load->to) == 0 ||
	     errno == EINPROGRESS))
		return fd;
	close(fd);
	return -1;
}

static bool dial(struct load *load)
{
	struct load_conn *conn = calloc(1, sizeof *conn);
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = conn };

	if (!conn)
		return false;
	conn->load = load;
	conn->fd = open_socket(load);
	if (conn->fd < 0 || epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
		free(conn);
		return false;
	}
	conn->identity = &load->identities[load->made++ % load->identity_count];
	conn->transfers = load->transfers;
	connection_init(&conn->machine, &conn->identity->layers, true, &load->peer);
	conn->next = load->conns;
	if (conn->next)
		conn->next->prev = conn;
	load->conns = conn;
	load->open++;
	return true;
}

static void hang_up(struct load *load, struct load_conn *conn)
{
	if (conn == load->conns)
		load->conns = conn->next;
	else
		conn->prev->next = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	load->open--;
	load_streams_free(conn);
	connection_fini(&conn->machine);
	close(conn->fd);
	free(conn);
}

/* ---- bytes ---- */

static void flush(struct load_conn *conn)
{
	conn->blocked = false;
	while (!conn->blocked && !conn->why) {
		struct vd_bytes out = connection_next_output(&conn->machine, vd_now());
		ssize_t sent;

		if (!out.len)
			return;
		sent = send(conn->fd, out.at, out.len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN) {
			conn->why = "the socket broke";
			return;
		}
		if (sent > 0)
			connection_sent(&conn->machine, (size_t)sent);
		conn->blocked = sent < (ssize_t)out.len;
	}
}

static void begin(struct load_conn *conn)
{
	if (conn->begun || !connection_is_open(&conn->machine))
		return;
	conn->begun = true;
	load_streams_begin(conn, conn->load->up, conn->load->down);
}

static bool take_events(struct load_conn *conn)
{
	struct muxer_event event;
	bool any = false;

	while ((event = connection_next(&conn->machine)).what != MUXER_NOTHING) {
		load_stream_on_event(conn, &event);
		any = true;
	}
	return any;
}

/* Streams and socket in turn, until neither goes on. */
static void pump(struct load_conn *conn)
{
	do {
		begin(conn);
		flush(conn);
	} while (!conn->why && take_events(conn));
}

static void wait_for_room(const struct load_conn *conn)
{
	struct pollfd fd = { .fd = conn->fd, .events = POLLOUT };

	(void)poll(&fd, 1, 1000);
}

static void take(struct load_conn *conn, struct vd_bytes in)
{
	size_t used = 0;

	do {
		if (connection_receive(&conn->machine, in, &used, vd_now())) {
			conn->why = conn->machine.reason;
			return;
		}
		in = vd_bytes(in.at + used, in.len - used);
		pump(conn);
		if (!used && conn->blocked)
			wait_for_room(conn);
	} while (in.len && !conn->why);
}

/* Closes our half once all was said; the peer closes the connection then. */
static void settle(struct load_conn *conn)
{
	struct load *load = conn->load;
	bool done = conn->asked && conn->answered && conn->transfers == conn->transferred;

	if (conn->why || !done || conn->closing || conn->blocked)
		return;
	conn->closing = true;
	if (load->keep)
		load->ready++;
	else
		shutdown(conn->fd, SHUT_WR);
}

static void on_end(struct load_conn *conn)
{
	if (!conn->closing || conn->load->keep)
		conn->why = "the peer closed the connection";
	else
		conn->load->ready++;
}

/* False: it is gone. */
static bool on_readable(struct load_conn *conn)
{
	struct load *load = conn->load;

	for (unsigned i = 0; i < READS && !conn->why; i++) {
		ssize_t got = recv(conn->fd, load->buffer, sizeof load->buffer, 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0) {
			if (got < 0 && !conn->closing)
				conn->why = "the socket broke";
			else
				on_end(conn);
			return false;
		}
		load->moved = vd_now();
		take(conn, vd_bytes(load->buffer, (size_t)got));
	}
	/* Edge-triggered, so told once more. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = conn };
	epoll_ctl(load->epoll, EPOLL_CTL_MOD, conn->fd, &event);
	return true;
}

static void on_event(struct load *load, struct load_conn *conn, uint32_t events)
{
	bool lives = true;

	if (events & EPOLLOUT)
		pump(conn);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		lives = on_readable(conn);
	settle(conn);
	if (conn->why)
		load->why = conn->why;
	if (conn->why || !lives)
		hang_up(load, conn);
}

/* ---- turns ---- */

/* Each second: what is due of keep-alives and streams' ends. */
static void sweep(struct load *load, vd_ns now)
{
	if (now < vd_ns_add(load->swept, VD_SECONDS(1)))
		return;
	load->swept = now;
	for (struct load_conn *conn = load->conns; conn; conn = conn->next) {
		if (connection_deadline(&conn->machine) > now)
			continue;
		if (connection_expire(&conn->machine, now))
			conn->why = conn->machine.reason;
		pump(conn);
		load->why = conn->why ? conn->why : load->why;
	}
}

static void turn(struct load *load)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(load->epoll, events, EVENTS, 100);

	for (int i = 0; i < count; i++)
		on_event(load, events[i].data.ptr, events[i].events);
	sweep(load, vd_now());
}

static bool run(struct load *load, uint32_t count, uint32_t at_once, char why[BENCH_WHY])
{
	uint32_t dialled = 0;

	load->ready = 0;
	load->moved = vd_now();
	load->why = NULL;
	while (load->ready < count && !load->why) {
		while (dialled < count && dialled - load->ready < at_once) {
			if (!dial(load))
				return failed(why, "no socket; raise the limit of open files");
			dialled++;
		}
		turn(load);
		if (vd_now() > vd_ns_add(load->moved, VD_SECONDS(PATIENCE_S)))
			return failed(why, "nothing came for a minute");
	}
	return load->why ? failed(why, load->why) : true;
}

bool load_transfer(struct load *load, uint64_t up, uint64_t down, char why[BENCH_WHY])
{
	load->transfers = true;
	load->keep = false;
	load->up = up;
	load->down = down;
	return run(load, 1, 1, why);
}

bool load_connect(struct load *load, uint32_t count, uint32_t at_once, bool keep,
		  char why[BENCH_WHY])
{
	load->transfers = false;
	load->keep = keep;
	return run(load, count, at_once, why);
}

bool load_idle(struct load *load, vd_ns time, char why[BENCH_WHY])
{
	vd_ns until = vd_ns_add(vd_now(), time);

	load->why = NULL;
	while (vd_now() < until && !load->why)
		turn(load);
	return load->why ? failed(why, load->why) : true;
}

/* ---- birth and death ---- */

static bool aim(struct load *load, const char *target)
{
	char peer[128];
	unsigned short port;

	load->to =
	    (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	if (sscanf(target, "/ip4/127.0.0.1/tcp/%hu/p2p/%127s", &port, peer) != 2)
		return false;
	load->to.sin_port = htons(port);
	return vd_peer_id_of_text(peer, &load->peer) == VD_OK;
}

bool load_new(const struct load_config *config, struct load **load_out, char why[BENCH_WHY])
{
	struct load *load = calloc(1, sizeof *load);

	if (!load)
		return failed(why, "out of memory");
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->identity_count = config->identities;
	load->identities = load_identities_new(config->identities, config->tls);
	if (load->epoll < 0 || !load->identities || !aim(load, config->target)) {
		load_free(load);
		return failed(why, config->target);
	}
	*load_out = load;
	return true;
}

void load_free(struct load *load)
{
	if (!load)
		return;
	while (load->conns)
		hang_up(load, load->conns);
	load_identities_free(load->identities, load->identity_count);
	close(load->epoll);
	free(load);
}
