/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One yamux stream over a path with a rate and a delay, in virtual time: does its window come to
 * hold what fits the way?
 *
 *	writer -> side 0  ===== rate, rtt / 2 ====>  side 1 -> reader, who takes all at once
 *	                  <==== rate, rtt / 2 =====
 *
 * Each row is a fresh session with the limits that a host has (yamux_defaults), once with the
 * dialling side as the writer and once with the other. After 10 round trips the reader gets at
 * least ENOUGH percent of the path's rate, in the next 5; and less than that with windows that
 * cannot grow, or the row would prove nothing. As half of a window is granted again at a time,
 * the path's product of rate and round trip may be up to half of the largest window.
 *
 *	sim_yamux_rate
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/yamux.h"

enum { GROWS_FOR = 10, LOOKED_AT = 5, ENOUGH = 80, BLOCK = 65536 };
static const vd_ns tick = VD_MS(1) / 5, least = VD_MS(500);

struct row {
	unsigned mbit, rtt_ms;
};

static const struct row rows[] = {
	{ 200, 20 }, { 100, 50 },  { 100, 100 }, { 100, 200 },
	{ 500, 80 }, { 1000, 60 }, { 100, 600 },
};

/* What is on its way, from one side to the other. */
struct pipe {
	uint8_t *bytes; /* a ring */
	size_t cap, head, len;
	size_t arrived; /* of len: at the other end */
	size_t *sent;   /* [delay]: how much each tick of the last ones sent */
	size_t delay, at;
	size_t budget; /* of a tick */
};

struct side {
	struct muxer *m;
	struct muxer_stream *stream;
	struct pipe out;
};

struct sim {
	struct side sides[2];
	unsigned writer;
	vd_ns now;
	vd_ns from;     /* when to begin to count */
	uint64_t taken; /* by the reader, since */
	const char *wrong;
};

static void expect(struct sim *sim, bool holds, const char *what)
{
	if (!holds && !sim->wrong)
		sim->wrong = what;
}

/* ---- the path ---- */

static void pipe_init(struct pipe *pipe, const struct row *row)
{
	uint64_t rate = (uint64_t)row->mbit * 1000000 / 8;

	pipe->budget = (size_t)(rate * tick / VD_SECONDS(1));
	pipe->delay = (size_t)(VD_MS(1) * row->rtt_ms / 2 / tick);
	pipe->sent = calloc(pipe->delay, sizeof *pipe->sent);
	pipe->cap = pipe->budget * (pipe->delay + 2);
	pipe->bytes = malloc(pipe->cap);
}

static void pipe_push(struct pipe *pipe, struct vd_bytes in)
{
	for (size_t done = 0; done < in.len;) {
		size_t at = (pipe->head + pipe->len) % pipe->cap, len = in.len - done;

		if (len > pipe->cap - at)
			len = pipe->cap - at;
		memcpy(pipe->bytes + at, in.at + done, len);
		pipe->len += len;
		done += len;
	}
}

/* As much as the rate allows in a tick, and as there is room: who does not read holds it up. */
static void send_tick(struct sim *sim, struct side *side)
{
	struct pipe *pipe = &side->out;
	size_t left = pipe->budget, room = pipe->cap - pipe->len;

	left = left < room ? left : room;
	pipe->arrived += pipe->sent[pipe->at];
	pipe->sent[pipe->at] = 0;
	while (left) {
		struct vd_bytes out = muxer_next_output(side->m, sim->now);
		size_t len = out.len < left ? out.len : left;

		if (!len)
			break;
		pipe_push(pipe, vd_bytes(out.at, len));
		muxer_sent(side->m, len);
		pipe->sent[pipe->at] += len;
		left -= len;
	}
	pipe->at = (pipe->at + 1) % pipe->delay;
}

static void receive_tick(struct sim *sim, struct side *side, struct pipe *in)
{
	size_t used = 1;

	while (in->arrived && used && !sim->wrong) {
		size_t len = in->arrived;

		if (len > in->cap - in->head)
			len = in->cap - in->head;
		expect(
		    sim,
		    !muxer_receive(side->m, vd_bytes(in->bytes + in->head, len), &used, sim->now),
		    "a session failed");
		in->head = (in->head + used) % in->cap;
		in->len -= used;
		in->arrived -= used;
	}
}

/* ---- the ends ---- */

static void write_all(struct sim *sim, struct muxer_stream *stream)
{
	static const uint8_t block[BLOCK];
	size_t took = BLOCK;

	while (took == BLOCK) {
		enum vd_err err = muxer_write(stream, vd_bytes(block, BLOCK), &took);

		expect(sim, !err || err == VD_AGAIN, "a write failed");
	}
}

static void read_all(struct sim *sim, struct muxer_stream *stream)
{
	size_t len = muxer_read(stream).len;

	muxer_taken(stream, len);
	if (sim->now >= sim->from)
		sim->taken += len;
}

static void turn(struct sim *sim, unsigned number)
{
	struct side *side = &sim->sides[number];
	struct muxer_event event;

	receive_tick(sim, side, &sim->sides[!number].out);
	while ((event = muxer_next(side->m)).what != MUXER_NOTHING) {
		expect(sim, event.what != MUXER_RESET && event.what != MUXER_GO_AWAY, "an end");
		if (event.what == MUXER_STREAM)
			side->stream = event.stream;
	}
	if (side->stream && number == sim->writer)
		write_all(sim, side->stream);
	else if (side->stream)
		read_all(sim, side->stream);
	if (sim->now >= muxer_deadline(side->m))
		expect(sim, !muxer_expire(side->m, sim->now), "a peer seemed silent");
	send_tick(sim, side);
}

/* ---- a row ---- */

static vd_ns round_trips(const struct row *row, unsigned count)
{
	vd_ns time = VD_MS(row->rtt_ms) * count;

	return time > least ? time : least;
}

/* Of the path's rate, in percent. */
static unsigned run(const struct row *row, uint32_t window_max, unsigned writer, const char **wrong)
{
	struct yamux_config config = yamux_defaults;
	struct sim sim = { .writer = writer, .from = round_trips(row, GROWS_FOR) };
	vd_ns until = sim.from + round_trips(row, LOOKED_AT);
	uint64_t most = (uint64_t)row->mbit * (until - sim.from) / 8 / 1000;

	config.window_max = window_max;
	for (unsigned i = 0; i < 2; i++) {
		sim.sides[i].m = yamux_new(&config, i ? YAMUX_SERVER : YAMUX_CLIENT, 0);
		pipe_init(&sim.sides[i].out, row);
	}
	expect(&sim, !muxer_open(sim.sides[0].m, &sim.sides[0].stream), "no stream");
	if (writer) /* nobody hears of a stream on which nothing was said */
		expect(&sim, !muxer_write(sim.sides[0].stream, vd_bytes("?", 1), &(size_t){ 0 }),
		       "no question");
	for (; sim.now < until && !sim.wrong; sim.now += tick) {
		turn(&sim, 0);
		turn(&sim, 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		muxer_free(sim.sides[i].m);
		free(sim.sides[i].out.bytes);
		free(sim.sides[i].out.sent);
	}
	*wrong = sim.wrong;
	return (unsigned)(sim.taken * 100 / most);
}

static bool holds(const struct row *row, unsigned writer)
{
	const char *wrong, *also_wrong;
	unsigned grown = run(row, yamux_defaults.window_max, writer, &wrong);
	unsigned fixed = run(row, YAMUX_WINDOW, writer, &also_wrong);
	bool good = grown >= ENOUGH && fixed < ENOUGH && !wrong && !also_wrong;

	printf("%s %4u Mbit/s, %3u ms, %s: %3u %%, with the first window %2u %%%s%s\n",
	       good ? "ok  " : "FAIL", row->mbit, row->rtt_ms, writer ? "down" : "up  ", grown,
	       fixed, wrong ? ": " : "", wrong ? wrong : "");
	return good;
}

int main(void)
{
	unsigned failed = 0;

	if (vd_init())
		return 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned writer = 0; writer < 2; writer++)
			failed += !holds(&rows[i], writer);
	printf("sim_yamux_rate: %u failed\n", failed);
	return failed != 0;
}
