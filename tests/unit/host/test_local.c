/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* From which port a host dials. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/proto/pnet.h"
#include "tests/unit/host/pair.h"

static struct pair pair;

static void take_remote(void *context, struct host_conn *conn)
{
	struct host_conn_info info;

	host_conn_info(conn, &info);
	*(unsigned *)context = vd_be16_load(info.remote.bytes + info.remote.len - 2);
}

static unsigned seen;

static bool sees_one(struct pair *of)
{
	host_each(of->b, take_remote, &seen);
	return seen != 0;
}

/* The port that b sees of its one connection. */
static unsigned seen_by_b(void)
{
	seen = 0;
	pair_until(&pair, sees_one);
	return seen;
}

/* Has a listen; the port. */
static unsigned listen_at(const char *text)
{
	struct vd_multiaddr address, bound[HOST_LISTEN_MAX];
	char why[HOST_WHY];
	size_t count;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK));
	cr_assert(eq(int, host_listen(pair.a, &address, why), VD_OK), "%s", why);
	count = host_listens(pair.a, bound);
	return vd_be16_load(bound[count - 1].bytes + bound[count - 1].len - 2);
}

static const char *const places[] = { "/ip4/127.0.0.1/tcp/0", "/ip4/0.0.0.0/tcp/0" };

Test(local, a_dial_leaves_from_where_we_listen)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned port;

		pair_begin(&pair, NULL, NULL);
		port = listen_at(places[i]);
		pair_dial(&pair);
		cr_assert(eq(int, pair.said.err, VD_OK));
		cr_assert(eq(uint, seen_by_b(), port));
		pair_end(&pair);
	}
}

Test(local, a_listener_at_the_address_goes_before_one_at_all_addresses)
{
	unsigned port;

	pair_begin(&pair, NULL, NULL);
	listen_at("/ip4/0.0.0.0/tcp/0");
	listen_at("/ip6/::/tcp/0");
	port = listen_at("/ip4/127.0.0.1/tcp/0");
	pair_dial(&pair);
	cr_assert(eq(uint, seen_by_b(), port));
	pair_end(&pair);
}

Test(local, without_a_listener_that_fits_a_dial_leaves_from_any_port)
{
	unsigned other, ip6;

	pair_begin(&pair, NULL, NULL);
	other = listen_at("/ip4/127.0.0.2/tcp/0");
	ip6 = listen_at("/ip6/::/tcp/0");
	pair_dial(&pair);
	cr_assert(ne(uint, seen_by_b(), other));
	cr_assert(ne(uint, seen, ip6));
	pair_end(&pair);
}

/* The four numbers of a connection are taken once: the second one must not fail for it. */
Test(local, a_port_that_is_connected_there_already_is_not_insisted_on)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	pair_begin(&pair, NULL, NULL);
	from.sin_addr.s_addr = to.sin_addr.s_addr = htonl(0x7f000001);
	from.sin_port = htons((uint16_t)listen_at("/ip4/127.0.0.1/tcp/0"));
	to.sin_port = htons((uint16_t)pair.port_b);
	cr_assert(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
	cr_assert(bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
	cr_assert(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
	cr_assert(ne(uint, seen_by_b(), ntohs(from.sin_port)));
	cr_assert(eq(u64, host_counters(pair.a)->dials_failed, 0));
	close(fd);
	pair_end(&pair);
}

static void on_dial(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct pair_said *said = context;

	*said = (struct pair_said){ said->count + 1, err, conn, "" };
	snprintf(said->why, sizeof said->why, "%s", why);
}

/* ---- two dials that crossed: both sides are the initiator ---- */

static int accepted = -1;

/* The next connection to a socket that listens, and the port that it comes from. */
static unsigned accept_one(int listener)
{
	struct sockaddr_in from;
	socklen_t len = sizeof from;

	accepted = -1;
	for (unsigned turn = 0; accepted < 0 && turn < 20000; turn++) {
		accepted = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK);
		if (accepted < 0)
			pair_turn(&pair);
	}
	cr_assert(ge(int, accepted, 0));
	return ntohs(from.sin_port);
}

static void talk_nonsense(void)
{
	cr_assert(eq(int, send(accepted, "nonsense\n", 9, 0), 9));
}

/* A socket of the test's in b's place. */
static int listen_as_b(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char text[160], peer[VD_PEER_ID_TEXT];
	socklen_t len = sizeof at;

	cr_assert(bind(listener, (struct sockaddr *)&at, len) == 0 && listen(listener, 4) == 0);
	cr_assert(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
	snprintf(text, sizeof text, "/ip4/127.0.0.1/tcp/%u/p2p/%s", ntohs(at.sin_port),
		 vd_peer_id_text(&pair.identity_b.id, peer));
	cr_assert(eq(int, vd_multiaddr_of_text(text, &pair.address_b), VD_OK));
	return listener;
}

Test(local, what_may_have_crossed_is_dialled_again_from_any_port)
{
	int listener, first;
	unsigned port;

	pair_begin(&pair, NULL, NULL);
	listener = listen_as_b();
	port = listen_at("/ip4/127.0.0.1/tcp/0");
	cr_assert(eq(int, host_dial(pair.a, &pair.address_b, on_dial, &pair.said), VD_OK));
	cr_assert(eq(uint, accept_one(listener), port));
	first = accepted;
	talk_nonsense();
	cr_assert(ne(uint, accept_one(listener), port));
	cr_assert(eq(uint, pair.said.count, 0));
	talk_nonsense(); /* so it was none that crossed */
	pair_until_said(&pair, 1);
	cr_assert(eq(int, vd_err_class(pair.said.err), VD_CLASS_PEER));
	cr_assert(eq(u64, host_counters(pair.a)->dials_failed, 1));
	close(first);
	close(accepted);
	close(listener);
	pair_end(&pair);
}

/* One that crossed ours would have greeted, with the network's key. */
Test(local, another_networks_key_is_no_dial_that_crossed)
{
	static const struct pnet_key key = { { 1, 2, 3 } };
	const struct host_config in_network = { .network_key = &key };
	int listener;

	pair_begin(&pair, &in_network, NULL);
	listener = listen_as_b();
	listen_at("/ip4/127.0.0.1/tcp/0");
	cr_assert(eq(int, host_dial(pair.a, &pair.address_b, on_dial, &pair.said), VD_OK));
	accept_one(listener);
	close(accepted);
	pair_until_said(&pair, 1);
	cr_assert(strstr(pair.said.why, "same key file") != NULL, "%s", pair.said.why);
	cr_assert(eq(int, accept4(listener, NULL, NULL, SOCK_NONBLOCK), -1));
	cr_assert(eq(int, errno, EAGAIN));
	close(listener);
	pair_end(&pair);
}

/* It waits for a line that was never begun; `viaduct connect` is to tell the cure meanwhile. */
Test(local, who_does_not_greet_in_a_private_network_is_given_up_soon, .timeout = 60)
{
	static const struct pnet_key key = { { 1, 2, 3 } };
	const struct host_config in_network = { .network_key = &key,
						.negotiate_within = VD_SECONDS(3600) };
	int listener;

	pair_begin(&pair, &in_network, NULL);
	listener = listen_as_b();
	cr_assert(eq(int, host_dial(pair.a, &pair.address_b, on_dial, &pair.said), VD_OK));
	accept_one(listener);
	pair_until_said(&pair, 1);
	cr_assert(eq(int, pair.said.err, VD_ELINK_TIMEOUT));
	cr_assert(strstr(pair.said.why, "same key file") != NULL, "%s", pair.said.why);
	close(accepted);
	close(listener);
	pair_end(&pair);
}

/* It may share the port with dials, but not with a second daemon. */
Test(local, where_we_listen_nobody_else_does)
{
	struct vd_multiaddr bound[HOST_LISTEN_MAX];
	char why[HOST_WHY] = "";

	pair_begin(&pair, NULL, NULL);
	listen_at("/ip4/127.0.0.1/tcp/0");
	host_listens(pair.a, bound);
	cr_assert(eq(int, host_listen(pair.b, &bound[0], why), VD_ESYS));
	cr_assert(strstr(why, "another program") != NULL);
	pair_end(&pair);
}

/* Who becomes another user takes its listeners along, or could not dial from their ports. */
Test(local, a_listener_may_be_given_to_the_user_that_we_become)
{
	pair_begin(&pair, NULL, NULL);
	listen_at("/ip4/127.0.0.1/tcp/0");
	cr_assert(eq(int, host_listens_give(pair.a, geteuid()), VD_OK));
	pair_end(&pair);
}

Test(local, a_way_that_there_is_not_is_told_from_the_loop)
{
	struct vd_multiaddr nowhere;
	char text[128], peer[VD_PEER_ID_TEXT];

	pair_begin(&pair, NULL, NULL);
	snprintf(text, sizeof text, "/ip4/255.255.255.255/tcp/1/p2p/%s",
		 vd_peer_id_text(&pair.identity_b.id, peer));
	cr_assert(eq(int, vd_multiaddr_of_text(text, &nowhere), VD_OK));
	cr_assert(eq(int, host_dial(pair.a, &nowhere, on_dial, &pair.said), VD_OK));
	cr_assert(eq(uint, pair.said.count, 0));
	pair_until_said(&pair, 1);
	cr_assert(eq(int, pair.said.err, VD_ELINK_CLOSED));
	cr_assert(ne(str, pair.said.why, ""));
	pair_end(&pair);
}
