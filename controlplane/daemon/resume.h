/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * resume: what a router remembers of its peers. One that restarts opens links to the peers that had
 * reserved, since those may be silent, and not reachable until they speak (switch/SPEC.md, 4.6):
 * each once, spread over 2 s.
 *
 * Threads: control. Memory: `known` is made by node_open_store.
 */
#include <stdint.h>

#include "base/err.h"
#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/daemon/why.h"

struct node;

/* Peers to open links to, since they reserved here before this node restarted (resume.c). */
struct node_resume_peer {
	struct vd_peer_id peer;
	struct vd_udp_addr address;
};

struct node_resume {
	struct node_resume_peer *known; /* [count] */
	uint32_t count, next;
	uint32_t again; /* [0, again) of known: no way yet */
	unsigned rounds;
	vd_ns began; /* this round */
};

enum vd_err node_open_store(struct node *node, char why[NODE_WHY]) ON_CONTROL;
void node_close_store(struct node *node) ON_CONTROL;

/* Opens links that are due. */
void node_resume(struct node *node, vd_ns now) ON_CONTROL;
vd_ns node_resume_deadline(const struct node *node);

/* The peer's address is to be remembered, if it has a reservation; or forgotten. */
void node_remember(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
void node_forget(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
