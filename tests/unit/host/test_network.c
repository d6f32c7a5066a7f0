/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Hosts in private networks, over loopback. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

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
