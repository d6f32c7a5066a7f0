/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* tests: the dialling side: connects to one peer and runs each test against it. */
#include "tests/interop/peers/c/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/host/perf.h"

enum { PATIENCE_MS = 120000 };

void end(struct test *test, bool failed, const char *said)
{
	if (test->done)
		return;
	test->done = true;
	test->failed = failed;
	snprintf(test->said, sizeof test->said, "%s", said);
	uv_stop(uv_default_loop());
}

void fail_with(struct test *test, enum vd_err err, const char *what)
{
	char text[200];

	snprintf(text, sizeof text, "%s: %s", what, vd_err_text(err));
	end(test, true, text);
}

/* ---- perf ---- */

static void on_perf(void *context, enum vd_err err)
{
	if (err)
		fail_with(context, err, "perf");
	else
		end(context, false, "whole");
}

static void perf(struct test *test, uint64_t up, uint64_t down)
{
	enum vd_err err = host_perf(test->conn, up, down, on_perf, test);

	if (err)
		fail_with(test, err, "opening a stream");
}

static void upload(struct test *test)
{
	perf(test, test->count, 0);
}

static void download(struct test *test)
{
	perf(test, 0, test->count);
}

static void half_close(struct test *test)
{
	perf(test, 1000, 2000);
}

/* ---- streams at once: as many as may wait for the peer's word, the next when one ends ---- */

static void open_more(struct test *test);

static void on_stream(void *context, enum vd_err err)
{
	struct test *test = context;

	test->finished++;
	if (err)
		fail_with(test, err, "a stream");
	else if (test->finished == test->count)
		end(test, false, "all");
	else
		open_more(test);
}

static void open_more(struct test *test)
{
	while (!test->done && test->opened < test->count) {
		if (host_perf(test->conn, 100, 200, on_stream, test))
			return; /* the peer has not acknowledged those before */
		test->opened++;
	}
}

/* ---- a stream cut in the middle: a perf that wants a terabyte, or an echo without an end ---- */

static void cut(struct host_stream *stream)
{
	struct test *test = host_stream_user(stream);
	struct vd_bytes in = host_stream_read(stream);

	if (!in.len)
		return;
	host_stream_reset(stream);
	perf(test, 1, 1); /* the connection goes on */
}

static void cut_by_peer(struct host_stream *stream, enum vd_err err)
{
	fail_with(host_stream_user(stream), err, "the stream");
}

static struct host_stream *open_to_cut(struct test *test, const char *const *ids)
{
	static const struct host_stream_class calls = { .readable = cut, .closed = cut_by_peer };
	static const uint8_t terabyte[8] = { 0, 0, 1 };
	struct host_stream *stream;
	size_t took;

	if (!host_open(test->conn, ids, &calls, test, &stream) &&
	    !host_stream_write(stream, vd_bytes(terabyte, sizeof terabyte), &took))
		return stream;
	end(test, true, "no stream");
	return NULL;
}

static void reset(struct test *test)
{
	static const char *const ids[] = { HOST_PERF_ID, NULL };
	struct host_stream *stream = open_to_cut(test, ids);

	if (stream)
		host_stream_finish(stream);
}

static void reset_echo(struct test *test)
{
	static const char *const ids[] = { ECHO_ID, NULL };

	open_to_cut(test, ids);
}

/* Until it is killed: for who wants to see what the peer made of the tests before. */
static void stay(struct test *test)
{
	uv_timer_stop(&test->timer);
}

/* ---- ping ---- */

static void ping(struct test *test);

static void on_ping(void *context, enum vd_err err, vd_ns rtt)
{
	struct test *test = context;
	char said[40];

	snprintf(said, sizeof said, "rtt=%" PRIu64 "us", rtt / 1000);
	if (err)
		fail_with(test, err, "ping");
	else if (++test->finished == test->count)
		end(test, false, said);
	else
		ping(test);
}

static void ping(struct test *test)
{
	enum vd_err err = host_ping(test->conn, on_ping, test);

	if (err)
		fail_with(test, err, "ping");
}

/* ---- the tests ---- */

static void say_connection(struct test *test)
{
	struct host_conn_info info;
	char text[100];

	host_conn_info(test->conn, &info);
	snprintf(text, sizeof text, "security=%s muxer=%s", info.security, info.muxer);
	end(test, false, text);
}

static const struct {
	const char *name;
	void (*run)(struct test *test);
} tests[] = {
	{ "connect", say_connection },
	{ "identify", identify },
	{ "ping", ping },
	{ "upload", upload },
	{ "download", download },
	{ "half-close", half_close },
	{ "reset", reset },
	{ "reset-echo", reset_echo },
	{ "streams", open_more },
	{ "echo", echo },
	{ "held", held },
	{ "stay", stay },
};

static char *name_of_test;

static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct test *test = context;

	if (strcmp(name_of_test, "wrong-peer") == 0) {
		end(test, err != VD_EPEER_AUTH, err ? why : "a peer with another id was taken");
		return;
	}
	if (err) {
		end(test, true, why);
		return;
	}
	test->conn = conn;
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		if (strcmp(tests[i].name, name_of_test) == 0) {
			tests[i].run(test);
			return;
		}
	end(test, true, "no such test");
}

static void on_late(uv_timer_t *timer)
{
	end(timer->data, true, "timed out");
}

/* The same address with another identity. */
static struct vd_multiaddr with_other_peer(const char *address)
{
	struct vd_identity other;
	struct vd_multiaddr wrong;
	char text[VD_MULTIADDR_TEXT], id[VD_PEER_ID_TEXT];
	const char *peer = strstr(address, "/p2p/");

	vd_identity_generate(&other);
	snprintf(text, sizeof text, "%.*s/p2p/%s", (int)(peer - address), address,
		 vd_peer_id_text(&other.id, id));
	if (vd_multiaddr_of_text(text, &wrong))
		die(text, "no address");
	return wrong;
}

static int run(struct host *host, const char *address, char *name)
{
	struct test *test = calloc(1, sizeof *test); /* never freed: late callbacks come to it */
	struct vd_multiaddr to;
	char *count = strchr(name, '=');
	enum vd_err err;

	test->count = count ? strtoull(count + 1, NULL, 10) : 1;
	name_of_test = strdup(name);
	name_of_test[strcspn(name_of_test, "=")] = '\0';
	if (vd_multiaddr_of_text(address, &to) || !strstr(address, "/p2p/"))
		die(address, "wants a multiaddr with /p2p/ and a peer id at its end");
	if (strcmp(name_of_test, "wrong-peer") == 0)
		to = with_other_peer(address);
	uv_timer_init(uv_default_loop(), &test->timer);
	test->timer.data = test;
	uv_timer_start(&test->timer, on_late, PATIENCE_MS, 0);
	err = host_dial(host, &to, on_dialled, test);
	if (err)
		fail_with(test, err, "dialling");
	while (!test->done)
		uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	uv_timer_stop(&test->timer);
	printf("%s %s%s %s\n", test->failed ? "failed" : "ok", name, test->failed ? ":" : "",
	       test->said);
	fflush(stdout);
	free(name_of_test);
	return test->failed;
}

int dial(struct host *host, const char *address, char **names)
{
	int failed = 0;

	for (; *names; names++)
		failed += run(host, address, *names);
	return failed;
}
