/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * link_moves: links whose peer is at another address now.
 *
 * Threads: control.
 */
#include "base/formats/peer_id.h"
#include "base/thread.h"

struct node;
struct peering_path;
struct sw_punt;

/* A frame of a link came from another address: the peer has to prove that it is there. */
void node_on_moved(struct node *node, const struct sw_punt *punt) ON_CONTROL;
/* It proved it. */
void node_move_link(struct node *node, const struct vd_peer_id *peer,
		    const struct peering_path *path) ON_CONTROL;
