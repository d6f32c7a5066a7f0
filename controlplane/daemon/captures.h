/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * captures: `viaduct capture`: what the workers copied (switch/capture.h), told to whoever asks.
 *
 * One capture at a time. It lives as long as its client asks for more: nothing asked for
 * 5 s, and the workers copy no more. Between requests packets wait in the workers' lanes.
 *
 * Threads: control.
 */
#include <jansson.h>
#include <stdint.h>

#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"

struct api_reply;
struct node;

/* The capture under way. */
struct node_capture {
	uint64_t id;         /* of the last one */
	unsigned kinds;      /* SW_CAPTURE_…; 0: none is under way */
	unsigned directions; /* SW_CAPTURE_IN, _OUT: what is told */
	uint8_t drop;
	uint8_t round;
	struct vd_peer_id peer; /* len 0: any */
	struct vd_udp_addr remote;
	struct api_reply *reply; /* waits for packets; NULL: nobody does */
	vd_ns asked;
	vd_ns until; /* ends then unless asked again */
	uint64_t missed_before;
};

void node_action_capture(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
/* What the workers have copied since. */
void node_take_captures(struct node *node) ON_CONTROL;
/* Every second. */
void node_tick_capture(struct node *node, vd_ns now) ON_CONTROL;
