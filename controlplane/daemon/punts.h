/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * punts: what the workers hand up, given to the machines: those of links and sessions before those
 * of strangers, so that a flood of handshakes starves neither.
 *
 * Threads: control.
 */
#include <stdbool.h>

#include "base/thread.h"

struct node;

/* What there is now, up to 64 of each lane; false when there was nothing. */
bool node_take_punts(struct node *node) ON_CONTROL;
