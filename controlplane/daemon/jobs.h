/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * jobs: the machines' public-key work, on libuv's pool. So a flood of handshakes keeps other
 * cores busy, or shares this one, but never keeps the loop from its turn.
 *
 * Threads: control.
 */
#include "base/thread.h"

struct node;
struct peering;
struct peering_job;

/* Runs it elsewhere, and hands its result over when it comes. */
void node_do_job(struct node *node, struct peering *peering, struct peering_job *job) ON_CONTROL;
/* Waits for those that are running, at the end: some milliseconds. */
void node_finish_jobs(struct node *node) ON_CONTROL;
