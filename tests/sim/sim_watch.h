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
 *	  (MOVED), and whom it dials. One challenge of 42 bytes is allowed beyond for each
 *	  candidate: an address that a frame of the peer came from which verified, for 10 s from
 *	  its first challenge on. Of one peer two are candidates at a time; a third takes the
 *	  place of one that is over 1 s old. A peer that has moved or gone down has none.
 *
 *	- Who hears nothing ends it: a link is down when nothing of the peer has verified for
 *	  120 s, a session after 600 s.
 *
 *	- Both sides agree, or know that they do not. Node a, which sends to b under generation
 *	  g, agrees with b if b holds g: under a's remote index, with mirrored keys, naming a's
 *	  own index. If b holds nothing there (it restarted, gave up, or was told so), a goes on
 *	  for no longer than it may be silent, and what was under way: 10 s more; or from the
 *	  moment on when an attacker let go of a frame of b that it had held back. If a's link or
 *	  session is not up yet, or another generation lies under that index (a bit was flipped
 *	  in a header on its way), g ends with its handshake: after 20 s.
 *
 *	- No event comes out of order (net.broken).
 */
#include "tests/unit/proto/peering_net.h"

enum { WATCH_CANDIDATES = 2 };

/* An address that is being challenged, as it looks from outside. */
struct watch_candidate {
	uint8_t address; /* 0: free */
	vd_ns began;
};

struct sim_watch {
	struct net *net;
	uint64_t *seen; /* accepted frames, hashed; 0: free */
	size_t seen_count;
	bool proven[NET_NODES][NET_ADDRESSES];
	struct watch_candidate candidates[NET_NODES][NET_NODES][WATCH_CANDIDATES];
	bool came[NET_NODES][NET_NODES][NET_ADDRESSES]; /* by node, peer: what verified, since
							 * the last first challenge there */
	uint64_t challenges[NET_NODES];                 /* seen to be sent */
	vd_ns heard[NET_NODES][NET_NODES];              /* what verified, last */
	bool held_back; /* what comes now does so from an attacker, late */
	struct {
		uint32_t index; /* of the generation sent with */
		unsigned how;
		vd_ns since;
	} disagree[NET_NODES][NET_NODES];
	const char *wrong; /* what went wrong first */
};

void sim_watch_begin(struct sim_watch *watch, struct net *net);
void sim_watch_end(struct sim_watch *watch);
void sim_watch_dials(struct sim_watch *watch, unsigned node, unsigned to);
/* The node forgot what it knew. */
void sim_watch_stopped(struct sim_watch *watch, unsigned node);
