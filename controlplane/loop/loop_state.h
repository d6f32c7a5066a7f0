/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * loop_state: what loop.c keeps for work.c.
 *
 * Threads: control.
 */
#include "controlplane/loop/loop.h"

struct cp_work;

/* The slow ones of this loop, of which the first is under way; NULL there: none. */
struct cp_work **cp_loop_slow_work(struct cp_loop *loop);
