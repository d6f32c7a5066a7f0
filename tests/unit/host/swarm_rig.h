/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* Two swarms and more over loopback, their control threads on one loop; what they were told. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/init.h"
#include "controlplane/host/perf.h"
#include "controlplane/host/swarm.h"

enum { SIDES = 9, TURNS = 30000, MEGABYTE = 1 << 20 };

struct side {
	struct vd_identity identity;
	struct swarm *swarm;
	struct vd_multiaddr address; /* with its peer id */
	unsigned opened, identified, pinged, closed;
	uint64_t last; /* connection opened or closed */
	enum vd_err err;
	bool knows_agent;
};

struct said { /* by the last dial, ping, perf or task */
	unsigned count;
	enum vd_err err;
	uint64_t id;
	vd_ns rtt;
	char why[HOST_WHY];
};

extern uv_loop_t loop;
extern struct side sides[SIDES];
extern struct side *const a, *const b;
extern struct said said;

void on_dial(void *context, const struct swarm_conn *conn, enum vd_err err, const char *why);
void on_ping(void *context, enum vd_err err, vd_ns rtt);
void on_perf(void *context, enum vd_err err);

/* ---- the rig ---- */

void turn(void);
/* Turns until `count` answers came. */
void until(unsigned count);

#define TURN_UNTIL(condition)                                                                      \
	do {                                                                                       \
		bool met_ = false;                                                                 \
		for (unsigned i_ = 0; !(met_ = (condition)) && i_ < TURNS; i_++)                   \
			turn();                                                                    \
		cr_assert(met_);                                                                   \
	} while (0)

void begin_loop(void);
void end_loop(void);
/* retire_after 0: the default. */
void open_side(struct side *side, unsigned threads, vd_ns retire_after);
/* The loop, a and b, that retire after 20 ms. */
void begin(unsigned threads);
void end(void);

/* Each waits for its answer. */
void dial_b(void);
void ping_b(uint64_t id);

/* A socket that listens, and answers nobody, as if it were the peer. */
int deaf(struct vd_multiaddr *address_out, const struct vd_peer_id *peer);
/* Whether the other side closed this socket. */
bool has_ended(int fd);

/* Every host of the swarm answers perf. */
void serve_perf(struct side *side);

/* ---- a stream that stays ---- */

struct hold {
	struct swarm_task task;
	struct host_stream *stream; /* the connection's thread's */
	bool end;                   /* it, instead of opening it */
	enum vd_err err;
};

extern const struct host_protocol hold_protocol;
extern _Atomic unsigned holds_refused; /* streams of which the other side said that they are not */
/* Opens or ends it, on a's connection, and waits until that is done. */
void submit_hold(struct hold *hold, uint64_t id);
/* A task's `done`: its err is said. */
void hold_done(struct swarm_task *task);

static const unsigned variants[] = { 0, 2 }; /* threads */

#define EACH_VARIANT(threads)                                                                      \
	for (unsigned v_ = 0, threads; v_ < 2 && (threads = variants[v_], true); v_++)
