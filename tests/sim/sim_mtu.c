/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The search for paths' MTUs (proto/mtu_paths.h) over networks that change, in virtual time.
 *
 *	machine ---- up to 3 paths, each with its own size, loss, delay, death, reports ---- echo
 *
 * Each seed draws for ten minutes what happens: a path grows or shrinks, dies for a while, loses up
 * to one in ten, repeats and delays, its routers report or not, an attacker reports what it
 * likes; the session uses another path, rests, or sends. Then the path in use stays as it is, and
 *
 *	- once PMTU_RAISE_TIMER is over, what is used is what the path carries, to the byte, and
 *	  it is said to be an error if that is less than 1280;
 *	- a path that shrinks then is found out within two minutes, whatever its delay;
 *	- without traffic not one probe is sent in an hour;
 *	- no probe was above the limit, and never more than 16 turns of probes left in a second.
 *
 *	sim_mtu [--seeds N [FIRST] | SEED]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/init.h"
#include "controlplane/proto/mtu_paths.h"
#include "tests/sim/seeds.h"

enum { PATHS = 3, ON_WAY = 512, A_SECOND = 16 * MTU_PROBES_A_TURN };

struct way {
	uint32_t carries, max;
	unsigned loss, copies; /* percent */
	vd_ns delay, jitter;
	bool dead, reports;
};

struct on_way {
	vd_ns at; /* VD_NEVER: free */
	struct mtu_event ping;
	uint8_t path;
	uint32_t limit; /* of a report; 0: an answer */
};

struct sim {
	uint64_t random;
	vd_ns now;
	struct mtu_paths paths;
	struct mtu_probe *mp;
	struct way ways[PATHS];
	uint8_t current;
	bool traffic;
	struct on_way on_way[ON_WAY];
	uint64_t sent;
	vd_ns second;
	unsigned in_second;
	const char *wrong;
};

static unsigned draw(struct sim *sim, unsigned below)
{
	sim->random = sim->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(sim->random >> 33) % below;
}

static void expect(struct sim *sim, bool holds, const char *what)
{
	if (!holds && !sim->wrong)
		sim->wrong = what;
}

/* ---- the network ---- */

static void put(struct sim *sim, const struct mtu_event *ping, uint32_t limit)
{
	const struct way *way = &sim->ways[sim->current];

	for (unsigned i = 0; i < ON_WAY; i++) {
		if (sim->on_way[i].at != VD_NEVER)
			continue;
		sim->on_way[i] = (struct on_way){
			.at = sim->now + way->delay + VD_MS(draw(sim, 1 + (unsigned)way->jitter)),
			.ping = *ping,
			.path = sim->current,
			.limit = limit,
		};
		return;
	}
}

static void send(struct sim *sim, const struct mtu_event *ping)
{
	const struct way *way = &sim->ways[sim->current];
	bool fits = ping->size <= way->carries;

	sim->sent++;
	if (sim->now - sim->second >= VD_SECONDS(1)) {
		sim->second = sim->now;
		sim->in_second = 0;
	}
	expect(sim, ++sim->in_second <= A_SECOND, "too many probes in a second");
	expect(sim, ping->size <= way->max || ping->size == MTU_PROBE_BASE,
	       "a probe above the limit");
	if (way->dead || draw(sim, 100) < way->loss || (!fits && !way->reports))
		return;
	put(sim, ping, fits ? 0 : way->carries);
	if (fits && draw(sim, 100) < way->copies)
		put(sim, ping, 0);
}

static void drain(struct sim *sim)
{
	struct mtu_event event;

	for (unsigned i = 0; i < 1000; i++) {
		event = mtu_probe_next(sim->mp, sim->now);
		if (event.kind == MTU_NONE)
			return;
		if (event.kind == MTU_SEND)
			send(sim, &event);
	}
	expect(sim, false, "it does not come to rest");
}

static void arrive(struct sim *sim, struct on_way *one)
{
	one->at = VD_NEVER;
	if (one->path != sim->current)
		return;
	if (one->limit)
		mtu_probe_reported(sim->mp, one->limit, sim->now);
	else
		(void)mtu_probe_answered(sim->mp, one->ping.id, one->ping.size, sim->now);
}

static bool step(struct sim *sim, vd_ns until)
{
	struct on_way *first = &sim->on_way[0];
	vd_ns deadline = mtu_probe_deadline(sim->mp), at;

	for (unsigned i = 1; i < ON_WAY; i++)
		if (sim->on_way[i].at < first->at)
			first = &sim->on_way[i];
	at = vd_ns_min(first->at, deadline);
	if (at > until)
		return false;
	if (at > sim->now)
		sim->now = at;
	if (first->at <= sim->now)
		arrive(sim, first);
	drain(sim);
	return true;
}

static void run(struct sim *sim, vd_ns span)
{
	vd_ns until = sim->now + span;

	while (sim->now < until && !sim->wrong) {
		vd_ns slice = vd_ns_min(until, sim->now + VD_MS(250));

		if (sim->traffic)
			mtu_probe_traffic(sim->mp);
		while (!sim->wrong && step(sim, slice))
			;
		sim->now = slice;
	}
}

/* ---- what happens ---- */

static void use(struct sim *sim, unsigned path)
{
	struct peering_path way = { .bytes = { (uint8_t)(path + 1) } };

	sim->current = (uint8_t)path;
	sim->mp = mtu_paths_use(&sim->paths, &way, sim->ways[path].max, sim->now);
	drain(sim);
}

static void draw_way(struct sim *sim, struct way *way)
{
	static const uint32_t limits[] = { 1289, 1309, 1409, 1409, 1409, 1920, 8909, 9000 };

	way->max = limits[draw(sim, 8)];
	way->carries = draw(sim, 3) ? way->max : 1200 + draw(sim, way->max - 1199);
	way->loss = draw(sim, 2) ? 0 : draw(sim, 20);
	way->copies = draw(sim, 2) ? 0 : draw(sim, 30);
	way->delay = VD_MS(1 + draw(sim, draw(sim, 4) ? 100 : 3000));
	way->jitter = draw(sim, 100);
	way->dead = false;
	way->reports = draw(sim, 2);
}

static void happen(struct sim *sim)
{
	struct way *way = &sim->ways[sim->current];

	switch (draw(sim, 8)) {
	case 0: way->carries = 1200 + draw(sim, way->max - 1199); break;
	case 1: way->carries = way->max; break;
	case 2: way->dead = draw(sim, 2); break;
	case 3: mtu_probe_reported(sim->mp, draw(sim, 9100), sim->now); break;
	case 4: use(sim, draw(sim, PATHS)); break;
	case 5: sim->traffic = !sim->traffic; break;
	case 6:
		draw_way(sim, way);
		use(sim, sim->current); /* its limit may be another */
		break;
	default: break;
	}
	drain(sim);
	run(sim, VD_MS(draw(sim, 20000)));
}

static bool is_right(const struct sim *sim)
{
	uint32_t carries = sim->ways[sim->current].carries;

	if (carries < MTU_PROBE_BASE)
		return sim->mp->state == MTU_ERROR;
	return sim->mp->state == MTU_COMPLETE && mtu_probe_mtu(sim->mp) == carries;
}

static void settle(struct sim *sim)
{
	struct way *way = &sim->ways[sim->current];

	way->dead = false;
	way->loss = 0;
	if (way->carries > way->max)
		way->carries = way->max;
	sim->traffic = true;
	/* what was searched before it grew is searched again after ten minutes */
	run(sim, MTU_RAISE_TIMER + VD_SECONDS(30));
	for (unsigned i = 0; i < 300 && !is_right(sim); i++)
		run(sim, VD_SECONDS(1));
	expect(sim, is_right(sim), "what is found is not what the path carries");
	way->carries = way->carries > MTU_PROBE_BASE ? MTU_PROBE_BASE : way->carries;
	run(sim, VD_SECONDS(120)); /* five turns of three round trips of 3 s */
	expect(sim, mtu_probe_mtu(sim->mp) == MTU_PROBE_BASE, "a black hole is not found");
	sim->traffic = false;
	run(sim, VD_SECONDS(200));
	sim->sent = 0;
	run(sim, VD_SECONDS(3600));
	expect(sim, sim->sent == 0, "probes without traffic");
}

static const char *simulate(uint64_t seed)
{
	static struct sim sim;

	sim = (struct sim){ .random = seed, .now = VD_SECONDS(1), .traffic = true };
	for (unsigned i = 0; i < ON_WAY; i++)
		sim.on_way[i].at = VD_NEVER;
	for (unsigned i = 0; i < PATHS; i++)
		draw_way(&sim, &sim.ways[i]);
	use(&sim, 0);
	while (sim.now < VD_SECONDS(600) && !sim.wrong)
		happen(&sim);
	settle(&sim);
	return sim.wrong;
}

int main(int argc, char **argv)
{
	return vd_init() ? 1 : seeds_main(argc, argv, 1000, simulate);
}
