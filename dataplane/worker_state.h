/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * worker_state: the worker's insides, for the files that make up the worker:
 * worker.c (the turn), edge.c (sessions and TUN), report.c and too_big.c (what routers and
 * we say of lost packets), control.c (punts, injections), capture.c (copies for who looks),
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
	REPORTS_A_SECOND = 256,  /* looked at: each costs a look at all sessions */
	TOO_BIGS_A_SECOND = 100, /* RFC 4443, 2.4 (f) */
	LANE_BURST = 64,
	INJECT_BURST = 64,
	STRAYS_A_SECOND = 32, /* frames under unknown indices that are punted; also the burst */
	SHARES = 1024,        /* rows of shares, by slot: with fewer links each has its own */
	MOVES_A_SECOND = 16,  /* frames of one link from another path, and the burst */
	PUNTS_A_SECOND = 64,  /* of one link or session, before it is as good as a stranger */
};

/*
 * Where a packet that crossed goes on, beside the switch's own stages (enum
 * sw_stage): a few steps need the owner of a session, or of the link it leaves by.
 */
enum dp_stage {
	DP_STAGE_OPEN = 64, /* delivered; the sealed frame's session is yours */
	DP_STAGE_SEAL,      /* frame: plaintext; index: session; private: struct dp_plain */
	DP_STAGE_ORIGINATE, /* frame: switch frame with label, flags, class; index: link */
};

struct dp_outbox {
	unsigned count;
	struct dp_out outs[OUTBOX];
};

/* A frame as it arrived, while somebody looks. */
struct dp_head {
	const void *buffer;
	struct sw_endpoint way;
	uint16_t len;  /* of the frame */
	uint16_t kept; /* of it below */
	uint8_t bytes[SW_CAPTURE_BYTES];
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
	uint64_t capture;         /* this turn: what is looked at (switch/capture.h) */
	uint64_t crossed;         /* this turn: workers to wake, a bit each */
	uint64_t ns_per_cycle_32; /* nanoseconds a TSC cycle, times 2^32 */

	unsigned origin_count;
	struct sw_packet origins[SW_BURST_MAX]; /* switch frames of our own, not yet tagged */

	vd_ns wants[WANTS];
	struct sw_bucket too_bigs;
	struct sw_bucket reports;
	struct sw_bucket strays;
	/* what a link or session may have the control thread do */
	struct sw_bucket moves[SHARES];    /* links: frames from another path */
	struct sw_bucket sealed[SHARES];   /* links: sealed frames */
	struct sw_bucket payloads[SHARES]; /* links: delivered, but of no session */
	struct sw_bucket inner[SHARES];    /* sessions: plaintexts */
	struct sw_packet burst[SW_BURST_MAX];
	struct dp_outbox outboxes[DP_PORTS_MAX];

	unsigned head_count;
	struct dp_head heads[SW_BURST_MAX]; /* only touched while somebody looks */
};

/* ---- capture.c: only while w->capture is not 0; borrow what they get ---- */

/* A burst as it arrived, before anything is done with it. */
void dp_capture_arrived(struct dp_worker *w, const struct sw_packet *burst,
			unsigned count) ON_WORKER;
/* A frame that another worker handed over, not yet changed; head_count is the caller's to reset. */
void dp_capture_crossed(struct dp_worker *w, const struct sw_packet *packet) ON_WORKER;
/* As dp_io's `dropped`. */
void dp_capture_port_dropped(void *worker, const struct dp_dropped *dropped) ON_WORKER;
void dp_capture_dropped(struct dp_worker *w, unsigned drop, const void *buffer) ON_WORKER;
/* Drops that the switch made reports of. */
void dp_capture_reported(struct dp_worker *w, const struct sw_packet *packets,
			 unsigned count) ON_WORKER;
void dp_capture_leaving(struct dp_worker *w, unsigned port, const struct dp_out *outs,
			unsigned count) ON_WORKER;

/* ---- worker.c ---- */

ON_WORKER static inline void dp_worker_drop(struct dp_worker *w, unsigned drop,
					    struct rte_mbuf *buffer)
{
	if (unlikely(w->capture))
		dp_capture_dropped(w, drop, buffer);
	dp_drop(w->counters, drop, buffer);
}

/* Takes the buffer. */
void dp_worker_send(struct dp_worker *w, const struct dp_out *out, uint8_t port) ON_WORKER;
void dp_worker_cross(struct dp_worker *w, struct sw_packet *packet, unsigned to,
		     uint8_t stage) ON_WORKER;
void dp_worker_originate(struct dp_worker *w, struct sw_packet *packet) ON_WORKER;

/* ---- edge.c: take the buffer ---- */

void dp_edge_deliver(struct dp_worker *w, struct sw_packet *packet) ON_WORKER;
void dp_edge_open(struct dp_worker *w, struct sw_packet *packet) ON_WORKER;
void dp_edge_seal(struct dp_worker *w, struct sw_packet *packet) ON_WORKER;
unsigned dp_edge_tun(struct dp_worker *w) ON_WORKER;

/* ---- report.c ---- */

void dp_report(struct dp_worker *w, struct sw_packet *packet) ON_WORKER;

/* ---- too_big.c ---- */

/* Tells this host that its overlay packet is larger than `mtu`; borrows it. Rate-limited. */
void dp_too_big(struct dp_worker *w, const uint8_t *packet, size_t len, uint32_t mtu) ON_WORKER;

/* ---- control.c ---- */

/* Copy to the control thread's lane; the buffer stays the caller's. False: full, or too long. */
bool dp_punt_datagram(struct dp_worker *w, const struct sw_packet *packet) ON_WORKER;
/* Rate-limited; what is over the rate is not counted again, its drop or delivery was. */
void dp_punt_moved(struct dp_worker *w, const struct sw_packet *packet) ON_WORKER;
void dp_punt_unknown(struct dp_worker *w, const struct sw_packet *packet) ON_WORKER;
bool dp_punt_payload(struct dp_worker *w, const struct sw_packet *packet) ON_WORKER;
/* What is longer than a lane's item is cut. */
bool dp_punt_inner(struct dp_worker *w, const struct sw_packet *packet, uint32_t session,
		   struct vd_bytes plain) ON_WORKER;
bool dp_punt_report(struct dp_worker *w, const struct sw_packet *packet,
		    uint32_t session) ON_WORKER;
bool dp_punt_want(struct dp_worker *w, const uint8_t overlay[SW_IPV6_ADDR]) ON_WORKER;

unsigned dp_inject(struct dp_worker *w) ON_WORKER;
