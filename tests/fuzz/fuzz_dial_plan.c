/* Targets: controlplane/proto/dial_plan.c, ip_scope.c: addresses that peers told */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/dial_plan.h"
#include "controlplane/proto/ip_scope.h"

enum { STEPS_MAX = 1000 };
enum outcome { FAILS, NEGOTIATES, WINS, IS_SILENT, OUTCOMES };

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* Each: a byte of its length, itself. What is taken can be dialled. */
static void add_all(struct dial_plan *plan, struct vd_read *r, const struct vd_multiaddr *ours)
{
	unsigned added = 0;

	for (struct vd_multiaddr address; added < 2 * DIAL_PLAN_MAX && !r->err; added++) {
		uint8_t len = vd_read_u8(r);
		const struct dial_attempt *last = &plan->attempts[plan->count];

		if (!len)
			break;
		if (vd_multiaddr_of_bytes(vd_read_bytes(r, len), &address))
			continue;
		if (dial_plan_add(plan, &address, ours, 1) != DIAL_TAKEN)
			continue;
		expect(plan->count <= DIAL_PLAN_MAX);
		expect(last->port && ip_scope_of(&last->address) != IP_UNSPECIFIED);
		expect(!vd_multiaddr_equal(&last->address, ours));
	}
	dial_plan_expect(plan, false);
}

static void begin(struct dial_plan *plan, unsigned attempt, uint8_t outcome, vd_ns now)
{
	expect(attempt < plan->count && plan->under_way <= DIAL_PLAN_AT_ONCE);
	expect(plan->attempts[attempt].state == DIAL_TRYING);
	switch (outcome % OUTCOMES) {
	case FAILS: dial_plan_failed(plan, attempt, VD_ELINK_CLOSED, "no"); break;
	case NEGOTIATES: dial_plan_connected(plan, attempt, now); break;
	case WINS: dial_plan_won(plan, attempt); break;
	default: break;
	}
}

/* It ends by itself, within its time, and then nothing is under way that cancel does not name. */
static void run(struct dial_plan *plan, struct vd_read *r)
{
	char why[DIAL_PLAN_WHY];
	unsigned attempt, steps = 0;
	vd_ns now = 0;

	while (dial_plan_state(plan) == DIAL_PLAN_RUNNING) {
		vd_ns next;

		expect(++steps < STEPS_MAX);
		while (dial_plan_next(plan, now, &attempt))
			begin(plan, attempt, vd_read_u8(r), now);
		while (dial_plan_expire(plan, now, &attempt))
			expect(plan->attempts[attempt].state == DIAL_FAILED);
		next = dial_plan_deadline(plan);
		expect(dial_plan_state(plan) != DIAL_PLAN_RUNNING || next != VD_NEVER);
		now = next > now && next != VD_NEVER ? next : now + 1;
	}
	expect(now <= VD_SECONDS(DIAL_PLAN_S + 1));
	while (dial_plan_cancel(plan, &attempt))
		expect(plan->attempts[attempt].state == DIAL_CANCELED);
	expect(dial_plan_is_idle(plan) || dial_plan_state(plan) == DIAL_PLAN_WON);
	expect(strlen(dial_plan_why(plan, why)) < DIAL_PLAN_WHY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vd_peer_id peer = { .len = 38, .bytes = { 0, 36, 8, 1, 18, 32 } };
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	static struct dial_plan plan;
	struct vd_multiaddr ours;

	expect(!vd_multiaddr_of_text("/ip4/10.0.0.2/tcp/4001", &ours));
	dial_plan_init(&plan, &peer, 0);
	dial_plan_expect(&plan, true);
	add_all(&plan, &r, &ours);
	run(&plan, &r);
	return 0;
}
