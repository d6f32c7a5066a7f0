/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * path_mtu: how much the sessions' paths carry (proto/mtu_probe.h), carried out: probes are
 * sent, what they find limits what the data plane seals, and with `tun.mtu: auto` the TUN's MTU
 * is the least of what the live sessions carry. A session that has not found out yet does not
 * count: a packet that is too large for it is answered with Packet Too Big.
 *
 * Threads: control.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/proto/mtu_probe.h"

struct node;
struct peering_event;
struct route_path;
struct route_session;

/* A probe arrived. */
void node_on_probed(struct node *node, const struct peering_event *event, vd_ns now) ON_CONTROL;
/* A believed report: switch payloads of at most `limit` pass on the session's path. */
void node_mtu_reported(struct node *node, const struct route_session *session, uint16_t limit,
		       vd_ns now) ON_CONTROL;

/* What a session's path carries, as far as probes tell: a switch payload; 0: nothing is known. */
uint16_t node_mtu_payload(const struct node *node, const struct vd_peer_id *peer,
			  const struct route_path *path) ON_CONTROL;
enum mtu_state node_mtu_state(const struct node *node,
			      const struct route_session *session) ON_CONTROL;

/* Every 250 ms: other paths, other limits, traffic. */
void node_look_at_mtu(struct node *node, vd_ns now) ON_CONTROL;
/* False when nothing was due. */
bool node_pump_mtu(struct node *node, vd_ns now) ON_CONTROL;
