/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * drain: a router that goes away tells its edges before, so that their sessions move to another
 * router and nothing is lost (switch/SPEC.md, 12.6; proto/draining.h). And the edges' side of it.
 *
 * What an edge sent before it left has come by then, however slow the edge is: a silent one may
 * be one that does not run for a moment. An edge says it when its last session has moved, at once
 * when there is nothing to move or nowhere to go, and again to each repetition.
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
struct control_msg;
struct node;

/* The router's side. */
void node_action_drain(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
/* Told twice: stops at once. */
void node_drain_and_stop(struct node *node) ON_CONTROL;
void node_pump_drain(struct node *node, vd_ns now) ON_CONTROL;
vd_ns node_drain_deadline(const struct node *node);
/* A link that is new to one that drains: it was there before, and has not heard. */
void node_drain_link_up(struct node *node, const struct vd_peer_id *peer, vd_ns now) ON_CONTROL;

/* Both. */
void node_on_draining(struct node *node, const struct vd_peer_id *peer,
		      const struct control_msg *msg, vd_ns now) ON_CONTROL;

/* The edge's. Whether the link is to a router that drains. */
bool node_drains(const struct node *node, uint64_t link) ON_CONTROL;
/* A session left link `from`: a router there that drains may have to be told. */
void node_drain_moved(struct node *node, uint64_t from, vd_ns now) ON_CONTROL;
