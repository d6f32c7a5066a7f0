/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * link_events: what the links' machine decided, carried out; and control messages to their peers.
 *
 * Threads: control.
 */
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"

struct control_msg;
struct node;
struct peering_event;

void node_on_link_event(struct node *node, const struct peering_event *event, vd_ns now) ON_CONTROL;

/* To the peer of a link. Lost when the link is down: whoever asked repeats it. */
void node_send_control(struct node *node, const struct vd_peer_id *peer,
		       const struct control_msg *msg, vd_ns now) ON_CONTROL;
