/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * session_paths: the sessions' choice of paths (proto/session_path.h), carried out.
 *
 * Threads: control.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"

struct node;
struct peering_event;
struct peering_path;
struct route_path;

/* A handshake was done over `path`. */
void node_use_path(struct node *node, const struct vd_peer_id *peer,
		   const struct peering_path *path, vd_ns now) ON_CONTROL;
/* Another way to a session peer: kept as a fallback. */
void node_add_path(struct node *node, const struct vd_peer_id *peer, const struct route_path *route,
		   vd_ns now) ON_CONTROL;
/* The path in use is void, or likely so: all are tried at once. */
void node_doubt_path(struct node *node, const struct vd_peer_id *peer, vd_ns now) ON_CONTROL;
/* Fallbacks over a link that is gone (direct_too), or whose router forgot its routes. */
void node_forget_paths(struct node *node, uint64_t link, bool direct_too) ON_CONTROL;

/* Sessions by routes of this link move to another path, as soon as one answers; or may stay. */
void node_leave_link(struct node *node, uint64_t link, vd_ns now) ON_CONTROL;
void node_stay(struct node *node, uint64_t link) ON_CONTROL;
/* Whether a session goes by a route over `link` that has anywhere else to go. */
bool node_leaves(const struct node *node, uint64_t link) ON_CONTROL;

/* A challenge or an answer. */
void node_on_session_control(struct node *node, const struct peering_event *event,
			     vd_ns now) ON_CONTROL;
/* False when nothing was due. */
bool node_pump_paths(struct node *node, vd_ns now) ON_CONTROL;
/* Every 250 ms: which sessions send and are not answered. */
void node_look_at_sessions(struct node *node, vd_ns now) ON_CONTROL;
