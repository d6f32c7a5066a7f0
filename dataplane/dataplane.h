/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * dataplane: EAL, ports and workers, as the daemon sees them.
 *
 * A worker is a poll-mode loop on a thread of its own: every port's rx queue of
 * that worker, the lanes from other workers, the injections of the control thread;
 * then it sends, and reports a quiescent state. It shares nothing but the plane
 * (switch/plane.h).
 *
 * Threads: all functions on the control thread (EAL's main lcore).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/thread.h"
#include "base/udp_addr.h"
#include "switch/plane.h"

enum { DP_PORTS_MAX = 16, DP_NAME = 32, DP_DEVARGS = 256, DP_WHY = 256 };

enum dp_driver {
	DP_DRIVER_DPDK, /* any ethdev, by devargs */
	DP_DRIVER_UDP,  /* UDP sockets; no root, no huge pages */
};

struct dp_port_config {
	char name[DP_NAME];
	enum dp_driver driver;
	char devargs[DP_DEVARGS]; /* dpdk: "net_af_xdp0,iface=r0", "net_af_packet0,iface=r0", … */
	struct vd_udp_addr
	    bind; /* udp: address and port bound. dpdk: the UDP port we listen on (ip zero) */
};

struct dp_config {
	unsigned workers;
	bool poll;          /* never sleep */
	bool no_huge;       /* normal pages */
	unsigned memory_mb; /* EAL memory with no_huge; 0: what the pools need */
	struct dp_port_config ports[DP_PORTS_MAX];
	unsigned port_count;
	bool tun; /* an edge */
	char tun_name[DP_NAME];
	uint32_t tun_mtu;        /* 1280 to 9000; with an af_xdp port to 1920 */
	uint8_t tun_address[16]; /* overlay address; added as /128 */
	bool tun_hides_dscp;     /* of overlay packets only ECN shows outside */
	const char *xdp_program; /* path of the XDP object; NULL: the built-in search path */
};

/* What the control plane must know of a port to choose ways through it. */
struct dp_port_view {
	char name[DP_NAME];
	const char *driver; /* "udp", "net_af_xdp", … */
	unsigned ifindex;   /* dpdk on a kernel interface; 0: none */
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t rx_queues, tx_queues;
	struct vd_udp_addr bind; /* as bound (a port of 0 resolved) */
	uint64_t rx_packets, tx_packets, rx_missed, tx_errors;
};

struct dp;

/*
 * Brings EAL up, opens ports and TUN, makes pools. On failure nothing is left behind
 * (but EAL, which cannot be restarted), and `why` says what failed and the cure, in a sentence.
 * VD_ESYS, VD_ENOMEM, VD_EUSER.
 */
enum vd_err dp_open(const struct dp_config *config, struct sw_plane *plane, struct dp **dp_out,
		    char why[DP_WHY]) ON_CONTROL;
enum vd_err dp_start(struct dp *dp, char why[DP_WHY]) ON_CONTROL; /* workers run */
void dp_stop(struct dp *dp) ON_CONTROL; /* workers send what they hold, and end */
void dp_close(struct dp *dp) ON_CONTROL;

/* The TUN's, for routes and MTU by netlink; 0: there is none. */
unsigned dp_tun_ifindex(const struct dp *dp) ON_CONTROL;

/* The largest MTU that the TUN may have: a buffer holds such a packet and its headers. */
uint16_t dp_tun_mtu_max(const struct dp *dp) ON_CONTROL;

/*
 * Packets of the host that the kernel dropped before us, because the TUN's queue was full: they
 * came faster than the workers take them. As the kernel counts, in 32 bits. 0: there is no TUN, or
 * the kernel does not tell. Asks the kernel for all interfaces: seldom.
 */
uint64_t dp_tun_overflows(const struct dp *dp) ON_CONTROL;

unsigned dp_port_count(const struct dp *dp) ON_CONTROL;
void dp_port_view(const struct dp *dp, unsigned port, struct dp_port_view *view_out) ON_CONTROL;
