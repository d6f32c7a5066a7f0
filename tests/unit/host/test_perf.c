/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* perf with peers that stop: neither side waits for ever. */
#include "controlplane/host/perf.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/unit/host/pair.h"

enum { SOME = 1 << 20 };

static struct pair pair;
static const char *const ids[] = { HOST_PERF_ID, NULL };
static unsigned closed;

static void on_closed(struct host_stream *stream, enum vd_err err)
{
	(void)stream;
	(void)err;
	closed++;
}

static const struct host_stream_class silent = { .closed = on_closed };

static bool is_closed(struct pair *p)
{
	(void)p;
	return closed > 0;
}

Test(perf, a_server_that_says_nothing_is_given_up)
{
	struct host_config a = { .idle_within = VD_MS(1) };

	pair_begin(&pair, &a, NULL);
	cr_assert(eq(int,
		     host_handle(pair.b, &(struct host_protocol){ HOST_PERF_ID, .calls = &silent }),
		     VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, host_perf(pair.said.conn, 1, SOME, pair_on_perf, &pair), VD_OK));
	pair_until_said(&pair, 2);
	cr_assert(eq(int, pair.said.err, VD_ELINK_TIMEOUT));
	cr_assert(eq(ptr, host_connection(pair.a, &pair.identity_b.id), pair.said.conn));
	pair_end(&pair);
}

Test(perf, a_client_that_says_nothing_is_given_up)
{
	struct host_config b = { .idle_within = VD_MS(1) };
	struct host_stream *stream;

	pair_begin(&pair, NULL, &b);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, host_open(pair.said.conn, ids, &silent, NULL, &stream), VD_OK));
	pair_until(&pair, is_closed);
	cr_assert(eq(u64, host_counters(pair.b)->timeouts, 1));
	pair_end(&pair);
}

/* It wants a megabyte, and reads none of it. */
Test(perf, a_client_that_does_not_read_is_given_up)
{
	static const uint8_t wanted[8] = { 0, 0, 0, 0, 0, 16 };
	struct host_config b = { .idle_within = VD_MS(1) };
	struct host_stream *stream;

	pair_begin(&pair, NULL, &b);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, host_open(pair.said.conn, ids, &silent, NULL, &stream), VD_OK));
	cr_assert(eq(int, host_stream_send(stream, vd_bytes(wanted, sizeof wanted)), VD_OK));
	host_stream_finish(stream);
	pair_until(&pair, is_closed);
	cr_assert(eq(u64, host_counters(pair.b)->timeouts, 1));
	pair_end(&pair);
}
