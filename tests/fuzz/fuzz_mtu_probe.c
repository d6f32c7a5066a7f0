/* Targets: mtu_probe_answered, mtu_probe_reported, mtu_probe_limit, mtu_paths_use */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/init.h"
#include "controlplane/proto/mtu_paths.h"

/*
 * The search for paths' MTUs against whoever answers and reports what it likes. The input is a
 * list of steps, each a byte of what and two bytes of argument:
 *
 *	0  time passes: argument ms           5  another path: argument % 8
 *	1  time passes: argument / 16 s       6  the limit changes to the argument
 *	2  answers all pings on their way     7  answers one of them, by its number
 *	   whose size is below the argument   8  answers an id that was never sent
 *	3  a report with the argument         9  forgets pings: they are lost
 *	4  traffic
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ON_WAY = 64, CALM = 4096 };

struct run {
	struct mtu_paths paths;
	struct mtu_probe *mp;
	uint32_t max;
	vd_ns now;
	unsigned on_way;
	struct mtu_event pings[ON_WAY];
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct run *run)
{
	const struct mtu_probe *mp = run->mp;

	expect(mp->max >= MTU_PROBE_BASE && mp->max <= MTU_PROBE_MAX);
	expect(mp->good >= MTU_PROBE_BASE && mp->good <= mp->max);
	expect(mp->bad > mp->good && mp->bad <= mp->max + 1);
	expect(mtu_probe_mtu(mp) >= MTU_PROBE_BASE && mtu_probe_mtu(mp) <= mp->max);
	expect(mp->state != MTU_COMPLETE || mp->known);
}

static void drain(struct run *run)
{
	struct mtu_event event;

	for (unsigned i = 0;; i++) {
		expect(i < CALM);
		event = mtu_probe_next(run->mp, run->now);
		check(run);
		if (event.kind == MTU_NONE)
			break;
		if (event.kind != MTU_SEND)
			continue;
		expect(event.size <= run->mp->max);
		if (run->on_way < ON_WAY)
			run->pings[run->on_way++] = event;
	}
	expect(mtu_probe_deadline(run->mp) > run->now);
}

static void use(struct run *run, uint8_t path)
{
	struct peering_path way = { .bytes = { path } };

	run->mp = mtu_paths_use(&run->paths, &way, run->max, run->now);
}

static void pass(struct run *run, vd_ns span)
{
	vd_ns until = run->now + span;

	for (unsigned i = 0; i < 64 && mtu_probe_deadline(run->mp) <= until; i++) {
		run->now = mtu_probe_deadline(run->mp);
		drain(run);
	}
	run->now = until;
}

static void answer(struct run *run, unsigned i)
{
	(void)mtu_probe_answered(run->mp, run->pings[i].id, run->pings[i].size, run->now);
}

static void step(struct run *run, unsigned what, uint16_t argument)
{
	switch (what) {
	case 0: pass(run, VD_MS(argument)); break;
	case 1: pass(run, VD_SECONDS(argument / 16)); break;
	case 2:
		for (unsigned i = 0; i < run->on_way; i++)
			if (run->pings[i].size < argument)
				answer(run, i);
		run->on_way = 0;
		break;
	case 3: mtu_probe_reported(run->mp, argument, run->now); break;
	case 4: mtu_probe_traffic(run->mp); break;
	case 5: use(run, argument % 8); break;
	case 6:
		run->max = argument;
		mtu_probe_limit(run->mp, argument, run->now);
		break;
	case 7:
		if (run->on_way)
			answer(run, argument % run->on_way);
		break;
	case 8: expect(!mtu_probe_answered(run->mp, 0, argument, run->now)); break;
	default: run->on_way = 0;
	}
	drain(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	struct run run = { .max = 1409, .now = VD_SECONDS(1) };

	if (vd_init())
		return 0;
	use(&run, 0);
	drain(&run);
	for (unsigned steps = 0; steps < 512 && vd_read_left(&r) >= 3; steps++) {
		unsigned what = vd_read_u8(&r) % 10;

		step(&run, what, vd_read_be16(&r));
	}
	return 0;
}
