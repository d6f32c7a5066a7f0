/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Two or three peering machines over a channel that loses, repeats, reorders and breaks
 * frames, in virtual time.
 *
 *	   node 0 ----- node 1          each pair dials from one side or from both,
 *	      \          /              mostly at the same moment
 *	       \        /
 *	        node 2                  address 9: an attacker, which replays what it saw
 *	                                10 to 13: one who sits on the way
 *
 * Each seed draws kind (links, sessions), loss, copies, flipped bits, delays, how long public-key
 * work takes (in half of them it is done at once, else results come out of order), who dials, and
 * for ten minutes what happens: restarts, outages, rebindings, rekeyings, closes, a node that lets
 * nobody in, frames replayed or made up by the attacker, another one that sits on the way and
 * speaks from its own addresses. Then the channel heals, and:
 *
 *	- every pair that dials is up, both sides under keys that match (README, invariants 1, 2);
 *	- no event came out of order, and no receiver index was lost;
 *	- while rekeying goes on, no data frame is lost (4);
 *	- in the end, after one more rekeying, each side has one generation for each peer;
 *	- moves to other addresses, while all is well, take no handshake and lose nothing sent
 *	  there;
 *
 * And all the while, after each frame, job and deadline, what sim_watch.h says.
 *
 *	sim_peering [--flood] [--seeds N [FIRST] | SEED]
 *
 * Without arguments: seeds 1 to 1000. --flood: handshakes under attack (sim_flood.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/init.h"
#include "tests/sim/seeds.h"
#include "tests/sim/sim_flood.h"
#include "tests/sim/sim_watch.h"
#include "tests/unit/proto/peering_net.h"

enum { ATTACKER = 9, THIEF = 10, THIEVES = 4, SEEN = 32, ALIASES = 20 };

/* The longest back-off, 60 s ± 25 %, after a handshake of 20 s that began before; 5 s to spare. */
enum { HEALED_S = 100 };

static unsigned slowest; /* seconds, of all seeds */

struct sim {
	struct net *net;
	unsigned nodes;
	bool dials[NET_NODES][NET_NODES];
	unsigned healed;   /* seconds until all traffic passed again */
	const char *wrong; /* what went wrong first */
	struct sim_watch watch;
};

static struct net_frame seen[SEEN];
static unsigned seen_count;

/* The one on the way until then: its copies come first, from its addresses. */
static struct {
	vd_ns until;
	unsigned nodes;
} thief;

/* Some of what is sent to it, it hands on, to anybody. */
static bool steal(struct net *net, struct net_frame *frame)
{
	if (frame->to >= THIEF && frame->to < THIEF + THIEVES)
		frame->to = (uint8_t)(1 + net_random(net) % thief.nodes);
	else if (net_random(net) % 2)
		return true;
	frame->from = (uint8_t)(THIEF + net_random(net) % THIEVES);
	return net_random(net) % 4 != 0;
}

static bool look(struct net *net, struct net_frame *frame)
{
	if (frame->bytes[0] != 6 && net_random(net) % 4 == 0)
		seen[seen_count++ % SEEN] = *frame;
	return net->now >= thief.until || steal(net, frame);
}

static unsigned draw(struct sim *sim, unsigned below)
{
	return (unsigned)(net_random(sim->net) % below);
}

static void expect(struct sim *sim, bool holds, const char *what)
{
	if (!holds && !sim->wrong)
		sim->wrong = what;
}

/* ---- what happens ---- */

static void dial_all(struct sim *sim, unsigned node)
{
	for (unsigned to = 0; to < sim->nodes; to++) {
		if (!sim->dials[node][to])
			continue;
		sim_watch_dials(&sim->watch, node, to);
		net_dial(sim->net, node, to);
	}
}

static void stop(struct sim *sim, unsigned node)
{
	net_stop(sim->net, node);
	sim_watch_stopped(&sim->watch, node);
}

static void restart(struct sim *sim, unsigned node)
{
	stop(sim, node);
	net_run(sim->net, VD_MS(draw(sim, 100000)));
	net_start(sim->net, node);
	dial_all(sim, node);
}

/* All at once, some a moment earlier than others. */
static void restart_all(struct sim *sim)
{
	for (unsigned i = 0; i < sim->nodes; i++)
		stop(sim, i);
	for (unsigned i = 0; i < sim->nodes; i++) {
		net_start(sim->net, i);
		dial_all(sim, i);
		if (draw(sim, 2))
			net_run(sim->net, VD_MS(draw(sim, 3000)));
	}
}

static void rekey(struct sim *sim, unsigned node)
{
	const struct node *from = &sim->net->nodes[node];

	for (unsigned to = 0; to < sim->nodes; to++) {
		if (from->current[to])
			(void)peering_rekey(from->peering, from->current[to], sim->net->now);
	}
}

static void close_one(struct sim *sim, unsigned node)
{
	unsigned to = draw(sim, sim->nodes);

	peering_close(sim->net->nodes[node].peering, &sim->net->nodes[to].identity.id,
		      CONTROL_SHUTDOWN, "sim", sim->net->now);
	net_drain(sim->net, node);
}

static void outage(struct sim *sim)
{
	sim->net->cut = true;
	net_run(sim->net, VD_MS(draw(sim, 150000)));
	sim->net->cut = false;
}

static void refuse_a_while(struct sim *sim, unsigned node)
{
	sim->net->nodes[node].refuses = true;
	rekey(sim, node);
	net_run(sim->net, VD_MS(draw(sim, 60000)));
	sim->net->nodes[node].refuses = false;
}

/* Replays what passed by, whole or changed, from its own address or a true one. */
static void attack(struct sim *sim, unsigned node)
{
	struct net_frame frame = seen[draw(sim, SEEN)];
	struct peering_path path = { .bytes = { ATTACKER } };

	if (frame.len == 0)
		return;
	if (draw(sim, 3) == 0)
		path.bytes[0] = frame.from;
	for (unsigned flips = draw(sim, 3); flips > 0; flips--)
		frame.bytes[draw(sim, frame.len)] ^= (uint8_t)(1u << draw(sim, 8));
	if (draw(sim, 4) == 0)
		frame.len = (uint16_t)(1 + draw(sim, frame.len));
	if (draw(sim, 2) == 0)
		node = (frame.to - 1u) % sim->nodes;
	sim->watch.held_back = true;
	(void)net_inject(sim->net, node, path, vd_bytes(frame.bytes, frame.len));
	sim->watch.held_back = false;
}

/* Links: the node is at another address from now on, and says something from there. */
static void rebind(struct sim *sim, unsigned node)
{
	if (sim->net->nodes[node].config.kind != PEERING_LINK)
		return;
	sim->net->nodes[node].alias = (uint8_t)(ALIASES + 3 * draw(sim, 33) + node);
	for (unsigned to = 0; to < sim->nodes; to++)
		if (to != node)
			(void)net_data(sim->net, node, to);
}

static void sit_on_the_way(struct sim *sim)
{
	thief.until = sim->net->now + VD_MS(draw(sim, 15000));
	thief.nodes = sim->nodes;
	while (sim->net->now < thief.until) {
		for (unsigned from = 0; from < sim->nodes; from++)
			(void)net_data(sim->net, from, draw(sim, sim->nodes));
		net_run(sim->net, VD_MS(draw(sim, 500)));
	}
}

static void something(struct sim *sim)
{
	unsigned node = draw(sim, sim->nodes);

	switch (draw(sim, 28)) {
	case 27: sit_on_the_way(sim); break;
	case 26: restart_all(sim); break;
	case 24:
	case 25: rebind(sim, node); break;
	case 0: restart(sim, node); break;
	case 1: outage(sim); break;
	case 2: close_one(sim, node); break;
	case 3: refuse_a_while(sim, node); break;
	case 4:
	case 5:
	case 6: rekey(sim, node); break;
	case 7:
	case 8:
	case 9: (void)net_data(sim->net, node, (node + 1) % sim->nodes); break;
	default: attack(sim, node); break;
	}
}

/* ---- phases ---- */

static void draw_dials(struct sim *sim)
{
	for (unsigned a = 0; a < sim->nodes; a++) {
		for (unsigned b = a + 1; b < sim->nodes; b++) {
			unsigned who = draw(sim, 4); /* 0: a; 1: b; else both */

			sim->dials[a][b] = who != 1;
			sim->dials[b][a] = who != 0;
		}
	}
}

static void set_out(struct sim *sim)
{
	struct net *net = sim->net;

	net->loss = draw(sim, 31);
	net->copies = draw(sim, 21);
	net->flips = draw(sim, 6);
	net->delay_min = VD_MS(1 + draw(sim, 100));
	net->delay_max = net->delay_min + VD_MS(draw(sim, 2) ? draw(sim, 2000) : draw(sim, 50));
	net->job_delay = draw(sim, 2) ? VD_MS(draw(sim, 1000)) : 0; /* else at once */
	for (unsigned i = 0; i < sim->nodes; i++)
		net_start(net, i);
	for (unsigned i = 0; i < sim->nodes; i++) {
		dial_all(sim, i);
		if (draw(sim, 3) == 0)
			net_run(net, VD_MS(draw(sim, 300)));
	}
}

static void trouble(struct sim *sim)
{
	vd_ns end = sim->net->now + VD_SECONDS(600);

	while (sim->net->now < end) {
		something(sim);
		net_run(sim->net, VD_MS(draw(sim, 8000)));
	}
}

static unsigned data_sum(const struct sim *sim, bool sent)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < sim->nodes; i++)
		sum += sent ? sim->net->nodes[i].data_sent : sim->net->nodes[i].data_received;
	return sum;
}

/* A second in which everybody says something to everybody: whether all of it arrived. */
static bool all_well(struct sim *sim)
{
	unsigned arrived = data_sum(sim, false), sent = 0;

	for (unsigned from = 0; from < sim->nodes; from++)
		for (unsigned to = 0; to < sim->nodes; to++)
			sent += from != to && net_data(sim->net, from, to);
	net_run(sim->net, VD_SECONDS(1));
	return sent == sim->nodes * (sim->nodes - 1) && data_sum(sim, false) == arrived + sent;
}

static void heal(struct sim *sim)
{
	struct net *net = sim->net;

	net->loss = net->copies = net->flips = 0;
	for (unsigned i = 0; i < sim->nodes; i++)
		net->nodes[i].alias = 0; /* where those who lost it look for it */
	net->delay_max = net->delay_min;
	net->job_delay = vd_ns_min(net->job_delay, VD_MS(50));
	for (unsigned i = 0; i < 300; i++)
		if (!all_well(sim))
			sim->healed = i + 1;
	expect(sim, sim->healed <= HEALED_S, "traffic came back too late");
}

static void check_up(struct sim *sim)
{
	for (unsigned a = 0; a < sim->nodes; a++) {
		for (unsigned b = 0; b < sim->nodes; b++) {
			if (a == b)
				continue;
			expect(sim, sim->net->nodes[a].up[b], "a pair is not up");
			expect(sim, net_keys_match(sim->net, a, b), "keys do not match");
		}
	}
}

static void check_rekeying(struct sim *sim)
{
	struct net *net = sim->net;
	unsigned sent = data_sum(sim, true), received = data_sum(sim, false);

	for (unsigned i = 0; i < 200; i++) {
		if (i % 20 == 0)
			rekey(sim, draw(sim, sim->nodes));
		for (unsigned from = 0; from < sim->nodes; from++)
			expect(sim, net_data(net, from, (from + 1) % sim->nodes), "no way to send");
		net_run(net, VD_MS(1 + draw(sim, 400)));
	}
	net_run(net, VD_SECONDS(1));
	expect(sim, data_sum(sim, true) - sent == data_sum(sim, false) - received,
	       "data was lost while rekeying");
}

/* Each node moves, one after the other: both directions work at once, without a handshake. */
static void check_rebinding(struct sim *sim)
{
	struct net *net = sim->net;

	for (unsigned i = 0; i < sim->nodes && net->nodes[0].config.kind == PEERING_LINK; i++) {
		unsigned moved = 0, before, lost = 0;

		rebind(sim, i);
		net_run(net, VD_SECONDS(2));
		for (unsigned to = 0; to < sim->nodes; to++)
			moved += net->nodes[to].counts[PEERING_MOVED] > 0;
		expect(sim, moved > 0, "nobody noticed a move");
		before = net->nodes[i].data_received;
		for (unsigned from = 0; from < sim->nodes; from++)
			lost += from != i && net_data(net, from, i);
		net_run(net, VD_SECONDS(1));
		expect(sim, net->nodes[i].data_received == before + lost, "lost after a move");
	}
}

/* Ends may disagree which of two generations is current for a while (switch/SPEC.md, 4.2). */
static void check_quiet(struct sim *sim)
{
	for (unsigned i = 0; i < sim->nodes; i++) {
		net_run(sim->net, VD_SECONDS(10));
		rekey(sim, i);
	}
	net_run(sim->net, VD_SECONDS(100)); /* old generations end, and half-open handshakes */
	for (unsigned i = 0; i < sim->nodes; i++) {
		const struct node *node = &sim->net->nodes[i];

		expect(sim, node->broken == NULL, node->broken);
		expect(sim, net_generation_count(node) == sim->nodes - 1, "generations left over");
		expect(sim, node->indices_out == (int)sim->nodes - 1, "receiver indices lost");
	}
	expect(sim, sim->net->lost_for_room == 0, "the channel overflowed");
}

static const char *run(uint64_t seed)
{
	struct sim sim = { 0 };

	memset(&thief, 0, sizeof thief);
	memset(seen, 0, sizeof seen);
	seen_count = 0;
	sim.net = net_new(seed % 3 == 0 ? PEERING_SESSION : PEERING_LINK, seed);
	sim.net->watch = look;
	sim_watch_begin(&sim.watch, sim.net);
	sim.nodes = 2 + draw(&sim, 2);
	draw_dials(&sim);
	set_out(&sim);
	trouble(&sim);
	heal(&sim);
	check_up(&sim);
	check_rekeying(&sim);
	check_up(&sim);
	check_rebinding(&sim);
	check_up(&sim);
	check_quiet(&sim);
	expect(&sim, sim.watch.wrong == NULL, sim.watch.wrong);
	slowest = sim.healed > slowest ? sim.healed : slowest;
	net_free(sim.net);
	sim_watch_end(&sim.watch);
	return sim.wrong;
}

static const char *run_flood(uint64_t seed)
{
	net_seed(seed);
	return sim_flood(seed);
}

static const char *run_seed(uint64_t seed)
{
	net_seed(seed);
	return run(seed);
}

int main(int argc, char **argv)
{
	bool flood = argc > 1 && strcmp(argv[1], "--flood") == 0;
	struct seeds seeds = seeds_of(argc - flood, argv + flood, 1000);
	uint64_t failed;

	if (vd_init())
		return 1;
	failed = seeds_run(seeds, flood ? run_flood : run_seed);
	printf("sim_peering%s: %" PRIu64 " seeds, %" PRIu64 " failed; slowest to heal %u s\n",
	       flood ? " --flood" : "", seeds.count, failed, slowest);
	return failed != 0;
}
