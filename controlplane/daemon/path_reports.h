/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * path_reports: what routers report about frames that we sent (switch/SPEC.md, section 10). The
 * data plane has matched them with a frame; still any node on the path can make them, so
 * they are hints: routes are asked for again and the path is probed, never is a session closed.
 *
 * Threads: control.
 */
#include <stdint.h>

#include "base/thread.h"
#include "base/time.h"

struct node;
struct sw_punt;

enum { NODE_REPORTED_ROWS = 256 };

/* When a session last acted on a report. */
struct node_reported {
	uint32_t session; /* index */
	vd_ns at;
};

void node_on_report(struct node *node, const struct sw_punt *punt) ON_CONTROL;
