/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * limits_peers: what a peer has on all its connections, to whichever host; private to limits.
 *
 * A peer is in the table while it is connected. What holds it counts on it without the table.
 *
 * Threads: the table one at a time; a peer's counters any. Memory: a few bytes a peer, on the heap.
 */
#include <stdatomic.h>

#include "base/err.h"
#include "base/formats/peer_id.h"

struct host_limits_peer {
	struct vd_peer_id peer;
	uint32_t connections; /* that have the table */
	struct host_limits_peer *next;
	_Atomic uint32_t streams; /* writers: the threads of its connections */
};

struct limits_peers {
	struct host_limits_peer **buckets;
	uint32_t bucket_count; /* a power of two */
	uint8_t hash_key[16];
};

/* For about `connections` at once. VD_ENOMEM. */
enum vd_err limits_peers_init(struct limits_peers *peers, uint32_t connections);
void limits_peers_fini(struct limits_peers *peers);

/* One more connection of the peer's; NULL: no memory. Each is left once. */
struct host_limits_peer *limits_peers_enter(struct limits_peers *peers,
					    const struct vd_peer_id *peer);
void limits_peers_leave(struct limits_peers *peers, struct host_limits_peer *peer);
