/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * pings: `viaduct ping` of peers: over the session, the link, or libp2p.
 *
 * Threads: control.
 */
#include <stdbool.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"

struct api_reply;
struct node;

enum { NODE_PINGS_MAX = 64 }; /* that wait for their pong */

/* An API ping that waits. */
struct node_ping {
	struct api_reply *reply; /* NULL: free */
	struct vd_peer_id peer;
	bool session;
	vd_ns until;
};

void node_action_ping(void *node, const char *target, struct api_reply *reply) ON_CONTROL;
void node_pong(struct node *node, const struct vd_peer_id *peer, bool session,
	       vd_ns rtt) ON_CONTROL;
void node_expire_pings(struct node *node, vd_ns now) ON_CONTROL;
