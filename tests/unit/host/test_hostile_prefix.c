/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Many connections from one address. Loopback is exempt, so that each test has a network namespace
 * of its own, with more addresses.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/host/limits.h"
#include "controlplane/host/perf.h"
#include "tests/unit/host/attacker.h"

enum { CROWD = 0xc6120001, OTHER = 0xc6120002, GOOD_BYTES = 4 << 20 }; /* 198.18.0.1, .2 */

static struct pair pair;
static struct attacker crowd[11];

static void add_address(int fd, const char *name, uint32_t ip)
{
	struct ifreq request = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) };

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	memcpy(&request.ifr_addr, &in, sizeof in);
	cr_assert(eq(int, ioctl(fd, SIOCSIFADDR, &request), 0));
	request.ifr_flags = IFF_UP;
	cr_assert(eq(int, ioctl(fd, SIOCSIFFLAGS, &request), 0));
}

/* False: this machine lets us make no namespace. */
static bool begin(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	add_address(fd, "lo", INADDR_LOOPBACK);
	add_address(fd, "lo:1", CROWD);
	add_address(fd, "lo:2", OTHER);
	close(fd);
	pair_begin(&pair, NULL, NULL);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
	cr_assert(
	    eq(int, host_perf(pair.said.conn, GOOD_BYTES, GOOD_BYTES, pair_on_perf, &pair), VD_OK));
	return true;
}

static void end(void)
{
	pair_until_said(&pair, 2);
	cr_assert(eq(int, pair.said.err, VD_OK)); /* the good one was whole */
	pair_end(&pair);
}

static uint64_t blocked(enum host_limit which)
{
	return host_limits_blocked(host_limits(pair.b), which);
}

static bool two_are_cut(struct pair *p)
{
	unsigned cut = 0;

	(void)p;
	for (unsigned i = 0; i < 10; i++)
		cut += attacker_is_cut(&crowd[i]);
	return cut == 2 && blocked(HOST_LIMIT_PREFIX) == 2;
}

static bool one_has_left(struct pair *p)
{
	return host_counters(p->b)->inbound_failed == 3;
}

Test(hostile_prefix, an_address_has_eight_connections_and_others_have_theirs)
{
	if (!begin())
		cr_skip_test("no namespaces; run it as root");
	for (unsigned i = 0; i < 10; i++)
		attacker_connect_as(&crowd[i], &pair, CROWD, NULL);
	pair_until(&pair, two_are_cut);
	attacker_connect_as(&crowd[10], &pair, OTHER, NULL);
	attacker_negotiate(&crowd[10], &pair);
	/* One goes, and one may come. */
	attacker_end(&crowd[0]);
	pair_until(&pair, one_has_left);
	attacker_connect_as(&crowd[0], &pair, CROWD, NULL);
	attacker_negotiate(&crowd[0], &pair);
	for (unsigned i = 0; i <= 10; i++)
		attacker_end(&crowd[i]);
	end();
}

/* Another one that comes and goes. */
static bool is_slowed(struct pair *p)
{
	attacker_connect_as(&crowd[0], p, CROWD, NULL);
	attacker_end(&crowd[0]);
	return blocked(HOST_LIMIT_PREFIX_RATE) > 0;
}

Test(hostile_prefix, who_comes_and_goes_without_end_is_slowed)
{
	if (!begin())
		cr_skip_test("no namespaces; run it as root");
	pair_until(&pair, is_slowed);
	attacker_connect_as(&crowd[0], &pair, OTHER, NULL);
	attacker_negotiate(&crowd[0], &pair);
	attacker_end(&crowd[0]);
	end();
}
