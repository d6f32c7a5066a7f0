/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Both sides of a session choose their paths (proto/session_path.h) over networks that change, in
 * virtual time.
 *
 *	side 0 ==== up to 5 paths; each way its own loss, delay, copies, death ==== side 1
 *
 * Each seed draws for ten minutes what happens: one way of a path, or all of it, dies for a while;
 * a path loses up to 30 %, repeats, delays and so reorders, holds a frame back for 5 to 15 s;
 * routes are found and lost, a router drains and stays, hosts speak or rest, a side doubts its
 * path or tries another one. All the while
 *
 *	- a side changes to a path only when a challenge of its own, sent over that path in the
 *	  last 10 s, was answered over it, or a handshake done; and says so (MOVE);
 *	- the path that it left is its first fallback; there are 4 at most, none twice, none in use;
 *	- it never changes to a path by a router that drains, although the peer may challenge it,
 *	  nor begins a handshake over one;
 *	- over one path go at most 4 challenges a second;
 *	- while for 20 s some path has passed both ways, known to both sides, what a host says
 *	  arrives: no later than 20 s after what it said before.
 *
 * Then all paths pass and lose nothing, and
 *
 *	- in a minute of traffic nobody challenges or moves;
 *	- when the paths in use die, one way or both, traffic is back both ways within 3 s;
 *	- when the router of the path in use drains, both sides move away within 3 s, and
 *	  lose nothing;
 *	- in an hour without traffic nobody challenges, whether or not a path passes.
 *
 *	sim_session_path [--seeds N [FIRST] | SEED]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/init.h"
#include "controlplane/proto/session_path.h"
#include "tests/sim/seeds.h"

enum { PATHS = 5, ON_WAY = 2048, SEEN = 4096, ASKED = 128, CHALLENGES_A_SECOND = 4 };

#define TICK       VD_MS(10)
#define LOOK       VD_MS(250)
#define SPEAK      VD_MS(50)
#define COUNTS_FOR VD_SECONDS(10)
#define BACK       VD_SECONDS(3)  /* with clean paths */
#define BACK_LOSSY VD_SECONDS(20) /* with one that loses up to 30 % */

enum kind { DATA, CHALLENGE, ANSWER, HELLO_1, HELLO_2, HELLO_3, HELLO_4 };

struct way {
	unsigned loss, copies, late; /* percent */
	unsigned jitter_ms;
	vd_ns delay;
	bool dead;
};

struct frame {
	vd_ns at;
	uint64_t counter;
	enum kind kind;
	uint8_t path, to;
	uint8_t data[SESSION_CHALLENGE_BYTES];
};

struct asked {
	vd_ns at;
	uint8_t path;
	uint8_t data[SESSION_CHALLENGE_BYTES];
};

struct side {
	struct session_path sp;
	uint8_t uses;          /* the path that its data goes by */
	uint8_t proven;        /* 1 + the path over which what is handled now came; 0: nothing */
	bool speaks;           /* its host */
	vd_ns spoke;           /* when that began */
	uint64_t left, sealed; /* frames: since the last look; ever */
	bool heard;            /* anything, since the last look */
	uint64_t seen[SEEN];   /* counters of the peer's frames: none is taken twice */
	uint64_t said, got;    /* frames of the hosts */
	vd_ns got_at, gap;     /* the last one; the longest wait for one */
	struct asked asked[ASKED];
	unsigned asked_count;
	vd_ns second;
	unsigned in_second[PATHS];
	unsigned moves, challenges;
};

struct sim {
	uint64_t random;
	vd_ns now, tick;
	struct way ways[2][PATHS]; /* from side 0 and from side 1 */
	bool drains[PATHS];
	vd_ns passes[PATHS]; /* since when both ways pass and both sides know it; 0: no */
	struct side sides[2];
	struct frame on_way[ON_WAY];
	unsigned on_way_count;
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

static struct peering_path path_of(unsigned n)
{
	return (struct peering_path){ .bytes = { (uint8_t)(n + 1) } };
}

static uint8_t number_of(const struct peering_path *path)
{
	return (uint8_t)(path->bytes[0] - 1);
}

/* ---- the network ---- */

static void put(struct sim *sim, const struct way *way, struct frame frame)
{
	expect(sim, sim->on_way_count < ON_WAY, "the network is full");
	if (sim->on_way_count == ON_WAY)
		return;
	frame.at = sim->now + way->delay + (way->jitter_ms ? VD_MS(draw(sim, way->jitter_ms)) : 0);
	if (draw(sim, 100) < way->late)
		frame.at += VD_SECONDS(5 + draw(sim, 10));
	sim->on_way[sim->on_way_count++] = frame;
}

/* Under the session's keys, so that it counts as its traffic. */
static bool is_sealed(enum kind kind)
{
	return kind != HELLO_1 && kind != HELLO_2 && kind != HELLO_3;
}

static void emit(struct sim *sim, unsigned from, enum kind kind, uint8_t path, const uint8_t *data)
{
	struct side *side = &sim->sides[from];
	const struct way *way = &sim->ways[from][path];
	struct frame frame = {
		.counter = ++side->sealed, .kind = kind, .path = path, .to = (uint8_t)!from
	};

	side->left += is_sealed(kind);
	if (data)
		memcpy(frame.data, data, sizeof frame.data);
	if (way->dead || draw(sim, 100) < way->loss)
		return;
	put(sim, way, frame);
	if (draw(sim, 100) < way->copies)
		put(sim, way, frame);
}

/* ---- one side ---- */

static int fallback(const struct session_path *sp, unsigned path)
{
	for (int i = 0; i < sp->count; i++)
		if (number_of(&sp->fallbacks[i]) == path)
			return i;
	return -1;
}

static bool knows(const struct side *side, unsigned path)
{
	return side->uses == path || fallback(&side->sp, path) >= 0;
}

/* As the daemon does: what leads by a router that drains is no fallback. */
static void forget_drained(struct sim *sim, struct side *side)
{
	for (unsigned n = 0; n < PATHS; n++) {
		struct peering_path path = path_of(n);

		if (sim->drains[n])
			session_path_del(&side->sp, &path);
	}
}

static void ask(struct sim *sim, unsigned who, const struct session_path_event *event)
{
	struct side *side = &sim->sides[who];
	uint8_t path = number_of(&event->path);
	struct asked *asked = &side->asked[side->asked_count++ % ASKED];

	*asked = (struct asked){ .at = sim->now, .path = path };
	memcpy(asked->data, event->data, sizeof asked->data);
	if (sim->now - side->second >= VD_SECONDS(1)) {
		side->second = sim->now;
		memset(side->in_second, 0, sizeof side->in_second);
	}
	side->challenges++;
	expect(sim, ++side->in_second[path] <= CHALLENGES_A_SECOND, "too many challenges");
	expect(sim, knows(side, path), "an unknown path was challenged");
	emit(sim, who, CHALLENGE, path, event->data);
}

static void change(struct sim *sim, struct side *side, uint8_t path)
{
	expect(sim, side->proven == path + 1, "changed to a path that nothing came over");
	expect(sim, side->uses == path || fallback(&side->sp, side->uses) == 0,
	       "the path that was left is no fallback");
	side->uses = path;
	side->moves++;
}

static void check(struct sim *sim, const struct side *side)
{
	const struct session_path *sp = &side->sp;

	expect(sim, sp->used && number_of(&sp->current) == side->uses, "moved, and did not say so");
	expect(sim, sp->count <= SESSION_FALLBACKS, "too many fallbacks");
	for (int i = 0; i < sp->count; i++) {
		uint8_t path = number_of(&sp->fallbacks[i]);

		expect(sim, path != side->uses, "the path in use is a fallback");
		expect(sim, fallback(sp, path) == i, "a fallback is there twice");
	}
}

static void drain(struct sim *sim, unsigned who)
{
	struct side *side = &sim->sides[who];

	for (unsigned i = 0; i < 1000; i++) {
		struct session_path_event event = session_path_next(&side->sp, sim->now);

		switch (event.kind) {
		case SESSION_PATH_NONE:
			side->proven = 0;
			check(sim, side);
			return;
		case SESSION_PATH_CHALLENGE: ask(sim, who, &event); break;
		case SESSION_PATH_MOVE:
			expect(sim, !sim->drains[number_of(&event.path)],
			       "changed to a path whose router drains");
			change(sim, side, number_of(&event.path));
			forget_drained(sim, side);
			break;
		case SESSION_PATH_DIAL:
			expect(sim, !sim->drains[number_of(&event.path)],
			       "a handshake over a path whose router drains");
			emit(sim, who, HELLO_1, number_of(&event.path), NULL);
			break;
		}
	}
	expect(sim, false, "it does not come to rest");
}

static bool was_asked(const struct sim *sim, const struct side *side, const struct frame *frame)
{
	for (unsigned i = 0; i < ASKED; i++) {
		const struct asked *asked = &side->asked[i];

		if (asked->at && sim->now - asked->at < COUNTS_FOR && asked->path == frame->path &&
		    memcmp(asked->data, frame->data, sizeof frame->data) == 0)
			return true;
	}
	return false;
}

static void on_answer(struct sim *sim, struct side *side, const struct frame *frame)
{
	struct peering_path path = path_of(frame->path);

	if (sim->drains[frame->path] ||
	    session_path_answered(&side->sp, &path, frame->data, sim->now))
		return;
	expect(sim, was_asked(sim, side, frame), "an answer to nothing counted");
	side->proven = (uint8_t)(frame->path + 1);
}

/* A handshake is done over the path that the frame came by. */
static void on_done(struct sim *sim, struct side *side, const struct frame *frame)
{
	struct peering_path path = path_of(frame->path);

	side->proven = (uint8_t)(frame->path + 1);
	session_path_use(&side->sp, &path);
	if (side->uses != frame->path)
		change(sim, side, frame->path);
	forget_drained(sim, side);
	if (sim->drains[frame->path]) /* it had begun before */
		session_path_leave(&side->sp, sim->now);
}

static void on_frame(struct sim *sim, const struct frame *frame)
{
	struct side *side = &sim->sides[frame->to];
	struct peering_path path = path_of(frame->path);

	switch (frame->kind) {
	case DATA:
		side->gap =
		    sim->now - side->got_at > side->gap ? sim->now - side->got_at : side->gap;
		side->got_at = sim->now;
		side->got++;
		break;
	case CHALLENGE:
		emit(sim, frame->to, ANSWER, frame->path, frame->data);
		if (!sim->drains[frame->path])
			session_path_challenged(&side->sp, &path, sim->now);
		break;
	case ANSWER: on_answer(sim, side, frame); break;
	case HELLO_1:
	case HELLO_2: emit(sim, frame->to, frame->kind + 1, frame->path, NULL); break;
	case HELLO_3:
		on_done(sim, side, frame);
		emit(sim, frame->to, HELLO_4, frame->path, NULL);
		break;
	case HELLO_4: on_done(sim, side, frame); break;
	}
	drain(sim, frame->to);
}

/* ---- time ---- */

/* The earliest that is due; false: none is. */
static bool take(struct sim *sim, struct frame *frame_out)
{
	unsigned first = 0;

	for (unsigned i = 1; i < sim->on_way_count; i++)
		if (sim->on_way[i].at < sim->on_way[first].at)
			first = i;
	if (sim->on_way_count == 0 || sim->on_way[first].at > sim->now)
		return false;
	*frame_out = sim->on_way[first];
	sim->on_way[first] = sim->on_way[--sim->on_way_count];
	return true;
}

static void arrive(struct sim *sim)
{
	struct frame frame;

	while (!sim->wrong && take(sim, &frame)) {
		struct side *side = &sim->sides[frame.to];

		if (side->seen[frame.counter % SEEN] >= frame.counter)
			continue;
		side->seen[frame.counter % SEEN] = frame.counter;
		side->heard |= is_sealed(frame.kind);
		on_frame(sim, &frame);
	}
}

static void look(struct sim *sim, struct side *side)
{
	session_path_traffic(&side->sp, side->left, side->heard, sim->now);
	side->left = 0;
	side->heard = false;
}

static void note_passing(struct sim *sim)
{
	for (unsigned n = 0; n < PATHS; n++) {
		bool passes = !sim->ways[0][n].dead && !sim->ways[1][n].dead && !sim->drains[n] &&
			      knows(&sim->sides[0], n) && knows(&sim->sides[1], n);

		if (!passes)
			sim->passes[n] = 0;
		else if (!sim->passes[n])
			sim->passes[n] = sim->now;
	}
}

static void check_arrival(struct sim *sim)
{
	bool passes = false;

	for (unsigned n = 0; n < PATHS; n++)
		passes |= sim->passes[n] && sim->now - sim->passes[n] > BACK_LOSSY;
	for (unsigned who = 0; who < 2 && passes; who++) {
		const struct side *side = &sim->sides[who], *peer = &sim->sides[!who];

		expect(sim,
		       !peer->speaks || sim->now - peer->spoke <= BACK_LOSSY ||
			   sim->now - side->got_at <= BACK_LOSSY,
		       "nothing arrives, although there is a way");
	}
}

static void turn(struct sim *sim)
{
	arrive(sim);
	for (unsigned who = 0; who < 2; who++) {
		struct side *side = &sim->sides[who];

		if (side->speaks && sim->now % SPEAK == 0) {
			emit(sim, who, DATA, side->uses, NULL);
			side->said++;
		}
		if (sim->now % LOOK == 0)
			look(sim, side);
		if (session_path_deadline(&side->sp) <= sim->now)
			drain(sim, who);
	}
	note_passing(sim);
	check_arrival(sim);
}

static void run(struct sim *sim, vd_ns span)
{
	vd_ns until = sim->now + span;

	while (sim->now < until && !sim->wrong) {
		sim->now += sim->tick;
		turn(sim);
	}
}

/* ---- what happens ---- */

static void draw_way(struct sim *sim, struct way *way)
{
	way->loss = draw(sim, 3) ? draw(sim, 31) : 0;
	way->copies = draw(sim, 2) ? draw(sim, 30) : 0;
	way->delay = VD_MS(1 + draw(sim, draw(sim, 4) ? 100 : 500));
	way->jitter_ms = draw(sim, 2) ? draw(sim, 300) : 0;
	way->late = draw(sim, 3);
	way->dead = false;
}

static void speak(struct sim *sim, struct side *side, bool speaks)
{
	if (speaks && !side->speaks)
		side->spoke = side->got_at = sim->now;
	side->speaks = speaks;
}

static void find_route(struct sim *sim, unsigned who, unsigned n)
{
	struct peering_path path = path_of(n);

	if (!sim->drains[n])
		session_path_add(&sim->sides[who].sp, &path, sim->now);
	drain(sim, who);
}

static void lose_route(struct sim *sim, unsigned who, unsigned n)
{
	struct peering_path path = path_of(n);

	session_path_del(&sim->sides[who].sp, &path);
}

/* The router of a path says so to both sides. */
static void set_draining(struct sim *sim, unsigned n, bool drains)
{
	sim->drains[n] = drains;
	for (unsigned who = 0; who < 2; who++) {
		struct side *side = &sim->sides[who];

		forget_drained(sim, side);
		if (side->uses == n && drains)
			session_path_leave(&side->sp, sim->now);
		else if (side->uses == n)
			session_path_stay(&side->sp);
		else if (!drains)
			find_route(sim, who, n);
		drain(sim, who);
	}
}

static void happen(struct sim *sim)
{
	unsigned n = draw(sim, PATHS), who = draw(sim, 2);
	struct side *side = &sim->sides[who];
	struct peering_path path = path_of(n);

	switch (draw(sim, 13)) {
	case 0: sim->ways[who][side->uses].dead = true; break;
	case 1: sim->ways[0][side->uses].dead = sim->ways[1][side->uses].dead = true; break;
	case 2: sim->ways[who][n].dead = true; break;
	case 3: sim->ways[0][n].dead = sim->ways[1][n].dead = false; break;
	case 4: draw_way(sim, &sim->ways[who][n]); break;
	case 5:
	case 6: find_route(sim, who, n); break;
	case 7: lose_route(sim, who, n); break;
	case 8: set_draining(sim, draw(sim, 2) ? n : side->uses, draw(sim, 2)); break;
	case 9: speak(sim, side, !side->speaks); break;
	case 10: session_path_doubt(&side->sp, sim->now); break;
	case 11: /* as a route found anew does */
		if (!sim->drains[n])
			emit(sim, who, HELLO_1, (uint8_t)n, NULL);
		break;
	default: session_path_try(&side->sp, &path, sim->now); break;
	}
	for (unsigned both = 0; both < 2; both++)
		drain(sim, both);
	run(sim, VD_MS(10 * draw(sim, 1500)));
}

/* ---- when all is well again ---- */

static void speak_both(struct sim *sim, bool speaks)
{
	for (unsigned who = 0; who < 2; who++)
		speak(sim, &sim->sides[who], speaks);
	run(sim, VD_SECONDS(1));
}

static void mend(struct sim *sim)
{
	for (unsigned n = 0; n < PATHS; n++) {
		for (unsigned from = 0; from < 2; from++)
			sim->ways[from][n] = (struct way){ .delay = VD_MS(1 + draw(sim, 50)) };
		if (sim->drains[n])
			set_draining(sim, n, false);
		find_route(sim, 0, n);
		find_route(sim, 1, n);
	}
	speak_both(sim, true);
	run(sim, VD_SECONDS(30));
}

static unsigned restless(const struct sim *sim)
{
	return sim->sides[0].challenges + sim->sides[1].challenges + sim->sides[0].moves +
	       sim->sides[1].moves;
}

static void check_calm(struct sim *sim)
{
	unsigned before = restless(sim);

	run(sim, VD_SECONDS(60));
	expect(sim, restless(sim) == before, "challenges or moves for no reason");
}

static void check_cut(struct sim *sim)
{
	unsigned how = draw(sim, 3); /* 2: both ways */
	const uint8_t used[2] = { sim->sides[0].uses, sim->sides[1].uses };

	for (unsigned who = 0; who < 2; who++) {
		sim->sides[who].gap = 0;
		for (unsigned from = 0; from < 2; from++)
			sim->ways[from][used[who]].dead = how == 2 || how == from;
	}
	run(sim, VD_SECONDS(10));
	for (unsigned who = 0; who < 2; who++)
		expect(sim, sim->sides[who].gap <= BACK && sim->now - sim->sides[who].got_at < BACK,
		       "traffic is back too late");
	mend(sim);
}

static void check_draining(struct sim *sim)
{
	uint8_t used;

	speak_both(sim, false);
	sim->sides[0].said = sim->sides[0].got = sim->sides[1].said = sim->sides[1].got = 0;
	speak_both(sim, true);
	used = sim->sides[draw(sim, 2)].uses;
	set_draining(sim, used, true);
	run(sim, BACK);
	for (unsigned who = 0; who < 2; who++)
		expect(sim, sim->sides[who].uses != used, "still by a router that drains");
	speak_both(sim, false);
	for (unsigned who = 0; who < 2; who++)
		expect(sim, sim->sides[who].said == sim->sides[!who].got,
		       "lost while it moved away from a router that drains");
	mend(sim);
}

static void check_rest(struct sim *sim)
{
	bool dead = draw(sim, 2);
	unsigned before;

	for (unsigned n = 0; n < PATHS; n++)
		sim->ways[0][n].dead = sim->ways[1][n].dead = dead;
	run(sim, VD_MS(10 * draw(sim, 1000)));
	speak_both(sim, false);
	run(sim, VD_SECONDS(30));
	before = restless(sim);
	sim->tick = LOOK;
	run(sim, VD_SECONDS(3600));
	expect(sim, restless(sim) == before, "challenges without traffic");
}

static const char *simulate(uint64_t seed)
{
	static struct sim sim;
	struct peering_path first = path_of(0);

	sim = (struct sim){ .random = seed, .now = VD_SECONDS(1), .tick = TICK };
	for (unsigned who = 0; who < 2; who++) {
		session_path_use(&sim.sides[who].sp, &first);
		speak(&sim, &sim.sides[who], true);
		for (unsigned n = 0; n < PATHS; n++) {
			draw_way(&sim, &sim.ways[who][n]);
			if (draw(&sim, 2))
				find_route(&sim, who, n);
		}
	}
	while (sim.now < VD_SECONDS(600) && !sim.wrong)
		happen(&sim);
	mend(&sim);
	check_calm(&sim);
	for (unsigned i = 0; i < 3; i++) {
		check_cut(&sim);
		check_draining(&sim);
	}
	check_calm(&sim);
	check_rest(&sim);
	return sim.wrong;
}

int main(int argc, char **argv)
{
	return vd_init() ? 1 : seeds_main(argc, argv, 1000, simulate);
}
