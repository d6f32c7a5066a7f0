/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Hosts in private networks, over loopback. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/host/perf.h"
#include "controlplane/proto/pnet.h"
#include "tests/unit/host/pair.h"

static const struct pnet_key key = { { 1, 2, 3 } }, other_key = { { 1, 2, 4 } };
static struct pair pair;

enum { MEGABYTES = 8 << 20 };

static const struct host_config in_network = { .network_key = &key, .network = "cluster" },
				elsewhere = { .network_key = &other_key };

Test(network, peers_with_one_key_connect_over_either_channel_and_carry_megabytes)
{
	for (unsigned noise = 0; noise < 2; noise++) {
		struct host_config config = in_network;

		config.no_noise = !noise;
		config.no_tls = noise;
		pair_begin(&pair, &config, &in_network);
		cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
		pair_dial(&pair);
		cr_assert(eq(int, pair.said.err, VD_OK));
		cr_assert(eq(int, host_ping(pair.said.conn, pair_on_ping, &pair), VD_OK));
		pair_until_said(&pair, 2);
		cr_assert(eq(int, pair.said.err, VD_OK));
		cr_assert(eq(int,
			     host_perf(pair.said.conn, MEGABYTES, MEGABYTES, pair_on_perf, &pair),
			     VD_OK));
		pair_until_said(&pair, 3);
		cr_assert(eq(int, pair.said.err, VD_OK));
		cr_assert(eq(u64, host_counters(pair.b)->wrong_network, 0));
		pair_end(&pair);
	}
}

/* ---- another network ---- */

static bool both_count(struct pair *p)
{
	return host_counters(p->b)->inbound_failed > 0;
}

/* Whoever notices first hangs up; the other then says so too, unless it is not in a network. */
static void assert_refused(const struct host_config *a, const struct host_config *b)
{
	uint64_t counted;

	pair_begin(&pair, a, b);
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err != VD_OK, 1));
	cr_assert(pair.said.conn == NULL);
	pair_until(&pair, both_count);
	counted = host_counters(pair.a)->wrong_network + host_counters(pair.b)->wrong_network;
	cr_assert(ge(u64, counted, 1));
	if (a && a->network_key)
		cr_assert(strstr(pair.said.why, "same key file") != NULL, "%s", pair.said.why);
	cr_assert(eq(u32, host_connection_count(pair.a), 0));
	cr_assert(eq(u32, host_connection_count(pair.b), 0));
	pair_end(&pair);
}

/* Often: what another key makes of a header is noise, and each time another one. */
Test(network, another_key_is_refused_and_told)
{
	for (unsigned i = 0; i < 100; i++)
		assert_refused(&in_network, &elsewhere);
}

Test(network, a_public_peer_is_refused)
{
	for (unsigned i = 0; i < 30; i++)
		assert_refused(NULL, &in_network);
}

Test(network, a_public_peer_that_is_dialled_is_refused)
{
	for (unsigned i = 0; i < 30; i++)
		assert_refused(&in_network, NULL);
}

Test(network, what_ends_after_its_first_line_is_no_wrong_key)
{
	struct vd_identity third;
	struct vd_identity identity;

	pair_begin(&pair, &in_network, &in_network);
	vd_identity_generate(&third);
	identity = pair.identity_b;
	memcpy(pair.address_b.bytes + pair.address_b.len - third.id.len, third.id.bytes,
	       third.id.len);
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_EPEER_AUTH));
	cr_assert(eq(u64, host_counters(pair.a)->wrong_network, 0));
	cr_assert(eq(int, vd_peer_id_equal(&identity.id, &pair.identity_b.id), 1));
	pair_end(&pair);
}

/* ---- the key stream: a wire tapped between a and b ---- */

enum { CONNECTIONS = 2, WAYS = 2 };

static struct {
	int listener, ends[WAYS];
	uint8_t first[WAYS][PNET_NONCE];
	size_t seen[WAYS];
} tap;

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(ge(int, fd, 0));
	return fd;
}

static struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* In b's place for who dials it. */
static void begin_tap(void)
{
	struct sockaddr_in at = loopback(0);
	socklen_t len = sizeof at;

	tap.listener = new_socket();
	cr_assert(eq(int, bind(tap.listener, (const struct sockaddr *)&at, len), 0));
	cr_assert(eq(int, listen(tap.listener, CONNECTIONS), 0));
	cr_assert(eq(int, getsockname(tap.listener, (struct sockaddr *)&at, &len), 0));
	vd_be16_store(pair.address_b.bytes + 6, ntohs(at.sin_port));
}

static void join_ends(void)
{
	struct sockaddr_in b = loopback(pair.port_b);

	tap.seen[0] = tap.seen[1] = 0;
	tap.ends[0] = accept(tap.listener, NULL, NULL);
	cr_assert(ge(int, tap.ends[0], 0));
	tap.ends[1] = new_socket();
	cr_assert(eq(int, connect(tap.ends[1], (const struct sockaddr *)&b, sizeof b), 0));
}

static void carry(unsigned from)
{
	uint8_t bytes[4096];
	ssize_t got = recv(tap.ends[from], bytes, sizeof bytes, MSG_DONTWAIT);

	for (ssize_t i = 0; i < got && tap.seen[from] < PNET_NONCE; i++)
		tap.first[from][tap.seen[from]++] = bytes[i];
	if (got > 0)
		cr_assert(eq(sz, (size_t)send(tap.ends[!from], bytes, (size_t)got, MSG_NOSIGNAL),
			     (size_t)got));
}

static struct host_conn *dialled;

static void note_dial(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	cr_assert(eq(int, err, VD_OK), "%s", why);
	dialled = conn;
}

static bool is_dialled(struct pair *p)
{
	(void)p;
	carry(0);
	carry(1);
	return dialled != NULL;
}

static bool nobody_is_connected(struct pair *p)
{
	return !host_connection_count(p->a) && !host_connection_count(p->b);
}

static void dial_through_tap(uint8_t first_out[WAYS][PNET_NONCE])
{
	dialled = NULL;
	cr_assert(eq(int, host_dial(pair.a, &pair.address_b, note_dial, NULL), VD_OK));
	pair_turn(&pair);
	join_ends();
	pair_until(&pair, is_dialled);
	memcpy(first_out, tap.first, sizeof tap.first);
	close(tap.ends[0]);
	close(tap.ends[1]);
	pair_until(&pair, nobody_is_connected);
}

/* Two that are the same have the same key stream, and together tell what both said. */
Test(network, no_two_nonces_are_the_same)
{
	static const uint8_t zeros[PNET_NONCE];
	uint8_t nonces[CONNECTIONS * WAYS][PNET_NONCE];

	pair_begin(&pair, &in_network, &in_network);
	begin_tap();
	for (unsigned i = 0; i < CONNECTIONS; i++)
		dial_through_tap(&nonces[i * WAYS]);
	for (unsigned i = 0; i < CONNECTIONS * WAYS; i++) {
		cr_assert(ne(int, memcmp(nonces[i], zeros, PNET_NONCE), 0));
		for (unsigned j = 0; j < i; j++)
			cr_assert(ne(int, memcmp(nonces[i], nonces[j], PNET_NONCE), 0));
	}
	close(tap.listener);
	pair_end(&pair);
}
