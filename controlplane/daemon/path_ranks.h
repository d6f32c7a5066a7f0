/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * path_ranks: pings over every path of the sessions (proto/path_rank.h), carried out: a session
 * moves to the best router, once a challenge over that path was answered.
 *
 * Threads: control.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"

struct node;
struct peering_event;
struct peering_path;
struct route_session;

/* Every 250 ms. */
void node_rank_paths(struct node *node, vd_ns now) ON_CONTROL;
/* A ping with `id` over `path`; its answer is a PROBED. False: it cannot be. */
bool node_ping_path(struct node *node, const struct route_session *session,
		    const struct peering_path *path, uint64_t id) ON_CONTROL;
/* False: not of these pings. */
bool node_on_rank_pong(struct node *node, const struct peering_event *event, vd_ns now) ON_CONTROL;
/* Adds "paths" of a session, with what is measured. Returns object, which may be NULL. */
json_t *node_with_paths(const struct node *node, json_t *object,
			const struct vd_peer_id *peer) ON_CONTROL;
