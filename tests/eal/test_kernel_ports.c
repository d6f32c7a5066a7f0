/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * DPDK ports on kernel interfaces, in a network namespace of the test's own:
 *
 *	raw socket on e0 (the neighbour) ===veth=== r0: DPDK port, and the kernel behind it
 */
#include "tests/eal/rig.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "dataplane/outer.h"
#include "switch/outer.h"

enum { OURS = 4001, OTHER = 4002, FRAME = 2048, WAIT_MS = 5000 };

static const uint8_t mac_r[6] = { 2, 0, 0, 0, 0, 1 }, mac_e[6] = { 2, 0, 0, 0, 0, 2 };

/* DPDK's af_xdp driver never frees the object it loaded the program from, libxdp a umem's. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libbpf\nleak:libxdp";
}

/* Root, and tools: else the test is skipped. The namespace ends with the process. */
static void make_namespace(void)
{
	if (unshare(CLONE_NEWNET))
		cr_skip_test("needs root for a network namespace");
	if (system("ip link add r0 address 02:00:00:00:00:01 type veth peer name e0 "
		   "address 02:00:00:00:00:02 && ip addr add 198.18.0.1/24 dev r0 && "
		   "ip addr add fd00::1/64 dev r0 nodad && "
		   "ip link set r0 up && ip link set e0 up && "
		   "ip neigh add 198.18.0.2 lladdr 02:00:00:00:00:02 dev r0 nud permanent && "
		   "ip neigh add fd00::2 lladdr 02:00:00:00:00:02 dev r0 nud permanent"))
		cr_skip_test("no veth here");
}

static int raw_socket(void)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("e0"),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	cr_assert(eq(int, bind(fd, (struct sockaddr *)&to, sizeof to), 0));
	return fd;
}

static struct rig *open_port(const char *devargs)
{
	static struct dp_config config;
	struct dp_port_config port = {
		.name = "d0",
		.driver = DP_DRIVER_DPDK,
		.bind = { .port = OURS },
	};
	const struct dp_port_setup setup = { &config, &port, rig_pool(), 0 };
	struct dp_port *opened;
	char why[DP_WHY] = "";

	config = (struct dp_config){ .workers = 1, .no_huge = true };
	snprintf(port.devargs, sizeof port.devargs, "%s", devargs);
	if (dp_port_dpdk_open(&setup, &opened, why)) {
		if (strstr(why, "not permitted") || strstr(why, "may be locked"))
			cr_skip_test("%s", why);
		cr_fatal("%s", why);
	}
	return rig_new_on(opened, 1);
}

static struct vd_udp_addr end_of(bool six, uint8_t last, uint16_t port)
{
	struct vd_udp_addr ip6 = { .ip = { 0xfd, [15] = last }, .port = port };

	return six ? ip6 : rig_addr(last, port);
}

static struct sw_neighbour row(const uint8_t to[6], const uint8_t from[6], bool six)
{
	struct sw_neighbour row = { .l2_len = 14 };

	memcpy(row.l2, to, 6);
	memcpy(row.l2 + 6, from, 6);
	vd_be16_store(row.l2 + 12, six ? 0x86dd : 0x0800);
	return row;
}

/* The neighbour sends five bytes to a port of r0's address. */
static void send_to(int fd, bool six, uint16_t port)
{
	struct vd_udp_addr from = end_of(six, 2, 5000), to = end_of(six, 1, port);
	struct sw_neighbour next = row(mac_r, mac_e, six);
	struct sw_template send;
	uint8_t room[SW_HEADROOM + 8], *frame = room + SW_HEADROOM, *start;

	sw_template_build(&send, 0, &from, &to, 1500, 1);
	memcpy(frame, "\4veth", 5);
	start = dp_outer_build(frame, 5, 0, &send, &next);
	cr_assert(gt(int, (int)write(fd, start, (size_t)(frame + 5 - start)), 0));
}

static void neighbours(struct rig *rig)
{
	const struct sw_neighbour rows[] = {
		{ .l2_len = 0 },
		row(mac_e, mac_r, false),
		row(mac_e, mac_r, true),
	};

	sw_neighbours_retire(sw_rcu_swap(&rig->plane.neighbours, sw_neighbours_new(rows, 3)));
}

/* Turns until a punt comes; sleeping on the port's descriptor, if it has one. */
static bool await_punt(struct rig *rig, struct sw_punt *punt)
{
	int fd = rig->ports[0]->ops->fd(rig->ports[0], 0);
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	for (unsigned i = 0; i < WAIT_MS; i++) {
		(void)rig_turns(rig, 1);
		if (rig_punt(rig, punt))
			return true;
		(void)poll(&wait, 1, 1);
	}
	return false;
}

/* What r0 sends next that `want` says yes to. */
static bool await_frame(struct rig *rig, int fd, bool (*want)(const uint8_t *, size_t))
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint8_t frame[FRAME];

	for (unsigned i = 0; i < WAIT_MS; i++) {
		(void)rig_turns(rig, 1);
		if (poll(&wait, 1, 1) != 1)
			continue;
		ssize_t got = read(fd, frame, sizeof frame);
		if (got > 14 && memcmp(frame + 6, mac_r, 6) == 0 && want(frame, (size_t)got))
			return true;
	}
	return false;
}

static bool is_answer4(const uint8_t *frame, size_t len)
{
	struct dp_outer outer;

	return dp_outer_parse(frame, len, 5000, &outer) == DP_OUTER_OK && outer.version == 4 &&
	       outer.len == 4 && memcmp(frame + outer.at, "back", 4) == 0;
}

static bool is_answer6(const uint8_t *frame, size_t len)
{
	struct dp_outer outer;

	return dp_outer_parse(frame, len, 5000, &outer) == DP_OUTER_OK && outer.version == 6 &&
	       outer.len == 4 && memcmp(frame + outer.at, "back", 4) == 0;
}

static bool is_unreachable(const uint8_t *frame, size_t len)
{
	return len > 34 && vd_be16_load(frame + 12) == 0x0800 && frame[23] == 1 && frame[34] == 3;
}

static bool is_arp_reply(const uint8_t *frame, size_t len)
{
	return len >= 42 && vd_be16_load(frame + 12) == 0x0806 && vd_be16_load(frame + 20) == 2;
}

static void ask_arp(int fd)
{
	uint8_t request[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 2, 8,   6,  0, 1,
		8,    0,    6,    4,    0,    1,    2, 0, 0, 0, 0, 2, 198, 18, 0, 2
	};

	memcpy(request + 38, (const uint8_t[]){ 198, 18, 0, 1 }, 4);
	cr_assert(eq(int, (int)write(fd, request, sizeof request), (int)sizeof request));
}

static void exchange(const char *devargs)
{
	struct rig *rig;
	int fd;

	make_namespace();
	fd = raw_socket();
	rig = open_port(devargs);
	neighbours(rig);
	for (unsigned six = 0; six < 2; six++) {
		struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };
		struct sw_punt punt;

		send_to(fd, six, OURS);
		cr_assert(await_punt(rig, &punt), "IPv%d", six ? 6 : 4);
		cr_assert(zero(int, memcmp(punt.bytes, "\4veth", 5)));
		cr_assert(eq(uint, punt.from.remote.port, 5000));
		sw_template_build(&inject.send, 0, &punt.from.local, &punt.from.remote, 1500,
				  1 + six);
		rig_inject(rig, 0, &inject, "back", 4);
		cr_assert(await_frame(rig, fd, six ? is_answer6 : is_answer4), "IPv%d",
			  six ? 6 : 4);
	}
	rig_free(rig);
}

/* The kernel answers ARP and for other ports, and is silent about ours. */
static void kernel_keeps_the_rest(const char *devargs)
{
	struct rig *rig;
	struct sw_punt punt;
	int fd;

	make_namespace();
	fd = raw_socket();
	rig = open_port(devargs);
	ask_arp(fd);
	cr_assert(await_frame(rig, fd, is_arp_reply));
	send_to(fd, false, OURS);
	cr_assert(await_punt(rig, &punt));
	ask_arp(fd); /* whatever the kernel says to the datagram comes before this answer */
	for (;;) {
		uint8_t frame[FRAME];
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		cr_assert(eq(int, poll(&wait, 1, WAIT_MS), 1));
		ssize_t got = read(fd, frame, sizeof frame);
		cr_assert(not(is_unreachable(frame, (size_t)got)));
		if (is_arp_reply(frame, (size_t)got))
			break;
	}
	send_to(fd, false, OTHER);
	cr_assert(await_frame(rig, fd, is_unreachable), "the kernel sees other ports");
	cr_assert(not(rig_punt(rig, &punt)));
	rig_free(rig);
}

Test(kernel_ports, af_packet_exchanges_datagrams)
{
	exchange("net_af_packet0,iface=r0");
}

Test(kernel_ports, af_xdp_exchanges_datagrams)
{
	exchange("net_af_xdp0,iface=r0");
}

Test(kernel_ports, af_packet_leaves_the_rest_to_the_kernel)
{
	kernel_keeps_the_rest("net_af_packet0,iface=r0");
}

Test(kernel_ports, af_xdp_leaves_the_rest_to_the_kernel)
{
	kernel_keeps_the_rest("net_af_xdp0,iface=r0");
}

/* The program stays on the interface when its daemon is killed. */
Test(kernel_ports, what_a_killed_daemon_left_is_taken_over)
{
	struct sw_punt punt;
	struct rig *rig;
	pid_t child;
	int fd, status = 0;

	make_namespace();
	child = fork();
	if (child == 0) {
		(void)open_port("net_af_xdp0,iface=r0");
		_exit(0);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(zero(int, status));
	cr_assert(zero(int, system("ip link show dev r0 | grep -q xdp")));
	fd = raw_socket();
	rig = open_port("net_af_xdp0,iface=r0");
	send_to(fd, false, OURS);
	cr_assert(await_punt(rig, &punt));
	rig_free(rig);
	cr_assert(ne(int, system("ip link show dev r0 | grep -q xdp"), 0), "closing takes it off");
}

/* A driver's socket is found, so that an idle worker can sleep on it. */
Test(kernel_ports, both_can_be_slept_on)
{
	static const char *const devargs[] = { "net_af_packet0,iface=r0", "net_af_xdp0,iface=r0" };

	make_namespace();
	for (unsigned i = 0; i < 2; i++) {
		struct rig *rig = open_port(devargs[i]);
		int fd = raw_socket();
		struct pollfd wait = { .events = POLLIN };

		(void)rig_turns(rig, 100);
		wait.fd = rig->ports[0]->ops->fd(rig->ports[0], 0);
		cr_assert(ge(int, wait.fd, 0), "%s", devargs[i]);
		send_to(fd, false, OURS);
		cr_assert(eq(int, poll(&wait, 1, WAIT_MS), 1), "%s", devargs[i]);
		close(fd);
		rig_free(rig);
	}
}

Test(kernel_ports, a_second_daemon_on_the_interface_is_refused)
{
	static struct dp_config config = { .workers = 1, .no_huge = true };
	const struct dp_port_config port = {
		.name = "d1",
		.driver = DP_DRIVER_DPDK,
		.devargs = "net_af_packet1,iface=r0",
		.bind = { .port = OURS },
	};
	struct dp_port *opened;
	char why[DP_WHY] = "";
	struct rig *rig;

	make_namespace();
	rig = open_port("net_af_packet0,iface=r0");
	const struct dp_port_setup setup = { &config, &port, rig_pool(), 1 };
	cr_assert(eq(int, dp_port_dpdk_open(&setup, &opened, why), VD_EUSER));
	cr_assert(not(zero(ptr, strstr(why, "another program has it"))), "%s", why);
	rig_free(rig);
}

Test(kernel_ports, too_few_queues_are_explained)
{
	static const struct {
		const char *devargs, *part;
	} rows[] = {
		{ "net_af_packet0,iface=r0", "qpairs=" },
		{ "net_af_xdp0,iface=r0", "queue_count=" },
	};

	make_namespace();
	for (unsigned i = 0; i < 2; i++) {
		static struct dp_config config = { .workers = 2, .no_huge = true };
		struct dp_port_config port = {
			.name = "d0",
			.driver = DP_DRIVER_DPDK,
			.bind = { .port = OURS },
		};
		const struct dp_port_setup setup = { &config, &port, rig_pool(), 0 };
		struct dp_port *opened;
		char why[DP_WHY] = "";

		snprintf(port.devargs, sizeof port.devargs, "%s", rows[i].devargs);
		cr_assert(eq(int, dp_port_dpdk_open(&setup, &opened, why), VD_EUSER));
		cr_assert(not(zero(ptr, strstr(why, rows[i].part))), "%s", why);
	}
}
