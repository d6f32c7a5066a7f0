/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer_router: finds the addresses of a peer: the book of peers (book_router.h), and what may
 * come: the DHT, /routing/v1, rendezvous, mDNS.
 *
 *	peer_router_find(router, &search)   VD_OK     found all it knows, within the call
 *	                                    VD_AGAIN  goes on:
 *	  search.found                         some addresses; any number of times
 *	  search.done                          once, its last: nothing more comes
 *	peer_router_cancel(router, &search) instead of waiting for `done`
 *
 * The caller (dialer.h) has several routers, asks them in order, the cheap ones first, and goes on
 * to the next one only when those before left it nothing to try.
 *
 * A search is the caller's memory: it fills in what is wanted, and the router has it from VD_AGAIN
 * until `done` is called or peer_router_cancel returns. Many searches may be under way, also for
 * one peer; a router that joins them does so inside.
 *
 * Threads:  the thread of the loop that the router was made with, control for the daemon's; all
 *           calls and all callbacks.
 * Calls:    `found` comes from within peer_router_find, or from the loop; `done` from the loop
 *           alone. From `done`, and from a `found` that comes from the loop, anything may be
 *           called, peer_router_cancel of this very search too; its memory may be gone when the
 *           callback returns, so a router keeps of itself what is still its own.
 * Time:     `deadline` is of vd_now(); the router keeps it, and ends with VD_ELINK_TIMEOUT by
 *           then, having told before what it found. VD_NEVER: the router's own.
 * Memory:   addresses are borrowed until `found` returns. They may end in /p2p of that peer, may be
 *           names (/dnsaddr), may repeat, and are not verified: a connection proves them.
 * Bounds:   a router has a limit of searches, and of addresses a search, each with a counter.
 * Errors:   of find: VD_ELIMIT, VD_ENOMEM: nothing is called, nothing is under way. Of `done`:
 *           VD_OK (also if nothing was found), VD_ELINK_* (it could not ask anybody, or not in
 *           time), VD_EPEER_* (all answers were wrong); `why` tells, for people.
 */
#include "base/err.h"
#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/time.h"

struct peer_search {
	/* The caller's; constant while it is under way. */
	struct vd_peer_id peer;
	vd_ns deadline;
	void (*found)(struct peer_search *search, const struct vd_multiaddr *addresses,
		      size_t count);
	/* `why` is NULL with VD_OK; borrowed until return. */
	void (*done)(struct peer_search *search, enum vd_err err, const char *why);
	/* The router's. */
	void *state;
};

struct peer_router;

struct peer_router_class {
	const char *name; /* for logs: "book", "dht" */
	enum vd_err (*find)(struct peer_router *router, struct peer_search *search);
	/* NULL: find never says VD_AGAIN. */
	void (*cancel)(struct peer_router *router, struct peer_search *search);
};

/* First member of every router. */
struct peer_router {
	const struct peer_router_class *class;
};

static inline enum vd_err peer_router_find(struct peer_router *router, struct peer_search *search)
{
	return router->class->find(router, search);
}

/* Of a search that is under way: neither callback is called any more. */
static inline void peer_router_cancel(struct peer_router *router, struct peer_search *search)
{
	if (router->class->cancel)
		router->class->cancel(router, search);
}
