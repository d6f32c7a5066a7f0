/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Programs that call whatever they may, whenever they may: three hosts on one loop, each with a
 * program that draws what it does next, from the loop and from within any callback. Whatever they
 * do, each dial, ping, stream and connection that was begun ends once, a dial that was canceled is
 * not answered, no byte is another than was written, and nothing is left of hosts that were freed,
 * nor counted by their limits.
 *
 * The order of events is the kernel's too, so a seed does not bring all of a failure back.
 * MONKEY_SEEDS=N runs so many, from MONKEY_SEED on.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/init.h"
#include "controlplane/host/host.h"
#include "controlplane/host/limits.h"
#include "controlplane/proto/pnet_key.h"
#include "tests/unit/host/with_peer.h"

enum { HOSTS = 3, STREAMS = 64, TURNS = 4000, DEPTH_MAX = 3, SEEDS = 4 };

struct program;

struct end { /* of a stream, whichever side */
	struct program *program;
	struct host_stream *stream; /* NULL: free */
	uint64_t wrote, read;
	bool finished, ours;
};

struct program {
	struct host *host;
	struct vd_identity identity;
	struct vd_multiaddr address;
	struct end ends[STREAMS];
	unsigned dials, dials_ended, pings, pings_ended;
	unsigned opened, closed; /* connections */
};

static struct program programs[HOSTS];
static uv_loop_t loop;
static uv_timer_t tick;
static uint64_t random_state;
static unsigned depth;
static uint64_t bytes_read, streams_ended;
static struct host_limits *limits;
static const struct pnet_key key = { { 1, 2, 3 } };
static bool is_private; /* all of them in the network of that key */

static const char *const ids[] = { "/monkey/1", NULL };
static const char *const two_ids[] = { "/nobody/1", "/monkey/1", NULL };

static uint64_t draw(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8));
}

static void act(struct program *program);

static void maybe_act(struct program *program)
{
	if (depth >= DEPTH_MAX || draw(3))
		return;
	depth++;
	act(program);
	depth--;
}

/* ---- streams ---- */

static struct end *free_end(struct program *program)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (!program->ends[i].stream)
			return &program->ends[i];
	return NULL;
}

static struct end *some_end(struct program *program)
{
	struct end *end = &program->ends[draw(STREAMS)];

	return end->stream ? end : NULL;
}

static void on_stream_closed(struct host_stream *stream, enum vd_err err)
{
	struct end *end = host_stream_user(stream);

	cr_assert(err != VD_OK);
	cr_assert(end->stream == stream);
	end->stream = NULL;
	streams_ended++;
	maybe_act(end->program);
}

static void read_some(struct end *end)
{
	struct vd_bytes in = host_stream_read(end->stream);
	size_t len = in.len ? (size_t)draw(in.len) + 1 : 0;

	for (size_t i = 0; i < len; i++)
		cr_assert(in.at[i] == pattern(end->read + i));
	host_stream_taken(end->stream, len);
	end->read += len;
	bytes_read += len;
}

static void write_some(struct end *end)
{
	static uint8_t out[70000];
	size_t len = (size_t)draw(draw(4) ? 2000 : sizeof out), took = 0;
	enum vd_err err;

	for (size_t i = 0; i < len; i++)
		out[i] = pattern(end->wrote + i);
	err = host_stream_write(end->stream, vd_bytes(out, len), &took);
	cr_assert(err == VD_OK || err == VD_AGAIN || err == VD_ELINK_CLOSED ||
		  (err == VD_EBUG_STATE && end->finished));
	end->wrote += took;
}

static void on_stream(struct host_stream *stream)
{
	struct end *end = host_stream_user(stream);

	if (!end->stream)
		return;
	read_some(end);
	if (host_stream_ended(stream) && !draw(2)) {
		end->stream = NULL;
		host_stream_close(stream);
		streams_ended++;
		return;
	}
	if (draw(2))
		write_some(end);
	maybe_act(end->program);
}

static const struct host_stream_class calls = { .opened = on_stream,
						.readable = on_stream,
						.writable = on_stream,
						.closed = on_stream_closed };

static void use_stream(struct end *end, struct program *program, struct host_stream *stream)
{
	*end = (struct end){ .program = program, .stream = stream };
}

static void on_accept(void *context, struct host_stream *stream)
{
	struct program *program = context;
	struct end *end = free_end(program);

	if (!end) {
		host_stream_reset(stream);
		return;
	}
	use_stream(end, program, stream);
	host_stream_use(stream, &calls, end);
	maybe_act(program);
}

static void act_on_stream(struct end *end)
{
	struct host_stream *stream = end->stream;

	switch (draw(9)) {
	case 0:
	case 1: write_some(end); break;
	case 2:
	case 3: read_some(end); break;
	case 4:
		host_stream_finish(stream);
		end->finished = true;
		break;
	case 5: host_stream_until(stream, draw(2) ? VD_NEVER : vd_now() + VD_MS(draw(200))); break;
	case 6:
		end->stream = NULL;
		streams_ended++;
		host_stream_reset(stream);
		break;
	case 7:
		end->stream = NULL;
		streams_ended++;
		host_stream_close(stream);
		break;
	default:
		if (draw(2))
			break;
		end->stream = NULL;
		streams_ended++;
		host_stream_release(stream);
		break;
	}
}

/* ---- connections ---- */

static struct host_conn *some_conn(struct program *program)
{
	return host_connection(program->host, &programs[draw(HOSTS)].identity.id);
}

static void open_stream(struct program *program)
{
	struct host_conn *conn = some_conn(program);
	struct end *end = free_end(program);
	struct host_stream *stream;
	enum vd_err err;

	if (!conn || !end)
		return;
	err = host_open(conn, draw(3) ? ids : two_ids, &calls, end, &stream);
	cr_assert(err == VD_OK || err == VD_ELINK_CLOSED || err == VD_ELIMIT);
	if (!err)
		use_stream(end, program, stream);
}

static void on_pong(void *context, enum vd_err err, vd_ns rtt)
{
	struct program *program = context;

	cr_assert(eq(int, err == VD_OK, rtt > 0));
	program->pings_ended++;
	maybe_act(program);
}

static void ping(struct program *program)
{
	struct host_conn *conn = some_conn(program);

	if (conn && !host_ping(conn, on_pong, program))
		program->pings++;
}

static void on_dial(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct program *program = context;

	cr_assert(eq(int, conn != NULL, err == VD_OK));
	cr_assert(conn || why);
	program->dials_ended++;
	maybe_act(program);
}

static void dial(struct program *program)
{
	const struct program *to = &programs[draw(HOSTS)];

	program->dials++;
	if (host_dial(program->host, &to->address, on_dial, program))
		program->dials--;
}

/* One that is asked for and not answered is found, whatever is under way. */
static void cancel(struct program *program)
{
	if (program->dials == program->dials_ended)
		return;
	host_dial_cancel(program->host, on_dial, program);
	program->dials--;
}

static void disconnect(struct program *program)
{
	struct host_conn *conn = some_conn(program);

	if (conn && draw(2))
		host_disconnect(conn);
	else if (conn)
		host_conn_retire(conn, draw(2) ? 0 : draw(VD_MS(5)));
}

static void on_opened(void *context, struct host_conn *conn)
{
	struct program *program = context;

	program->opened++;
	if (draw(10) == 0)
		host_disconnect(conn);
	else
		maybe_act(program);
}

static void on_closed(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct program *program = context;

	(void)conn;
	(void)err;
	cr_assert(why != NULL);
	program->closed++;
	maybe_act(program);
}

static void on_identified(void *context, struct host_conn *conn, struct vd_bytes told)
{
	(void)conn;
	cr_assert(told.len > 0);
	maybe_act(context);
}

/* The peer goes; so does this side now and then, at once. */
static void on_going_away(void *context, struct host_conn *conn)
{
	if (draw(3) == 0)
		host_disconnect(conn);
	else
		maybe_act(context);
}

static const struct host_protocol now_and_then = { "/sometimes/1", NULL, NULL, NULL };

static void act(struct program *program)
{
	struct end *end = some_end(program);

	switch (draw(16)) {
	case 0: dial(program); break;
	case 1:
	case 2:
	case 3: open_stream(program); break;
	case 4: ping(program); break;
	case 5:
		if (!draw(8))
			disconnect(program);
		else if (!draw(4))
			cancel(program);
		break;
	case 6:
		if (draw(2))
			(void)host_handle(program->host, &now_and_then);
		else
			host_unhandle(program->host, "/sometimes/1");
		break;
	default:
		if (end)
			act_on_stream(end);
		break;
	}
}

/* ---- the rig ---- */

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void begin(struct program *program)
{
	const struct host_config config = {
		.loop = &loop,
		.limits = limits,
		.no_noise = draw(4) == 0,
		.network_key = is_private ? &key : NULL,
		.idle_within = VD_MS(20 + draw(1000)),
		.identity = &program->identity,
		.retire_after = VD_MS(1 + draw(20)),
		.events = { .opened = on_opened,
			    .closed = on_closed,
			    .identified = on_identified,
			    .going_away = on_going_away,
			    .context = program },
	};
	const struct host_protocol monkey = { ids[0], on_accept, program };
	struct vd_multiaddr bound[HOST_LISTEN_MAX];
	char why[HOST_WHY];

	*program = (struct program){ 0 };
	vd_identity_generate(&program->identity);
	cr_assert(eq(int, host_new(&config, &program->host), VD_OK));
	cr_assert(eq(int, host_handle(program->host, &monkey), VD_OK));
	cr_assert(eq(int, host_listen_text(program->host, "/ip4/127.0.0.1/tcp/0", why), VD_OK));
	cr_assert(eq(sz, host_listens(program->host, bound), 1));
	program->address = with_peer(&bound[0], &program->identity.id);
}

static void end_all(void)
{
	depth = DEPTH_MAX; /* watch only */
	for (unsigned i = 0; i < HOSTS; i++)
		host_free(programs[i].host);
	for (unsigned i = 0; i < HOSTS; i++) {
		const struct program *program = &programs[i];

		cr_assert(eq(uint, program->opened, program->closed));
		cr_assert(eq(uint, program->dials, program->dials_ended));
		cr_assert(eq(uint, program->pings, program->pings_ended));
		for (unsigned k = 0; k < STREAMS; k++)
			cr_assert(program->ends[k].stream == NULL);
	}
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_assert(eq(int, uv_loop_close(&loop), 0));
}

static void run(uint64_t seed)
{
	const struct host_limits_config few = { .connections = 16,
						.negotiating = 4,
						.peer_streams = 12,
						.protocol_streams = 40,
						.buffered_bytes = 1 << 20 };
	struct host_limits_used used;

	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	bytes_read = streams_ended = 0;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	is_private = draw(3) == 0;
	cr_assert(eq(int, host_limits_new(draw(2) ? &few : NULL, &limits), VD_OK));
	for (unsigned i = 0; i < HOSTS; i++)
		begin(&programs[i]);
	depth = 0;
	for (unsigned i = 0; i < TURNS; i++) {
		act(&programs[draw(HOSTS)]);
		if (!draw(4))
			uv_run(&loop, draw(8) ? UV_RUN_NOWAIT : UV_RUN_ONCE);
	}
	end_all();
	used = host_limits_used(limits);
	cr_assert(eq(u32, used.connections[0] + used.connections[1], 0));
	cr_assert(eq(u32, used.negotiating[0] + used.negotiating[1] + used.streams, 0));
	cr_assert(eq(u64, used.buffered_bytes, 0));
	host_limits_free(limits);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

Test(monkey, whatever_programs_call_each_thing_begun_ends_once, .timeout = 3600)
{
	uint64_t first = number_of("MONKEY_SEED", 1), count = number_of("MONKEY_SEEDS", SEEDS);

	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, vd_init(), VD_OK));
	for (uint64_t seed = first; seed < first + count; seed++) {
		printf("seed %" PRIu64 "\n", seed);
		fflush(stdout);
		run(seed);
		cr_assert(gt(u64, bytes_read, 0));
		cr_assert(gt(u64, streams_ended, 0));
	}
}
