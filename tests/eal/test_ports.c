/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/eal/rig.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

enum { TRIES = 10000 };

static struct vd_udp_addr loopback4(uint8_t last, uint16_t port)
{
	return (struct vd_udp_addr){ .ip = { [10] = 0xff, 0xff, 127, 0, 0, last }, .port = port };
}

static struct rig *open_udp(const struct vd_udp_addr *bind, unsigned workers)
{
	const struct dp_config config = { .workers = workers, .no_huge = true };
	const struct dp_port_config port = { .name = "u0", .driver = DP_DRIVER_UDP, .bind = *bind };
	const struct dp_port_setup setup = {
		.config = &config,
		.port = &port,
		.pool = rig_pool(),
	};
	struct dp_port *opened;
	char why[DP_WHY] = "";

	cr_assert(eq(int, dp_port_udp_open(&setup, &opened, why), VD_OK), "%s", why);
	return rig_new_on(opened, workers);
}

static uint16_t bound_port(const struct rig *rig)
{
	struct dp_port_view view = { 0 };

	rig->ports[0]->ops->view(rig->ports[0], &view);
	return view.bind.port;
}

/* A peer's plain socket on 127.0.0.1 or ::1, and its port. */
static int peer(int family, uint16_t *port_out)
{
	struct sockaddr_in any4 = { .sin_family = AF_INET };
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr *any =
	    family == AF_INET ? (struct sockaddr *)&any4 : (struct sockaddr *)&any6;
	socklen_t len = family == AF_INET ? sizeof any4 : sizeof any6;
	int fd = socket(family, SOCK_DGRAM, 0);

	any4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, any, len) || getsockname(fd, any, &len))
		return -1;
	*port_out = ntohs(family == AF_INET ? any4.sin_port : any6.sin6_port);
	return fd;
}

static void send4(int fd, uint8_t last, uint16_t port, const char *bytes)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last);
	cr_assert(eq(int,
		     (int)sendto(fd, bytes, strlen(bytes), 0, (struct sockaddr *)&to, sizeof to),
		     (int)strlen(bytes)));
}

static bool await_punt(struct rig *rig, struct sw_punt *punt)
{
	for (unsigned i = 0; i < TRIES; i++) {
		(void)rig_turns(rig, 1);
		if (rig_punt(rig, punt))
			return true;
	}
	return false;
}

/* Answers a punted datagram the way it came. */
static void answer(struct rig *rig, const struct sw_endpoint *to, const char *bytes)
{
	struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };

	sw_template_build(&inject.send, to->port, &to->local, &to->remote, 1500, 0);
	rig_inject(rig, 0, &inject, bytes, strlen(bytes));
	(void)rig_turns(rig, 1);
}

static bool await(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, 5000) == 1;
}

Test(ports, a_datagram_is_punted_and_answered_over_loopback)
{
	struct vd_udp_addr bind = loopback4(1, 0);
	struct rig *rig = open_udp(&bind, 1);
	uint16_t from;
	int fd = peer(AF_INET, &from);
	struct sw_punt punt;
	char got[16];

	send4(fd, 1, bound_port(rig), "\4hello");
	cr_assert(await_punt(rig, &punt));
	cr_assert(eq(uint, punt.len, 6));
	cr_assert(eq(uint, punt.from.remote.port, from));
	cr_assert(eq(uint, punt.from.local.port, bound_port(rig)));
	cr_assert(eq(uint, punt.from.local.ip[15], 1));
	answer(rig, &punt.from, "back");
	cr_assert(await(fd));
	cr_assert(eq(int, (int)recv(fd, got, sizeof got, 0), 4));
	cr_assert(zero(int, memcmp(got, "back", 4)));
	rig_free(rig);
}

Test(ports, a_wildcard_answers_from_the_address_that_was_addressed)
{
	struct vd_udp_addr bind = loopback4(0, 0);
	struct rig *rig;
	struct sw_punt punt;
	struct sockaddr_in source;
	socklen_t len = sizeof source;
	uint16_t from;
	int fd = peer(AF_INET, &from);
	char got[16];

	memset(bind.ip + 12, 0, 4);
	rig = open_udp(&bind, 1);
	send4(fd, 2, bound_port(rig), "\4"); /* to 127.0.0.2 */
	cr_assert(await_punt(rig, &punt));
	cr_assert(eq(uint, punt.from.local.ip[15], 2));
	answer(rig, &punt.from, "x");
	cr_assert(await(fd));
	cr_assert(
	    eq(int, (int)recvfrom(fd, got, sizeof got, 0, (struct sockaddr *)&source, &len), 1));
	cr_assert(eq(u32, ntohl(source.sin_addr.s_addr), INADDR_LOOPBACK + 1));
	rig_free(rig);
}

Test(ports, ip6_works_alike)
{
	struct vd_udp_addr bind = { .ip = { 0 } }; /* [::]:0 */
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct rig *rig;
	struct sw_punt punt;
	uint16_t from;
	int fd = peer(AF_INET6, &from);
	char got[16];

	if (fd < 0)
		cr_skip_test("this machine has no IPv6");
	rig = open_udp(&bind, 1);
	to.sin6_port = htons(bound_port(rig));
	cr_assert(eq(int, (int)sendto(fd, "\4", 1, 0, (struct sockaddr *)&to, sizeof to), 1));
	cr_assert(await_punt(rig, &punt));
	cr_assert(eq(uint, punt.from.remote.port, from));
	cr_assert(eq(uint, punt.from.local.ip[15], 1));
	answer(rig, &punt.from, "x");
	cr_assert(await(fd));
	cr_assert(eq(int, (int)recv(fd, got, sizeof got, 0), 1));
	rig_free(rig);
}

Test(ports, every_worker_has_a_socket_on_the_same_port)
{
	enum { PEERS = 64 };
	struct vd_udp_addr bind = loopback4(1, 0);
	struct rig *rig = open_udp(&bind, 2);
	unsigned of_worker[2] = { 0, 0 }, total = 0;
	struct sw_punt punt;
	uint16_t from;

	for (unsigned i = 0; i < PEERS; i++)
		send4(peer(AF_INET, &from), 1, bound_port(rig), "\4");
	for (unsigned i = 0; i < TRIES && total < PEERS; i++) {
		(void)rig_turns(rig, 1);
		for (; rig_punt(rig, &punt); total++)
			of_worker[punt.worker]++;
	}
	cr_assert(eq(uint, total, PEERS));
	/* 2^-63 that the kernel's hash puts all of them on one */
	cr_assert(gt(uint, of_worker[0], 0));
	cr_assert(gt(uint, of_worker[1], 0));
	rig_free(rig);
}

Test(ports, a_burst_longer_than_a_batch_arrives_whole)
{
	enum { SENT = 200 };
	struct vd_udp_addr bind = loopback4(1, 0);
	struct rig *rig = open_udp(&bind, 1);
	unsigned before = rte_mempool_avail_count(rig->pool);
	uint16_t from;
	int fd = peer(AF_INET, &from);
	unsigned total = 0;
	struct sw_punt punt;

	for (unsigned i = 0; i < SENT; i++)
		send4(fd, 1, bound_port(rig), "\4x");
	for (unsigned i = 0; i < TRIES && total < SENT; i++) {
		(void)rig_turns(rig, 1);
		while (rig_punt(rig, &punt))
			total++;
	}
	cr_assert(eq(uint, total, SENT));
	rig_free(rig);
	cr_assert(eq(uint, rte_mempool_avail_count(rig_pool()), before), "no buffer is lost");
}

Test(ports, an_empty_datagram_and_one_too_long_are_counted)
{
	static char big[4096];
	struct vd_udp_addr bind = loopback4(1, 0);
	struct rig *rig = open_udp(&bind, 1);
	uint16_t from;
	int fd = peer(AF_INET, &from);
	struct sw_punt punt;

	memset(big, 4, sizeof big - 1);
	send4(fd, 1, bound_port(rig), "");
	send4(fd, 1, bound_port(rig), big);
	send4(fd, 1, bound_port(rig), "\4");
	cr_assert(await_punt(rig, &punt));
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_TRUNCATED), 1));
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_TOO_BIG), 1));
	rig_free(rig);
}

/* A loopback of our own, with the MTU of a poor network. */
static void make_narrow_loopback(void)
{
	if (unshare(CLONE_NEWNET))
		cr_skip_test("needs root for a network namespace");
	cr_assert(eq(int, system("ip link set lo mtu 1280 up"), 0));
}

static void pieces_are_dropped(const struct vd_udp_addr *bind)
{
	static const char large[1400] = "\4in pieces", small[] = "\4whole";
	struct rig *rig = open_udp(bind, 1);
	bool ip4 = vd_udp_addr_is_ip4(bind);
	struct sockaddr_in to4 = { AF_INET, htons(bound_port(rig)), { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 to6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(bound_port(rig)),
		.sin6_addr = in6addr_loopback,
	};
	const struct sockaddr *to = ip4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6;
	socklen_t len = ip4 ? sizeof to4 : sizeof to6;
	struct sw_punt punt;
	uint16_t from;
	int fd = peer(to->sa_family, &from), no = IP_PMTUDISC_DONT;

	cr_assert(eq(int, setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &no, sizeof no), 0));
	cr_assert(eq(sz, (size_t)sendto(fd, large, sizeof large, 0, to, len), sizeof large));
	cr_assert(eq(sz, (size_t)sendto(fd, small, sizeof small, 0, to, len), sizeof small));
	cr_assert(await_punt(rig, &punt), "the one that came whole");
	cr_assert(eq(sz, punt.len, sizeof small));
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_FRAGMENT), 1));
	cr_assert(not(rig_punt(rig, &punt)));
	close(fd);
	rig_free(rig);
}

Test(ports, a_datagram_that_came_in_fragments_is_dropped)
{
	const struct vd_udp_addr bind = loopback4(1, 0);

	make_narrow_loopback();
	pieces_are_dropped(&bind);
}

Test(ports, a_datagram_of_ip6_that_came_in_fragments_is_dropped)
{
	const struct vd_udp_addr bind = { .ip = { [15] = 1 } };

	make_narrow_loopback();
	pieces_are_dropped(&bind);
}

Test(ports, a_datagram_that_the_kernel_refuses_does_not_stop_those_behind_it)
{
	struct vd_udp_addr bind = loopback4(1, 0);
	struct rig *rig = open_udp(&bind, 1);
	struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };
	struct vd_udp_addr local = loopback4(1, 0), nowhere = loopback4(1, 0), remote;
	uint16_t to;
	int fd = peer(AF_INET, &to);

	/* port 0 is no destination */
	sw_template_build(&inject.send, 0, &local, &nowhere, 1500, 0);
	rig_inject(rig, 0, &inject, "x", 1);
	remote = loopback4(1, to);
	sw_template_build(&inject.send, 0, &local, &remote, 1500, 0);
	rig_inject(rig, 0, &inject, "y", 1);
	(void)rig_turns(rig, 1);
	cr_assert(await(fd));
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NO_NEIGHBOUR), 1));
	rig_free(rig);
}

Test(ports, a_port_in_use_is_explained)
{
	struct vd_udp_addr bind = loopback4(1, 0);
	struct rig *rig = open_udp(&bind, 2);
	const struct dp_config config = { .workers = 2, .no_huge = true };
	const struct dp_port_config port = {
		.name = "u1",
		.driver = DP_DRIVER_UDP,
		.bind = loopback4(1, bound_port(rig)),
	};
	const struct dp_port_setup setup = { &config, &port, rig_pool(), 1 };
	struct dp_port *opened;
	char why[DP_WHY] = "";

	cr_assert(eq(int, dp_port_udp_open(&setup, &opened, why), VD_ESYS));
	cr_assert(not(zero(ptr, strstr(why, "another program has it"))), "%s", why);
	rig_free(rig);
}

/* ---- ECN and DSCP ---- */

/* One datagram of that class from our port to the peer's, and whether it has it there. */
static uint8_t class_sent(struct rig *rig, int fd, bool six, const struct vd_udp_addr *to,
			  uint8_t traffic_class)
{
	struct vd_udp_addr local =
	    six ? (struct vd_udp_addr){ .ip = { [15] = 1 } } : loopback4(1, 0);
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig->pool);
	struct dp_io io = { .pool = rig->pool, .counters = rig->plane.counters };
	struct sw_template send;
	uint8_t byte;
	_Alignas(struct cmsghdr) uint8_t control[64];
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};

	sw_template_build(&send, 0, &local, to, 1500, 0);
	const struct dp_out out = { (uint8_t *)rte_pktmbuf_append(m, 1), m, &send, 1,
				    traffic_class };
	rig->ports[0]->ops->send(rig->ports[0], &io, &out, 1);
	cr_assert(await(fd));
	cr_assert(eq(int, (int)recvmsg(fd, &message, 0), 1));
	return *CMSG_DATA(CMSG_FIRSTHDR(&message)); /* the low byte of an int, too */
}

/* What the port tells of a datagram that a peer sent with that class. */
static uint8_t ecn_received(struct rig *rig, int fd, const struct sockaddr *to, socklen_t len,
			    int traffic_class)
{
	bool six = to->sa_family == AF_INET6;
	struct dp_io io = { .pool = rig->pool, .counters = rig->plane.counters };
	struct sw_packet packet;
	unsigned got = 0;

	cr_assert(
	    zero(int, setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_TCLASS : IP_TOS,
				 &traffic_class, sizeof traffic_class)));
	cr_assert(eq(int, (int)sendto(fd, "\4", 1, 0, to, len), 1));
	for (unsigned i = 0; i < TRIES && got == 0; i++)
		got = rig->ports[0]->ops->recv(rig->ports[0], &io, &packet, 1);
	cr_assert(eq(uint, got, 1));
	rte_pktmbuf_free(packet.buffer);
	return packet.flags >> SW_PACKET_ECN_SHIFT;
}

static void classes_pass(bool six, struct vd_udp_addr bind)
{
	struct rig *rig = open_udp(&bind, 1);
	struct vd_udp_addr to = six ? (struct vd_udp_addr){ .ip = { [15] = 1 } } : loopback4(1, 0);
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	} us = { .any = { .sa_family = six ? AF_INET6 : AF_INET } };
	int fd = peer(six ? AF_INET6 : AF_INET, &to.port), one = 1;

	if (fd < 0)
		cr_skip_test("this machine has no such address family");
	if (six) {
		us.ip6.sin6_addr = in6addr_loopback;
		us.ip6.sin6_port = htons(bound_port(rig));
	} else {
		us.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		us.ip4.sin_port = htons(bound_port(rig));
	}
	cr_assert(zero(int, setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP,
				       six ? IPV6_RECVTCLASS : IP_RECVTOS, &one, sizeof one)));
	for (unsigned ecn = 0; ecn < 4; ecn++) {
		cr_assert(eq(u8, class_sent(rig, fd, six, &to, (uint8_t)(0xb8 | ecn)),
			     (uint8_t)(0xb8 | ecn)));
		cr_assert(eq(u8,
			     ecn_received(rig, fd, &us.any, six ? sizeof us.ip6 : sizeof us.ip4,
					  (int)(0x28 | ecn)),
			     (uint8_t)ecn));
	}
	rig_free(rig);
}

Test(ports, sockets_carry_the_traffic_class_both_ways)
{
	classes_pass(false, loopback4(1, 0));
}

Test(ports, sockets_on_a_wildcard_carry_it_too)
{
	struct vd_udp_addr any = loopback4(0, 0);

	memset(any.ip + 12, 0, 4);
	classes_pass(false, any);
}

Test(ports, sockets_of_ip6_carry_it_too)
{
	classes_pass(true, (struct vd_udp_addr){ .ip = { [15] = 1 } });
	classes_pass(true, (struct vd_udp_addr){ .port = 0 });
}

/* ---- DPDK ---- */

static enum vd_err open_dpdk(const char *devargs, uint16_t udp_port, unsigned workers,
			     struct dp_port **opened, char why[DP_WHY])
{
	static struct dp_config config; /* kept by nobody after open, but cheap */
	struct dp_port_config port = {
		.name = "d0",
		.driver = DP_DRIVER_DPDK,
		.bind = { .port = udp_port },
	};
	const struct dp_port_setup setup = { &config, &port, rig_pool(), 0 };

	config = (struct dp_config){ .workers = workers, .no_huge = true };
	snprintf(port.devargs, sizeof port.devargs, "%s", devargs);
	return dp_port_dpdk_open(&setup, opened, why);
}

static void neighbours(struct rig *rig)
{
	const struct sw_neighbour rows[] = {
		{ .l2_len = 0 },
		{ .l2 = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00 }, .l2_len = 14 },
		{ .l2 = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd }, .l2_len = 14 },
	};

	sw_neighbours_retire(sw_rcu_swap(&rig->plane.neighbours, sw_neighbours_new(rows, 3)));
}

/* net_ring: what is sent comes back in. */
Test(ports, what_an_ethdev_sends_it_can_receive)
{
	struct dp_port *opened;
	char why[DP_WHY] = "";
	struct rig *rig;
	struct vd_udp_addr local4 = rig_addr(1, 5000), remote4 = rig_addr(2, 4001);
	struct vd_udp_addr local6 = { { 0xfd, [15] = 1 }, 5000 },
			   remote6 = { { 0xfd, [15] = 2 }, 4001 };
	struct sw_punt punt;

	cr_assert(eq(int, open_dpdk("net_ring0", 4001, 1, &opened, why), VD_OK), "%s", why);
	rig = rig_new_on(opened, 1);
	neighbours(rig);
	for (unsigned six = 0; six < 2; six++) {
		struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };
		sw_template_build(&inject.send, 0, six ? &local6 : &local4,
				  six ? &remote6 : &remote4, 1500, 1 + six);
		rig_inject(rig, 0, &inject, "\4ring", 5);
		cr_assert(await_punt(rig, &punt), "IPv%u", six ? 6 : 4);
		cr_assert(eq(uint, punt.len, 5));
		cr_assert(zero(int, memcmp(punt.bytes, "\4ring", 5)));
		cr_assert(
		    zero(int, memcmp(&punt.from.remote, six ? &local6 : &local4, sizeof local4)));
		cr_assert(
		    zero(int, memcmp(&punt.from.local, six ? &remote6 : &remote4, sizeof local4)));
	}
	rig_free(rig);
}

Test(ports, an_unresolved_neighbour_is_counted)
{
	struct dp_port *opened;
	char why[DP_WHY] = "";
	struct rig *rig;
	struct vd_udp_addr local = rig_addr(1, 5000), remote = rig_addr(2, 4001);
	static const uint32_t rows[] = { 0, 3, 99 };

	cr_assert(eq(int, open_dpdk("net_ring0", 4001, 1, &opened, why), VD_OK), "%s", why);
	rig = rig_new_on(opened, 1);
	for (unsigned i = 0; i < 3; i++) {
		struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };
		sw_template_build(&inject.send, 0, &local, &remote, 1500, rows[i]);
		rig_inject(rig, 0, &inject, "x", 1);
		(void)rig_turns(rig, 1);
		neighbours(rig);
	}
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NO_NEIGHBOUR), 3));
	rig_free(rig);
}

Test(ports, a_datagram_to_another_port_is_not_ours)
{
	struct dp_port *opened;
	char why[DP_WHY] = "";
	struct rig *rig;
	struct vd_udp_addr local = rig_addr(1, 5000), remote = rig_addr(2, 53);
	struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM };
	uint64_t before;

	cr_assert(eq(int, open_dpdk("net_ring0", 4001, 1, &opened, why), VD_OK), "%s", why);
	rig = rig_new_on(opened, 1);
	neighbours(rig);
	sw_template_build(&inject.send, 0, &local, &remote, 1500, 1);
	before = rig_drops(rig, SW_DROP_NOT_OURS);
	rig_inject(rig, 0, &inject, "x", 1);
	(void)rig_turns(rig, 2);
	cr_assert(eq(u64, rig_drops(rig, SW_DROP_NOT_OURS), before + 1));
	rig_free(rig);
}

/* Rows: devargs, UDP port, workers, a part of the sentence that explains it. */
Test(ports, what_does_not_open_is_explained)
{
	static const struct {
		const char *devargs;
		uint16_t udp_port;
		const char *part;
	} rows[] = {
		{ "net_ring0", 0, "needs the UDP port" },
		{ "net_af_packet0,iface=nosuch0", 4001, "no interface nosuch0" },
		{ "net_af_xdp0,iface=nosuch0", 4001, "no interface nosuch0" },
		{ "net_af_packet0", 4001, "iface=" },
		{ "net_nosuchdriver0", 4001, "no driver has this name" },
		{ "net_ring0,nodeaction=nonsense", 4001, "does not open" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dp_port *opened;
		char why[DP_WHY] = "";
		cr_assert(
		    ne(int, open_dpdk(rows[i].devargs, rows[i].udp_port, 1, &opened, why), VD_OK));
		cr_assert(not(zero(ptr, strstr(why, rows[i].part))), "%s", why);
	}
}

Test(ports, a_device_opens_again_after_it_was_closed)
{
	for (unsigned i = 0; i < 3; i++) {
		struct dp_port *opened;
		char why[DP_WHY] = "";
		cr_assert(eq(int, open_dpdk("net_null0", 4001, 1, &opened, why), VD_OK), "%s", why);
		opened->ops->close(opened);
	}
}
