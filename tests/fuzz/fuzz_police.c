/* Targets: switch/police.c and bucket.c: senders, sizes, rates and time as a stream */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/bytes.h"
#include "switch/police.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEN_MAX = 9000, STEPS_MAX = 4096, IDS = 32, DELIVERY_PER_S = 10 };

/* Ticks that do not wrap. */
typedef unsigned __int128 ticks;

/* What a bucket has to do, said without wrapping. */
struct model {
	ticks full_at; /* again */
	uint64_t cost; /* of a unit */
};

/* What has passed one way since its rate was set. */
struct passed {
	uint64_t frames, bytes;
};

struct run {
	struct sw_police police;
	uint64_t pps, bps;
	vd_ns now, since;
	struct passed rx_passed, tx_passed;
	struct model rx_frames, rx_bytes, tx_frames, tx_bytes, delivery;
	vd_ns seen[IDS]; /* when each sender came last */
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static ticks ahead_of(const struct run *run, const struct model *model)
{
	ticks at = (ticks)run->now << SW_TICK_BITS;

	return model->full_at > at ? model->full_at - at : 0;
}

/* What is booked when a frame of so many units passes. */
static ticks with(const struct run *run, const struct model *model, uint64_t units)
{
	return ahead_of(run, model) + (ticks)model->cost * units;
}

static bool fits(const struct run *run, const struct model *model, uint64_t units, ticks room)
{
	return with(run, model, units) <= room || ahead_of(run, model) == 0;
}

static void book(const struct run *run, struct model *model, uint64_t units)
{
	ticks ahead = with(run, model, units);

	model->full_at = ((ticks)run->now << SW_TICK_BITS) +
			 (ahead < SW_BOOKED_MAX ? ahead : (ticks)SW_BOOKED_MAX);
}

/* Never more than the rate and a burst of one second, and what newcomers may have beyond it; 1 % is
 * what the price is rounded by. One frame of more bytes than the burst passes an empty bucket. */
static void count(const struct run *run, struct passed *passed, uint16_t len)
{
	double seconds = (double)(run->now - run->since) / 1e9 + 1.125;

	passed->frames++;
	passed->bytes += len;
	if (run->pps)
		expect((double)passed->frames <= (double)run->pps * seconds * 1.01 + 1);
	if (run->bps)
		expect((double)passed->bytes <=
		       (double)run->bps / 8 * seconds * 1.01 + LEN_MAX + 1);
}

static void receive(struct run *run, uint16_t len)
{
	bool may = sw_police_rx(&run->police, len, run->now);

	expect(may == (fits(run, &run->rx_frames, 1, SW_BURST) &&
		       fits(run, &run->rx_bytes, len, SW_BURST)));
	if (!may)
		return;
	book(run, &run->rx_frames, 1);
	book(run, &run->rx_bytes, len);
	count(run, &run->rx_passed, len);
}

static bool is_silent(const struct run *run, unsigned id)
{
	return run->now - run->seen[id] > VD_MS(1000 + SW_SENDER_ACTIVE_MS);
}

static unsigned others_than(const struct run *run, unsigned id)
{
	unsigned others = 0;

	for (unsigned i = 0; i < IDS; i++)
		others += i != id && !is_silent(run, i);
	return others;
}

static bool tx_fits(const struct run *run, uint16_t len, ticks room)
{
	return fits(run, &run->tx_frames, 1, room) && fits(run, &run->tx_bytes, len, room);
}

/* Who sends alone has the burst. So has a newcomer among those who are told apart, and an eighth
 * beyond; and nobody is kept from the first half. */
static void transmit(struct run *run, unsigned id, uint16_t len)
{
	unsigned others = others_than(run, id);
	bool newcomer = is_silent(run, id) && others < SW_SENDERS;
	bool may = sw_police_tx(&run->police, 1 + id, len, run->now);

	run->seen[id] = run->now;
	if (others == 0)
		expect(may == tx_fits(run, len, SW_BURST));
	if (!may) {
		expect(!tx_fits(run, len, newcomer ? SW_BURST : SW_BURST / 2));
		return;
	}
	expect(tx_fits(run, len, SW_BURST + SW_BURST / 8));
	book(run, &run->tx_frames, 1);
	book(run, &run->tx_bytes, len);
	count(run, &run->tx_passed, len);
}

static void deliver(struct run *run)
{
	bool may = sw_bucket_take(&run->police.delivery, 1, run->now);

	expect(may == (with(run, &run->delivery, 1) <= SW_BURST));
	if (may)
		book(run, &run->delivery, 1);
}

static void set_rates(struct run *run, uint8_t pps, uint8_t bps)
{
	uint64_t frame, byte;

	run->pps = pps ? (uint64_t)pps * pps : 0;
	/* 1000 to 5 * 10^11; so low that a frame takes over 128 s, no rate is held to */
	run->bps = bps ? UINT64_C(1000) << bps % 30 : 0;
	sw_police_set_rates(&run->police, run->pps, run->bps);
	frame = run->pps ? SW_BURST / run->pps : 0;
	byte = run->bps ? SW_BURST / (run->bps / 8) : 0;
	run->rx_frames.cost = run->tx_frames.cost = frame;
	run->rx_bytes.cost = run->tx_bytes.cost = byte;
	run->since = run->now;
	run->rx_passed = run->tx_passed = (struct passed){ 0 };
}

static void step(struct run *run, struct vd_read *r)
{
	uint8_t what = vd_read_u8(r);
	uint16_t value = vd_read_be16(r);
	uint16_t len = value % LEN_MAX;

	if (r->err)
		return;
	switch (what & 7) {
	case 0: set_rates(run, (uint8_t)(value >> 8), (uint8_t)value); break;
	case 1: run->now += VD_MS(value); break;
	case 2: run->now += (vd_ns)value * 1000; break;
	case 3:
		run->now += VD_SECONDS(3600) * (value % 64); /* days */
		sw_police_settle(&run->police, run->now);
		break;
	case 4: receive(run, len); break;
	case 5: deliver(run); break;
	default: transmit(run, what >> 3, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	struct run run = { .now = VD_SECONDS(1000), .since = VD_SECONDS(1000) };

	run.delivery.cost = SW_BURST / DELIVERY_PER_S;
	sw_police_init(&run.police, DELIVERY_PER_S, run.now);
	for (unsigned i = 0; i < STEPS_MAX && !r.err; i++)
		step(&run, &r);
	return 0;
}
