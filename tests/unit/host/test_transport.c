/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Transports other than TCP: what a host asks of them, and that transport.h is enough. */
#include "controlplane/host/transport.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

#include "controlplane/host/perf.h"
#include "controlplane/proto/pnet.h"
#include "tests/unit/host/memory.h"
#include "tests/unit/host/pair.h"

enum { MEGABYTE = 1 << 20 };

#define WS   "/ip4/198.18.1.1/tcp/80/ws"
#define QUIC "/ip4/198.18.1.1/udp/443/quic-v1"

static struct pair pair;
static unsigned closed;

static void on_close(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	(void)conn;
	(void)err;
	(void)why;
	closed++;
}

static struct vd_multiaddr of(const char *text)
{
	struct vd_multiaddr address;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK), "%s", text);
	return address;
}

static void begin_in(const struct host_config *config)
{
	char why[HOST_WHY];

	memory = (struct memory){ 0 };
	closed = 0;
	pair_begin(&pair, config, config);
	cr_assert(eq(int, host_transport_add(pair.a, &memory_bytes), VD_OK));
	cr_assert(eq(int, host_transport_add(pair.a, &memory_streams), VD_OK));
	cr_assert(eq(int, host_transport_add(pair.b, &memory_bytes), VD_OK));
	cr_assert(eq(int, host_transport_add(pair.b, &memory_streams), VD_OK));
	cr_assert(eq(int, host_listen_text(pair.b, WS, why), VD_OK));
	if (!config->network_key)
		cr_assert(eq(int, host_listen_text(pair.b, QUIC, why), VD_OK));
}

static void begin(void)
{
	begin_in(&(struct host_config){ .events = { .closed = on_close } });
}

static void end(void)
{
	pair_end(&pair);
	cr_assert(eq(uint, memory.carriers, 0)); /* none is forgotten */
	cr_assert(eq(uint, memory.listeners, 0));
	cr_assert(eq(uint, memory.opened, 4));
	cr_assert(eq(uint, memory.closed, 4));
}

static void dial_to(const char *text, const struct vd_peer_id *peer)
{
	char id[VD_PEER_ID_TEXT], full[256];

	snprintf(full, sizeof full, "%s/p2p/%s", text, vd_peer_id_text(peer, id));
	pair.address_b = of(full);
	pair_dial(&pair);
}

static bool has_one(struct pair *p)
{
	return host_connection_count(p->b) == 1;
}

/* Pings, and megabytes both ways: more than there is room for at once. */
static void use(void)
{
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	cr_assert(eq(int, host_ping(pair.said.conn, pair_on_ping, &pair), VD_OK));
	pair_until_said(&pair, 2);
	cr_assert(eq(int, pair.said.err, VD_OK));
	cr_assert(
	    eq(int, host_perf(pair.said.conn, MEGABYTE, MEGABYTE, pair_on_perf, &pair), VD_OK));
	pair_until_said(&pair, 3);
	cr_assert(eq(int, pair.said.err, VD_OK));
}

static void assert_info(const char *security, const char *remote)
{
	struct host_conn_info info;
	char text[VD_MULTIADDR_TEXT];

	host_conn_info(pair.said.conn, &info);
	cr_assert(eq(str, (char *)info.security, (char *)security));
	cr_assert(eq(str, (char *)info.muxer, "/yamux/1.0.0"));
	cr_assert(eq(str, (char *)vd_multiaddr_text(&info.remote, text), (char *)remote));
	cr_assert(vd_peer_id_equal(&info.peer, &pair.identity_b.id));
	cr_assert(eq(uint, info.local.port, 1));
}

/* ---- bytes ---- */

Test(transport, bytes_get_a_secure_channel_and_a_muxer)
{
	begin();
	dial_to(WS, &pair.identity_b.id);
	cr_assert(eq(int, pair.said.err, VD_OK), "%s", pair.said.why);
	assert_info("/noise", WS);
	use();
	cr_assert(gt(u64, host_counters(pair.a)->bytes_out, MEGABYTE));
	end();
}

Test(transport, bytes_may_be_in_a_private_network)
{
	static const struct pnet_key key = { { 1, 2, 3 } };

	begin_in(&(struct host_config){ .network_key = &key });
	dial_to(WS, &pair.identity_b.id);
	cr_assert(eq(int, pair.said.err, VD_OK), "%s", pair.said.why);
	use();
	end();
}

/* ---- streams ---- */

Test(transport, streams_negotiate_nothing)
{
	begin();
	dial_to(QUIC, &pair.identity_b.id);
	cr_assert(eq(int, pair.said.err, VD_OK), "%s", pair.said.why);
	assert_info("/memory", QUIC);
	use();
	cr_assert(eq(u64, host_counters(pair.a)->bytes_out, 0)); /* not through the host */
	end();
}

Test(transport, streams_to_another_peer_than_dialled_are_closed)
{
	begin();
	memory.prove = &pair.identity_a.id;
	dial_to(QUIC, &pair.identity_b.id);
	cr_assert(eq(int, pair.said.err, VD_EPEER_AUTH));
	cr_assert(pair.said.conn == NULL);
	end();
}

Test(transport, streams_cannot_be_in_a_private_network)
{
	static const struct pnet_key key = { { 1, 2, 3 } };
	struct vd_multiaddr address = of(QUIC);
	char why[HOST_WHY];

	memory = (struct memory){ 0 };
	pair_begin(&pair, &(struct host_config){ .network_key = &key }, NULL);
	cr_assert(eq(int, host_transport_add(pair.a, &memory_streams), VD_OK));
	cr_assert(host_transport_of(pair.a, &address) == NULL);
	cr_assert(eq(int, host_listen(pair.a, &address, why), VD_EUSER));
	pair_end(&pair);
}

/* ---- ends ---- */

static bool has_closed(struct pair *p)
{
	(void)p;
	return closed > 0;
}

static void hang_up(void *context, struct host_conn *conn)
{
	(void)context;
	host_disconnect(conn);
}

Test(transport, when_one_side_hangs_up_the_other_is_told)
{
	const char *const addresses[] = { WS, QUIC };

	for (unsigned i = 0; i < 2; i++) {
		begin();
		dial_to(addresses[i], &pair.identity_b.id);
		pair_until(&pair, has_one);
		closed = 0;
		host_each(pair.b, hang_up, NULL);
		cr_assert(eq(uint, closed, 1));
		closed = 0;
		pair_until(&pair, has_closed);
		cr_assert(eq(u32, host_connection_count(pair.a), 0));
		end();
	}
}

Test(transport, a_dial_that_fails_at_once_is_told_from_the_loop)
{
	begin();
	memory.dial_err = VD_ESYS;
	dial_to(WS, &pair.identity_b.id);
	cr_assert(eq(int, pair.said.err, VD_ESYS));
	cr_assert(eq(str, pair.said.why, "told to fail"));
	end();
}

static void no_answer(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)conn;
	(void)err;
	(void)why;
	++*(unsigned *)context;
}

static bool has_let_go(struct pair *p)
{
	(void)p;
	return !memory.carriers;
}

Test(transport, a_canceled_dial_closes_its_carrier)
{
	unsigned answers = 0;
	char full[256], id[VD_PEER_ID_TEXT];

	begin();
	memory.silent = true;
	snprintf(full, sizeof full, WS "/p2p/%s", vd_peer_id_text(&pair.identity_b.id, id));
	cr_assert(eq(int, host_dial_text(pair.a, full, no_answer, &answers), VD_OK));
	cr_assert(eq(uint, memory.carriers, 1));
	host_dial_cancel(pair.a, no_answer, &answers);
	pair_until(&pair, has_let_go);
	cr_assert(eq(uint, answers, 0));
	end();
}

/* Two dials may have become one connection with two initiators: once more, from elsewhere. */
Test(transport, what_may_have_crossed_is_dialled_again_apart)
{
	begin();
	memory.crossing = true;
	dial_to(WS, &pair.identity_b.id);
	cr_assert(eq(int, pair.said.err, VD_OK), "%s", pair.said.why);
	cr_assert(eq(uint, memory.dials, 2));
	cr_assert(memory.last_apart);
	end();
}

/* ---- which one ---- */

Test(transport, what_none_takes_is_refused)
{
	char full[256], id[VD_PEER_ID_TEXT], why[HOST_WHY];

	begin();
	snprintf(full, sizeof full, "/ip4/198.18.1.1/udp/1/p2p/%s",
		 vd_peer_id_text(&pair.identity_b.id, id));
	cr_assert(eq(int, host_dial_text(pair.a, full, no_answer, NULL), VD_EUSER));
	cr_assert(eq(int, host_listen_text(pair.a, "/ip4/198.18.1.1/udp/1", why), VD_EUSER));
	cr_assert(eq(str, why, "wants /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT"));
	end();
}

Test(transport, the_first_that_takes_an_address_gets_it)
{
	struct vd_multiaddr tcp = of("/ip4/198.18.1.1/tcp/80"), ws = of(WS), quic = of(QUIC);

	begin();
	cr_assert(eq(str, (char *)host_transport_of(pair.a, &tcp)->class->name, "tcp"));
	cr_assert(host_transport_of(pair.a, &ws)->class == &memory_bytes);
	cr_assert(host_transport_of(pair.a, &quic)->class == &memory_streams);
	end();
}

Test(transport, a_host_has_a_limit_of_them)
{
	unsigned added = 0;

	memory = (struct memory){ 0 };
	pair_begin(&pair, NULL, NULL);
	while (!host_transport_add(pair.a, &memory_bytes))
		added++;
	cr_assert(eq(uint, added, HOST_TRANSPORTS_MAX - 1)); /* beside TCP */
	cr_assert(eq(uint, memory.opened, added));
	pair_end(&pair);
	cr_assert(eq(uint, memory.closed, added));
}

/* Not to one whose connections are none, nor to one that is not there. */
Test(transport, only_descriptors_are_handed_over)
{
	begin();
	cr_assert(eq(int, host_adopt(pair.a, 1, dup(0)), VD_EBUG_STATE));
	cr_assert(eq(int, host_adopt(pair.a, 9, dup(0)), VD_EBUG_STATE));
	end();
}

/* ---- addresses ---- */

#define PEER  "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
#define RELAY "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"

static const struct split_case {
	const char *address, *bare;
	bool has_peer;
} splits[] = {
	{ "/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.8/tcp/1", false },
	{ "/ip4/8.8.8.8/tcp/1/p2p/" PEER, "/ip4/8.8.8.8/tcp/1", true },
	{ "/ip4/8.8.8.8/tcp/1/p2p/" RELAY "/p2p-circuit",
	  "/ip4/8.8.8.8/tcp/1/p2p/" RELAY "/p2p-circuit", false },
	{ "/ip4/8.8.8.8/tcp/1/p2p/" RELAY "/p2p-circuit/p2p/" PEER,
	  "/ip4/8.8.8.8/tcp/1/p2p/" RELAY "/p2p-circuit", true },
	{ "/ip4/8.8.8.8/udp/1/quic-v1/p2p/" PEER, "/ip4/8.8.8.8/udp/1/quic-v1", true },
};

Test(transport, an_address_is_split_from_the_peer_at_its_end)
{
	for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
		struct vd_multiaddr address = of(splits[i].address), bare;
		char text[VD_MULTIADDR_TEXT], id[VD_PEER_ID_TEXT];
		struct vd_peer_id peer;

		cr_assert(eq(int, transport_split(&address, &bare, &peer), VD_OK));
		cr_assert(eq(str, (char *)vd_multiaddr_text(&bare, text), (char *)splits[i].bare));
		cr_assert(eq(int, peer.len != 0, splits[i].has_peer));
		if (peer.len)
			cr_assert(eq(str, (char *)vd_peer_id_text(&peer, id), PEER));
	}
}
