/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * session_path: which of its paths a session sends over (switch/SPEC.md, section Session).
 *
 * One of them is used; up to 4 others are fallbacks. A path is adopted only after a
 * challenge was answered over it; the one before stays as a fallback, and all receive.
 *
 *	state       event                           next       does
 *	quiet       sent, nothing heard for 1 s     suspect    challenges the path in use
 *	suspect     the same for 2 s                seeking    challenges all paths, at once
 *	seeking     every 4 s, while it still sends seeking    again
 *	suspect,
 *	seeking     something verified              quiet      repeats no more
 *	any         the peer challenges             same       repeats on, though that verified
 *	any         a challenge's answer            quiet      first answer wins: MOVE, or stay
 *	any         the peer challenges another     same       challenges that one and the one
 *	            path than the used one                     in use: the first answer wins; but
 *	                                                       not within 4 s of the last such
 *	                                                       race that was answered, or MOVE
 *	any         a new path while in doubt       same       challenges it
 *	any         leave: its router drains        leaving    challenges all but the path in use,
 *	                                                       every 4 s; that one's answers move
 *	                                                       nothing
 *	leaving     an answer over another path     quiet      MOVE
 *	any         1.5 s without answer, seeking   same       DIAL: perhaps the peer restarted
 *
 * A challenge is repeated every 0.5 s for 4 s; its answer counts for 10 s.
 *
 * Sans-IO. Threads: control. Memory: the struct, the caller's; zeroed is valid: no path.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "controlplane/proto/peering.h"

enum {
	SESSION_FALLBACKS = 4,
	SESSION_CHALLENGE_BYTES = 8,
};

enum session_path_event_kind {
	SESSION_PATH_NONE,
	SESSION_PATH_CHALLENGE, /* send `data` as a sealed challenge over `path` */
	SESSION_PATH_MOVE,      /* `path` is the one in use now */
	SESSION_PATH_DIAL,      /* a handshake over `path` */
};

struct session_path_event {
	enum session_path_event_kind kind;
	struct peering_path path;
	uint8_t data[SESSION_CHALLENGE_BYTES];
};

struct session_challenge {
	struct peering_path path;
	uint8_t data[SESSION_CHALLENGE_BYTES];
	vd_ns began;  /* 0: free */
	vd_ns next;   /* when to send (again); VD_NEVER: no more */
	bool stopped; /* before its time, as something verified */
	bool race;    /* goes on although something verifies: the peer seeks, too */
};

struct session_path {
	struct peering_path current;
	struct peering_path fallbacks[SESSION_FALLBACKS]; /* [count], latest first */
	struct session_challenge challenges[SESSION_FALLBACKS + 1];
	vd_ns looked;     /* at the last traffic */
	vd_ns sent;       /* when traffic was last seen to leave */
	vd_ns unanswered; /* since when nothing has verified although something was sent; 0: no */
	vd_ns round;      /* when all paths were challenged last, of this silence; 0: not yet */
	vd_ns leaving;    /* when the others were challenged last, to leave the current; 0: no */
	vd_ns raced;      /* when the peer's challenge was last raced, or MOVE said; 0: never */
	uint32_t own;     /* challenges sent that the next traffic counts in */
	uint8_t count;
	bool used;    /* there is a current one */
	bool suspect; /* the path in use has been challenged, of this silence */
	bool dialled; /* DIAL was said, of this round */
	bool moved;   /* MOVE is to be said */
};

/* The session's generation sends over `path`: a handshake was done over it. */
void session_path_use(struct session_path *sp, const struct peering_path *path);
/* Another way to the peer. The oldest fallback goes when there are 4. */
void session_path_add(struct session_path *sp, const struct peering_path *path, vd_ns now);
/* A fallback that leads nowhere any more. */
void session_path_del(struct session_path *sp, const struct peering_path *path);
/* The path in use is void, or likely so: seeks at once. */
void session_path_doubt(struct session_path *sp, vd_ns now);

/* A fallback that seems better: challenged; its answer moves there. */
void session_path_try(struct session_path *sp, const struct peering_path *path, vd_ns now);
/* The path in use will go: moves to another one as soon as one answers. And: it stays. */
void session_path_leave(struct session_path *sp, vd_ns now);
void session_path_stay(struct session_path *sp);

/* Since the last call `sent` frames left (challenges too), and some frame verified or none. */
void session_path_traffic(struct session_path *sp, uint64_t sent, bool heard, vd_ns now);
/* A challenge of the peer came by `path`. (Answering is the peering's.) */
void session_path_challenged(struct session_path *sp, const struct peering_path *path, vd_ns now);
/* An answer came by `path`. VD_EPEER_STATE: not to a challenge over this path. */
enum vd_err session_path_answered(struct session_path *sp, const struct peering_path *path,
				  const uint8_t data[SESSION_CHALLENGE_BYTES], vd_ns now);

/* Drain after each call above, and when the deadline has come. */
struct session_path_event session_path_next(struct session_path *sp, vd_ns now);
vd_ns session_path_deadline(const struct session_path *sp);
