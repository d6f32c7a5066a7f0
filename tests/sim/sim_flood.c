/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/sim/sim_flood.h"

#include <malloc.h>
#include <string.h>

#include "tests/unit/proto/peering_net.h"

enum {
	FIRST = 1024,
	COOKIE = 16,
	COOKIE_FRAME_AT = 18, /* of the cookie in a cookie frame */
	E_AT = 10,
	HALF_OPEN_LOAD = 64,
	A_PATH = 8, /* half-open handshakes of one path */
	VISITS = 10,
	LIARS = 30,             /* addresses that receive what is sent to them */
	KEPT_BY_MALLOC = 65536, /* of what is freed; a byte a message would be more */
};

struct flood {
	struct net *net;
	uint8_t model[FIRST];          /* a genuine message 1 */
	uint8_t cookie[LIARS][COOKIE]; /* the one that each got last, */
	uint32_t cookie_of[LIARS];     /* and for which number */
	unsigned a_burst;              /* spoofed messages every 10 ms */
	const char *wrong;
};

static uint32_t draw(struct flood *flood, uint32_t below)
{
	return (uint32_t)(net_random(flood->net) % below);
}

static void expect(struct flood *flood, bool holds, const char *what)
{
	if (!holds && !flood->wrong)
		flood->wrong = what;
}

/* ---- strangers ---- */

static struct peering_path stranger(uint32_t number)
{
	struct peering_path path = { .bytes = { NET_NOBODY } };

	vd_be32_store(path.bytes + 4, number);
	return path;
}

static void first_message(const struct flood *flood, uint32_t number, uint8_t out[FIRST])
{
	memcpy(out, flood->model, FIRST);
	vd_be32_store(out + 2, number | 1);
	vd_be32_store(out + E_AT, number);
}

static void inject(struct flood *flood, unsigned node, uint32_t from, const uint8_t *frame,
		   size_t len)
{
	struct net *net = flood->net;

	net->nobody.len = 0;
	(void)net_inject(net, node, stranger(from), vd_bytes(frame, len));
	expect(flood, net->nobody.len <= len, "an answer longer than its cause");
}

static void spoof(struct flood *flood)
{
	uint8_t frame[FIRST];
	uint32_t from = draw(flood, UINT32_MAX);

	first_message(flood, from, frame);
	if (draw(flood, 4) == 0)
		memset(frame + FIRST - COOKIE, (int)draw(flood, 256), COOKIE);
	if (draw(flood, 16) == 0)
		frame[draw(flood, FIRST)] ^= (uint8_t)(1u << draw(flood, 8));
	inject(flood, 1, from, frame, draw(flood, 16) ? FIRST : 1 + draw(flood, FIRST));
}

/* Answers to the request for a cookie, sometimes with an old one or that of another. */
static void lie(struct flood *flood)
{
	uint32_t liar = draw(flood, LIARS), of = draw(flood, 8) ? liar : draw(flood, LIARS);
	uint8_t frame[FIRST];
	const struct net_frame *answer = &flood->net->nobody;

	first_message(flood, flood->cookie_of[of], frame);
	memcpy(frame + FIRST - COOKIE, flood->cookie[of], COOKIE);
	inject(flood, 1, liar, frame, FIRST);
	first_message(flood, flood->cookie_of[liar] = draw(flood, UINT32_MAX), frame);
	inject(flood, 1, liar, frame, FIRST);
	if (answer->len == COOKIE_FRAME_AT + COOKIE)
		memcpy(flood->cookie[liar], answer->bytes + COOKIE_FRAME_AT, COOKIE);
}

/* A cookie frame for the genuine peer, who asked nobody. */
static void poison(struct flood *flood)
{
	if (!flood->net->nodes[0].peering)
		return;

	uint8_t frame[COOKIE_FRAME_AT + COOKIE] = { 4, 4 };

	vd_be32_store(frame + 6, flood->net->nodes[0].last_index);
	for (unsigned i = E_AT; i < sizeof frame; i++)
		frame[i] = (uint8_t)draw(flood, 256);
	inject(flood, 0, draw(flood, UINT32_MAX), frame, sizeof frame);
}

static void burst(struct flood *flood)
{
	for (unsigned i = 0; i < flood->a_burst; i++)
		spoof(flood);
	for (unsigned i = draw(flood, 4); i > 0; i--)
		lie(flood);
	poison(flood);
	expect(flood, flood->net->nodes[1].indices_out <= HALF_OPEN_LOAD + LIARS * A_PATH + VISITS,
	       "the responder keeps too much");
}

/* ---- the genuine peer ---- */

static void run(struct flood *flood, vd_ns span, bool until_up)
{
	vd_ns end = flood->net->now + span;

	while (flood->net->now < end && !(until_up && net_both_up(flood->net))) {
		burst(flood);
		net_run(flood->net, VD_MS(10));
	}
}

static void visit(struct flood *flood)
{
	struct net *net = flood->net;

	net_dial(net, 0, 1);
	run(flood, net->loss ? VD_SECONDS(20) : VD_SECONDS(3), true);
	expect(flood, net_both_up(net) && net_keys_match(net, 0, 1),
	       "a genuine peer did not get through in time");
	net_stop(net, 0);
	run(flood, VD_MS(200 + draw(flood, 2000)), false);
	peering_close(net->nodes[1].peering, &net->nodes[0].identity.id, CONTROL_SHUTDOWN, "",
		      net->now);
	net_drain(net, 1);
	net_start(net, 0);
	net_run(net, VD_SECONDS(draw(flood, 60)));
}

static void begin(struct flood *flood, uint64_t seed)
{
	struct net *net = net_new(seed % 3 == 0 ? PEERING_SESSION : PEERING_LINK, seed);

	flood->net = net;
	flood->a_burst = 20 + draw(flood, 200);
	net_start(net, 0);
	net_start(net, 1);
	net->cut = true;
	net_dial(net, 0, 1);
	memcpy(flood->model, net->frames[0].bytes, FIRST);
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	net_run(net, VD_SECONDS(30));
	net->cut = false;
	net->loss = draw(flood, 2) ? draw(flood, 21) : 0;
	net->delay_min = net->delay_max = VD_MS(1 + draw(flood, 100));
	net->job_delay = draw(flood, 2) ? VD_MS(1 + draw(flood, 20)) : 0;
}

const char *sim_flood(uint64_t seed)
{
	struct flood flood = { 0 };
	size_t allocated;

	begin(&flood, seed);
	visit(&flood);
	allocated = mallinfo2().uordblks;
	for (unsigned i = 1; i < VISITS; i++)
		visit(&flood);
	expect(&flood, mallinfo2().uordblks <= allocated + KEPT_BY_MALLOC, "memory was allocated");
	expect(&flood, peering_stats(flood.net->nodes[1].peering)->cookies_asked > 0, "no load");
	net_run(flood.net, VD_SECONDS(60));
	for (unsigned i = 0; i < 2; i++) {
		expect(&flood, flood.net->nodes[i].broken == NULL, flood.net->nodes[i].broken);
		expect(&flood, flood.net->nodes[i].indices_out == 0, "receiver indices lost");
	}
	net_free(flood.net);
	return flood.wrong;
}
