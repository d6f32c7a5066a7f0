/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * seek: an edge's search for routes to peers, by asking its routers
 * (switch/SPEC.md, section Routes).
 *
 * A round asks every router that is up, at once, and repeats to those that did
 * not answer after 1, 2 and 4 s: 4 sends in all. Each OK is FOUND, so that all ways
 * are known. Routers that gave none are asked again in the next round, which starts after
 * 1 s, doubling to 30 s, or when a router comes up.
 *
 *	state     event                         next      does
 *	RESTING   want                          ASKING    starts a round with all routers
 *	ASKING    Route OK                      ASKING    FOUND
 *	ASKING,
 *	WAITING   want, after an OK             ASKING    starts a round with all routers
 *	ASKING    every router said OK          RESTING
 *	ASKING    15 s are over, or the others
 *	          said no                       WAITING
 *	WAITING   due                           ASKING    starts a round with these others
 *	any       a router came up              ASKING    the same
 *	any       unwant                        (gone)
 *	any       Route with another id         same      nothing
 *
 * LIMIT is no answer: the repeat stands. Sans-IO; control thread; memory: fixed by
 * the limits below, allocated at seek_new.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "controlplane/proto/control_msg.h"

enum { SEEK_ROUTERS_MAX = 16 };

enum seek_event_kind { SEEK_NONE, SEEK_ASK, SEEK_FOUND };

struct seek_event {
	enum seek_event_kind kind;
	uint32_t router;        /* the caller's number */
	bool first;             /* FOUND: of this round */
	struct control_msg msg; /* ASK: the query to send. FOUND: the Route */
};

struct seek;

struct seek *seek_new(uint32_t peers_max); /* NULL: out of memory */
void seek_free(struct seek *seek);

/* A router can be asked from now on, or no more. VD_ELIMIT beyond SEEK_ROUTERS_MAX. */
enum vd_err seek_router_up(struct seek *seek, uint32_t router, vd_ns now);
void seek_router_down(struct seek *seek, uint32_t router);

/* Looks for a route to `peer` until one is found; wanting twice is once. VD_ELIMIT. */
enum vd_err seek_want(struct seek *seek, const struct vd_peer_id *peer, vd_ns now);
void seek_unwant(struct seek *seek, const struct vd_peer_id *peer);

/* A Route message of a router. VD_EPEER_STATE when it answers nothing we asked. */
enum vd_err seek_recv(struct seek *seek, uint32_t router, const struct control_msg *msg, vd_ns now);

/* Drain after each call of any function here. */
struct seek_event seek_next(struct seek *seek, vd_ns now);
vd_ns seek_deadline(const struct seek *seek);
