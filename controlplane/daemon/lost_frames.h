/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * lost_frames: frames that one side cannot make sense of since it restarted. Reports about ours are
 * judged by what was sent (peering's `sent` and `sent_long`); frames of others are reported.
 *
 * Threads: control.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"
#include "base/time.h"

struct node;
struct sw_punt;

/* For peering. */
uint64_t node_link_sent(void *node, uint32_t index, vd_ns now, vd_ns *at_out);
uint64_t node_session_sent(void *node, uint32_t index, vd_ns now, vd_ns *at_out) ON_CONTROL;
bool node_session_sent_long(void *node, uint32_t index) ON_CONTROL;

/* A frame under an index that is none of ours. */
void node_on_unknown(struct node *node, const struct sw_punt *punt) ON_CONTROL;
