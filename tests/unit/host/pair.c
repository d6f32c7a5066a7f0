/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/unit/host/pair.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>

#include "base/init.h"

/* ---- waiting ---- */

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

void pair_turn(struct pair *pair)
{
	uv_run(&pair->loop, UV_RUN_ONCE);
}

void pair_until(struct pair *pair, bool (*met)(struct pair *pair))
{
	vd_ns until = vd_now() + VD_SECONDS(PAIR_WAIT_S);

	while (!met(pair)) {
		cr_assert(vd_now() < until, "nothing came of it");
		pair_turn(pair);
	}
}

void pair_until_said(struct pair *pair, unsigned count)
{
	vd_ns until = vd_now() + VD_SECONDS(PAIR_WAIT_S);

	while (pair->said.count < count && vd_now() < until)
		pair_turn(pair);
	cr_assert(eq(uint, pair->said.count, count));
}

/* ---- what is said ---- */

static void on_dial(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct pair *pair = context;

	pair->said.count++;
	pair->said.err = err;
	pair->said.conn = conn;
	snprintf(pair->said.why, sizeof pair->said.why, "%s", why ? why : "");
}

void pair_on_perf(void *context, enum vd_err err)
{
	struct pair *pair = context;

	pair->said.count++;
	pair->said.err = err;
}

void pair_on_ping(void *context, enum vd_err err, vd_ns rtt)
{
	(void)rtt;
	pair_on_perf(context, err);
}

/* ---- life ---- */

static struct host *new_host(struct pair *pair, const struct host_config *given,
			     const struct vd_identity *identity)
{
	struct host_config config = given ? *given : (struct host_config){ 0 };
	struct host *host;

	config.loop = &pair->loop;
	config.identity = identity;
	config.agent = "pair/1";
	cr_assert(eq(int, host_new(&config, &host), VD_OK));
	return host;
}

static void listen_b(struct pair *pair)
{
	struct vd_multiaddr any, bound[HOST_LISTEN_MAX];
	char why[HOST_WHY], text[VD_MULTIADDR_TEXT], peer[VD_PEER_ID_TEXT], full[1024];

	cr_assert(eq(int, vd_multiaddr_of_text("/ip4/127.0.0.1/tcp/0", &any), VD_OK));
	cr_assert(eq(int, host_listen(pair->b, &any, why), VD_OK));
	cr_assert(eq(sz, host_listens(pair->b, bound), 1));
	pair->port_b = vd_be16_load(bound[0].bytes + 6);
	snprintf(full, sizeof full, "%s/p2p/%s", vd_multiaddr_text(&bound[0], text),
		 vd_peer_id_text(&pair->identity_b.id, peer));
	cr_assert(eq(int, vd_multiaddr_of_text(full, &pair->address_b), VD_OK));
}

void pair_begin(struct pair *pair, const struct host_config *a, const struct host_config *b)
{
	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, vd_init(), VD_OK));
	*pair = (struct pair){ 0 };
	uv_loop_init(&pair->loop);
	uv_timer_init(&pair->loop, &pair->tick);
	uv_timer_start(&pair->tick, on_tick, 1, 1);
	vd_identity_generate(&pair->identity_a);
	vd_identity_generate(&pair->identity_b);
	pair->a = new_host(pair, a, &pair->identity_a);
	pair->b = new_host(pair, b, &pair->identity_b);
	listen_b(pair);
}

void pair_end(struct pair *pair)
{
	host_free(pair->a);
	host_free(pair->b);
	uv_close((uv_handle_t *)&pair->tick, NULL);
	uv_run(&pair->loop, UV_RUN_NOWAIT);
	cr_assert(eq(int, uv_loop_close(&pair->loop), 0)); /* no handle is left */
}

void pair_dial(struct pair *pair)
{
	unsigned before = pair->said.count;

	cr_assert(eq(int, host_dial(pair->a, &pair->address_b, on_dial, pair), VD_OK));
	pair_until_said(pair, before + 1);
}
