/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * worker_state: the worker's insides, for the files that make up the worker:
 * worker.c (the turn), edge.c (sessions and TUN), control.c (punts, injections),
 * idle.c (sleep). Nobody else includes this.
 *
 * Threads: the worker.
 */
#include "dataplane/buffer.h"
#include "dataplane/worker.h"
#include "switch/forward.h"

enum {
	OUTBOX = SW_BURST_MAX,
	WANTS = 16,     /* overlay destinations whose want is rate-limited, hashed */
	KEEPALIVES = 8, /* made in one turn */
	TUN_BURST = 32,
	LANE_BURST = 64,
	INJECT_BURST = 64,
};

/*
 * Where a packet that crossed goes on, beside the switch's own stages (enum
 * sw_stage): a few steps need the owner of a session, or of the link it leaves by.
 */
enum dp_stage {
	DP_STAGE_OPEN = 64, /* delivered; the sealed frame's session is yours */
	DP_STAGE_SEAL,      /* frame: plaintext; index: session; private: path */
	DP_STAGE_ORIGINATE, /* frame: switch frame with label, flags, class; index: link */
};

struct dp_outbox {
	unsigned count;
	struct dp_out outs[OUTBOX];
};

struct dp_worker {
	struct sw_plane *plane;
	struct sw_counters *counters;
	struct sw_forward *forward;
	struct dp_io io;
	vd_ns now;
	unsigned number;
	unsigned port_count;
	struct dp_port *const *ports;
	struct dp_tun *tun;
	bool poll;
	bool punted;              /* this turn: wake control */
	uint64_t crossed;         /* this turn: workers to wake, a bit each */
	uint64_t ns_per_cycle_32; /* nanoseconds a TSC cycle, times 2^32 */

	unsigned origin_count;
	struct sw_packet origins[SW_BURST_MAX]; /* switch frames of our own, not yet tagged */

	vd_ns wants[WANTS];
	struct sw_packet burst[SW_BURST_MAX];
	struct dp_outbox outboxes[DP_PORTS_MAX];
};

/* ---- worker.c ---- */

static inline void dp_worker_drop(struct dp_worker *w, unsigned drop, struct rte_mbuf *buffer)
{
	dp_drop(w->counters, drop, buffer);
}

/* Takes the buffer. */
void dp_worker_send(struct dp_worker *w, const struct dp_out *out, uint8_t port);
void dp_worker_cross(struct dp_worker *w, struct sw_packet *packet, unsigned to, uint8_t stage);
void dp_worker_originate(struct dp_worker *w, struct sw_packet *packet);

/* ---- edge.c: take the buffer ---- */

void dp_edge_deliver(struct dp_worker *w, struct sw_packet *packet);
void dp_edge_open(struct dp_worker *w, struct sw_packet *packet);
void dp_edge_seal(struct dp_worker *w, struct sw_packet *packet);
unsigned dp_edge_tun(struct dp_worker *w);

/* ---- control.c ---- */

/* Copy to the control thread's lane; the buffer stays the caller's. False: full, or too long. */
bool dp_punt_datagram(struct dp_worker *w, const struct sw_packet *packet);
bool dp_punt_moved(struct dp_worker *w, const struct sw_packet *packet);
bool dp_punt_payload(struct dp_worker *w, const struct sw_packet *packet);
bool dp_punt_inner(struct dp_worker *w, const struct sw_packet *packet, uint32_t session,
		   struct vd_bytes plain);
bool dp_punt_want(struct dp_worker *w, const uint8_t overlay[SW_IPV6_ADDR]);

unsigned dp_inject(struct dp_worker *w);
