/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * traces: `viaduct ping --path`: pings to the router of a session's path, over the link, and to the
 * peer, over the session, side by side: what the second ones lose and the first do not is lost
 * behind the router. One trace at a time; the peer answers by the way back that it uses.
 *
 * Threads: control.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"

struct api_reply;
struct node;
struct peering_event;

enum { NODE_TRACE_ROUNDS = 50 };

/* Pings to one hop of a traced path. */
struct node_trace_hop {
	uint64_t ids[NODE_TRACE_ROUNDS]; /* of those not answered; 0: answered, or none */
	vd_ns at[NODE_TRACE_ROUNDS];
	unsigned sent, received;
	vd_ns sum; /* of round-trip times */
};

/* `viaduct ping --path` under way. */
struct node_trace {
	struct api_reply *reply; /* NULL: none */
	struct vd_peer_id peer, router;
	bool routed; /* by that router; else the link is the peer's own */
	unsigned round, rounds;
	vd_ns next;
	struct node_trace_hop hops[2]; /* the router, the peer */
};

void node_action_trace(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
void node_pump_trace(struct node *node, vd_ns now) ON_CONTROL;
vd_ns node_trace_deadline(const struct node *node);
/* False: not of these pings. */
bool node_on_trace_pong(struct node *node, const struct peering_event *event, vd_ns now) ON_CONTROL;
