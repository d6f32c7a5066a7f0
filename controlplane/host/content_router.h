/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * content_router: tells others that this node has some content, and finds who has it: what this
 * node was told itself (local_content.h), and what may come: the DHT, /routing/v1.
 *
 *	content_router_find(router, &search)          as peer_router_find:
 *	                                              VD_OK      found all it knows, within the call
 *	                                              VD_AGAIN   goes on: found …, then done
 *	content_router_provide(router, &provide)      VD_OK      done, within the call
 *	                                              VD_AGAIN   goes on: done
 *	content_router_cancel_find, _cancel_provide   instead of waiting for `done`
 *
 * Content is named by a CID; routers go by its multihash, so that all CIDs of the same bytes have
 * the same providers.
 *
 * What is provided holds for `holds` of the router's class, and is forgotten then: a node
 * that still has the content provides it again before (kad-dht: after 22 of 48 hours). Nothing
 * takes it back before: others have heard of it.
 *
 * Threads, calls, time, memory: as peer_router.h says of searches, for provides too.
 * Bounds:   a router has a limit of searches, of provides under way, and of what it keeps, each
 *           with a counter. `found` may tell a provider again, with more addresses.
 * Errors:   of find and provide: VD_ELIMIT, VD_ENOMEM; VD_EUSER: that hash is too long for it.
 *           Nothing is called then. Of `done`: as peer_router.h; of a provide VD_OK says that at
 *           least one other node took it, where there are others to tell.
 */
#include "base/err.h"
#include "base/formats/cid.h"
#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/time.h"

struct content_provider {
	struct vd_peer_id peer;
	/* Not verified; none: ask a peer router. Borrowed until `found` returns. */
	const struct vd_multiaddr *addresses;
	size_t count;
};

struct content_search {
	/* The caller's; constant while it is under way. */
	struct vd_cid cid;
	vd_ns deadline; /* of vd_now(); VD_NEVER: the router's own */
	size_t wanted;  /* providers, then it is done; 0: all that are found in time */
	void (*found)(struct content_search *search, const struct content_provider *providers,
		      size_t count);
	/* `why` is NULL with VD_OK; borrowed until return. */
	void (*done)(struct content_search *search, enum vd_err err, const char *why);
	/* The router's. */
	void *state;
};

struct content_provide {
	/* The caller's; constant while it is under way. */
	struct vd_cid cid;
	vd_ns deadline;
	void (*done)(struct content_provide *provide, enum vd_err err, const char *why);
	/* The router's. */
	void *state;
};

struct content_router;

struct content_router_class {
	const char *name; /* for logs: "local", "dht" */
	vd_ns holds;
	enum vd_err (*find)(struct content_router *router, struct content_search *search);
	enum vd_err (*provide)(struct content_router *router, struct content_provide *provide);
	/* NULL: never VD_AGAIN. */
	void (*cancel_find)(struct content_router *router, struct content_search *search);
	void (*cancel_provide)(struct content_router *router, struct content_provide *provide);
};

/* First member of every router. */
struct content_router {
	const struct content_router_class *class;
};

static inline enum vd_err content_router_find(struct content_router *router,
					      struct content_search *search)
{
	return router->class->find(router, search);
}

static inline enum vd_err content_router_provide(struct content_router *router,
						 struct content_provide *provide)
{
	return router->class->provide(router, provide);
}

/* Of what is under way: no callback is called any more. */
static inline void content_router_cancel_find(struct content_router *router,
					      struct content_search *search)
{
	if (router->class->cancel_find)
		router->class->cancel_find(router, search);
}

static inline void content_router_cancel_provide(struct content_router *router,
						 struct content_provide *provide)
{
	if (router->class->cancel_provide)
		router->class->cancel_provide(router, provide);
}
