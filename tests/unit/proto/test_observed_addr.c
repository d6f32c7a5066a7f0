/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/observed_addr.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static const vd_ns now = VD_SECONDS(100);
static struct observed_addr o;
static struct vd_multiaddr listens[3];

static struct vd_multiaddr of(const char *text)
{
	struct vd_multiaddr out;

	cr_assert(eq(int, (int)vd_multiaddr_of_text(text, &out), VD_OK), "%s", text);
	return out;
}

static void setup(void)
{
	observed_addr_init(&o);
	listens[0] = of("/ip4/10.0.0.2/tcp/4001");
	listens[1] = of("/ip6/fd00::2/tcp/4001");
	listens[2] = of("/ip4/10.0.0.2/tcp/4002");
}

TestSuite(observed_addr, .init = setup);

static bool vote_of(uint64_t conn, const char *local, const char *remote, const char *observed)
{
	struct vd_multiaddr l = of(local), r = of(remote), seen = of(observed);

	return observed_addr_vote(&o, conn, &l, &r, vd_bytes(seen.bytes, seen.len), listens, 3,
				  now);
}

/* From connection `conn`, by observer 8.8.0.`observer`. */
static bool vote(uint64_t conn, unsigned observer, const char *observed)
{
	char remote[64];

	snprintf(remote, sizeof remote, "/ip4/8.8.%u.%u/tcp/4001", observer >> 8, observer & 255);
	return vote_of(conn, "/ip4/10.0.0.2/tcp/4001", remote, observed);
}

static size_t outcome(struct vd_multiaddr out[8])
{
	return observed_addr_list(&o, out, 8);
}

static void is_ours(const char *text, bool expected)
{
	struct vd_multiaddr out[8], wanted = of(text);
	size_t count = outcome(out);
	bool found = false;

	for (size_t i = 0; i < count; i++)
		found = found || vd_multiaddr_equal(&out[i], &wanted);
	cr_assert(eq(int, found, expected), "%s", text);
}

Test(observed_addr, four_observers_make_an_address_ours)
{
	for (unsigned i = 0; i < 3; i++)
		cr_assert(vote(i, i, "/ip4/9.9.9.9/tcp/4001"));
	is_ours("/ip4/9.9.9.9/tcp/4001", false);
	cr_assert(vote(3, 3, "/ip4/9.9.9.9/tcp/4001"));
	is_ours("/ip4/9.9.9.9/tcp/4001", true);
}

Test(observed_addr, one_observer_has_one_vote_however_often_it_connects)
{
	for (unsigned i = 0; i < 100; i++)
		cr_assert(vote(i, 7, "/ip4/9.9.9.9/tcp/4001"));
	cr_assert(eq(u32, o.count, 1));
	is_ours("/ip4/9.9.9.9/tcp/4001", false);
}

Test(observed_addr, an_ip6_network_of_56_bits_is_one_observer)
{
	for (unsigned i = 0; i < 8; i++) {
		char remote[64];

		snprintf(remote, sizeof remote, "/ip6/2001:4860:0:0%x::1/tcp/1", i);
		cr_assert(vote_of(i, "/ip6/fd00::2/tcp/4001", remote, "/ip6/2a00::9/tcp/4001"));
	}
	is_ours("/ip6/2a00::9/tcp/4001", false);
	for (unsigned i = 1; i < 4; i++) {
		char remote[64];

		snprintf(remote, sizeof remote, "/ip6/2001:4860:0:%x00::1/tcp/1", i);
		cr_assert(
		    vote_of(10 + i, "/ip6/fd00::2/tcp/4001", remote, "/ip6/2a00::9/tcp/4001"));
	}
	is_ours("/ip6/2a00::9/tcp/4001", true);
}

Test(observed_addr, a_newer_vote_replaces_the_observers_older_one)
{
	for (unsigned i = 0; i < 4; i++)
		cr_assert(vote(i, i, "/ip4/9.9.9.9/tcp/4001"));
	cr_assert(vote(0, 0, "/ip4/9.9.9.8/tcp/4001"));
	is_ours("/ip4/9.9.9.9/tcp/4001", false);
}

Test(observed_addr, votes_hold_with_their_connection_and_a_while_after)
{
	for (unsigned i = 0; i < 4; i++)
		cr_assert(vote(i, i, "/ip4/9.9.9.9/tcp/4001"));
	cr_assert(eq(u64, observed_addr_deadline(&o), VD_NEVER));
	observed_addr_expire(&o, now + 1000 * OBSERVED_LINGER);
	is_ours("/ip4/9.9.9.9/tcp/4001", true);
	observed_addr_left(&o, 2, now);
	cr_assert(eq(u64, observed_addr_deadline(&o), now + OBSERVED_LINGER));
	observed_addr_expire(&o, now + OBSERVED_LINGER - 1);
	is_ours("/ip4/9.9.9.9/tcp/4001", true);
	observed_addr_expire(&o, now + OBSERVED_LINGER);
	is_ours("/ip4/9.9.9.9/tcp/4001", false);
}

Test(observed_addr, who_comes_back_votes_on)
{
	for (unsigned i = 0; i < 4; i++)
		cr_assert(vote(i, i, "/ip4/9.9.9.9/tcp/4001"));
	cr_assert(vote(10, 2, "/ip4/9.9.9.9/tcp/4001"));
	observed_addr_left(&o, 2, now);
	cr_assert(eq(u64, observed_addr_deadline(&o), VD_NEVER), "its newer connection lives");
}

Test(observed_addr, each_listening_address_has_at_most_three)
{
	struct vd_multiaddr out[8], first = of("/ip4/9.9.9.4/tcp/4001");
	unsigned observer = 0;

	for (unsigned i = 0; i < 5; i++) {
		char seen[64];

		snprintf(seen, sizeof seen, "/ip4/9.9.9.%u/tcp/4001", i);
		for (unsigned k = 0; k < OBSERVED_QUORUM + i; k++, observer++)
			cr_assert(vote(observer, observer, seen));
	}
	cr_assert(eq(sz, outcome(out), OBSERVED_EACH));
	cr_assert(vd_multiaddr_equal(&out[0], &first), "the one with the most votes");
	is_ours("/ip4/9.9.9.1/tcp/4001", false);
}

Test(observed_addr, an_address_seen_of_two_listening_ones_is_listed_once)
{
	struct vd_multiaddr out[8];

	for (unsigned i = 0; i < 4; i++) {
		char remote[64];

		snprintf(remote, sizeof remote, "/ip4/8.8.8.%u/tcp/1", i);
		cr_assert(vote(i, i, "/ip4/9.9.9.9/tcp/4001"));
		cr_assert(vote_of(i, "/ip4/10.0.0.2/tcp/4002", remote, "/ip4/9.9.9.9/tcp/4001"));
	}
	cr_assert(eq(sz, outcome(out), 1));
}

Test(observed_addr, a_connection_from_another_port_has_no_vote)
{
	cr_assert(
	    not(vote_of(1, "/ip4/10.0.0.2/tcp/50000", "/ip4/8.8.8.8/tcp/1", "/ip4/9.9.9.9/tcp/1")));
	cr_assert(eq(u64, o.counters.refused_local, 1));
}

struct refusal {
	const char *local, *remote, *observed;
};

static const struct refusal refusals[] = {
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip4/127.0.0.1/tcp/4001" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip4/0.0.0.0/tcp/4001" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip4/224.0.0.1/tcp/4001" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip4/169.254.0.1/tcp/4001" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip4/192.168.1.1/tcp/4001" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip4/9.9.9.9/tcp/0" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip4/9.9.9.9/udp/4001" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip6/2a00::1/tcp/4001" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/ip4/9.9.9.9/tcp/4001/ws" },
	{ "/ip4/10.0.0.2/tcp/4001", "/ip4/8.8.8.8/tcp/1", "/dns4/example.org/tcp/4001" },
	{ "/ip6/fd00::2/tcp/4001", "/ip6/2001:4860::1/tcp/1", "/ip6/64:ff9b::909:909/tcp/4001" },
	{ "/ip6/fd00::2/tcp/4001", "/ip6/2001:4860::1/tcp/1", "/ip6/fe80::1/tcp/4001" },
};

Test(observed_addr, what_others_cannot_see_us_by_is_refused)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		cr_assert(
		    not(vote_of(i, refusals[i].local, refusals[i].remote, refusals[i].observed)),
		    "%s", refusals[i].observed);
	cr_assert(eq(u64, o.counters.refused_address, sizeof refusals / sizeof *refusals));
	cr_assert(zero(u32, o.count));
}

Test(observed_addr, a_private_address_counts_from_a_private_peer)
{
	cr_assert(vote_of(1, "/ip4/10.0.0.2/tcp/4001", "/ip4/192.168.1.9/tcp/1",
			  "/ip4/192.168.1.1/tcp/4001"));
}

Test(observed_addr, bytes_that_are_no_address_are_refused)
{
	struct vd_multiaddr local = listens[0], remote = of("/ip4/8.8.8.8/tcp/1");

	cr_assert(not(
	    observed_addr_vote(&o, 1, &local, &remote, vd_bytes("\x04\x09", 2), listens, 3, now)));
	cr_assert(
	    not(observed_addr_vote(&o, 1, &local, &remote, vd_bytes(NULL, 0), listens, 3, now)));
}

Test(observed_addr, when_all_votes_are_in_use_those_who_left_make_room)
{
	for (unsigned i = 0; i < OBSERVED_VOTES; i++)
		cr_assert(vote(i, i, "/ip4/9.9.9.9/tcp/4001"));
	cr_assert(not(vote(5000, 5000, "/ip4/9.9.9.9/tcp/4001")));
	cr_assert(eq(u64, o.counters.refused_full, 1));
	observed_addr_left(&o, 17, now);
	cr_assert(vote(5000, 5000, "/ip4/9.9.9.9/tcp/4001"));
	cr_assert(eq(u32, o.count, OBSERVED_VOTES));
}

Test(observed_addr, the_version_moves_with_news_alone)
{
	uint64_t before;

	cr_assert(vote(1, 1, "/ip4/9.9.9.9/tcp/4001"));
	before = o.version;
	cr_assert(vote(1, 1, "/ip4/9.9.9.9/tcp/4001"));
	cr_assert(eq(u64, o.version, before));
	cr_assert(vote(1, 1, "/ip4/9.9.9.8/tcp/4001"));
	cr_assert(ne(u64, o.version, before));
}
