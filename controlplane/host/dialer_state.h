/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * dialer_state: what dialer.c (callers, life), dial.c (one peer's dial) and dial_search.c
 * share.
 */
#include <uv.h>

#include "controlplane/host/dialer.h"
#include "controlplane/host/listen_expand.h"
#include "controlplane/proto/dial_backoff.h"

struct dial_waiter {
	uint64_t id;
	dialer_fn fn;
	void *context;
	struct dial_waiter *next;
	/* What it wished for is kept until the connection that there is was taken, or went. */
	bool keeps;
	size_t count;
	struct vd_multiaddr addresses[];
};

struct dial_try { /* an attempt of the plan */
	struct dial *dial;
	bool under_way;
	uint64_t id; /* of swarm_dial */
};

struct dial_name { /* that is looked up */
	struct dial *dial;
	struct cp_resolver_ask *ask; /* NULL: done */
};

struct dial {
	struct dialer *dialer;
	uint32_t slot;
	uint64_t hash; /* of the peer */
	struct dial_plan plan;
	struct dial_try tries[DIAL_PLAN_MAX];
	struct dial_name names[DIALER_NAMES_MAX];
	unsigned name_count, asking;
	struct peer_search search; /* of routers[routers_asked - 1] */
	unsigned routers_asked;
	bool searching;
	struct dial_waiter *waiting;
	struct dial *finishing_too; /* as dialer.finishing: one in whose callback this one ends */
	vd_ns again_at; /* when the first address that is left out may be tried; 0: none is */
	enum vd_err name_err;
	char name_why[NAME_WALK_WHY];
};

struct dialer {
	struct dialer_config config;
	struct cp_resolver *resolver;
	uv_timer_t timer;
	struct dial *dials[DIALER_PEERS_MAX]; /* by slot */
	struct slot_pool pool;
	struct slot_chains by_peer;
	struct timers due;
	struct dial_backoff backoff;
	uint8_t secret[16];
	struct dial *finishing; /* whose waiters are told just now */
	bool closing;
	unsigned attempts; /* under way */
	uint64_t ids;
	vd_ns ours_at; /* when `ours` was made; 0: never */
	struct vd_multiaddr ours[LISTEN_EXPAND_MAX];
	size_t ours_count;
	struct dialer_counters counters;
};

/* dial.c */

/* Takes an address in, as one to try or to look up. */
void dial_learn(struct dial *dial, const struct vd_multiaddr *address, vd_ns now) ON_CONTROL;
/* Does what is due. The dial may be gone afterwards. */
void dial_pump(struct dial *dial, vd_ns now) ON_CONTROL;
/* Ends what is under way. */
void dial_stop(struct dial *dial) ON_CONTROL;
/* Why there are no addresses: the first reason is kept. */
void dial_keep_why(struct dial *dial, enum vd_err err, const char *why);

/* dial_search.c: the peer routers, in order. */

/* Somebody wants the peer, for the first time or again. */
void dial_search_first(struct dial *dial, vd_ns now) ON_CONTROL;
/* If nothing is left to try, and nobody is being asked. */
void dial_search_next(struct dial *dial, vd_ns now) ON_CONTROL;
void dial_search_stop(struct dial *dial) ON_CONTROL;
/* Tells the plan whether addresses may still come. */
void dial_expect(struct dial *dial);

/* dialer.c */

/* It has ended: unlinks it, tells all that wait, frees it. */
void dialer_finish(struct dial *dial, const struct swarm_conn *conn, enum vd_err err,
		   const char *why) ON_CONTROL;
/* There is no connection any more: takes in what those who wait know. */
void dialer_learn_kept(struct dial *dial, vd_ns now) ON_CONTROL;
/* When the dial is looked at again. */
void dialer_due(struct dial *dial, vd_ns at) ON_CONTROL;
