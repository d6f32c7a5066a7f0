/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * routers: the table of routers: those of link.routers, and peers whose links were asked for by
 * hand. A row has an address to dial, a reservation, and a number that the seek machine knows the
 * router by, which stays the row's.
 *
 * A row takes another address only for a trial, by a `viaduct connect` that waits: it is kept once
 * the link goes there, else the one of before comes back.
 *
 * Threads: control. Memory: the node's; pointers to rows are good until it closes.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/daemon/config.h"
#include "controlplane/proto/reserve.h"

struct node;

/* Whether a `viaduct connect` that waits tries a router's row: what is undone when it fails. */
enum node_trial {
	NODE_TRIAL_NONE,
	NODE_TRIAL_NEW, /* the row is its own */
	NODE_TRIAL_OLD, /* `before` comes back */
};

/* One of link.routers. */
struct node_router {
	struct vd_peer_id peer; /* len 0: free row */
	struct vd_udp_addr address;
	struct reserve reserve;
	bool up;
	bool dialled;  /* a way to it was found, and peering keeps the link */
	bool asked;    /* by `viaduct connect`: not of the configuration */
	bool draining; /* it said so: no sessions by it */
	bool held;     /* by `viaduct disconnect`, or told and refused: not dialled */
	bool told;     /* its address is of link_book */
	enum node_trial trial;
	bool found; /* NODE_TRIAL_NEW: a link that is up is not its own to end */
	struct node_router_before {
		struct vd_udp_addr address;
		bool held, told;
	} before; /* NODE_TRIAL_OLD */
};

struct node_routers {
	struct node_router rows[CONFIG_ROUTERS_MAX];
	uint32_t count; /* rows in use or used before */
};

/* What seek calls the router. */
static inline uint32_t node_router_number(const struct node_routers *routers,
					  const struct node_router *router)
{
	return (uint32_t)(router - routers->rows);
}

/* ---- rows ---- */

/* NULL: none. */
struct node_router *node_router_of(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
/* Takes link.routers in: rows for those that have none. */
void node_add_routers(struct node *node) ON_CONTROL;
/* The router's row, a new one if need be; NULL: no room. */
struct node_router *node_add_router(struct node *node, const struct vd_peer_id *peer,
				    const struct vd_udp_addr *address) ON_CONTROL;
/* Closes its link, telling `text`, and frees its row. */
void node_drop_router(struct node *node, struct node_router *router, const char *text,
		      vd_ns now) ON_CONTROL;
/* Frees its row; its link is up, and stays. */
void node_forget_router(struct node *node, struct node_router *router) ON_CONTROL;

/* ---- links to them ---- */

/* Dials those that have no link and to which there is a way. */
void node_dial_routers(struct node *node, vd_ns now) ON_CONTROL;
/* Its address did not answer: it is dialled at this one, as often as before. False: no way. */
bool node_dial_router_at(struct node *node, struct node_router *router,
			 const struct vd_udp_addr *address) ON_CONTROL;
/* Its link is up: it is reserved at and asked for routes from now on. */
void node_router_up(struct node *node, struct node_router *router, vd_ns now) ON_CONTROL;
void node_router_down(struct node *node, struct node_router *router) ON_CONTROL;
/* The row is to stay: if its peer's link was up before it, the peer is a router from now on. */
void node_router_linked(struct node *node, struct node_router *router, vd_ns now) ON_CONTROL;

/* Asks for a reservation there, if the configuration wants one. */
void node_reserve_at(struct node *node, struct node_router *router, vd_ns now) ON_CONTROL;
/* Sends what reservations want sent; false when there was nothing. */
bool node_pump_reserves(struct node *node, vd_ns now) ON_CONTROL;
vd_ns node_reserves_deadline(const struct node *node);

/* Whether the link to a peer, a router or not, is up; where it goes; whether it goes there. */
bool node_is_linked(const struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
bool node_where_linked(const struct node *node, const struct vd_peer_id *peer,
		       struct vd_udp_addr *address_out) ON_CONTROL;
bool node_is_linked_at(const struct node *node, const struct vd_peer_id *peer,
		       const struct vd_udp_addr *address) ON_CONTROL;

/* ---- trials ---- */

/* The peer's row, new or not, at this address, until it is kept or given back. NULL: no room. */
struct node_router *node_router_try(struct node *node, const struct vd_peer_id *peer,
				    const struct vd_udp_addr *address) ON_CONTROL;
void node_router_keep(struct node *node, struct node_router *router) ON_CONTROL;
/* The address of before; it is to be dialled again. Without a trial: nothing. */
void node_router_restore(struct node_router *router);
/* The other side's link came first, to another address: what is tried is dialled on, beside it. */
void node_router_try_on(struct node *node, struct node_router *router) ON_CONTROL;
