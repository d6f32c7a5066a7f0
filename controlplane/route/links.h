/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * links: the links of this node as the control plane knows them, and the only
 * publisher of the link and director tables.
 *
 * A link is the peer: its director, permission, reservation and accounts outlive
 * key generations, each of which is a record of the data plane.
 *
 *	peering event   here                    data plane
 *	INSTALL         route_links_install     record published: receives
 *	USE             route_links_use         director and sending point to it
 *	RETIRE          route_links_retire      record retired; its accounts added up
 *	UP              route_links_up
 *	DOWN            route_links_drop        director taken away
 *
 * Threads: control. Memory: fixed by peers_max, allocated at new.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "base/token.h"
#include "controlplane/proto/control_msg.h"
#include "controlplane/route/account.h"
#include "switch/plane.h"

enum {
	ROUTE_TTL_MAX_S = 3600,
	ROUTE_QUERIES_PER_S = 10,
	ROUTE_RESERVES_PER_S = 10,
	ROUTE_POLL_ROWS = 1024, /* looked at in one go */
};

#define ROUTE_POLL_SPAN VD_SECONDS(1)

/* What the operator lets a peer do here; of its tier, or nothing for routers of ours. */
struct route_policy {
	const char *tier; /* name, borrowed while the link lives; NULL: none */
	uint32_t realms;  /* bit n: realm n */
	bool call;        /* may call in these realms */
	bool reserve;     /* may reserve, to be called in them */
	uint64_t pps;     /* frames a second each way; 0: unlimited */
	uint64_t bps;     /* bits of UDP payload a second each way; 0: unlimited */
};

/* How a key generation's frames leave, and what the peer showed for it. */
struct route_way {
	struct sw_endpoint endpoint;
	struct sw_template send; /* its headers, as its owner was last asked to write them */
	uint8_t owner;           /* worker */
	bool asked_us, has_token;
	uint8_t token_hash[VD_TOKEN_HASH];
};

struct route_link {
	struct vd_peer_id peer;        /* len 0: free row */
	uint8_t overlay[SW_IPV6_ADDR]; /* the peer's overlay address */
	uint64_t number;               /* names this link; never used again for another */
	uint32_t current;              /* index that we send with; 0: none yet */
	bool up;                       /* the peer has confirmed: the row stays until its DOWN */
	bool left;                     /* we drain, and its sessions have left us */
	struct route_generation generations[ROUTE_GENERATIONS];
	struct route_way ways[ROUTE_GENERATIONS]; /* theirs */
	uint32_t director;                        /* 0: none (this node does not switch) */
	uint32_t police; /* the record of rates that its generations share */
	struct route_policy policy;
	bool has_token; /* it showed one, for the last generation in use that it asked us for */
	uint8_t token_hash[VD_TOKEN_HASH];
	uint32_t may_be_called; /* by reservation */
	vd_ns reserved_until;
	struct sw_endpoint endpoint; /* of the current generation; while there is none, the last */
	uint16_t payload_max;        /* the same */
	uint8_t owner;               /* the same: a worker */
	vd_ns since;
	struct route_account before;  /* of the peer's former links */
	struct route_account retired; /* of generations that are over */
	struct route_account told;    /* by route_links_totals */
	struct sw_bucket queries, reserves;
};

struct route_links;

/* `prefix`: of overlay addresses. NULL: out of memory. */
struct route_links *route_links_new(struct sw_plane *plane, uint32_t peers_max,
				    uint16_t prefix) ON_CONTROL;
void route_links_free(struct route_links *links) ON_CONTROL;

/* What a new key generation is published with. */
struct route_install {
	struct vd_peer_id peer;
	struct route_policy policy;
	uint32_t index; /* reserved in plane->links */
	uint32_t remote_index;
	const uint8_t *rx_key, *tx_key; /* 16 bytes each */
	struct sw_endpoint endpoint;
	struct sw_template send;
	uint8_t owner;
	bool asked_us;             /* the peer dialled us, so token_hash tells what it showed */
	const uint8_t *token_hash; /* NULL: none */
};

/* VD_ELIMIT: no row, director or generation free; the index then stays reserved until retired. */
enum vd_err route_links_install(struct route_links *links, const struct route_install *install,
				vd_ns now) ON_CONTROL;
/* NULL when the index is not of a link here. */
const struct route_link *route_links_use(struct route_links *links, uint32_t index) ON_CONTROL;
/* The peer has confirmed. */
void route_links_up(struct route_links *links, const struct vd_peer_id *peer) ON_CONTROL;
/*
 * An index that could not be installed is given back. With the last generation of a peer that
 * never confirmed its row goes, too, for which there will be no DOWN.
 */
void route_links_retire(struct route_links *links, uint32_t index, vd_ns now) ON_CONTROL;
/* The peer has no link any more: its row is freed once its last generation is retired. */
void route_links_drop(struct route_links *links, const struct vd_peer_id *peer,
		      vd_ns now) ON_CONTROL;

/* Permission and rates change at once, for all generations. */
void route_links_set_policy(struct route_links *links, const struct vd_peer_id *peer,
			    const struct route_policy *policy) ON_CONTROL;

/* The owner of generation `index` has been asked to write these headers. */
void route_links_set_send(struct route_links *links, uint32_t index,
			  const struct sw_template *send) ON_CONTROL;

/*
 * The peer is at `endpoint` now, for all generations. NULL: there is no such link. Their owners
 * are to be told the headers.
 */
const struct route_link *route_links_move(struct route_links *links, const struct vd_peer_id *peer,
					  const struct sw_endpoint *endpoint) ON_CONTROL;

/* NULL when there is none. Valid until the next call that changes links. */
const struct route_link *route_links_find(const struct route_links *links,
					  const struct vd_peer_id *peer) ON_CONTROL;
const struct route_link *route_links_of_index(const struct route_links *links,
					      uint32_t index) ON_CONTROL;
const struct route_link *route_links_of_number(const struct route_links *links,
					       uint64_t number) ON_CONTROL;
/* Iterates: `*at` starts at 0; NULL at the end. */
const struct route_link *route_links_next(const struct route_links *links, uint32_t *at) ON_CONTROL;
uint32_t route_links_count(const struct route_links *links) ON_CONTROL;

/* Traffic of a link until now. */
struct route_account route_links_account(const struct route_links *links,
					 const struct route_link *link) ON_CONTROL;

/* The same with that of former links; and what those carried. */
struct route_account route_links_total(const struct route_links *links,
				       const struct route_link *link) ON_CONTROL;
void route_links_set_before(struct route_links *links, const struct vd_peer_id *peer,
			    struct route_account before) ON_CONTROL;

struct route_total {
	struct vd_peer_id peer;
	struct route_account total;
};

/*
 * The totals of links that carried something since they were told, or of all; `out` has room
 * for route_links_count. Returns how many.
 */
uint32_t route_links_totals(struct route_links *links, bool all,
			    struct route_total *out) ON_CONTROL;

/*
 * Calls `traffic` for each generation with what came and went since it was looked at last, and ends
 * reservations whose time is over. A slice of the links at a time, so that each is looked at
 * once a second and none waits for all the others: returns when the next slice is due.
 */
vd_ns route_links_poll(struct route_links *links, vd_ns now, route_traffic_fn traffic,
		       void *context) ON_CONTROL;

/* ---- what a router answers ---- */

/* Reservations and queries are answered with SHUTDOWN, from now on; or no more. */
void route_links_set_draining(struct route_links *links, bool draining) ON_CONTROL;
/* While we drain: the peer says that none of its sessions goes by us. False: it is no news. */
bool route_links_left(struct route_links *links, const struct vd_peer_id *peer) ON_CONTROL;
/* A Reserve of `peer`: grants what its policy allows; writes the answer. */
void route_links_reserve(struct route_links *links, const struct vd_peer_id *peer,
			 const struct control_msg *reserve, vd_ns now,
			 struct control_msg *answer_out) ON_CONTROL;

/*
 * A RouteQuery of `peer`. Absent and not permitted get the same answer. The
 * overlay addresses of all links are known here.
 */
void route_links_query(struct route_links *links, const struct vd_peer_id *peer,
		       const struct control_msg *query, vd_ns now,
		       struct control_msg *answer_out) ON_CONTROL;
