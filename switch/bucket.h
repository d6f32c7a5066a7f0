/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * bucket: token buckets without division (GCRA, the virtual scheduling form of
 * ITU-T I.371): each unit costs a fixed time; units pass while the time booked
 * ahead is at most the burst, one second.
 *
 * Times are in 1/256 ns and wrap; only differences count. More units than the
 * burst never pass.
 *
 * Threads: the owner of the link.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct sw_bucket {
	uint64_t booked_until; /* writer: owner; when the bucket is full again */
	uint64_t cost;         /* of one unit; 0: unlimited */
};

/* A full bucket of `per_s` units a second, burst one second's worth; 0: unlimited. */
struct sw_bucket sw_bucket_of_rate(uint64_t per_s, vd_ns now);

/* Takes `units` if they are there. */
static inline bool sw_bucket_take(struct sw_bucket *b, uint64_t units, vd_ns now)
{
	const uint64_t burst = VD_NS_PER_S << 8;
	uint64_t at = now << 8;
	uint64_t ahead = b->booked_until - at;

	if (ahead > burst)
		ahead = 0; /* in the past, however long ago */
	ahead += units * b->cost;
	if (ahead > burst)
		return false;
	b->booked_until = at + ahead;
	return true;
}
