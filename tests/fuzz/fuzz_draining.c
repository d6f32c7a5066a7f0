/* Targets: controlplane/proto/draining.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stddef.h>
#include <stdlib.h>

#include "controlplane/proto/draining.h"

/*
 * A list of steps, two bytes each: what an operator and the edges say, and how long later. The
 * machine is asked at its deadlines, as the loop does.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct draining machine;
	vd_ns now, asked; /* to stop; 0: not */
	uint64_t switched;
	unsigned tells; /* since it began */
	bool stays, told, stopped;
	vd_ns loud; /* when somebody left, or was seen to stay or to send */
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void look(struct rig *rig)
{
	if (rig->stays || rig->switched != rig->machine.switched)
		rig->loud = rig->now;
	draining_saw(&rig->machine, rig->switched, rig->stays, rig->now);
}

static void stop(struct rig *rig)
{
	expect(rig->asked && !rig->stopped);
	expect(!rig->told || rig->now >= rig->asked + VD_MS(2500) ||
	       rig->now >= rig->loud + VD_MS(500));
	rig->stopped = true;
}

static void answer(struct rig *rig)
{
	enum draining_event event;

	for (unsigned events = 0; (event = draining_next(&rig->machine, rig->now)); events++) {
		expect(events < 3 && !rig->stopped); /* it ends */
		switch (event) {
		case DRAINING_TELL: expect(++rig->tells <= 4); break;
		case DRAINING_LOOK: look(rig); break;
		case DRAINING_STOP: stop(rig); break;
		case DRAINING_NONE: break;
		}
	}
	expect(!rig->asked || rig->stopped || rig->now < rig->asked + VD_MS(2500));
}

static void begin(struct rig *rig)
{
	rig->told = false;
	rig->tells = 0;
	rig->loud = rig->now;
}

static void say(struct rig *rig, unsigned what)
{
	switch (what % 8) {
	case 0:
		if (!rig->asked)
			begin(rig);
		draining_begin(&rig->machine, rig->now);
		break;
	case 1: draining_end(&rig->machine); break;
	case 2:
		if (!rig->asked && !rig->machine.on)
			begin(rig);
		expect(draining_stop(&rig->machine, rig->now) == !rig->asked);
		rig->asked = rig->asked ? rig->asked : rig->now;
		break;
	case 3:
		draining_told(&rig->machine);
		rig->told |= rig->machine.on;
		break;
	case 4:
		draining_left(&rig->machine, rig->now);
		rig->loud = rig->now;
		break;
	case 5: rig->stays = !rig->stays; break;
	default: rig->switched++;
	}
	answer(rig);
}

static void pass(struct rig *rig, vd_ns time)
{
	vd_ns until = rig->now + time, at;

	while ((at = draining_deadline(&rig->machine)) <= until) {
		expect(at >= rig->now && at <= rig->now + VD_MS(100));
		rig->now = at;
		answer(rig);
		expect(draining_deadline(&rig->machine) > rig->now);
	}
	rig->now = until;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig = { .now = VD_SECONDS(100) };

	for (size_t at = 0; at + 2 <= size && at < 400; at += 2) {
		say(&rig, data[at]);
		pass(&rig, VD_MS(data[at + 1] * 10));
	}
	return 0;
}
