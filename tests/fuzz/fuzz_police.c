/* Targets: switch/police.c and bucket.c: senders, sizes, rates and time as a stream */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/bytes.h"
#include "switch/police.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEN_MAX = 9000, STEPS_MAX = 4096 };

/* What has passed one way since its rate was set, and when last. */
struct passed {
	uint64_t frames, bytes;
	vd_ns last;
};

struct run {
	struct sw_police police;
	uint64_t pps, bps;
	vd_ns now, since;
	struct passed rx, tx;
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* Never more than the rate and a burst of one second, and what newcomers may have beyond it; 1 % is
 * what the price is rounded by. One frame of more bytes than the burst passes an empty bucket. */
static void check(const struct run *run, const struct passed *passed)
{
	double seconds = (double)(run->now - run->since) / 1e9 + 1.125;

	if (run->pps)
		expect((double)passed->frames <= (double)run->pps * seconds * 1.01 + 1);
	if (run->bps)
		expect((double)passed->bytes <=
		       (double)run->bps / 8 * seconds * 1.01 + LEN_MAX + 1);
}

/* Who was silent for as long as one frame is paid for at most finds room, whatever the rates. */
static void heard(struct run *run, struct passed *passed, bool may, uint16_t len)
{
	bool rested = run->now - passed->last > VD_SECONDS(129);

	expect(may || !rested); /* what is booked stays so when the rate changes */
	if (!may)
		return;
	passed->frames++;
	passed->bytes += len;
	passed->last = run->now;
	check(run, passed);
}

static void set_rates(struct run *run, uint8_t pps, uint8_t bps)
{
	run->pps = pps ? (uint64_t)pps * pps : 0;
	/* 1000 to 5 * 10^11; so low that a frame takes over 128 s, no rate is held to */
	run->bps = bps ? UINT64_C(1000) << bps % 30 : 0;
	sw_police_set_rates(&run->police, run->pps, run->bps);
	run->since = run->now;
	run->rx.frames = run->rx.bytes = run->tx.frames = run->tx.bytes = 0;
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
	case 4:
	case 5: heard(run, &run->rx, sw_police_rx(&run->police, len, run->now), len); break;
	default:
		heard(run, &run->tx, sw_police_tx(&run->police, 1 + (what >> 3), len, run->now),
		      len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	struct run run = { .now = VD_SECONDS(1000), .since = VD_SECONDS(1000) };

	sw_police_init(&run.police, 10, run.now);
	for (unsigned i = 0; i < STEPS_MAX && !r.err; i++)
		step(&run, &r);
	return 0;
}
