/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_local: from which address a connection is dialled: one that we listen on, so that what the
 * peer sees of us (identify's observed address) is where others reach us.
 *
 * A socket may be bound to a port that another one listens on if both have SO_REUSEPORT. The
 * listener gets it only once it is bound: so a second daemon, which has not got it yet either, is
 * told that the address is in use, instead of sharing it. Both sockets belong to one user.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/host/host_state.h"
#include "controlplane/host/tcp.h"
#include "controlplane/proto/ip_scope.h"

static socklen_t length_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
}

/* ---- listeners ---- */

void tcp_local_share(int listener)
{
	int on = 1;

	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on); /* or any port */
}

/* ---- dials ---- */

/* The address that the kernel would send from; a UDP socket sends nothing to learn it. */
static bool find_source(const struct sockaddr_storage *to, struct sockaddr_storage *source_out)
{
	int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof *source_out;
	bool found;

	if (fd < 0)
		return false;
	found = connect(fd, (const struct sockaddr *)to, length_of(to)) == 0 &&
		getsockname(fd, (struct sockaddr *)source_out, &len) == 0;
	close(fd);
	return found;
}

static struct vd_bytes ip_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return vd_bytes(&((const struct sockaddr_in *)address)->sin_addr, 4);
	return vd_bytes(&((const struct sockaddr_in6 *)address)->sin6_addr, 16);
}

/* A listener at that very address counts more than one at all addresses. */
bool tcp_local_find(const struct host *host, const struct sockaddr_storage *to,
		    struct sockaddr_storage *from_out)
{
	struct vd_multiaddr listens[HOST_LISTEN_MAX];
	size_t count = host_listens(host, listens);
	struct sockaddr_storage source = { 0 }, at;
	bool found = false;

	if (!count || !find_source(to, &source))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (tcp_address_parse(&listens[i], &at) || at.ss_family != to->ss_family)
			continue;
		if (vd_bytes_equal(ip_of(&at), ip_of(&source))) {
			*from_out = at;
			return true;
		}
		if (!found && ip_scope(ip_of(&at)) == IP_UNSPECIFIED) {
			*from_out = at;
			found = true;
		}
	}
	return found;
}

bool tcp_local_bind(uv_tcp_t *tcp, const struct sockaddr_storage *from)
{
	int fd = socket(from->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return false;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
	    bind(fd, (const struct sockaddr *)from, length_of(from)) == 0 &&
	    uv_tcp_open(tcp, fd) == 0)
		return true;
	close(fd);
	return false;
}
