/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * bucket: token buckets without division (GCRA, the virtual scheduling form of
 * ITU-T I.371): each unit costs a fixed time; units pass while the time booked
 * ahead is at most the burst, one second.
 *
 * Times are in ticks of 1/16384 ns and wrap after 13 days; only differences count, and one
 * that is longer than any booking is the past. Of the highest rate there is, 10^12 bits a
 * second, a byte costs 131.07 ticks, taken as 131: a rate is exact to 0.8 %, and below
 * 10 Gbit/s to 0.01 %.
 *
 * Threads: the owner of the link books; control may change the rate at any time.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"
#include "base/time.h"

enum { SW_TICK_BITS = 14 };

#define SW_BURST (VD_NS_PER_S << SW_TICK_BITS) /* ticks of one second */

struct sw_bucket {
	_Atomic uint64_t booked_until; /* writer: owner; when the bucket is full again */
	_Atomic uint64_t cost;         /* writer: control; of one unit; 0: unlimited */
};

/* A full bucket of `per_s` units a second, burst one second's worth; 0: unlimited. */
struct sw_bucket sw_bucket_of_rate(uint64_t per_s, vd_ns now);

/* Another rate; what is booked stays booked. Control thread. */
void sw_bucket_set_rate(struct sw_bucket *bucket, uint64_t per_s) ON_CONTROL;

static inline uint64_t sw_ticks(vd_ns now)
{
	return now << SW_TICK_BITS;
}

/* Ticks from `at` to `until`; 0 when that is past, and so when more than `most`. */
static inline uint64_t sw_ticks_ahead(uint64_t until, uint64_t at, uint64_t most)
{
	uint64_t ahead = until - at;

	return ahead > most ? 0 : ahead;
}

/* What is booked ahead of `at`, where bookings reach no further than `most`. */
static inline uint64_t sw_bucket_ahead(const struct sw_bucket *b, uint64_t at, uint64_t most)
{
	return sw_ticks_ahead(atomic_load_explicit(&b->booked_until, memory_order_relaxed), at,
			      most);
}

/* Of at most 2^17 units. */
static inline uint64_t sw_bucket_price(const struct sw_bucket *b, uint64_t units)
{
	return units * atomic_load_explicit(&b->cost, memory_order_relaxed);
}

static inline void sw_bucket_book(struct sw_bucket *b, uint64_t at, uint64_t ahead)
{
	atomic_store_explicit(&b->booked_until, at + ahead, memory_order_relaxed);
}

/* Takes `units` if they are there. More units than the burst never pass. */
static inline bool sw_bucket_take(struct sw_bucket *b, uint64_t units, vd_ns now)
{
	uint64_t at = sw_ticks(now);
	uint64_t ahead = sw_bucket_ahead(b, at, SW_BURST) + sw_bucket_price(b, units);

	if (ahead > SW_BURST)
		return false;
	sw_bucket_book(b, at, ahead);
	return true;
}
