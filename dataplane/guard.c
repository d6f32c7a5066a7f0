/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/guard.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A descriptor, -1 when the family is not there, -2 on failure (errno). */
static int open_one(int family, const char *ifname, uint16_t udp_port)
{
	struct sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = { .len = 1, .filter = &drop_all };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(udp_port) };
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(udp_port) };
	const struct sockaddr *any =
	    family == AF_INET ? (struct sockaddr *)&any4 : (struct sockaddr *)&any6;
	socklen_t any_len = family == AF_INET ? sizeof any4 : sizeof any6;
	int one = 1, tiny = 0, fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) ||
	    bind(fd, any, any_len)) {
		int kept = errno;
		close(fd);
		errno = kept;
		return -2;
	}
	return fd;
}

enum vd_err dp_guard_open(struct dp_guard *guard, const char *ifname, uint16_t udp_port,
			  char why[DP_WHY])
{
	static const int families[] = { AF_INET, AF_INET6 };

	guard->fds[0] = guard->fds[1] = -1;
	for (unsigned i = 0; i < 2; i++) {
		guard->fds[i] = open_one(families[i], ifname, udp_port);
		if (guard->fds[i] != -2)
			continue;
		guard->fds[i] = -1;
		dp_guard_close(guard);
		snprintf(why, DP_WHY, "cannot hold UDP port %u on %s: %s", udp_port, ifname,
			 errno == EADDRINUSE
			     ? "another program has it (a second viaductd?); stop it, or "
			       "choose another port"
			     : strerror(errno));
		return errno == EADDRINUSE ? VD_EUSER : VD_ESYS;
	}
	return VD_OK;
}

void dp_guard_close(struct dp_guard *guard)
{
	for (unsigned i = 0; i < 2; i++) {
		if (guard->fds[i] >= 0)
			close(guard->fds[i]);
		guard->fds[i] = -1;
	}
}
