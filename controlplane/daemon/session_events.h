/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * session_events: what the sessions' machine and the search for routes decided, carried out; and
 * what a path is worth to a session.
 *
 * Threads: control.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "switch/plane.h"

struct node;
struct peering_claim;
struct peering_event;
struct route_path;
struct route_session;
struct seek_event;

void node_on_session_event(struct node *node, const struct peering_event *event,
			   vd_ns now) ON_CONTROL;
void node_on_seek_event(struct node *node, const struct seek_event *event, vd_ns now) ON_CONTROL;

/* Whether a peer may have a session: the configuration names it, or it was asked for. */
bool node_may_session(struct node *node, const struct vd_peer_id *peer);
/* The same, for peering. */
bool node_admit_session(void *node, const struct peering_claim *claim);

/* ---- looking for ways ---- */

/* Starts looking for a way to a session peer, or dials it if its link is up. */
void node_seek_session(struct node *node, const struct vd_peer_id *peer, vd_ns now) ON_CONTROL;
/* The same for one that we keep up. */
void node_seek_again(struct node *node, const struct route_session *session, vd_ns now) ON_CONTROL;
/* Logs which sessions that are to be kept up are missing. */
void node_warn_missing(struct node *node, vd_ns now) ON_CONTROL;
/* Looks for other ways for sessions that are not answered (switch/SPEC.md). */
void node_seek_lost(struct node *node, vd_ns now) ON_CONTROL;
/* Routes learnt from this router are void: it restarted. Sessions look for new ones. */
void node_routes_died(struct node *node, const struct vd_peer_id *router, vd_ns now) ON_CONTROL;
/* The link to `peer` sends with another index now, or is gone: its sessions follow. */
void node_link_moved(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;

/* ---- paths ---- */

/* The largest switch payload of a path, by link and learnt route; 0: the link is gone. */
uint16_t node_path_payload(const struct node *node, const struct vd_peer_id *peer,
			   const struct route_path *path) ON_CONTROL;
/* Says that a path is no use, and counts it; `payload`: what it carries, 0: less than needed. */
void node_refuse_path(struct node *node, const struct vd_peer_id *peer,
		      uint16_t payload) ON_CONTROL;
/* A session's path as the data plane has it; link 0 when the link is gone. */
struct sw_path node_data_path(const struct node *node, const struct vd_peer_id *peer,
			      const struct route_path *path) ON_CONTROL;
