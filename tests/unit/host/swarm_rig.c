/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/unit/host/swarm_rig.h"

#include "controlplane/proto/identify_stream.h"
#include "tests/unit/host/with_peer.h"

uv_loop_t loop;
static uv_timer_t tick;
struct side sides[SIDES];
struct side *const a = &sides[0], *const b = &sides[1];
struct said said;

/* ---- watching ---- */

static void on_opened(void *context, const struct swarm_conn *conn)
{
	struct side *side = context;

	side->opened++;
	side->last = conn->id;
}

static void on_identified(void *context, const struct swarm_conn *conn, struct vd_bytes told)
{
	struct side *side = context;
	struct identify message;

	cr_assert(eq(int, identify_stream_read(told, &message), VD_OK));
	cr_assert(eq(str, (char *)conn->info.agent, (char *)"tester/1"));
	cr_assert(eq(sz, message.addresses_count, 1)); /* also on stream threads */
	side->identified++;
	side->knows_agent = vd_bytes_equal(message.agent, vd_bytes_of_text("tester/1"));
}

static void on_pinged(void *context, const struct swarm_conn *conn, vd_ns rtt)
{
	struct side *side = context;

	(void)conn;
	side->pinged += rtt > 0;
}

static void on_closed(void *context, const struct swarm_conn *conn, enum vd_err err,
		      const char *why)
{
	struct side *side = context;

	cr_assert(why != NULL);
	side->closed++;
	side->last = conn->id;
	side->err = err;
}

void on_dial(void *context, const struct swarm_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	said.count++;
	said.err = err;
	said.id = conn ? conn->id : 0;
	snprintf(said.why, sizeof said.why, "%s", why ? why : "");
}

void on_ping(void *context, enum vd_err err, vd_ns rtt)
{
	(void)context;
	said.count++;
	said.err = err;
	said.rtt = rtt;
}

void on_perf(void *context, enum vd_err err)
{
	(void)context;
	said.count++;
	said.err = err;
}

/* ---- the rig ---- */

static void on_tick(uv_timer_t *timer)
{
	(void)timer; /* bounds a turn without events */
}

void turn(void)
{
	uv_run(&loop, UV_RUN_ONCE);
}

void until(unsigned count)
{
	for (unsigned i = 0; said.count < count && i < TURNS; i++)
		turn();
	cr_assert(eq(uint, said.count, count));
}

void open_side(struct side *side, unsigned threads, vd_ns retire_after)
{
	struct swarm_config config = {
		.host = { .loop = &loop,
			  .identity = &side->identity,
			  .agent = "tester/1",
			  .retire_after = retire_after },
		.threads = threads,
	};
	struct swarm_events events = { .opened = on_opened,
				       .identified = on_identified,
				       .pinged = on_pinged,
				       .closed = on_closed,
				       .context = side };
	struct vd_multiaddr any, bound[HOST_LISTEN_MAX];
	char why[HOST_WHY];

	*side = (struct side){ 0 };
	vd_identity_generate(&side->identity);
	cr_assert(eq(int, swarm_new(&config, &side->swarm), VD_OK));
	cr_assert(eq(int, swarm_watch(side->swarm, &events), VD_OK));
	cr_assert(eq(int, vd_multiaddr_of_text("/ip4/127.0.0.1/tcp/0", &any), VD_OK));
	cr_assert(eq(int, swarm_listen(side->swarm, &any, why), VD_OK));
	cr_assert(eq(sz, swarm_listens(side->swarm, bound), 1));
	side->address = with_peer(&bound[0], &side->identity.id);
}

void begin_loop(void)
{
	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, vd_init(), VD_OK));
	uv_loop_init(&loop);
	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	said.count = 0;
}

void begin(unsigned threads)
{
	begin_loop();
	open_side(a, threads, VD_MS(20));
	open_side(b, threads, VD_MS(20));
}

void end_loop(void)
{
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_assert(eq(int, uv_loop_close(&loop), 0)); /* no handle is left */
}

void end(void)
{
	swarm_free(a->swarm);
	swarm_free(b->swarm);
	cr_assert(eq(uint, a->opened, a->closed)); /* each was told twice */
	cr_assert(eq(uint, b->opened, b->closed));
	end_loop();
}

void dial_b(void)
{
	unsigned count = said.count;

	cr_assert(eq(int, swarm_dial(a->swarm, &b->address, on_dial, NULL, NULL), VD_OK));
	until(count + 1);
	cr_assert(eq(int, said.err, VD_OK));
	TURN_UNTIL(b->opened > 0);
}

void ping_b(uint64_t id)
{
	unsigned count = said.count;

	cr_assert(eq(int, swarm_ping(a->swarm, id, on_ping, NULL), VD_OK));
	until(count + 1);
	cr_assert(eq(int, said.err, VD_OK));
}

int deaf(struct vd_multiaddr *address_out, const struct vd_peer_id *peer)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	struct vd_multiaddr plain;
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	cr_assert(eq(int, bind(fd, (struct sockaddr *)&at, sizeof at), 0));
	cr_assert(eq(int, listen(fd, 8), 0));
	cr_assert(eq(int, getsockname(fd, (struct sockaddr *)&at, &len), 0));
	cr_assert(eq(int, vd_multiaddr_of_text("/ip4/127.0.0.1/tcp/1", &plain), VD_OK));
	vd_be16_store(plain.bytes + 6, ntohs(at.sin_port));
	*address_out = with_peer(&plain, peer);
	return fd;
}

bool has_ended(int fd)
{
	char bytes[512];
	ssize_t got;

	do
		got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	while (got > 0);
	return got == 0;
}

static void serve_here(struct host *host, const void *argument)
{
	(void)argument;
	(void)host_perf_serve(host);
}

void serve_perf(struct side *side)
{
	cr_assert(eq(int, swarm_each_host(side->swarm, serve_here, NULL, 0), VD_OK));
}

/* ---- a stream that stays ---- */

static const char *const hold_ids[] = { "/hold/1", NULL };

static void ignore_it(struct host_stream *stream)
{
	(void)stream;
}

_Atomic unsigned holds_refused;

static void note_refused(struct host_stream *stream, enum vd_err err)
{
	(void)stream;
	holds_refused += err == VD_EPEER_REFUSED;
}

static const struct host_stream_class holding = { .readable = ignore_it, .closed = note_refused };

static void accept_hold(void *context, struct host_stream *stream)
{
	(void)context;
	host_stream_use(stream, &holding, NULL);
}

const struct host_protocol hold_protocol = { "/hold/1", accept_hold, NULL };

static void run_hold(struct swarm_task *task, struct host_conn *conn)
{
	struct hold *hold = (struct hold *)task;

	if (hold->end && hold->stream)
		host_stream_reset(hold->stream);
	else
		hold->err = conn ? host_open(conn, hold_ids, &holding, NULL, &hold->stream)
				 : VD_ELINK_CLOSED;
	swarm_task_done(task);
}

void hold_done(struct swarm_task *task)
{
	said.count++;
	said.err = ((struct hold *)task)->err;
}

void submit_hold(struct hold *hold, uint64_t id)
{
	unsigned count = said.count;

	hold->task.run = run_hold;
	hold->task.done = hold_done;
	cr_assert(eq(int, swarm_submit(a->swarm, id, &hold->task), VD_OK));
	until(count + 1);
	cr_assert(eq(int, said.err, VD_OK));
}
