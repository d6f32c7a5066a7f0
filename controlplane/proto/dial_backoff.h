/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * dial_backoff: addresses of peers that failed lately, and until when they are left alone.
 *
 * As go-libp2p (p2p/net/swarm, DialBackoff): 5 s after the first failure, then 5 s and the square
 * of the failures before it in seconds, at most 5 minutes; for each peer and address apart, and
 * forgotten when a connection to the peer succeeds by whatever address. An entry that has not
 * been renewed is forgotten, too: as long after its end as it lasted.
 *
 * The table is bounded: a new failure takes the place of the entry that would be forgotten first.
 * Kept is a keyed hash of peer and address, so that nobody can make two of them meet.
 *
 * Progress: O(log n). Threads: one at a time. Memory: all taken at init.
 */
#include "base/formats/multiaddr.h"
#include "base/time.h"
#include "controlplane/proto/slots.h"
#include "controlplane/proto/timers.h"

enum {
	DIAL_BACKOFF_MAX = 8192, /* entries */
	DIAL_BACKOFF_FIRST_S = 5,
	DIAL_BACKOFF_LAST_S = 300,
};

struct dial_backoff_entry {
	uint64_t peer;    /* hashes */
	uint64_t name[2]; /* of peer and address */
	uint32_t failures;
	vd_ns until, forget;
};

struct dial_backoff {
	struct dial_backoff_entry *entries; /* [DIAL_BACKOFF_MAX] */
	struct slot_pool pool;
	struct slot_chains by_name, by_peer;
	struct timers forget;
	uint8_t secret[16];
	uint64_t pushed_out; /* entries that gave their place to a newer one */
};

/* VD_ENOMEM. */
enum vd_err dial_backoff_init(struct dial_backoff *backoff);
void dial_backoff_fini(struct dial_backoff *backoff);

/* The address, without /p2p, failed for that peer. */
void dial_backoff_add(struct dial_backoff *backoff, const struct vd_peer_id *peer,
		      const struct vd_multiaddr *address, vd_ns now);
/* Until when it is left alone; 0: it may be tried. */
vd_ns dial_backoff_until(struct dial_backoff *backoff, const struct vd_peer_id *peer,
			 const struct vd_multiaddr *address, vd_ns now);
/* A connection to the peer succeeded, or an operator wants it. */
void dial_backoff_clear(struct dial_backoff *backoff, const struct vd_peer_id *peer);
uint32_t dial_backoff_count(const struct dial_backoff *backoff);
