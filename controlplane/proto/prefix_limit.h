/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * prefix_limit: a token bucket for each prefix that asks: an IPv4 address, an IPv6 /64, an
 * ingress link (SW-3.4-11: 20/s, burst 40). A bucket that is full again is free for another
 * prefix; when none is free, the prefix waits.
 *
 * Progress: O(log n). Threads: one at a time. Memory: all taken at init.
 */
#include "base/bytes.h"
#include "base/time.h"
#include "controlplane/proto/slots.h"
#include "controlplane/proto/timers.h"

enum {
	PREFIX_BYTES = 16,
	PREFIX_BUCKETS = 4096,
	PREFIX_PER_S = 20,
	PREFIX_BURST = 40,
};

struct prefix_bucket {
	uint8_t prefix[PREFIX_BYTES]; /* zero-padded */
	uint8_t len;
	vd_ns full_at;
};

struct prefix_limit {
	struct prefix_bucket *buckets; /* [PREFIX_BUCKETS] */
	struct slot_pool pool;
	struct slot_chains by_prefix;
	struct timers full; /* when buckets are full again */
	uint8_t hash_key[16];
};

/* VD_ENOMEM. */
enum vd_err prefix_limit_init(struct prefix_limit *limit);
void prefix_limit_fini(struct prefix_limit *limit);

/*
 * Takes a token of `prefix` (at most PREFIX_BYTES). VD_ELIMIT: it has none now;
 * VD_ENOMEM: there is no bucket for it now.
 */
enum vd_err prefix_limit_take(struct prefix_limit *limit, struct vd_bytes prefix, vd_ns now);
