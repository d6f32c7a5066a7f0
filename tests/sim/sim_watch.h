/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * sim_watch: what must hold after each step of a simulation of peering, whatever happens.
 *
 *	- No frame is accepted twice: of a node's generation (receiver indices never come
 *	  again), each counter is accepted once, of data and sealed frames alike.
 *
 *	- No byte goes to an unproven address beyond what came from it. Proven, to a node until
 *	  it restarts: where a handshake was done, where a peer answered a challenge from
 *	  (MOVED), and whom it dials. One challenge of 42 bytes is allowed beyond, for each
 *	  peer and address, once a second, and anew when the peer has moved or gone down: it is
 *	  owed to a frame that verified.
 *
 *	- Both sides agree, or know that they do not. Node a, which has link or session with b up
 *	  and sends under generation g, agrees with b if b holds g: under a's remote index, with
 *	  mirrored keys, naming a's own index. Anything else under that index comes of a bit
 *	  flipped in a header on its way, and ends with its handshake, within CROSSED. If b holds
 *	  nothing there (it restarted, gave up, or was told so), a has to find out: a does not
 *	  go on for longer than DISAGREE (links) or IDLE (sessions, which are silent while
 *	  nobody has something to say) before it uses another generation or is down.
 *
 *	- No event comes out of order (net.broken).
 */
#include "tests/unit/proto/peering_net.h"

struct sim_watch {
	struct net *net;
	uint64_t *seen; /* accepted frames, hashed; 0: free */
	size_t seen_count;
	bool proven[NET_NODES][NET_ADDRESSES];
	vd_ns challenged[NET_NODES][NET_NODES][NET_ADDRESSES]; /* by node, peer */
	vd_ns disagree[NET_NODES][NET_NODES];                  /* since; 0: they agree */
	const char *wrong;                                     /* what went wrong first */
};

void sim_watch_begin(struct sim_watch *watch, struct net *net);
void sim_watch_end(struct sim_watch *watch);
void sim_watch_dials(struct sim_watch *watch, unsigned node, unsigned to);
/* The node forgot what it knew. */
void sim_watch_stopped(struct sim_watch *watch, unsigned node);
