/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/police.h"

enum { REPORTS_PER_S = 50, HASH_SHIFT = 29 };

/* Ticks: booked below this, senders are not told apart; below that, not held to their share. */
#define WATCHED    (SW_BURST / 4)
#define HELD       (SW_BURST / 2)
#define SHARE_MOST (SW_BURST / 2) /* booked ahead of one's share */
#define OWED_MOST  SW_BURST       /* what is remembered of taking more */
#define NEWCOMER   (SW_BURST / 8) /* above the burst, for who is within its share */
#define ACTIVE     (VD_MS(SW_SENDER_ACTIVE_MS) << SW_TICK_BITS)

void sw_police_init(struct sw_police *police, uint32_t delivery_per_s, vd_ns now)
{
	struct sw_bucket unlimited = sw_bucket_of_rate(0, now);

	*police = (struct sw_police){
		.rx = { unlimited, unlimited },
		.tx = { unlimited, unlimited },
		.delivery = sw_bucket_of_rate(delivery_per_s, now),
		.reports = sw_bucket_of_rate(REPORTS_PER_S, now),
	};
}

void sw_police_set_rates(struct sw_police *police, uint64_t pps, uint64_t bps)
{
	/* a rate below one byte a second is one: 0 would be unlimited */
	uint64_t bytes_per_s = bps / 8 + (bps > 0 && bps < 8);

	sw_bucket_set_rate(&police->rx.frames, pps);
	sw_bucket_set_rate(&police->tx.frames, pps);
	sw_bucket_set_rate(&police->rx.bytes, bytes_per_s);
	sw_bucket_set_rate(&police->tx.bytes, bytes_per_s);
}

static inline uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- one frame of both buckets ---- */

/* What is booked of either, what the frame would add. */
struct bill {
	uint64_t at;
	uint64_t frames_ahead, frames_price;
	uint64_t bytes_ahead, bytes_price;
};

static inline struct bill bill_of(const struct sw_rates *rates, uint16_t len, vd_ns now)
{
	uint64_t at = sw_ticks(now);

	return (struct bill){
		.at = at,
		.frames_ahead = sw_bucket_ahead(&rates->frames, at, SW_BOOKED_MAX),
		.frames_price = sw_bucket_price(&rates->frames, 1),
		.bytes_ahead = sw_bucket_ahead(&rates->bytes, at, SW_BOOKED_MAX),
		.bytes_price = sw_bucket_price(&rates->bytes, len),
	};
}

static inline bool fits(uint64_t ahead, uint64_t price, uint64_t room)
{
	return ahead + price <= room || ahead == 0;
}

static inline bool bill_fits(const struct bill *bill, uint64_t room)
{
	return fits(bill->frames_ahead, bill->frames_price, room) &&
	       fits(bill->bytes_ahead, bill->bytes_price, room);
}

static inline void bill_pay(const struct bill *bill, struct sw_rates *rates)
{
	sw_bucket_book(&rates->frames, bill->at,
		       least(bill->frames_ahead + bill->frames_price, SW_BOOKED_MAX));
	sw_bucket_book(&rates->bytes, bill->at,
		       least(bill->bytes_ahead + bill->bytes_price, SW_BOOKED_MAX));
}

bool sw_police_rx(struct sw_police *police, uint16_t len, vd_ns now)
{
	struct bill bill = bill_of(&police->rx, len, now);

	if (!bill_fits(&bill, SW_BURST))
		return false;
	bill_pay(&bill, &police->rx);
	return true;
}

/* ---- shares ---- */

struct sender {
	_Atomic uint64_t *booked;
	uint64_t ahead;
	uint64_t active; /* senders, this one too; at least 1 */
};

/* Whether row i is of one who has sent of late. */
static bool is_active(const struct sw_police *police, unsigned i, uint64_t at)
{
	uint64_t until = atomic_load_explicit(&police->booked[i], memory_order_relaxed);

	return atomic_load_explicit(&police->senders[i], memory_order_relaxed) != 0 &&
	       until + ACTIVE - at <= ACTIVE + OWED_MOST;
}

/* The sender's own row; else one of who is silent; else one that it shares. */
static struct sender find_sender(struct sw_police *police, uint32_t id, uint64_t at)
{
	unsigned own = SW_SENDERS, silent = SW_SENDERS, active = 0;
	bool counted = false;

	for (unsigned i = 0; i < SW_SENDERS; i++) {
		bool sends = is_active(police, i, at);

		active += sends;
		if (atomic_load_explicit(&police->senders[i], memory_order_relaxed) == id) {
			own = i;
			counted = sends;
		} else if (!sends) {
			silent = i;
		}
	}
	unsigned row = own < SW_SENDERS      ? own
		       : silent < SW_SENDERS ? silent
					     : (id * UINT32_C(0x9e3779b1)) >> HASH_SHIFT;
	bool shares = own == SW_SENDERS && silent == SW_SENDERS;
	struct sender sender = { .booked = &police->booked[row],
				 .active = active + !(counted || shares) };

	if (own == SW_SENDERS && silent < SW_SENDERS)
		atomic_store_explicit(&police->senders[row], id, memory_order_relaxed);
	else
		sender.ahead = sw_ticks_ahead(
		    atomic_load_explicit(sender.booked, memory_order_relaxed), at, OWED_MOST);
	return sender;
}
static_assert(SW_SENDERS == 1 << (32 - HASH_SHIFT), "the hash names a row");

/* How far ahead this sender may book now. */
static uint64_t room_of(const struct sender *sender)
{
	if (sender->active == 1)
		return SW_BURST;
	return sender->ahead <= SHARE_MOST ? SW_BURST + NEWCOMER : HELD;
}

/* A sender is active from now on, also if the frame does not pass. */
static bool share_passes(struct sw_police *police, const struct bill *bill, uint32_t id)
{
	uint64_t price = most(bill->frames_price, bill->bytes_price);
	struct sender sender = find_sender(police, id, bill->at);
	bool passes = bill_fits(bill, room_of(&sender));

	if (passes)
		sender.ahead = least(sender.ahead + price * sender.active, OWED_MOST);
	atomic_store_explicit(sender.booked, bill->at + sender.ahead, memory_order_relaxed);
	return passes;
}

bool sw_police_tx(struct sw_police *police, uint32_t sender, uint16_t len, vd_ns now)
{
	struct bill bill = bill_of(&police->tx, len, now);
	bool watched = most(bill.frames_ahead, bill.bytes_ahead) > WATCHED;

	if (watched ? !share_passes(police, &bill, sender) : !bill_fits(&bill, SW_BURST))
		return false;
	bill_pay(&bill, &police->tx);
	return true;
}

/* ---- wrapping ---- */

static void settle(struct sw_bucket *bucket, uint64_t at)
{
	if (sw_bucket_ahead(bucket, at, SW_BOOKED_MAX) == 0)
		sw_bucket_book(bucket, at, 0);
}

/* Senders that are silent are as good as those never heard of. */
static void forget_silent(struct sw_police *police, uint64_t at)
{
	for (unsigned i = 0; i < SW_SENDERS; i++)
		if (!is_active(police, i, at))
			atomic_store_explicit(&police->senders[i], 0, memory_order_relaxed);
}

void sw_police_settle(struct sw_police *police, vd_ns now)
{
	uint64_t at = sw_ticks(now);

	settle(&police->rx.frames, at);
	settle(&police->rx.bytes, at);
	settle(&police->tx.frames, at);
	settle(&police->tx.bytes, at);
	settle(&police->delivery, at);
	settle(&police->reports, at);
	forget_silent(police, at);
}
