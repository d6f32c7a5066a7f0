/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Hosts on one loop, over loopback. */
#include "controlplane/host/host.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "base/init.h"
#include "controlplane/host/perf.h"
#include "tests/unit/host/with_peer.h"

enum { TURNS = 20000, MEGABYTE = 1 << 20 };

static uv_loop_t loop;
static struct vd_identity identity_a, identity_b;
static struct host *a, *b; /* a dials b */
static struct vd_multiaddr address_b;

/* What the last dial, ping or perf said. */
static struct {
	unsigned count;
	enum vd_err err;
	struct host_conn *conn;
	vd_ns rtt;
} said;

static void on_dial(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	(void)why;
	said.count++;
	said.err = err;
	said.conn = conn;
}

static void on_ping(void *context, enum vd_err err, vd_ns rtt)
{
	(void)context;
	said.count++;
	said.err = err;
	said.rtt = rtt;
}

static void on_perf(void *context, enum vd_err err)
{
	(void)context;
	said.count++;
	said.err = err;
}

/* Turns until `count` answers came; the timer bounds a turn without events. */
static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void until(unsigned count)
{
	uv_timer_t tick;

	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	for (unsigned turn = 0; said.count < count && turn < TURNS; turn++)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_assert(eq(uint, said.count, count));
}

static void begin(bool no_noise, bool no_tls)
{
	struct host_config config = { .loop = &loop, .agent = "tester/1" };
	struct vd_multiaddr any, bound[HOST_LISTEN_MAX];
	char why[HOST_WHY];

	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, vd_init(), VD_OK));
	uv_loop_init(&loop);
	vd_identity_generate(&identity_a);
	vd_identity_generate(&identity_b);
	config.identity = &identity_a;
	config.no_noise = no_noise;
	config.no_tls = no_tls;
	cr_assert(eq(int, host_new(&config, &a), VD_OK));
	config.identity = &identity_b;
	config.no_noise = config.no_tls = false;
	cr_assert(eq(int, host_new(&config, &b), VD_OK));
	cr_assert(eq(int, vd_multiaddr_of_text("/ip4/127.0.0.1/tcp/0", &any), VD_OK));
	cr_assert(eq(int, host_listen(b, &any, why), VD_OK));
	cr_assert(eq(sz, host_listens(b, bound), 1));
	address_b = with_peer(&bound[0], &identity_b.id);
	said.count = 0;
}

static void dial(void)
{
	cr_assert(eq(int, host_dial(a, &address_b, on_dial, NULL), VD_OK));
	until(1);
	cr_assert(eq(int, said.err, VD_OK));
}

static void end(void)
{
	host_free(a);
	host_free(b);
	cr_assert(eq(int, uv_loop_close(&loop), 0)); /* no handle is left */
}

/* ---- connections ---- */

Test(host, two_hosts_connect_over_either_channel)
{
	for (unsigned noise = 0; noise < 2; noise++) {
		struct host_conn_info info;

		begin(!noise, noise);
		dial();
		host_conn_info(said.conn, &info);
		cr_assert(
		    eq(str, (char *)info.security, (char *)(noise ? "/noise" : "/tls/1.0.0")));
		cr_assert(vd_peer_id_equal(&info.peer, &identity_b.id));
		cr_assert(host_connection(a, &identity_b.id) == said.conn);
		cr_assert(eq(u64, host_counters(a)->dialled, 1));
		end();
	}
}

Test(host, a_second_dial_takes_the_open_connection)
{
	struct host_conn *first;

	begin(false, false);
	dial();
	first = said.conn;
	cr_assert(eq(int, host_dial(a, &address_b, on_dial, NULL), VD_OK));
	cr_assert(eq(uint, said.count, 2));
	cr_assert(said.conn == first);
	cr_assert(eq(u32, host_connection_count(a), 1));
	end();
}

Test(host, two_dials_at_once_share_one_connection)
{
	begin(false, false);
	cr_assert(eq(int, host_dial(a, &address_b, on_dial, NULL), VD_OK));
	cr_assert(eq(int, host_dial(a, &address_b, on_dial, NULL), VD_OK));
	until(2);
	cr_assert(eq(int, said.err, VD_OK));
	cr_assert(eq(u64, host_counters(a)->dialled, 1));
	end();
}

Test(host, another_peer_than_was_dialled_is_refused)
{
	struct vd_identity other;
	struct vd_multiaddr wrong, bound[HOST_LISTEN_MAX];

	begin(false, false);
	vd_identity_generate(&other);
	host_listens(b, bound);
	wrong = with_peer(&bound[0], &other.id);
	cr_assert(eq(int, host_dial(a, &wrong, on_dial, NULL), VD_OK));
	until(1);
	cr_assert(eq(int, said.err, VD_EPEER_AUTH));
	cr_assert(said.conn == NULL);
	cr_assert(eq(u32, host_connection_count(a), 0));
	end();
}

Test(host, an_address_nobody_listens_on_is_told)
{
	struct vd_multiaddr bound[HOST_LISTEN_MAX];

	begin(false, false);
	host_listens(b, bound);
	host_free(b);
	b = NULL;
	cr_assert(eq(int, host_dial(a, &address_b, on_dial, NULL), VD_OK));
	until(1);
	cr_assert(eq(int, said.err, VD_ELINK_CLOSED));
	cr_assert(eq(u64, host_counters(a)->dials_failed, 1));
	end();
}

Test(host, addresses_that_are_none_of_ours_are_refused)
{
	static const char *const bad[] = { "/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/1",
					   "/ip4/127.0.0.1" };
	char why[HOST_WHY];

	begin(false, false);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct vd_multiaddr address;

		cr_assert(eq(int, vd_multiaddr_of_text(bad[i], &address), VD_OK));
		cr_assert(eq(int, host_dial(a, &address, on_dial, NULL), VD_EUSER));
		if (i)
			cr_assert(eq(int, host_listen(a, &address, why), VD_EUSER));
	}
	end();
}

Test(host, an_address_in_use_is_told_with_the_cure)
{
	struct vd_multiaddr bound[HOST_LISTEN_MAX];
	char why[HOST_WHY] = "";

	begin(false, false);
	host_listens(b, bound);
	cr_assert(eq(int, host_listen(a, &bound[0], why), VD_ESYS));
	cr_assert(strstr(why, "another program") != NULL);
	end();
}

/* ---- what every host speaks ---- */

static bool knows_agent(void)
{
	struct host_conn_info info;

	host_conn_info(said.conn, &info);
	return strcmp(info.agent, "tester/1") == 0;
}

Test(host, the_other_side_tells_its_agent)
{
	begin(false, false);
	dial();
	for (unsigned turn = 0; !knows_agent() && turn < TURNS; turn++)
		uv_run(&loop, UV_RUN_ONCE);
	cr_assert(knows_agent());
	end();
}

Test(host, pings_are_answered_with_a_time)
{
	begin(false, false);
	dial();
	cr_assert(eq(int, host_ping(said.conn, on_ping, NULL), VD_OK));
	until(2);
	cr_assert(eq(int, said.err, VD_OK));
	cr_assert(gt(u64, said.rtt, 0));
	end();
}

Test(host, a_protocol_that_the_peer_has_not_is_refused)
{
	begin(false, false);
	dial();
	cr_assert(eq(int, host_perf(said.conn, 1, 1, on_perf, NULL), VD_OK));
	until(2);
	cr_assert(eq(int, said.err, VD_EPEER_REFUSED));
	cr_assert(host_connection(a, &identity_b.id) != NULL); /* the connection goes on */
	end();
}

Test(host, megabytes_go_both_ways_and_end)
{
	begin(false, false);
	cr_assert(eq(int, host_perf_serve(b), VD_OK));
	dial();
	cr_assert(eq(int, host_perf(said.conn, 8 * MEGABYTE, 8 * MEGABYTE, on_perf, NULL), VD_OK));
	until(2);
	cr_assert(eq(int, said.err, VD_OK));
	end();
}

Test(host, two_hundred_streams_are_carried_at_once)
{
	begin(false, false);
	cr_assert(eq(int, host_perf_serve(b), VD_OK));
	dial();
	for (unsigned i = 0; i < 200; i++)
		cr_assert(eq(int, host_perf(said.conn, 1000, 2000, on_perf, NULL), VD_OK));
	until(201);
	cr_assert(eq(int, said.err, VD_OK));
	end();
}

Test(host, streams_are_told_when_their_connection_is_lost)
{
	struct host_conn *conn;

	begin(false, false);
	cr_assert(eq(int, host_perf_serve(b), VD_OK));
	dial();
	conn = said.conn;
	cr_assert(eq(int, host_perf(conn, 0, UINT64_C(1) << 40, on_perf, NULL), VD_OK));
	host_disconnect(conn);
	until(2);
	cr_assert(eq(int, said.err, VD_ELINK_CLOSED));
	cr_assert(host_connection(a, &identity_b.id) == NULL);
	end();
}

/* ---- back-pressure: a stream that nobody reads holds its sender, and no other ---- */

static void never_read(struct host_stream *stream)
{
	(void)stream;
}

static const struct host_stream_class lazy = { .readable = never_read };

static void accept_lazy(void *context, struct host_stream *stream)
{
	(void)context;
	host_stream_use(stream, &lazy, NULL);
}

Test(host, a_stream_that_is_not_read_takes_no_more_than_its_windows)
{
	static const char *const ids[] = { "/lazy/1", NULL };
	static const uint8_t block[65536];
	struct host_stream *stream;
	size_t total = 0;

	begin(false, false);
	cr_assert(eq(int, host_handle(b, &(struct host_protocol){ "/lazy/1", accept_lazy, NULL }),
		     VD_OK));
	cr_assert(eq(int, host_perf_serve(b), VD_OK));
	dial();
	cr_assert(eq(int, host_open(said.conn, ids, &lazy, NULL, &stream), VD_OK));
	for (unsigned turn = 0; turn < 400; turn++) {
		size_t took = 0;

		(void)host_stream_write(stream, vd_bytes(block, sizeof block), &took);
		total += took;
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	cr_assert(gt(sz, total, 65536));
	cr_assert(lt(sz, total, MEGABYTE));
	cr_assert(eq(int, host_perf(said.conn, MEGABYTE, MEGABYTE, on_perf, NULL), VD_OK));
	until(2);
	cr_assert(eq(int, said.err, VD_OK));
	end();
}

/* ---- who is no libp2p peer ---- */

static void on_connect(uv_connect_t *connect, int status)
{
	static char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	uv_buf_t buffer = uv_buf_init(http, sizeof http - 1);

	cr_assert(eq(int, status, 0));
	uv_try_write(connect->handle, &buffer, 1);
}

Test(host, http_is_dropped_and_counted)
{
	struct vd_multiaddr bound[HOST_LISTEN_MAX];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	uv_connect_t connect;
	uv_tcp_t tcp;

	begin(false, false);
	host_listens(b, bound);
	to.sin_port = htons(vd_be16_load(bound[0].bytes + 6));
	uv_tcp_init(&loop, &tcp);
	uv_tcp_connect(&connect, &tcp, (struct sockaddr *)&to, on_connect);
	for (unsigned turn = 0; !host_counters(b)->inbound_failed && turn < TURNS; turn++)
		uv_run(&loop, UV_RUN_ONCE);
	cr_assert(eq(u64, host_counters(b)->inbound_failed, 1));
	cr_assert(eq(u64, host_counters(b)->peers_broke, 1));
	uv_close((uv_handle_t *)&tcp, NULL);
	end();
}

Test(host, without_a_secure_channel_there_is_none)
{
	struct host_config config = { .no_noise = true, .no_tls = true };
	struct host *none = NULL;

	cr_assert(eq(int, host_new(&config, &none), VD_EUSER));
	cr_assert(eq(ptr, none, NULL)); /* untouched */
}
