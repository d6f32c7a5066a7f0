/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * net_events: the kernel's links and routes: read once, then followed. When they change, ways are
 * looked for anew, links get new headers, and routers that were out of reach are dialled.
 *
 * Threads: control.
 */
#include "base/err.h"
#include "base/thread.h"
#include "controlplane/daemon/why.h"

struct node;

/* VD_EUSER with `why`. */
enum vd_err node_open_net(struct node *node, char why[NODE_WHY]) ON_CONTROL;
