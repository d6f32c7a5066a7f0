/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Two yamux machines over a pipe each way that takes a bounded number of bytes and hands them on
 * in random pieces, in virtual time.
 *
 *	   streams                                            streams
 *	      |         pipe: 1 to 100,000 bytes               |
 *	   side 0  --->  ...........................  --->  side 1
 *	           <---  ...........................  <---
 *
 * Each seed draws the pipes, delays, buffers, and streams that either side opens: how much each
 * end writes (and how much at a time), who reads slowly, and who resets, when. A narrow pipe or
 * buffer gets the shorter streams and the quicker clock: a session may call silent whom it does
 * not hear for long, and a seed has to end.
 *
 * In the end, always: every stream that nobody reset was read whole, in order, to its end, on
 * both sides; no more waits than may be buffered; nothing is open; neither session failed.
 *
 *	sim_yamux [--seeds N [FIRST] | SEED]
 *
 * Without arguments: seeds 1 to 400; with a seed only: that one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/yamux.h"
#include "tests/sim/seeds.h"

enum { PIPE_MAX = 100000, STREAMS = 40, STEPS = 4000000 };

/* One end of a stream. */
struct end {
	struct muxer_stream *stream;
	unsigned number;
	uint64_t to_write, wrote, read, reset_at;
	bool finished, over;
};

struct side {
	struct muxer *m;
	struct yamux_config config;
	uint8_t pipe[PIPE_MAX]; /* what this side sent, on its way */
	size_t pipe_len, pipe_cap;
	struct end ends[STREAMS];
	unsigned slow; /* reads once in so many turns */
};

struct sim {
	uint64_t seed, random;
	vd_ns now, tick; /* the most that a turn takes */
	struct side sides[2];
	uint64_t lengths[2][STREAMS];
	bool was_reset[STREAMS];
	const char *wrong;
};

static uint64_t draw(struct sim *sim, uint64_t below)
{
	sim->random ^= sim->random << 13;
	sim->random ^= sim->random >> 7;
	sim->random ^= sim->random << 17;
	return sim->random % below;
}

static void expect(struct sim *sim, bool holds, const char *what)
{
	if (!holds && !sim->wrong)
		sim->wrong = what;
}

/* Byte `at` of what `side` writes to stream `number`. */
static uint8_t pattern(unsigned side, unsigned number, uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) + number * 7 + side);
}

/* ---- an end ---- */

static void start_end(struct sim *sim, unsigned side, unsigned number, struct muxer_stream *stream)
{
	struct end *end = &sim->sides[side].ends[number];

	*end = (struct end){ .stream = stream,
			     .number = number,
			     .to_write = sim->lengths[side][number],
			     .reset_at = draw(sim, 8) ? UINT64_MAX : draw(sim, 300000) };
	stream->user = end;
}

static void stop_end(struct sim *sim, struct end *end, bool reset)
{
	if (reset) {
		sim->was_reset[end->number] = true;
		muxer_reset(end->stream);
	}
	muxer_release(end->stream);
	end->over = true;
	end->stream = NULL;
}

static void write_some(struct sim *sim, unsigned side, struct end *end)
{
	uint8_t bytes[5000];
	uint64_t left = end->to_write - end->wrote;
	size_t len = (size_t)draw(sim, sizeof bytes) + 1, took;

	if (len > left)
		len = (size_t)left;
	for (size_t i = 0; i < len; i++)
		bytes[i] = pattern(side, end->number, end->wrote + i);

	enum vd_err err = muxer_write(end->stream, vd_bytes(bytes, len), &took);

	expect(sim, !err || err == VD_AGAIN || err == VD_ELINK_CLOSED, "a write failed");
	end->wrote += took;
	if (end->wrote == end->to_write) {
		muxer_finish(end->stream);
		end->finished = true;
	}
}

static void read_some(struct sim *sim, unsigned side, struct end *end)
{
	struct vd_bytes in = muxer_read(end->stream);
	size_t len = in.len ? (size_t)draw(sim, in.len) + 1 : 0;

	for (size_t i = 0; i < len; i++)
		expect(sim, in.at[i] == pattern(!side, end->number, end->read + i),
		       "another byte than was written");
	muxer_taken(end->stream, len);
	end->read += len;
}

static void turn_of(struct sim *sim, unsigned side, struct end *end)
{
	if (!end->stream)
		return;
	if (end->wrote + end->read >= end->reset_at) {
		stop_end(sim, end, true);
		return;
	}
	if (!end->finished)
		write_some(sim, side, end);
	if (draw(sim, sim->sides[side].slow) == 0)
		read_some(sim, side, end);
	if (muxer_ended(end->stream) && end->finished) {
		expect(sim, end->read == sim->lengths[!side][end->number], "ended early");
		stop_end(sim, end, false);
	}
}

/* ---- a side ---- */

/* Its number goes by the order of opening: a client's id tells it, and a server's. */
static unsigned number_of(const struct muxer_stream *stream)
{
	unsigned half = STREAMS / 2, index = (unsigned)(stream->id - 1) / 2;

	return stream->id & 1 ? index : half + index;
}

static void events(struct sim *sim, unsigned side)
{
	struct muxer_event event;

	while ((event = muxer_next(sim->sides[side].m)).what != MUXER_NOTHING) {
		if (event.what == MUXER_STREAM)
			start_end(sim, side, number_of(event.stream), event.stream);
		else if (event.what == MUXER_RESET)
			stop_end(sim, event.stream->user, true);
		else
			expect(sim, event.what != MUXER_GO_AWAY, "a go-away");
	}
}

static void open_some(struct sim *sim, unsigned side)
{
	struct muxer_stream *stream;

	if (draw(sim, 4) || sim->sides[side].m->streams >= 10)
		return;
	for (unsigned i = 0; i < STREAMS / 2; i++) {
		unsigned number = side * STREAMS / 2 + i;

		if (sim->sides[side].ends[number].stream || sim->sides[side].ends[number].over)
			continue;
		if (muxer_open(sim->sides[side].m, &stream))
			return;
		expect(sim, number_of(stream) == number, "an id out of order");
		start_end(sim, side, number, stream);
		return;
	}
}

static void send_some(struct sim *sim, unsigned side)
{
	struct side *own = &sim->sides[side];
	struct vd_bytes out = muxer_next_output(own->m, sim->now);
	size_t room = own->pipe_cap - own->pipe_len, len = out.len < room ? out.len : room;

	if (!len)
		return;
	len = (size_t)draw(sim, len) + 1;
	memcpy(own->pipe + own->pipe_len, out.at, len);
	own->pipe_len += len;
	muxer_sent(own->m, len);
}

static void receive_some(struct sim *sim, unsigned side)
{
	struct side *own = &sim->sides[side], *other = &sim->sides[!side];
	size_t len = other->pipe_len ? (size_t)draw(sim, other->pipe_len) + 1 : 0, used;

	expect(sim, !muxer_receive(own->m, vd_bytes(other->pipe, len), &used, sim->now),
	       "a session failed");
	memmove(other->pipe, other->pipe + used, other->pipe_len - used);
	other->pipe_len -= used;
	expect(sim, yamux_buffered(own->m) <= own->config.buffered_max, "too much is buffered");
	expect(sim, yamux_counts(own->m).cut == 0, "a stream was cut");
}

static void turn(struct sim *sim, unsigned side)
{
	switch (draw(sim, 5)) {
	case 0: open_some(sim, side); break;
	case 1: turn_of(sim, side, &sim->sides[side].ends[draw(sim, STREAMS)]); break;
	case 2: events(sim, side); break;
	case 3: send_some(sim, side); break;
	default: receive_some(sim, side); break;
	}
	if (sim->now >= muxer_deadline(sim->sides[side].m))
		expect(sim, !muxer_expire(sim->sides[side].m, sim->now), "a peer seemed silent");
}

/* ---- a seed ---- */

static bool over(const struct sim *sim)
{
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = 0; i < STREAMS; i++)
			if (!sim->sides[side].ends[i].over && !sim->was_reset[i])
				return false;
		if (sim->sides[side].m->streams)
			return false;
	}
	return true;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void start(struct sim *sim)
{
	uint64_t longest = draw(sim, 5) ? 20000 : 1000000, narrowest = UINT64_MAX;

	for (unsigned side = 0; side < 2; side++) {
		struct side *own = &sim->sides[side];

		own->config = yamux_defaults;
		own->config.window_max = (uint32_t)YAMUX_WINDOW << draw(sim, 4);
		own->config.send_buffer = 1 + (uint32_t)draw(sim, 100000);
		own->pipe_cap = 1 + (size_t)draw(sim, PIPE_MAX);
		own->slow = 1 + (unsigned)draw(sim, 20);
		own->m = yamux_new(&own->config, side ? YAMUX_SERVER : YAMUX_CLIENT, sim->now);
		narrowest = smaller(narrowest, smaller(own->pipe_cap, own->config.send_buffer));
	}
	sim->tick = (1 + smaller(narrowest, 1000)) * (VD_NS_PER_MS / 1000);
	for (unsigned i = 0; i < 2 * STREAMS; i++)
		sim->lengths[i / STREAMS][i % STREAMS] =
		    draw(sim, smaller(longest, 500 * narrowest));
}

static const char *run(uint64_t seed)
{
	struct sim *sim = calloc(1, sizeof *sim);
	const char *wrong;

	sim->seed = seed;
	sim->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	start(sim);
	for (unsigned step = 0; step < STEPS && !sim->wrong; step++) {
		turn(sim, (unsigned)draw(sim, 2));
		sim->now += draw(sim, sim->tick);
		if (step % 1024 == 0 && over(sim))
			break;
	}
	expect(sim, over(sim), "it did not end");
	wrong = sim->wrong;
	muxer_free(sim->sides[0].m);
	muxer_free(sim->sides[1].m);
	free(sim);
	return wrong;
}

int main(int argc, char **argv)
{
	return vd_init() ? 1 : seeds_main(argc, argv, 400, run);
}
