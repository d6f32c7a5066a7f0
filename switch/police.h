/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * police: rates of a link, both ways, and what is fair among those who send into it.
 *
 * A frame costs one of the frames and its bytes; it is refused, and costs nothing, unless both
 * are there. A frame of more bytes than the burst passes a bucket that is full, and is paid
 * for afterwards: so a low rate slows large frames, and does not keep them out for ever.
 *
 * Towards a link several senders compete, and first come first served would give each what it
 * offers: who sends ten times as much would get ten times as much. So, while more than half
 * of the burst is booked, a sender has to be within its share: a bucket of its own, of the
 * link's rate divided by the number of senders active in the last quarter of a second. A sender
 * that is, may book an eighth of the burst more than others, so that one who fills the bucket
 * alone does not keep a newcomer out. What some leave of their share others get, since then the
 * bucket falls below half. Virtual clocks (Zhang 1990) are what the shares are made of. Eight
 * senders are told apart; more share rows by hash, as in stochastic fairness queueing
 * (McKenney 1990).
 *
 * All generations of a link have one record: who rekeys gets no second burst.
 *
 * Threads: the link's owner books; control sets rates, at any time. While a link's generations
 *          have two owners (one moved, the older still receives) a booking may be lost.
 * Progress: wait-free, no division.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"
#include "base/time.h"
#include "switch/bucket.h"
#include "switch/lane.h"

enum { SW_SENDERS = 8, SW_SENDER_ACTIVE_MS = 250 };

/* How far ahead one frame can book a bucket, in ticks; what it costs beyond that is forgiven. */
#define SW_BOOKED_MAX (128 * SW_BURST)

struct sw_rates {
	struct sw_bucket frames;
	struct sw_bucket bytes; /* of UDP payload */
};

struct sw_police {
	/* line 0: looked at only when a POLICED flag of the link is set */
	_Alignas(SW_CACHE_LINE) struct sw_rates rx;
	struct sw_rates tx;
	/* line 1: frames for this node itself; reports about drops, to where they came from */
	struct sw_bucket delivery;
	struct sw_bucket reports;
	_Atomic uint32_t senders[SW_SENDERS]; /* writer: owner; 0: none yet */
	/* line 2: until when each has booked of its share */
	_Atomic uint64_t booked[SW_SENDERS]; /* writer: owner */
};
static_assert(sizeof(struct sw_police) == 192, "three cache lines");

/* Full buckets. Before anybody else knows of the record. */
void sw_police_init(struct sw_police *police, uint32_t delivery_per_s, vd_ns now);

/* pps: frames a second each way, bps: bits of UDP payload; 0: unlimited. Control thread. */
void sw_police_set_rates(struct sw_police *police, uint64_t pps, uint64_t bps) ON_CONTROL;

/* Whether a frame of `len` bytes may come in. */
bool sw_police_rx(struct sw_police *police, uint16_t len, vd_ns now) ON_WORKER;

/* Whether one may leave that came from `sender` (not 0). */
bool sw_police_tx(struct sw_police *police, uint32_t sender, uint16_t len, vd_ns now) ON_WORKER;

/*
 * To be called at least every few days: ticks wrap, and a link that was idle so long would
 * seem to be booked ahead.
 */
void sw_police_settle(struct sw_police *police, vd_ns now) ON_WORKER;
