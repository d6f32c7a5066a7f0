/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * loop_events: what wakes the loop: workers, the timer, and signals. SIGTERM and SIGINT drain and
 * stop, SIGHUP reloads; none of them counts once the end began.
 *
 * Threads: control.
 */
#include "base/err.h"
#include "base/thread.h"
#include "controlplane/daemon/why.h"

struct node;

/* Makes the loop, and watches. VD_EUSER with `why`. */
enum vd_err node_open_loop(struct node *node, char why[NODE_WHY]) ON_CONTROL;
