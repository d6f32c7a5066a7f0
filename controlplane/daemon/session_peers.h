/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * session_peers: peers that may have a session, each with the kernel's route to its overlay
 * address: overlay packets of known peers, and of no others, go to the TUN.
 *
 * Threads: control.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"

struct node;

/* To be published afterwards. `connect`: its session is to be kept up. VD_ELIMIT. */
enum vd_err node_add_session_peer(struct node *node, const struct vd_peer_id *peer,
				  bool connect) ON_CONTROL;
void node_del_session_peer(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
