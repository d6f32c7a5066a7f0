/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/netlink.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * In a network namespace of its own, where the process may make one:
 *
 *	[ v0 198.18.77.1/24 fd00:77::1/64 ]----[ v1 ]
 *	[ w0 198.18.78.1/24 fd00:78::1/64 ]----[ w1 ]
 */
static struct cp_loop *loop;
static struct cp_netmap *map;
static struct cp_netlink *netlink;
static unsigned changes;

static void run(const char *command)
{
	cr_assert(zero(int, system(command)), "%s", command);
}

static void on_change(void *context)
{
	(void)context;
	changes++;
}

static void make_pair(const char *name, int net)
{
	char command[320];

	snprintf(command, sizeof command,
		 "ip link add %1$s0 type veth peer name %1$s1 && ip link set %1$s0 up && "
		 "ip link set %1$s1 up && ip addr add 198.18.%2$d.1/24 dev %1$s0 && "
		 "ip addr add fd00:%2$d::1/64 dev %1$s0 nodad",
		 name, net);
	run(command);
}

static void begin(void)
{
	if (unshare(CLONE_NEWNET))
		cr_skip_test("may not make a network namespace: %s", strerror(errno));
	run("ip link set lo up");
	make_pair("v", 77);
	make_pair("w", 78);
	cr_assert(eq(int, cp_loop_new(&loop), VD_OK));
	cr_assert(eq(int, cp_netmap_new(&map), VD_OK));
	cr_assert(eq(int, cp_netlink_open(loop, map, on_change, NULL, &netlink), VD_OK));
}

static void end(void)
{
	if (!netlink)
		return;
	cp_netlink_close(netlink);
	cp_netmap_free(map);
	cp_loop_free(loop);
}

TestSuite(netlink, .init = begin, .fini = end, .timeout = 60);

static const uint8_t *ip(const char *text)
{
	static uint8_t ring[8][16];
	static unsigned at;
	uint8_t *out = ring[at++ % 8];

	memset(out, 0, 16);
	if (inet_pton(AF_INET, text, out + 12) == 1)
		out[10] = out[11] = 0xff;
	else
		cr_assert(eq(int, inet_pton(AF_INET6, text, out), 1));
	return out;
}

static bool has_way(const char *text, struct cp_way *way_out)
{
	return cp_netmap_way(map, ip(text), way_out) == VD_OK;
}

/* Turns until the way is there (or gone); the suite's timeout ends what never comes. */
static struct cp_way await_way(const char *text, bool there)
{
	struct cp_way way = { 0 };

	while (has_way(text, &way) != there)
		cp_loop_turn(loop, vd_now() + VD_MS(50));
	return way;
}

Test(netlink, what_there_is_at_the_start_is_known_at_once)
{
	struct cp_way way;

	cr_assert(has_way("198.18.77.9", &way));
	cr_assert(eq(u32, way.ifindex, if_nametoindex("v0")));
	cr_assert(zero(int, memcmp(way.source, ip("198.18.77.1"), 16)));
	cr_assert(has_way("fd00:77::9", &way));
	cr_assert(zero(int, memcmp(way.source, ip("fd00:77::1"), 16)));
	cr_assert(not(has_way("198.19.0.1", &way)));
}

Test(netlink, a_route_that_comes_is_followed_and_told)
{
	run("ip route add 198.19.0.0/16 via 198.18.77.2");
	await_way("198.19.0.1", true);
	cr_assert(gt(uint, changes, 0));
	run("ip route replace 198.19.0.0/16 dev v0 via 198.18.77.3");
	while (memcmp(await_way("198.19.0.1", true).next_hop, ip("198.18.77.3"), 16) != 0)
		cp_loop_turn(loop, vd_now() + VD_MS(50));
	run("ip route del 198.19.0.0/16");
	await_way("198.19.0.1", false);
}

Test(netlink, routes_that_go_with_their_address_without_a_word_are_noticed)
{
	run("ip route add 198.19.0.0/16 via 198.18.77.2");
	await_way("198.19.0.1", true);
	run("ip addr del 198.18.77.1/24 dev v0");
	await_way("198.19.0.1", false);
	await_way("198.18.77.9", false);
}

Test(netlink, a_new_dump_is_not_put_off_by_what_goes_on)
{
	struct cp_way way;
	char command[100];

	run("ip route add 198.19.0.0/16 via 198.18.77.2");
	await_way("198.19.0.1", true);
	run("ip addr del 198.18.77.1/24 dev v0");
	for (unsigned i = 0; has_way("198.19.0.1", &way); i++) {
		snprintf(command, sizeof command,
			 "ip neigh replace 198.18.78.9 lladdr 02:00:00:00:00:%02x dev w0", i % 256);
		run(command);
		cp_loop_turn(loop, vd_now() + VD_MS(10));
	}
}

Test(netlink, a_link_that_goes_down_and_up_loses_its_routes)
{
	run("ip link set v0 down");
	await_way("198.18.77.9", false);
	run("ip link set v0 up");
	await_way("198.18.77.9", true);
}

static void await_device(const char *text, const char *device)
{
	while (await_way(text, true).ifindex != if_nametoindex(device))
		cp_loop_turn(loop, vd_now() + VD_MS(50));
}

Test(netlink, of_several_next_hops_another_serves_while_the_first_one_may_not)
{
	run("ip route add 198.19.0.0/16 nexthop via 198.18.77.2 nexthop via 198.18.78.2");
	await_device("198.19.0.1", "v0");
	run("ip addr del 198.18.77.1/24 dev v0"); /* the link stays up */
	await_device("198.19.0.1", "w0");
	run("ip addr add 198.18.77.1/24 dev v0; ip link set w0 down");
	await_device("198.19.0.1", "v0");
	run("ip link set w0 up; ip link set v0 down");
	await_device("198.19.0.1", "w0");
	run("ip route del 198.19.0.0/16");
	await_way("198.19.0.1", false);
}

Test(netlink, of_several_ipv6_next_hops_one_goes_and_the_other_stays)
{
	run("ip -6 route add fd99::/64 nexthop via fd00:77::2 nexthop via fd00:78::2");
	await_device("fd99::1", "v0");
	run("ip -6 route del fd99::/64 via fd00:77::2");
	await_device("fd99::1", "w0");
	run("ip -6 route append fd99::/64 via fd00:77::2");
	run("ip -6 route del fd99::/64 via fd00:78::2");
	await_device("fd99::1", "v0");
	run("ip -6 route del fd99::/64");
	await_way("fd99::1", false);
}

static bool messages_were_lost(void)
{
	return system("awk 'NR > 1 { n += $9 } END { exit n == 0 }' /proc/net/netlink") == 0;
}

/* Changes what the netlink follows, unread, until the kernel has no room for more of it. */
static void overflow(void)
{
	while (!messages_were_lost())
		run("for c in add del; do for i in $(seq 250); do "
		    "echo route $c 198.51.100.$i/32 via 198.18.77.2; done; done | ip -batch -");
}

Test(netlink, after_lost_messages_it_dumps_again_and_follows_on)
{
	overflow();
	run("ip route add 198.19.0.0/16 via 198.18.77.2"); /* lost: known by the dump alone */
	await_way("198.19.0.1", true);
	run("ip route del 198.19.0.0/16");
	await_way("198.19.0.1", false);
}

/* Moves v1 to a namespace of its own, where it has 198.18.77.2. Returns who holds that. */
static pid_t move_v1_away(void)
{
	int ready[2];
	char byte, command[256];
	pid_t pid;

	cr_assert(zero(int, pipe(ready)));
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		alarm(60); /* if this test dies */
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	cr_assert(eq(int, (int)read(ready[0], &byte, 1), 1));
	close(ready[0]);
	snprintf(command, sizeof command,
		 "ip link set v1 netns %d && nsenter -t %d -n ip addr add 198.18.77.2/24 dev v1 && "
		 "nsenter -t %d -n ip link set v1 up",
		 pid, pid, pid);
	run(command);
	return pid;
}

static void await_mac(const char *text)
{
	uint8_t mac[6];

	while (!cp_netmap_mac(map, if_nametoindex("v0"), ip(text), mac))
		cp_loop_turn(loop, vd_now() + VD_MS(50));
}

Test(netlink, a_neighbour_in_use_is_resolved_and_kept_so)
{
	pid_t other = move_v1_away();

	await_way("198.18.77.9", true);
	cr_assert(eq(int, cp_netmap_use(map, if_nametoindex("v0"), ip("198.18.77.2")), VD_OK));
	cp_netlink_poke(netlink);
	await_mac("198.18.77.2");
	cr_assert(await_way("198.18.77.2", true).mac_known);
	/* taken away by somebody: asked for again */
	run("ip neigh del 198.18.77.2 dev v0");
	while (system("ip neigh show dev v0 | grep -q lladdr"))
		cp_loop_turn(loop, vd_now() + VD_MS(50));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

Test(netlink, a_neighbour_that_does_not_answer_stays_unknown_and_comes_when_it_does)
{
	pid_t other = move_v1_away();
	unsigned v0 = if_nametoindex("v0");
	char command[128];

	await_way("198.18.77.9", true);
	cr_assert(eq(int, cp_netmap_use(map, v0, ip("198.18.77.9")), VD_OK));
	cp_netlink_poke(netlink);
	while (system("ip neigh show dev v0 | grep -q '198.18.77.9.*FAILED'"))
		cp_loop_turn(loop, vd_now() + VD_MS(50));
	cr_assert(not(await_way("198.18.77.9", true).mac_known));
	snprintf(command, sizeof command, "nsenter -t %d -n ip addr add 198.18.77.9/24 dev v1",
		 other);
	run(command);
	await_mac("198.18.77.9");
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

Test(netlink, host_routes_are_added_and_deleted_and_both_may_be_repeated)
{
	unsigned v0 = if_nametoindex("v0");

	cr_assert(eq(int, cp_netlink_route_add(netlink, v0, ip("fd76::5")), VD_OK));
	cr_assert(eq(int, cp_netlink_route_add(netlink, v0, ip("fd76::5")), VD_OK));
	run("ip -6 route show fd76::5 | grep -q 'dev v0'");
	cr_assert(eq(int, cp_netlink_route_del(netlink, v0, ip("fd76::5")), VD_OK));
	cr_assert(eq(int, cp_netlink_route_del(netlink, v0, ip("fd76::5")), VD_OK));
	run("test -z \"$(ip -6 route show fd76::5)\"");
}

Test(netlink, a_host_route_by_a_device_that_is_not_there_is_an_error)
{
	cr_assert(eq(int, cp_netlink_route_add(netlink, 9999, ip("fd76::5")), VD_ESYS));
	cr_assert(eq(int, errno, ENODEV));
}

Test(netlink, the_mtu_of_a_device_is_set_and_seen)
{
	unsigned v0 = if_nametoindex("v0");

	cr_assert(eq(int, cp_netlink_set_mtu(netlink, v0, 1300), VD_OK));
	while (cp_netmap_link(map, v0)->mtu != 1300)
		cp_loop_turn(loop, vd_now() + VD_MS(50));
}
