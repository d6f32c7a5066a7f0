/* Targets: controlplane/route/learnt.c and controlplane/proto/dial_backoff.c, beside plain ones */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/init.h"
#include "controlplane/proto/dial_backoff.h"
#include "controlplane/route/learnt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS = 8, WAYS = 4, ROOM = 20, STEPS_MAX = 256 }; /* routers, or addresses */

struct failed {
	uint64_t failures;
	vd_ns until, forget;
};

struct run {
	struct learnt_routes *learnt;
	uint64_t labels[PEERS][WAYS]; /* with the bits behind; 0: none */
	unsigned count;
	struct dial_backoff backoff;
	struct failed failed[PEERS][WAYS];
	struct vd_multiaddr addresses[WAYS];
	vd_ns now;
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static struct vd_peer_id peer(unsigned n)
{
	return (struct vd_peer_id){ .len = 2, .bytes = { 0, (uint8_t)n } };
}

/* ---- routes ---- */

ON_CONTROL static void learn(struct run *run, uint8_t to, uint8_t by, uint64_t label)
{
	const struct learnt_route route = { .peer = peer(to),
					    .via = peer(100 + by),
					    .label = label >> 1,
					    .bits = (uint8_t)(label & 1) };
	bool room = run->labels[to][by] || run->count < ROOM;

	expect(learnt_routes_set(run->learnt, &route) == (run->labels[to][by] != label));
	if (!room)
		return;
	run->count += !run->labels[to][by];
	run->labels[to][by] = label;
}

static void gone(struct run *run, unsigned to, unsigned by)
{
	run->count -= run->labels[to][by] != 0;
	run->labels[to][by] = 0;
}

ON_CONTROL static void forget_to(struct run *run, uint8_t to)
{
	struct vd_peer_id id = peer(to);

	learnt_routes_forget_to(run->learnt, &id);
	for (unsigned by = 0; by < WAYS; by++)
		gone(run, to, by);
}

ON_CONTROL static void forget_by(struct run *run, uint8_t by)
{
	struct vd_peer_id id = peer(100 + by);

	learnt_routes_forget_by(run->learnt, &id);
	for (unsigned to = 0; to < PEERS; to++)
		gone(run, to, by);
}

ON_CONTROL static void check_routes(const struct run *run)
{
	const struct learnt_route *route;
	unsigned seen = 0;
	uint32_t at = 0;

	for (unsigned to = 0; to < PEERS; to++)
		for (unsigned by = 0; by < WAYS; by++) {
			struct vd_peer_id id = peer(to), via = peer(100 + by);
			const struct learnt_route *found =
			    learnt_routes_find(run->learnt, &id, &via);

			expect((found ? found->label << 1 | found->bits : 0) ==
			       run->labels[to][by]);
		}
	while ((route = learnt_routes_next(run->learnt, &at))) {
		seen++;
		expect(run->labels[route->peer.bytes[1]][route->via.bytes[1] - 100] != 0);
	}
	expect(seen == run->count);
}

/* ---- addresses that failed ---- */

static void fail(struct run *run, uint8_t who, uint8_t where)
{
	struct failed *failed = &run->failed[who][where];
	struct vd_peer_id id = peer(who);
	uint64_t before = failed->forget > run->now ? failed->failures : 0;
	uint64_t s = 5 + before * before;
	vd_ns length = VD_SECONDS(s < 300 ? s : 300);

	dial_backoff_add(&run->backoff, &id, &run->addresses[where], run->now);
	*failed = (struct failed){ before + 1, run->now + length, run->now + 2 * length };
}

static void clear(struct run *run, uint8_t who)
{
	struct vd_peer_id id = peer(who);

	dial_backoff_clear(&run->backoff, &id);
	memset(run->failed[who], 0, sizeof run->failed[who]);
}

static void check_backoff(struct run *run)
{
	unsigned kept = 0;

	for (unsigned who = 0; who < PEERS; who++)
		for (unsigned where = 0; where < WAYS; where++) {
			const struct failed *failed = &run->failed[who][where];
			struct vd_peer_id id = peer(who);
			vd_ns until = dial_backoff_until(&run->backoff, &id, &run->addresses[where],
							 run->now);

			expect(until == (failed->until > run->now ? failed->until : 0));
			kept += failed->forget > run->now;
		}
	expect(dial_backoff_count(&run->backoff) == kept);
}

/* ---- the run ---- */

ON_CONTROL static void step(struct run *run, struct vd_read *r)
{
	uint8_t what = vd_read_u8(r), value = vd_read_u8(r);
	uint8_t who = value % PEERS, where = value / PEERS % WAYS;

	if (r->err)
		return;
	switch (what & 7) {
	case 0:
	case 1: learn(run, who, where, 1 + (what >> 6)); break;
	case 2: forget_to(run, who); break;
	case 3: forget_by(run, where); break;
	case 4: run->now += VD_SECONDS(value); break;
	case 5: clear(run, who); break;
	default: fail(run, who, where);
	}
	check_routes(run);
	check_backoff(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	struct run run = { .now = VD_SECONDS(1000) };

	if (vd_init())
		return 0;
	vd_role_control();
	run.learnt = learnt_routes_new(ROOM);
	expect(run.learnt && !dial_backoff_init(&run.backoff));
	for (unsigned i = 0; i < WAYS; i++) {
		char text[] = "/ip4/192.0.2.0/tcp/4001";

		text[13] = (char)('0' + i);
		expect(!vd_multiaddr_of_text(text, &run.addresses[i]));
	}
	for (unsigned i = 0; i < STEPS_MAX && !r.err; i++)
		step(&run, &r);
	dial_backoff_fini(&run.backoff);
	learnt_routes_free(run.learnt);
	return 0;
}
