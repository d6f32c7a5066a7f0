/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * disconnects: `viaduct disconnect`, and the ends that a connect that fails has in common with it.
 *
 * Threads: control.
 */
#include <jansson.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"

struct api_reply;
struct node;

void node_action_disconnect(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;

/* Its link ends, and is not dialled again; a router of the configuration keeps its row. */
void node_end_link(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
/* Its session ends. A peer that the configuration does not name is no peer of ours afterwards. */
void node_end_session(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
