/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * dialer: connects to a peer, by whichever of its addresses answers.
 *
 *	addresses given, and found (peer_router.h) -> names looked up (loop/resolver.h)
 *	  -> plan (proto/dial_plan.h)
 *	  -> attempts, one address each (swarm_dial) -> the first connection; the others are cut off
 *
 * A peer is dialled once at a time: a caller meanwhile adds addresses, and is told with the
 * others. Addresses that failed lately are left out (proto/dial_backoff.h), until the peer
 * connects by another, or `anew` is wished for, which is what an operator's command does.
 *
 * Threads: control. Callbacks come from the loop, or from dialer_free.
 * Memory:  on the heap, about 30 KiB for a peer that is dialled.
 */
#include "base/thread.h"
#include "controlplane/host/peer_router.h"
#include "controlplane/host/swarm.h"
#include "controlplane/loop/resolver.h"
#include "controlplane/proto/dial_plan.h"

enum {
	DIALER_PEERS_MAX = 1024,   /* dialled at once */
	DIALER_ATTEMPTS_MAX = 160, /* under way at once, as go-libp2p; others wait */
	DIALER_NAMES_MAX = 8,      /* looked up for a peer */
	DIALER_ROUTERS_MAX = 4,
	DIALER_FIND_S = 30, /* for a router to find addresses */
	DIALER_WHY = DIAL_PLAN_WHY + NAME_WALK_WHY + 64,
};

struct dialer;

struct dialer_config {
	struct uv_loop_s *loop;
	struct swarm *swarm; /* kept; it outlives the dialer */
	struct vd_peer_id self;
	const char *dns;         /* as cp_dns_config.servers */
	unsigned dns_timeout_ms; /* as cp_dns_config.timeout_ms */
	/*
	 * The routers asked for addresses: the first at once, each next one when nothing is left to
	 * try; NULL ends them. They outlive the dialer.
	 */
	struct peer_router *routers[DIALER_ROUTERS_MAX];
};

struct dialer_wish {
	struct vd_peer_id peer;
	const struct vd_multiaddr *addresses; /* with /p2p or without; names too */
	size_t count;
	bool anew; /* also addresses that failed lately */
};

/*
 * `conn` is NULL when it failed; `why` then has the reasons of all attempts, shortened.
 * VD_AGAIN: all addresses failed lately, `why` says when they may be tried; VD_ENOTFOUND: there is
 * none to try; VD_EPEER_…: some peer answered wrongly; VD_ELINK_CLOSED: dialer_free; else of the
 * attempts.
 */
typedef void (*dialer_fn)(void *context, const struct swarm_conn *conn, enum vd_err err,
			  const char *why);

/* Of an attempt: go-libp2p's. */
enum dialer_error {
	DIALER_CANCELED,
	DIALER_DEADLINE, /* the plan's */
	DIALER_TIMEOUT,
	DIALER_REFUSED,
	DIALER_OTHER,
	DIALER_ERRORS,
};

enum { DIALER_TRIES_COUNTED = 7 }; /* 0 to 5; 6 and more */

struct dialer_counters {
	uint64_t errors[2][DIALER_ERRORS];       /* of attempts; IPv4, IPv6 */
	uint64_t ended[2][DIALER_TRIES_COUNTED]; /* failed, won; by how many attempts it took */
	uint64_t refused;                        /* above DIALER_PEERS_MAX */
	uint64_t backed_off;                     /* addresses left out */
};

/* VD_EUSER: no DNS servers, `why` has the cure; VD_ENOMEM, VD_ESYS. */
enum vd_err dialer_new(const struct dialer_config *config, char why[CP_DNS_WHY],
		       struct dialer **dialer_out) ON_CONTROL;
/*
 * Callers that still wait are called before it returns: VD_ELINK_CLOSED. The memory goes when the
 * loop has let go of it. May be called from a callback; those who wait for the same dial are told
 * its end.
 */
void dialer_free(struct dialer *dialer) ON_CONTROL;

/*
 * Connects, unless there is a connection, which is taken a turn later if it is still there.
 * `fn` is called once, unless it is canceled. VD_EUSER: that is this peer itself;
 * VD_ELINK_CLOSED: from within dialer_free; VD_ELIMIT, VD_ENOMEM: not called. `id_out` may be
 * NULL.
 */
enum vd_err dialer_connect(struct dialer *dialer, const struct dialer_wish *wish, dialer_fn fn,
			   void *context, uint64_t *id_out) ON_CONTROL;
/* `fn` is not called any more. The dial ends if nobody else waits for it. */
void dialer_cancel(struct dialer *dialer, uint64_t id) ON_CONTROL;

/* How many peers are dialled now. */
uint32_t dialer_count(const struct dialer *dialer) ON_CONTROL;
const struct dialer_counters *dialer_counters(const struct dialer *dialer) ON_CONTROL;
const struct cp_resolver_counters *dialer_dns_counters(const struct dialer *dialer) ON_CONTROL;
