/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * worker: one turn of the loop, and the loop.
 *
 * A turn: receive a burst from each port, dispatch by the first byte, switch;
 * lanes from other workers; injections; the TUN; keepalives; send; quiescent.
 *
 * Threads: new and free: control, while the worker does not run. turn and run: the one
 *          thread that is the worker, registered with EAL and RCU.
 * Memory:  nothing is allocated after new but buffers of the pool.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include <rte_mempool.h>

#include "base/err.h"
#include "base/thread.h"
#include "base/time.h"
#include "dataplane/port.h"
#include "dataplane/tun.h"
#include "switch/plane.h"

struct dp_worker;

struct dp_worker_config {
	struct sw_plane *plane;       /* keeps */
	unsigned number;              /* of the worker, below plane's workers */
	struct rte_mempool *pool;     /* keeps; made by dp_buffers_new */
	struct dp_port *const *ports; /* keeps; [i]->number is i */
	unsigned port_count;
	struct dp_tun *tun; /* keeps; NULL: none */
	bool poll;          /* run never sleeps */
};

enum vd_err dp_worker_new(const struct dp_worker_config *config,
			  struct dp_worker **worker_out) ON_CONTROL; /* VD_ENOMEM */
void dp_worker_free(struct dp_worker *worker) ON_CONTROL;

/* One turn; returns how many packets and injections it handled. */
unsigned dp_worker_turn(struct dp_worker *worker, vd_ns now) ON_WORKER;

/* Turns until `*stop`, asleep when there is nothing to do (woken by the plane's wake). */
void dp_worker_run(struct dp_worker *worker, const _Atomic bool *stop) ON_WORKER;
