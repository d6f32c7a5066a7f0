/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * sessions: the sessions of this edge as the control plane knows them, and the only
 * publisher of the session table and the overlay routes.
 *
 * Every peer that the operator named has a row from the start, so that the TUN
 * knows its overlay address; a row without session asks for one on traffic.
 *
 *	peering event   here                      data plane
 *	INSTALL         route_sessions_install    record published: receives
 *	USE             route_sessions_use        overlay route points to it
 *	RETIRE          route_sessions_retire     unused; retired by a reap
 *	DOWN            route_sessions_drop       overlay route without session
 *
 * Threads: control. Memory: fixed by peers_max, allocated at new.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/proto/mtu_paths.h"
#include "controlplane/proto/path_rank.h"
#include "controlplane/proto/session_path.h"
#include "controlplane/route/links.h"
#include "switch/plane.h"

/* The way of a session: over which link, by which label. */
struct route_path {
	uint64_t link; /* number of a link */
	uint64_t label;
	uint8_t bits;
};

struct route_session {
	struct vd_peer_id peer; /* len 0: free row */
	uint8_t overlay[SW_IPV6_ADDR];
	bool connect;     /* kept up */
	uint32_t current; /* index that we send with; 0: none */
	struct route_generation generations[ROUTE_GENERATIONS];
	struct route_path path;    /* of the current generation */
	struct sw_path data_path;  /* the same, as its owner was last asked to write it */
	bool path_due;             /* data_path is out of date; its owner has not been asked yet */
	struct session_path paths; /* how it is chosen */
	struct path_rank rank;     /* how good they are */
	enum vd_cipher cipher;
	vd_ns since;
	vd_ns missing_since; /* it was looked at, kept up and not there; 0: no */
	bool missing_told;
	struct route_account retired;
	vd_ns unanswered;       /* when something was sent and nothing has verified since; 0: no */
	vd_ns asked;            /* when it last looked for another way */
	vd_ns sent_at;          /* time of the last poll that saw frames sent; 0: none */
	struct mtu_paths mtu;   /* how much its paths carry */
	uint32_t own, own_left; /* frames injected since the last poll; before, and not yet sent */
	vd_ns host_sent_at;     /* the same, of frames that this host sent */
};

struct route_sessions;

enum { ROUTE_SESSIONS_WAITING = 64 }; /* retired records that may wait for their owner (reap) */

/* `self`: our own overlay address. NULL: out of memory. */
struct route_sessions *route_sessions_new(struct sw_plane *plane, uint32_t peers_max,
					  uint16_t prefix,
					  const uint8_t self[SW_IPV6_ADDR]) ON_CONTROL;
void route_sessions_free(struct route_sessions *sessions) ON_CONTROL;

/* A peer that the operator named. VD_ELIMIT. Publish afterwards. */
enum vd_err route_sessions_add(struct route_sessions *sessions, const struct vd_peer_id *peer,
			       bool connect) ON_CONTROL;
/* Whether the peer's session is to be kept up, from now on. */
void route_sessions_keep(struct route_sessions *sessions, const struct vd_peer_id *peer,
			 bool connect) ON_CONTROL;
void route_sessions_del(struct route_sessions *sessions, const struct vd_peer_id *peer) ON_CONTROL;
/* Publishes the overlay routes as they are now. VD_ENOMEM: the old ones stay. */
enum vd_err route_sessions_publish(struct route_sessions *sessions) ON_CONTROL;

struct route_session_install {
	struct vd_peer_id peer;
	uint32_t index; /* reserved in plane->sessions */
	uint32_t remote_index;
	enum vd_cipher cipher;
	const uint8_t *rx_key, *tx_key; /* 32 bytes each */
	uint8_t ip6[SW_IP6_INDICES];    /* inner indices, ascending; 0: no more */
	uint8_t owner;
	struct route_path path;
	struct sw_path data_path;
};

/* VD_ENOTFOUND: not a peer of ours; VD_ELIMIT. The index then stays reserved until retired. */
enum vd_err route_sessions_install(struct route_sessions *sessions,
				   const struct route_session_install *install) ON_CONTROL;
const struct route_session *route_sessions_use(struct route_sessions *sessions, uint32_t index,
					       vd_ns now) ON_CONTROL;
/*
 * No new traffic; the record goes at a reap, once its owner has sent what was injected.
 * An index that could not be installed is given back.
 */
void route_sessions_retire(struct route_sessions *sessions, uint32_t index) ON_CONTROL;
/* Retires the records of which that is true; true while some wait. */
bool route_sessions_reap(struct route_sessions *sessions) ON_CONTROL;
void route_sessions_drop(struct route_sessions *sessions, const struct vd_peer_id *peer) ON_CONTROL;
/*
 * The session goes by another path, and its owner has been asked to send `data`; NULL: it is
 * still to be asked.
 */
void route_sessions_moved(struct route_sessions *sessions, uint32_t index,
			  const struct route_path *path, const struct sw_path *data) ON_CONTROL;

const struct route_session *route_sessions_find(const struct route_sessions *sessions,
						const struct vd_peer_id *peer) ON_CONTROL;
/* The machine that chooses its paths; NULL: not a peer of ours. */
struct session_path *route_sessions_paths(struct route_sessions *sessions,
					  const struct vd_peer_id *peer) ON_CONTROL;
/* How good its paths are; NULL: not a peer of ours. */
struct path_rank *route_sessions_rank(struct route_sessions *sessions,
				      const struct vd_peer_id *peer) ON_CONTROL;
/* What is known of how much its paths carry; NULL: not a peer of ours. */
struct mtu_paths *route_sessions_mtu(struct route_sessions *sessions,
				     const struct vd_peer_id *peer) ON_CONTROL;
/* The control thread has a frame sealed under `index`: it is not this host's traffic. */
void route_sessions_injected(struct route_sessions *sessions, uint32_t index) ON_CONTROL;
const struct route_session *route_sessions_of_overlay(
    const struct route_sessions *sessions, const uint8_t overlay[SW_IPV6_ADDR]) ON_CONTROL;
const struct route_session *route_sessions_of_index(const struct route_sessions *sessions,
						    uint32_t index) ON_CONTROL;
const struct route_session *route_sessions_next(const struct route_sessions *sessions,
						uint32_t *at) ON_CONTROL;
struct route_account route_sessions_account(const struct route_sessions *sessions,
					    const struct route_session *session) ON_CONTROL;
/* As route_links_poll. */
void route_sessions_poll(struct route_sessions *sessions, route_traffic_fn traffic, void *context,
			 vd_ns now) ON_CONTROL;
/*
 * Iterates the sessions that should look for another way now: they send and are not answered
 * for 3 s, or are to be kept up and are not; each at most every 4 s.
 */
const struct route_session *route_sessions_lost(struct route_sessions *sessions, uint32_t *at,
						vd_ns now) ON_CONTROL;
/* Iterates those to be kept up that are not there for 20 s: once each, until they are. Each second.
 */
const struct route_session *route_sessions_missing(struct route_sessions *sessions, uint32_t *at,
						   vd_ns now) ON_CONTROL;
