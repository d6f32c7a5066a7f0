/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Connections that end in order: the side that goes says so, the side that hears it dials anew. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <sys/socket.h>

#include "controlplane/host/host_state.h"
#include "controlplane/host/perf.h"
#include "tests/unit/host/attacker.h"

enum { MUCH = 4 << 20 };

static struct pair pair;
static struct attacker attacker;
static unsigned whole; /* transfers that ended well */

static void on_perf(void *context, enum vd_err err)
{
	(void)context;
	cr_assert(eq(int, err, VD_OK));
	whole++;
}

static bool has_begun(struct pair *p)
{
	return host_counters(p->b)->bytes_in > MUCH / 64;
}

static bool a_has_none(struct pair *p)
{
	return !host_connection(p->a, &p->identity_b.id);
}

static bool is_whole(struct pair *p)
{
	(void)p;
	return whole == 1;
}

Test(go_away, a_peer_that_goes_away_is_dialled_anew_and_what_is_open_goes_on)
{
	struct host_conn *first, *of_b;

	pair_begin(&pair, NULL, NULL);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	pair_dial(&pair);
	first = pair.said.conn;
	cr_assert(eq(int, host_ping(first, pair_on_ping, &pair), VD_OK));
	pair_until_said(&pair, 2);
	cr_assert(eq(int, host_perf(first, MUCH, MUCH, on_perf, NULL), VD_OK));
	of_b = host_connection(pair.b, &pair.identity_a.id);
	cr_assert(ne(ptr, of_b, NULL));
	pair_until(&pair, has_begun);
	muxer_go_away(of_b->machine.muxer);
	host_conn_due(of_b);
	pair_until(&pair, a_has_none);
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
	cr_assert(ne(ptr, pair.said.conn, first));
	cr_assert(eq(ptr, host_connection(pair.a, &pair.identity_b.id), pair.said.conn));
	cr_assert(eq(int, host_ping(pair.said.conn, pair_on_ping, &pair), VD_OK));
	pair_until_said(&pair, 4);
	cr_assert(eq(int, pair.said.err, VD_OK));
	pair_until(&pair, is_whole);
	pair_end(&pair);
}

/* Feeds the attacker's machine what came; the code of a go-away, or UINT32_MAX. */
static uint32_t hear_go_away(void)
{
	uint8_t buffer[4096];
	uint32_t code = UINT32_MAX;
	struct muxer_event event;
	ssize_t got;
	size_t used;

	while ((got = recv(attacker.fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
		cr_assert(eq(int,
			     connection_receive(&attacker.machine, vd_bytes(buffer, (size_t)got),
						&used, vd_now()),
			     VD_OK));
		while ((event = connection_next(&attacker.machine)).what != MUXER_NOTHING)
			if (event.what == MUXER_GO_AWAY)
				code = event.code;
	}
	attacker.cut = got == 0;
	return code;
}

Test(go_away, who_is_disconnected_hears_it_before_the_end)
{
	struct host_conn *conn;
	uint32_t code = UINT32_MAX;

	pair_begin(&pair, NULL, NULL);
	attacker_connect(&attacker, &pair);
	attacker_negotiate(&attacker, &pair);
	while (!(conn = host_connection(pair.b, &attacker.identity.id)))
		pair_turn(&pair);
	cr_assert(eq(u32, hear_go_away(), UINT32_MAX));
	host_disconnect(conn);
	for (unsigned i = 0; i < 1000 && !attacker.cut; i++) {
		uint32_t heard = hear_go_away();

		code = heard == UINT32_MAX ? code : heard;
		pair_turn(&pair);
	}
	cr_assert(eq(u32, code, 0));
	cr_assert(attacker.cut);
	attacker_end(&attacker);
	pair_end(&pair);
}

/* ---- TLS has a word for the end (RFC 8446, 6.1) ---- */

static struct {
	unsigned count;
	enum vd_err err;
	enum security_state state;
	char why[HOST_WHY];
} a_closed;

static void on_a_closed(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	a_closed.count++;
	a_closed.err = err;
	a_closed.state = conn->machine.security->state;
	snprintf(a_closed.why, sizeof a_closed.why, "%s", why);
}

static bool a_is_closed(struct pair *p)
{
	(void)p;
	return a_closed.count == 1;
}

static bool b_has_one(struct pair *p)
{
	return host_connection(p->b, &p->identity_a.id);
}

/* Over TLS; b's end of the connection. */
static struct host_conn *begin_tls(void)
{
	struct host_config a = { .no_noise = true, .events = { .closed = on_a_closed } };

	pair_begin(&pair, &a, NULL);
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
	pair_until(&pair, b_has_one);
	return host_connection(pair.b, &pair.identity_a.id);
}

Test(go_away, over_tls_the_end_is_told_by_the_channel)
{
	host_disconnect(begin_tls());
	pair_until(&pair, a_is_closed);
	cr_assert(eq(int, a_closed.err, VD_OK));
	cr_assert(eq(int, a_closed.state, SECURITY_ENDED));
	pair_end(&pair);
}

Test(go_away, a_channel_that_the_peer_ended_ends_though_its_socket_does_not)
{
	struct host_conn *of_b = begin_tls();

	security_close(of_b->machine.security);
	host_conn_due(of_b);
	pair_until(&pair, a_is_closed);
	cr_assert(eq(int, a_closed.err, VD_OK));
	cr_assert(eq(str, a_closed.why, "the peer ended the channel"));
	pair_end(&pair);
}
