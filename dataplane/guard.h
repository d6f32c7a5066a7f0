/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * guard: sockets that hold a UDP port on a kernel interface whose packets DPDK
 * takes. The kernel sees those packets too (af_packet) or may see some (af_xdp): with a
 * socket bound it does not answer port-unreachable, and a second daemon on the
 * same port is noticed. They are never read: a filter drops everything.
 *
 * Threads: control.
 */
#include <stdint.h>

#include "base/thread.h"
#include "dataplane/dataplane.h"

struct dp_guard {
	int fds[2]; /* IPv4, IPv6; -1: none */
};

/* VD_EUSER when another program has the port, VD_ESYS; with `why`. */
enum vd_err dp_guard_open(struct dp_guard *guard, const char *ifname, uint16_t udp_port,
			  char why[DP_WHY]) ON_CONTROL;
void dp_guard_close(struct dp_guard *guard) ON_CONTROL;
