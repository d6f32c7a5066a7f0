/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * crowd: many peers in one process, each with a link to one router, who count its goodbyes.
 *
 *	crowd ROUTER_PEER_ID IPV4 PORT COUNT FIRST ADDRESSES
 *
 * Says `up COUNT` once all links are up, then waits until each of them is closed with
 * SHUTDOWN, or 3 s after the first one; says `closed N`. Each peer has a socket of its
 * own, bound to one of ADDRESSES addresses from FIRST on, so that no one has more than its share.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/init.h"
#include "controlplane/proto/peering.h"

enum { PEERS_MAX = 1024 };

struct one {
	struct vd_identity identity;
	struct peering *peering;
	uint32_t last_index;
	bool up, closed;
};

static struct one crowd[PEERS_MAX];
static struct pollfd sockets[PEERS_MAX];
static unsigned count; /* that have joined */

static void die(const char *why)
{
	fprintf(stderr, "crowd: %s\n", why);
	exit(1);
}

static bool admit(void *context, const struct peering_claim *claim)
{
	(void)context;
	(void)claim;
	return true;
}

static enum vd_err index_reserve(void *context, uint32_t *index_out)
{
	struct one *one = context;

	*index_out = ++one->last_index;
	return VD_OK;
}

static void index_release(void *context, uint32_t index)
{
	(void)context;
	(void)index;
}

static void drain(unsigned i)
{
	struct one *one = &crowd[i];
	struct peering_event event = peering_next(one->peering);

	for (; event.kind != PEERING_NONE; event = peering_next(one->peering)) {
		if (event.kind == PEERING_SEND)
			(void)!write(sockets[i].fd, event.frame.at, event.frame.len);
		if (event.kind == PEERING_JOB) {
			peering_job_run(event.job);
			(void)peering_job_done(one->peering, event.job, vd_now());
		}
		one->up |= event.kind == PEERING_UP;
		one->closed |= event.kind == PEERING_DOWN && event.status == CONTROL_SHUTDOWN;
	}
}

static void join(unsigned i, const struct vd_peer_id *router, const struct sockaddr_in *address,
		 const struct sockaddr_in *from)
{
	struct one *one = &crowd[i];
	struct peering_config config = {
		.kind = PEERING_LINK,
		.identity = &one->identity,
		.boot = i + 1,
		.peers_max = 1,
		.offer = { "/viaduct/ping/1" },
		.context = one,
		.admit = admit,
		.index_reserve = index_reserve,
		.index_release = index_release,
	};
	struct peering_path path = { .bytes = { 1 } };

	vd_identity_generate(&one->identity);
	sockets[i] = (struct pollfd){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0),
				      .events = POLLIN };
	if (sockets[i].fd < 0 || bind(sockets[i].fd, (const struct sockaddr *)from, sizeof *from) ||
	    connect(sockets[i].fd, (const struct sockaddr *)address, sizeof *address))
		die("no socket; raise the limit of open files");
	if (peering_new(&config, &one->peering) ||
	    peering_dial(one->peering, router, &path, vd_now()))
		die("cannot dial");
	drain(i);
}

static void receive(unsigned i)
{
	const struct peering_path path = { .bytes = { 1 } };
	uint8_t frame[2048];
	ssize_t len;

	while ((len = read(sockets[i].fd, frame, sizeof frame)) > 0) {
		(void)peering_recv(crowd[i].peering, &path, vd_bytes(frame, (size_t)len), vd_now());
		drain(i);
	}
}

/* One look at all of them; how many are up, and closed. */
static void turn(unsigned *up_out, unsigned *closed_out)
{
	*up_out = *closed_out = 0;
	if (poll(sockets, count, 50) < 0)
		die("poll");
	for (unsigned i = 0; i < count; i++) {
		if (sockets[i].revents)
			receive(i);
		if (!crowd[i].closed) /* who was closed does not come back */
			peering_expire(crowd[i].peering, vd_now());
		drain(i);
		*up_out += crowd[i].up;
		*closed_out += crowd[i].closed;
	}
}

int main(int argc, char **argv)
{
	struct vd_peer_id router;
	struct sockaddr_in address = { .sin_family = AF_INET }, first = address, from;
	unsigned all, up = 0, closed = 0;
	vd_ns until = 0;

	if (argc != 7 || vd_init() || vd_peer_id_of_text(argv[1], &router) ||
	    inet_pton(AF_INET, argv[2], &address.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[5], &first.sin_addr) != 1 || atoi(argv[6]) < 1)
		die("usage: crowd ROUTER_PEER_ID IPV4 PORT COUNT FIRST ADDRESSES");
	address.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	all = (unsigned)strtoul(argv[4], NULL, 10);
	if (all == 0 || all > PEERS_MAX)
		die("COUNT is 1 to 1024");
	while (count < all) {
		from = first;
		from.sin_addr.s_addr =
		    htonl(ntohl(first.sin_addr.s_addr) + count % (unsigned)atoi(argv[6]));
		join(count++, &router, &address, &from);
		if (count % 16 == 0)
			turn(&up, &closed); /* fewer at once than make the router ask for cookies */
	}
	while (up < count)
		turn(&up, &closed);
	printf("up %u\n", up);
	fflush(stdout);
	while (closed < count && (!until || vd_now() < until)) {
		turn(&up, &closed);
		if (closed && !until)
			until = vd_now() + VD_SECONDS(3);
	}
	printf("closed %u\n", closed);
	return 0;
}
