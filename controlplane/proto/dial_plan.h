/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * dial_plan: in which order, and when, the addresses of one peer are tried.
 *
 *	dial_plan_init, dial_plan_add (each address), then until dial_plan_state says otherwise:
 *	dial_plan_next       begin this attempt; then dial_plan_connected, _failed or _won
 *	dial_plan_expire     this attempt took too long: cut it off
 *	dial_plan_deadline   when to ask both again
 *	at the end: dial_plan_cancel, which attempts are still under way
 *
 * The order is that of go-libp2p's default ranker (p2p/net/swarm/dial_ranker.go), as far as TCP
 * goes. Private addresses and public ones are two groups, tried beside each other. Within a
 * group: IPv6 before IPv4, low ports first; the first IPv4 address comes second (RFC 8305). The
 * first is tried at once, the second 250 ms later (private: 30 ms), all others as much later
 * again; if there is one family only, all others come second. When nothing is under way any
 * more the next one does not wait, and while the TCP connection of a public address is there
 * and negotiates, no other begins for 250 ms: one of these is more than the round trips that it
 * needs.
 *
 * What else an address says (/quic-v1, a relay) is a transport's to judge, which is the caller's to
 * ask. Addresses may be added while it runs (names are still looked up): dial_plan_expect.
 *
 * Threads: one at a time. Memory: no heap; an address is copied.
 */
#include "base/formats/multiaddr.h"
#include "base/time.h"

enum {
	DIAL_PLAN_MAX = 32,    /* addresses tried of one peer */
	DIAL_PLAN_AT_ONCE = 8, /* as go-libp2p's limiter */
	DIAL_PLAN_ATTEMPT_S = 15,
	DIAL_PLAN_S = 60, /* all of it */
	DIAL_PLAN_WHY = 512,
	DIAL_ATTEMPT_WHY = 160,
};

enum dial_verdict {
	DIAL_TAKEN,
	DIAL_NO_TRANSPORT, /* not /ip4|ip6/…/tcp|udp/…; or the caller's, by dial_plan_drop */
	DIAL_VIADUCT,      /* a link address: not for libp2p */
	DIAL_NOWHERE,      /* unspecified, multicast, port 0, or IPv6 link-local (has no zone) */
	DIAL_OURS,         /* we listen there */
	DIAL_OTHER_PEER,   /* ends in another peer's id */
	DIAL_TWICE,        /* it is there already */
	DIAL_TOO_MANY,     /* above DIAL_PLAN_MAX */
	DIAL_BACKED_OFF,   /* the caller's, by dial_plan_drop: failed lately */
	DIAL_VERDICTS,
};

enum dial_attempt_state {
	DIAL_WAITING,
	DIAL_TRYING,    /* no TCP connection yet */
	DIAL_UPGRADING, /* there is, and it negotiates */
	DIAL_FAILED,
	DIAL_WON,
	DIAL_CANCELED, /* another won, or nobody waits any more */
};

enum dial_plan_state { DIAL_PLAN_RUNNING, DIAL_PLAN_WON, DIAL_PLAN_FAILED };

struct dial_attempt {
	struct vd_multiaddr address; /* without /p2p */
	enum dial_attempt_state state;
	bool is_private, ip6;
	uint16_t port;
	uint8_t place;    /* in its group */
	vd_ns due;        /* waiting: not before, unless nothing is under way; else: over by then */
	vd_ns hold_until; /* upgrading: none other begins before */
	enum vd_err err;
	char why[DIAL_ATTEMPT_WHY];
};

struct dial_plan {
	struct vd_peer_id peer;
	vd_ns start, until;
	bool expecting, won, over;
	unsigned count, under_way;
	unsigned tried;                  /* attempts begun */
	unsigned skipped[DIAL_VERDICTS]; /* addresses not taken */
	struct dial_attempt attempts[DIAL_PLAN_MAX];
};

void dial_plan_init(struct dial_plan *plan, const struct vd_peer_id *peer, vd_ns now);

/*
 * An address with or without /p2p. `ours`: where we listen, wildcards expanded. What is not taken
 * is counted, and told by dial_plan_why.
 */
enum dial_verdict dial_plan_add(struct dial_plan *plan, const struct vd_multiaddr *address,
				const struct vd_multiaddr *ours, size_t ours_count);
/* The address taken last is not to be tried after all: it is counted instead. */
void dial_plan_drop(struct dial_plan *plan, enum dial_verdict verdict);
/* Counts an address that the caller did not add. */
void dial_plan_skip(struct dial_plan *plan, enum dial_verdict verdict);
/* Whether addresses may still come: while they may, it does not fail for want of them. */
void dial_plan_expect(struct dial_plan *plan, bool more);

/* The attempt to begin now: it is DIAL_TRYING then. False: none. Until it says so. */
bool dial_plan_next(struct dial_plan *plan, vd_ns now, unsigned *attempt_out);
/* The attempt has its TCP connection. */
void dial_plan_connected(struct dial_plan *plan, unsigned attempt, vd_ns now);
/* `why` is copied, cut to DIAL_ATTEMPT_WHY. */
void dial_plan_failed(struct dial_plan *plan, unsigned attempt, enum vd_err err, const char *why);
void dial_plan_won(struct dial_plan *plan, unsigned attempt);

/* VD_NEVER when it is not running. */
vd_ns dial_plan_deadline(const struct dial_plan *plan);
/*
 * An attempt whose time is over: it has failed, and the caller ends it. False: none (more). When
 * the time of all is over, also those that wait have failed.
 */
bool dial_plan_expire(struct dial_plan *plan, vd_ns now, unsigned *attempt_out);
/* An attempt that is still under way, for the caller to end. False: none (more). */
bool dial_plan_cancel(struct dial_plan *plan, unsigned *attempt_out);

enum dial_plan_state dial_plan_state(const struct dial_plan *plan);
/* Nothing is under way, and nothing waits: without further addresses nothing happens any more. */
bool dial_plan_is_idle(const struct dial_plan *plan);
/* VD_OK unless it failed: of the attempt that got furthest; VD_ENOTFOUND without any. */
enum vd_err dial_plan_err(const struct dial_plan *plan);
/* Why it failed, all attempts' reasons, shortened to what fits; returns `out`. */
const char *dial_plan_why(const struct dial_plan *plan, char out[DIAL_PLAN_WHY]);
