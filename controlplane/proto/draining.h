/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * draining: when a router that goes away tells its edges, and when it may stop
 * (switch/SPEC.md, 12.6).
 *
 *	state     event                        next      does
 *	serving   begin                        draining  the caller tells all edges
 *	draining  0.5, 1.5, 3.5, 7.5 s later   draining  TELL again: a message may be lost
 *	draining  begin again                  draining  as the first time
 *	draining  end                          serving   the caller tells that it is over
 *	any       stop                         stopping  as begin, unless it drains already
 *	stopping  nobody was told              stopped   STOP
 *	stopping  all that matter have left,   stopped   STOP
 *	          and for 0.5 s nobody did and
 *	          nothing was switched
 *	stopping  2.5 s are over               stopped   STOP
 *
 * While it drains it asks every 0.1 s to LOOK at which peers stay and at what is switched, for
 * draining_saw.
 *
 * Sans-IO. Threads: control. Memory: the struct, the caller's; zeroed is valid: serving.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

enum draining_event {
	DRAINING_NONE,
	DRAINING_TELL, /* all edges once more */
	DRAINING_LOOK, /* then draining_saw */
	DRAINING_STOP, /* once */
};

struct draining {
	bool on;
	bool stop;       /* the daemon ends when it is done */
	bool stopped;    /* STOP was said */
	bool told;       /* there is somebody who may have to move */
	uint8_t sends;   /* made; the caller's is the first */
	vd_ns next_send; /* VD_NEVER: all are made */
	vd_ns next_look;
	vd_ns stop_at;     /* at the latest */
	vd_ns quiet_since; /* nothing was switched, and nobody left, since */
	uint64_t switched; /* at the last look */
};

/* Not once it stops. */
void draining_begin(struct draining *draining, vd_ns now);
void draining_end(struct draining *draining);
/* False: it was told so before. */
bool draining_stop(struct draining *draining, vd_ns now);

/* A peer was told that we drain. */
void draining_told(struct draining *draining);
/* A peer that was told says that it left. */
void draining_left(struct draining *draining, vd_ns now);
/* `switched`: frames, ever; `stays`: a peer that matters was told and has not left. */
void draining_saw(struct draining *draining, uint64_t switched, bool stays, vd_ns now);

enum draining_event draining_next(struct draining *draining, vd_ns now);
/* When to ask for the next event; VD_NEVER: not by itself. */
vd_ns draining_deadline(const struct draining *draining);
