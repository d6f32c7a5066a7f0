/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * tun: the edge's TUN device, one queue for each worker.
 *
 * The overlay address is added as /128 and the device brought up; no route is added:
 * only known peers are routed, by the control plane.
 *
 * Threads: recv, send: worker `queue`. The rest: control.
 */
#include <rte_mbuf.h>

#include "base/thread.h"
#include "dataplane/dataplane.h"
#include "switch/forward.h"
#include "switch/plane.h"
#include "switch/session.h"

enum {
	/* where a packet lies in its buffer: behind room for all that goes before it */
	DP_TUN_HEADROOM = RTE_PKTMBUF_HEADROOM + SW_AT_PAYLOAD + SW_SEAL_HEADER + SW_INNER_MAX,
};

struct dp_tun {
	unsigned queues;
	unsigned ifindex;
	uint8_t class_mask; /* what of a packet's traffic class shows outside */
	char name[DP_NAME]; /* as the kernel gave it */
	int fds[SW_WORKERS_MAX];
	struct rte_mbuf *spare[SW_WORKERS_MAX]; /* writer: worker; waits for a packet */
};

/* VD_ESYS, VD_EUSER with `why`. */
enum vd_err dp_tun_open(struct dp_tun *tun, const struct dp_config *config, uint16_t mtu_max,
			char why[DP_WHY]) ON_CONTROL;
void dp_tun_close(struct dp_tun *tun) ON_CONTROL;

/* Packets that the kernel dropped, as its queue for us was full (rtnl_link_stats, 32 bits). */
uint64_t dp_tun_dropped(const struct dp_tun *tun);

/* The next packet, at data_off DP_TUN_HEADROOM, or NULL when none waits or no buffer is free. */
struct rte_mbuf *dp_tun_recv(struct dp_tun *tun, unsigned queue,
			     struct rte_mempool *pool) ON_WORKER;

/* False when the device did not take it. */
bool dp_tun_send(const struct dp_tun *tun, unsigned queue, const uint8_t *packet,
		 size_t len) ON_WORKER;
