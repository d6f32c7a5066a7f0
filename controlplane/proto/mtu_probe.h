/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * mtu_probe: how large a packet one path of a session carries, found with padded pings
 * (switch/SPEC.md, Path MTU; RFC 8899: datagram packetization layer path MTU discovery).
 *
 * A size here is that of an overlay packet, what RFC 8899 calls PL PMTU; its probe is a ping
 * whose sealed frame is as long. Probes are sent in turns: some sizes, and last a ping
 * without padding. A turn that nothing answers tells nothing about sizes: the path may
 * just be dead. In one in which something was answered, a size that was not has failed once.
 *
 *	state (5.2)  in a turn        event                              next
 *	base         1280             answered                           searching
 *	                              5 failures                         error
 *	searching    up to 4 between  the least failure is one above
 *	             and the least    what is good, and failed 5 times   complete
 *	             failure          what is good is the limit          complete
 *	complete     what is good,    every 5 s with traffic; answered   complete
 *	                              5 failures: a black hole           base
 *	                              600 s, with traffic                searching
 *	error        1280             every 5 to 60 s with traffic:
 *	                              answered                           searching
 *	any          a report: the limit is the next size to be looked at; one below what is
 *	             good lowers that at once, and both are probed                  searching
 *
 * Until something has failed or the search is over the limit given counts: routers have told
 * it, and a host that was told less remembers that for minutes.
 *
 * Sans-IO. Threads: control. Memory: the struct, the caller's.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/* RFC 8899, 5.1.1 and 5.1.2. A round trip longer than a third of PROBE_TIMER lengthens it. */
#define MTU_PROBE_TIMER        VD_SECONDS(1)
#define MTU_PROBE_TIMER_MAX    VD_SECONDS(15)
#define MTU_CONFIRMATION_TIMER VD_SECONDS(5)
#define MTU_RAISE_TIMER        VD_SECONDS(600)

enum {
	MTU_PROBE_BASE = 1280, /* MIN_PLPMTU and BASE_PLPMTU: what IPv6 needs */
	MTU_PROBE_MAX = 9000,  /* the largest limit */
	MTU_MAX_PROBES = 5,    /* failures of one size that count */
	MTU_PROBE_FAN = 4,     /* sizes looked at in one turn, beside the least failure */
	MTU_PROBES_A_TURN = MTU_PROBE_FAN + 3,
	MTU_TURNS_MAX = 64, /* a search: a peer answering at random cannot keep us probing */
};

enum mtu_state { MTU_DISABLED, MTU_BASE, MTU_SEARCHING, MTU_COMPLETE, MTU_ERROR };
enum { MTU_STATES = MTU_ERROR + 1 };

/* For people: "disabled", "base", "searching", "complete", "error". */
const char *mtu_state_name(enum mtu_state state);

enum mtu_event_kind {
	MTU_NONE,
	MTU_SEND,       /* a ping with `id`, as long as a packet of `size`; 0: without padding */
	MTU_CHANGED,    /* mtu_probe_mtu or the state is another */
	MTU_BLACK_HOLE, /* what was good is not any more */
	MTU_TOO_SMALL,  /* not even 1280 passes, though the peer answers: state error */
};

struct mtu_event {
	enum mtu_event_kind kind;
	uint64_t id;
	uint16_t size;
};

struct mtu_one {
	uint64_t id; /* 0: free */
	vd_ns at;    /* when it was sent */
	uint16_t size;
	bool sent;
	bool over; /* answered, or reported */
	bool answered;
};

struct mtu_probe {
	enum mtu_state state; /* DISABLED: nothing is done */
	uint16_t max;
	uint16_t good;         /* PLPMTU */
	uint16_t bad;          /* the least that failed; max + 1: none */
	uint16_t hint;         /* a report's limit, to be looked at next; 0: none */
	uint8_t fails;         /* of bad; base, complete, error: of good */
	uint8_t fails_of_good; /* searching, while `recheck` */
	uint8_t quiet;         /* turns in a row that nothing answered */
	uint8_t turns;         /* of this search */
	bool known;            /* `good` counts, not `max` */
	bool recheck;          /* good itself is looked at, too: it came of a report */
	bool traffic;          /* since the last turn */
	bool in_turn;
	bool changed, black_hole, too_small;       /* events to be told */
	uint8_t half;                              /* of `ones`, of this turn */
	struct mtu_one ones[2][MTU_PROBES_A_TURN]; /* this turn's, and those before */
	vd_ns began, until;                        /* of this turn */
	vd_ns next;                                /* turn, at the earliest */
	vd_ns raise;
	vd_ns rtt;
	uint32_t pause_s; /* error: to the next turn */
};

/* A path whose hops carry `max`, as far as is known: looks at it. */
void mtu_probe_begin(struct mtu_probe *mp, uint32_t max, vd_ns now);
/* The path is used again, after another one: confirms what was known of it. */
void mtu_probe_resume(struct mtu_probe *mp, vd_ns now);
/* The same path, but its hops carry `max` now. */
void mtu_probe_limit(struct mtu_probe *mp, uint32_t max, vd_ns now);
/* The host has sent packets over the path since the last call. */
void mtu_probe_traffic(struct mtu_probe *mp);

/* The ping `id` arrived as long as a packet of `size` (0: shorter than 1280); false: not ours. */
bool mtu_probe_answered(struct mtu_probe *mp, uint64_t id, uint32_t size, vd_ns now);
/* A believed report: packets of at most `limit` pass. */
void mtu_probe_reported(struct mtu_probe *mp, uint32_t limit, vd_ns now);

/* Drain after each call above, and when the deadline has come. */
struct mtu_event mtu_probe_next(struct mtu_probe *mp, vd_ns now);
vd_ns mtu_probe_deadline(const struct mtu_probe *mp);

/* The largest packet that is to be sent. */
uint16_t mtu_probe_mtu(const struct mtu_probe *mp);
