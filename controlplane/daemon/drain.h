/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * drain: a router that goes away tells its edges before, so that their sessions move to another
 * router and nothing is lost (switch/SPEC.md, Draining). And the edges' side of it.
 *
 *	state     event                        next      does
 *	serving   drain, or SIGTERM            draining  tells all links; new links, reservations
 *	                                                 and route queries get SHUTDOWN
 *	draining  0.5, 1.5, 3.5, 7.5 s later   draining  tells them again: a message may be lost
 *	draining  a link comes up              draining  tells it
 *	draining  cancel                       serving   tells all links that it is over
 *	draining  an edge says that it left    draining
 *	draining  after SIGTERM: all who       stopped   closes its links (node_run)
 *	          reserved have left, and for
 *	          0.5 s nobody did and nothing
 *	          was switched; or 2.5 s are
 *	          over
 *
 * What an edge sent before it left has come by then, however slow the edge is: a silent one may
 * be one that does not run for a moment. An edge says it when its last session has moved, at once
 * when there is nothing to move or nowhere to go, and again to each repetition.
 *
 * Threads: control.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct node_drain {
	bool on;
	bool stop;         /* the daemon ends when it is done */
	bool told;         /* there is somebody who may have to move */
	uint8_t sends;     /* made */
	vd_ns next_send;   /* VD_NEVER: all are made */
	vd_ns next_look;   /* at what is switched */
	vd_ns stop_at;     /* at the latest */
	vd_ns quiet_since; /* nothing was switched, and nobody left, since */
	uint64_t switched; /* at the last look */
};
