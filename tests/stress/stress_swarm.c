/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * stress_swarm: two swarms of two stream threads each, in one process, on one control thread. It
 * dials both ways at once, pings, measures, disconnects, adds and drops protocols and reads
 * counters as fast as answers come; every call has to be answered once. Then both go down with
 * all that under way.
 *
 *	stress_swarm [bug]
 *
 * The planted bug, which ThreadSanitizer has to see: the control thread looks into a stream
 * thread's host by itself.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/init.h"
#include "controlplane/host/perf.h"
#include "controlplane/host/swarm.h"

enum { ROUNDS = 4, OPERATIONS = 3000, UNDER_WAY = 64, THREADS = 2 };

struct side {
	struct vd_identity identity;
	struct swarm *swarm;
	struct vd_multiaddr address;
	struct host *host; /* one of its stream threads' */
	uint64_t opened, closed;
};

static uv_loop_t loop;
static struct side sides[2];
static unsigned asked, answered;
static uint64_t connections, streams, bytes; /* of all that were */
static uint32_t state = 1;
static bool bug;

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "stress_swarm: %s\n", what);
	exit(1);
}

static void must(enum vd_err err, const char *what)
{
	if (err)
		fail(what);
}

static uint32_t draw(uint32_t below)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 12) % below;
}

/* ---- what is told ---- */

static void on_opened(void *context, const struct swarm_conn *conn)
{
	(void)conn;
	((struct side *)context)->opened++;
}

static void on_closed(void *context, const struct swarm_conn *conn, enum vd_err err,
		      const char *why)
{
	(void)conn;
	(void)err;
	(void)why;
	((struct side *)context)->closed++;
}

static void on_dial(void *context, const struct swarm_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	(void)why;
	answered++;
	if (!conn == !err)
		fail("a dial made neither a connection nor an error");
}

static void on_ping(void *context, enum vd_err err, vd_ns rtt)
{
	(void)context;
	(void)err;
	(void)rtt;
	answered++;
}

static void on_perf(void *context, enum vd_err err)
{
	(void)context;
	(void)err;
	answered++;
}

/* ---- life ---- */

static struct vd_multiaddr with_peer(struct vd_multiaddr address, const struct vd_peer_id *peer)
{
	struct vd_write w =
	    vd_write_to(address.bytes + address.len, sizeof address.bytes - address.len);

	vd_write_uvarint(&w, VD_MA_P2P);
	vd_write_uvarint(&w, peer->len);
	vd_write_bytes(&w, vd_peer_id_bytes(peer));
	address.len = (uint16_t)(address.len + vd_write_len(&w));
	return address;
}

static void serve(struct host *host, const void *argument)
{
	struct side *side = *(struct side *const *)argument;

	(void)host_perf_serve(host);
	if (bug)
		__atomic_store_n(&side->host, host, __ATOMIC_RELEASE);
}

ON_CONTROL static void open_side(struct side *side)
{
	struct swarm_config config = {
		.host = { .loop = &loop,
			  .identity = &side->identity,
			  .agent = "stress/1",
			  .retire_after = VD_MS(1) },
		.threads = THREADS,
	};
	struct swarm_events events = { .opened = on_opened, .closed = on_closed, .context = side };
	struct vd_multiaddr any, bound[HOST_LISTEN_MAX];
	char why[HOST_WHY];

	*side = (struct side){ 0 };
	vd_identity_generate(&side->identity);
	must(swarm_new(&config, &side->swarm), "no swarm");
	must(swarm_watch(side->swarm, &events), "no watch");
	must(swarm_each_host(side->swarm, serve, &side, sizeof side), "no calls");
	must(vd_multiaddr_of_text("/ip4/127.0.0.1/tcp/0", &any), "no address");
	must(swarm_listen(side->swarm, &any, why), why);
	if (swarm_listens(side->swarm, bound) != 1)
		fail("not one address");
	side->address = with_peer(bound[0], &side->identity.id);
}

ON_CONTROL static void close_side(struct side *side)
{
	struct host_counters counters = swarm_counters(side->swarm).hosts;

	connections += counters.dialled;
	streams += counters.streams_in;
	bytes += counters.bytes_in;
	swarm_free(side->swarm);
	if (side->opened != side->closed)
		fail("connections were opened and not closed");
}

/* ---- operations ---- */

static void accept_nothing(void *context, struct host_stream *stream)
{
	(void)context;
	host_stream_reset(stream);
}

ON_CONTROL static void change_protocols(struct side *side)
{
	static const struct host_protocol protocol = { "/stress/1", accept_nothing, NULL };

	if (swarm_handle(side->swarm, &protocol))
		(void)swarm_unhandle(side->swarm, protocol.id);
}

static void look_at(void *context, const struct swarm_conn *conn)
{
	*(uint64_t *)context += conn->info.streams + conn->info.rtt;
}

ON_CONTROL static void look_around(struct side *side)
{
	uint64_t sum = swarm_counters(side->swarm).hosts.bytes_in;

	swarm_each(side->swarm, look_at, &sum);
	if (sum == UINT64_MAX)
		fail("cannot be");
}

/* The planted bug. */
static void look_into(struct side *side)
{
	const struct host *host = __atomic_load_n(&side->host, __ATOMIC_ACQUIRE);

	if (host && host_connection_count(host) == UINT32_MAX)
		fail("cannot be");
}

/* Both sides dial, and perhaps one thinks better of it. */
ON_CONTROL static void dial_both(void)
{
	uint64_t dial = 0;

	for (unsigned i = 0; i < 2; i++) {
		enum vd_err err =
		    swarm_dial(sides[i].swarm, &sides[!i].address, on_dial, NULL, &dial);

		must(err, "no dial");
		asked++;
	}
	if (draw(8) == 0) {
		swarm_dial_cancel(sides[1].swarm, dial);
		answered++; /* by nobody */
	}
}

ON_CONTROL static void use(struct side *side, uint64_t id)
{
	switch (draw(40)) {
	case 0: swarm_disconnect(side->swarm, id); break;
	case 1 ... 8: asked += !swarm_perf(side->swarm, id, draw(300000), 10, on_perf, NULL); break;
	case 9 ... 16:
		asked += !swarm_perf(side->swarm, id, 10, draw(300000), on_perf, NULL);
		break;
	default: asked += !swarm_ping(side->swarm, id, on_ping, NULL); break;
	}
}

ON_CONTROL static void operate(void)
{
	unsigned i = draw(2);
	struct side *side = &sides[i];
	const struct swarm_conn *conn = swarm_find(side->swarm, &sides[!i].identity.id);

	switch (draw(64)) {
	case 0: dial_both(); break;
	case 1: change_protocols(side); break;
	case 2: look_around(side); break;
	case 3: swarm_disconnect_peer(side->swarm, &sides[!i].identity.id); break;
	default:
		if (conn)
			use(side, conn->id);
		else
			dial_both();
	}
	if (bug)
		look_into(side);
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

ON_CONTROL static void run_round(void)
{
	uv_timer_t tick; /* bounds a turn without events */

	uv_loop_init(&loop);
	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	for (unsigned i = 0; i < 2; i++)
		open_side(&sides[i]);
	for (unsigned i = 0; i < OPERATIONS;) {
		for (; i < OPERATIONS && asked - answered < UNDER_WAY; i++)
			operate();
		uv_run(&loop, UV_RUN_ONCE);
	}
	for (unsigned i = 0; i < 2; i++)
		close_side(&sides[i]);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop))
		fail("a handle is left");
	if (asked != answered)
		fail("something was asked and not answered once");
}

int main(int argc, char **argv)
{
	vd_role_control();
	bug = argc > 1 && strcmp(argv[1], "bug") == 0;
	signal(SIGPIPE, SIG_IGN);
	must(vd_init(), "no randomness");
	for (unsigned i = 0; i < ROUNDS; i++)
		run_round();
	if (!connections || !streams)
		fail("nothing was done");
	printf("stress_swarm: %u calls answered; %lu connections, %lu streams, %lu bytes\n",
	       answered, connections, streams, bytes);
	return 0;
}
