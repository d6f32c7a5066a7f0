/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * asked: sessions that `viaduct connect` asked for: kept up until `viaduct disconnect` or the
 * daemon's end, through reloads.
 *
 * Threads: control. Memory: the node's.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/peer_id.h"
#include "base/thread.h"

struct node;

enum { NODE_ASKED_MAX = 64 };

struct node_asked {
	struct vd_peer_id ids[NODE_ASKED_MAX]; /* [count], in no order */
	uint32_t count;
};

bool node_is_asked(const struct node *node, const struct vd_peer_id *peer);
/* False: no room. A peer that is there already is not to be added again. */
bool node_ask(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
/* Nothing, if it is not there. */
void node_del_asked(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;

/* Whether its session is to be kept up: asked for, or of session.connect. */
bool node_is_kept(const struct node *node, const struct vd_peer_id *peer);
/* Its session is not kept up any more; while it is up, it stays. */
void node_let_go(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
