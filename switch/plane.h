/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * plane: everything that the control thread and the workers share: the seam.
 *
 * Made by the control thread before workers start, taken down after they stopped.
 * Tables and lanes are reached through here and nowhere else.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/thread.h"
#include "switch/capture.h"
#include "switch/director.h"
#include "switch/drop.h"
#include "switch/exchange.h"
#include "switch/lane.h"
#include "switch/link.h"
#include "switch/neighbour.h"
#include "switch/overlay.h"
#include "switch/packet.h"
#include "switch/rcu.h"
#include "switch/session.h"

enum {
	SW_WORKERS_MAX = 64,
	SW_LANE_PACKETS = 1024, /* between two workers */
	SW_LANE_PUNTS = 256,    /* worker to control, each of SW_PUNT_LANES */
	SW_LANE_INJECTS = 256,  /* control to worker */
};

/* A worker's counters. writer: that worker; readers: any thread, relaxed. */
struct sw_counters {
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t switched; /* left by another link */
	_Atomic uint64_t delivered;                        /* switch frames for this node */
	_Atomic uint64_t punted;
	_Atomic uint64_t injected;
	_Atomic uint64_t crossed;      /* handed to another worker */
	_Atomic uint64_t tun_rx;       /* packets from the TUN */
	_Atomic uint64_t tun_tx;       /* packets to the TUN */
	_Atomic uint64_t too_big_told; /* Packet Too Big to the TUN's host */
	_Atomic uint64_t turns;        /* of the loop */
	_Atomic uint64_t turns_busy;   /* that did work */
	_Atomic uint64_t cycles;       /* TSC cycles of busy turns */
	_Atomic uint64_t packets;      /* received in them */
	_Atomic uint64_t started_ns;   /* when the worker started */
	_Atomic uint64_t busy_ns;      /* time of busy turns */
	_Atomic uint64_t captured;     /* copied for who looks */
	_Atomic uint64_t capture_full; /* not copied: the lane was full */
	_Atomic uint64_t drops[SW_DROP_COUNT];
};

/* A counter's one writer adds without a locked instruction. */
static inline void sw_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

struct sw_plane_config {
	unsigned workers;   /* 1 to SW_WORKERS_MAX */
	unsigned width;     /* 4 to 24; 0: does not switch */
	uint32_t links_max; /* slots of the link table */
	uint32_t sessions_max;
	uint32_t delivery_per_s; /* frames to this node itself, each link; 0: unlimited */
};

struct sw_plane {
	struct sw_plane_config config;
	struct sw_link_table links;
	struct sw_director_table directors;
	struct sw_session_table sessions;
	SW_RCU(struct sw_neighbours) neighbours;
	SW_RCU(struct sw_overlay) overlay;
	struct sw_counters *counters; /* [workers] */
	struct sw_lane *between;      /* [workers * workers]: from * workers + to */
	struct sw_lane *punts;        /* [workers * SW_PUNT_LANES]: struct sw_punt */
	struct sw_lane *injects;      /* [workers]: struct sw_inject */
	struct sw_lane *captures;     /* [workers]: struct sw_captured */
	struct sw_wake *worker_wakes; /* [workers] */
	struct sw_wake control_wake;
	/* writer: control; readers: workers: what is captured (switch/capture.h); 0: nothing */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t capture;
};

/* VD_ENOMEM, VD_ESYS, VD_EUSER for a configuration out of range. Control thread. */
enum vd_err sw_plane_init(struct sw_plane *plane, const struct sw_plane_config *config) ON_CONTROL;
void sw_plane_fini(struct sw_plane *plane) ON_CONTROL;

/* A lane by which `worker` hands up what needs thought. */
static inline struct sw_lane *sw_plane_punts(const struct sw_plane *plane, unsigned worker,
					     enum sw_punt_lane lane)
{
	return &plane->punts[worker * SW_PUNT_LANES + lane];
}

/* The lane by which worker `from` hands packets to worker `to`. */
static inline struct sw_lane *sw_plane_lane(const struct sw_plane *plane, unsigned from,
					    unsigned to)
{
	return &plane->between[from * plane->config.workers + to];
}
