/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/bucket.h"

/* Rounded down, so that a full bucket holds all of a second's units. */
static uint64_t cost_of_rate(uint64_t per_s)
{
	return per_s ? SW_BURST / per_s : 0;
}

struct sw_bucket sw_bucket_of_rate(uint64_t per_s, vd_ns now)
{
	return (struct sw_bucket){ .booked_until = sw_ticks(now), .cost = cost_of_rate(per_s) };
}

void sw_bucket_set_rate(struct sw_bucket *bucket, uint64_t per_s)
{
	atomic_store_explicit(&bucket->cost, cost_of_rate(per_s), memory_order_relaxed);
}
