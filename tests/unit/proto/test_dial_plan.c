/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/dial_plan.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static struct dial_plan plan;
static struct vd_peer_id peer, other;

#define PEER  "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
#define OTHER "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"

static struct vd_multiaddr of(const char *text)
{
	struct vd_multiaddr address;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK), "%s", text);
	return address;
}

static enum dial_verdict add(const char *text)
{
	struct vd_multiaddr address = of(text);

	return dial_plan_add(&plan, &address, NULL, 0);
}

static void begin(void)
{
	cr_assert(eq(int, vd_peer_id_of_text(PEER, &peer), VD_OK));
	cr_assert(eq(int, vd_peer_id_of_text(OTHER, &other), VD_OK));
	dial_plan_init(&plan, &peer, 0);
}

/* The next attempt must be this one. */
static unsigned next_is(vd_ns now, const char *text)
{
	char got[VD_MULTIADDR_TEXT];
	unsigned attempt = 99;

	cr_assert(dial_plan_next(&plan, now, &attempt), "%s", text);
	vd_multiaddr_text(&plan.attempts[attempt].address, got);
	cr_assert(eq(str, got, (char *)text));
	return attempt;
}

static void none_is_next(vd_ns now)
{
	unsigned attempt;

	cr_assert(not(dial_plan_next(&plan, now, &attempt)));
}

/* ---- the order ---- */

Test(dial_plan, public_addresses_are_tried_ip6_first_then_ip4_then_all)
{
	begin();
	add("/ip4/8.8.8.8/tcp/5000");
	add("/ip4/8.8.4.4/tcp/4001");
	add("/ip6/2a00::2/tcp/9000");
	add("/ip6/2a00::1/tcp/4001");
	next_is(0, "/ip6/2a00::1/tcp/4001");
	none_is_next(0);
	cr_assert(eq(u64, dial_plan_deadline(&plan), VD_MS(250)));
	none_is_next(VD_MS(250) - 1);
	next_is(VD_MS(250), "/ip4/8.8.4.4/tcp/4001");
	none_is_next(VD_MS(250));
	cr_assert(eq(u64, dial_plan_deadline(&plan), VD_MS(500)));
	next_is(VD_MS(500), "/ip6/2a00::2/tcp/9000");
	next_is(VD_MS(500), "/ip4/8.8.8.8/tcp/5000");
	none_is_next(VD_SECONDS(1));
}

Test(dial_plan, one_family_has_two_steps)
{
	begin();
	add("/ip4/8.8.8.8/tcp/3");
	add("/ip4/8.8.8.8/tcp/1");
	add("/ip4/8.8.8.8/tcp/2");
	next_is(0, "/ip4/8.8.8.8/tcp/1");
	none_is_next(VD_MS(249));
	next_is(VD_MS(250), "/ip4/8.8.8.8/tcp/2");
	next_is(VD_MS(250), "/ip4/8.8.8.8/tcp/3");
}

Test(dial_plan, private_addresses_are_tried_beside_public_ones_and_faster)
{
	begin();
	add("/ip4/8.8.8.8/tcp/4001");
	add("/ip4/127.0.0.1/tcp/4001");
	add("/ip4/10.0.0.1/tcp/4002");
	next_is(0, "/ip4/8.8.8.8/tcp/4001");
	next_is(0, "/ip4/127.0.0.1/tcp/4001");
	none_is_next(VD_MS(30) - 1);
	next_is(VD_MS(30), "/ip4/10.0.0.1/tcp/4002");
}

Test(dial_plan, when_all_failed_the_next_does_not_wait)
{
	begin();
	add("/ip4/8.8.8.8/tcp/1");
	add("/ip4/8.8.8.8/tcp/2");
	dial_plan_failed(&plan, next_is(0, "/ip4/8.8.8.8/tcp/1"), VD_ELINK_CLOSED, "refused");
	cr_assert(eq(u64, dial_plan_deadline(&plan), 0));
	next_is(VD_MS(1), "/ip4/8.8.8.8/tcp/2");
}

Test(dial_plan, a_public_address_that_negotiates_holds_the_others_back)
{
	unsigned first;

	begin();
	add("/ip4/8.8.8.8/tcp/1");
	add("/ip4/8.8.8.8/tcp/2");
	first = next_is(0, "/ip4/8.8.8.8/tcp/1");
	dial_plan_connected(&plan, first, VD_MS(200));
	none_is_next(VD_MS(449));
	cr_assert(eq(u64, dial_plan_deadline(&plan), VD_MS(450)));
	next_is(VD_MS(450), "/ip4/8.8.8.8/tcp/2");
}

Test(dial_plan, a_private_address_that_negotiates_holds_nobody)
{
	begin();
	add("/ip4/10.0.0.1/tcp/1");
	add("/ip4/10.0.0.1/tcp/2");
	dial_plan_connected(&plan, next_is(0, "/ip4/10.0.0.1/tcp/1"), VD_MS(20));
	next_is(VD_MS(30), "/ip4/10.0.0.1/tcp/2");
}

Test(dial_plan, eight_at_once_and_no_more)
{
	char text[64];
	unsigned attempt, begun = 0;

	begin();
	for (unsigned i = 1; i <= 20; i++) {
		snprintf(text, sizeof text, "/ip4/10.0.0.1/tcp/%u", i);
		add(text);
	}
	while (dial_plan_next(&plan, VD_SECONDS(1), &attempt))
		begun++;
	cr_assert(eq(uint, begun, DIAL_PLAN_AT_ONCE));
	cr_assert(eq(u64, dial_plan_deadline(&plan), VD_SECONDS(1 + DIAL_PLAN_ATTEMPT_S)));
	dial_plan_failed(&plan, attempt, VD_ELINK_CLOSED, "refused");
	cr_assert(dial_plan_next(&plan, VD_SECONDS(1), &attempt));
}

Test(dial_plan, an_address_that_comes_later_takes_its_place)
{
	begin();
	dial_plan_expect(&plan, true);
	add("/ip4/8.8.8.8/tcp/1");
	next_is(0, "/ip4/8.8.8.8/tcp/1");
	add("/ip6/2a00::1/tcp/1"); /* would have been first */
	next_is(VD_MS(1), "/ip6/2a00::1/tcp/1");
	add("/ip4/8.8.8.8/tcp/2");
	none_is_next(VD_MS(499));
	next_is(VD_MS(500), "/ip4/8.8.8.8/tcp/2");
}

/* ---- what is not dialled ---- */

static const struct {
	const char *address;
	enum dial_verdict verdict;
} verdicts[] = {
	{ "/ip4/8.8.8.8/tcp/4001", DIAL_TAKEN },
	{ "/ip4/8.8.8.8/tcp/4001/p2p/" PEER, DIAL_TAKEN },
	{ "/ip4/8.8.8.8/tcp/4001/p2p/" OTHER, DIAL_OTHER_PEER },
	{ "/ip4/8.8.8.8/udp/4001/quic-v1", DIAL_TAKEN }, /* whether we have it: dialer.h */
	{ "/ip4/8.8.8.8/tcp/4001/ws/p2p/" PEER, DIAL_TAKEN },
	{ "/ip4/8.8.8.8/tcp/4001/p2p/" OTHER "/p2p-circuit/p2p/" PEER, DIAL_TAKEN },
	{ "/ip4/8.8.8.8/tcp/4001/p2p/" OTHER "/p2p-circuit/p2p/" OTHER, DIAL_OTHER_PEER },
	{ "/ip4/8.8.8.8", DIAL_NO_TRANSPORT },
	{ "/ip4/8.8.8.8/p2p/" PEER, DIAL_NO_TRANSPORT },
	{ "/dns4/example.org/tcp/4001", DIAL_NO_TRANSPORT },
	{ "/ip6zone/eth0/ip6/fe80::1/tcp/4001", DIAL_NO_TRANSPORT },
	{ "/p2p/" PEER, DIAL_NO_TRANSPORT },
	{ "/ip4/8.8.8.8/udp/4001/viaduct/p2p/" PEER, DIAL_VIADUCT },
	{ "/ip4/0.0.0.0/tcp/4001", DIAL_NOWHERE },
	{ "/ip6/::/tcp/4001", DIAL_NOWHERE },
	{ "/ip4/224.0.0.1/tcp/4001", DIAL_NOWHERE },
	{ "/ip4/255.255.255.255/tcp/4001", DIAL_NOWHERE },
	{ "/ip6/fe80::1/tcp/4001", DIAL_NOWHERE },
	{ "/ip4/8.8.8.8/tcp/0", DIAL_NOWHERE },
	{ "/ip4/169.254.1.1/tcp/4001", DIAL_TAKEN },
	{ "/ip4/198.18.1.1/tcp/4001", DIAL_TAKEN },
};

Test(dial_plan, what_cannot_be_dialled_is_not_taken)
{
	for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
		begin();
		cr_expect(eq(int, add(verdicts[i].address), verdicts[i].verdict), "%s",
			  verdicts[i].address);
		cr_expect(eq(uint, plan.count, verdicts[i].verdict == DIAL_TAKEN));
		cr_expect(
		    eq(uint, plan.skipped[verdicts[i].verdict], verdicts[i].verdict != DIAL_TAKEN));
	}
}

Test(dial_plan, where_we_listen_is_not_dialled)
{
	struct vd_multiaddr ours = of("/ip4/10.0.0.1/tcp/4001"), same, near;

	begin();
	same = of("/ip4/10.0.0.1/tcp/4001/p2p/" PEER);
	near = of("/ip4/10.0.0.1/tcp/4002");
	cr_assert(eq(int, dial_plan_add(&plan, &same, &ours, 1), DIAL_OURS));
	cr_assert(eq(int, dial_plan_add(&plan, &near, &ours, 1), DIAL_TAKEN));
}

Test(dial_plan, an_address_is_tried_once)
{
	begin();
	cr_assert(eq(int, add("/ip4/8.8.8.8/tcp/1"), DIAL_TAKEN));
	cr_assert(eq(int, add("/ip4/8.8.8.8/tcp/1/p2p/" PEER), DIAL_TWICE));
	cr_assert(eq(uint, plan.count, 1));
}

Test(dial_plan, addresses_above_the_limit_are_counted)
{
	char text[64];

	begin();
	for (unsigned i = 1; i <= DIAL_PLAN_MAX + 3; i++) {
		snprintf(text, sizeof text, "/ip4/8.8.8.8/tcp/%u", i);
		cr_assert(eq(int, add(text), i <= DIAL_PLAN_MAX ? DIAL_TAKEN : DIAL_TOO_MANY));
	}
	cr_assert(eq(uint, plan.skipped[DIAL_TOO_MANY], 3));
}

Test(dial_plan, what_is_dropped_again_is_not_tried)
{
	begin();
	add("/ip4/8.8.8.8/tcp/2");
	add("/ip4/8.8.8.8/tcp/1");
	dial_plan_drop(&plan, DIAL_BACKED_OFF);
	cr_assert(eq(uint, plan.skipped[DIAL_BACKED_OFF], 1));
	next_is(0, "/ip4/8.8.8.8/tcp/2");
	none_is_next(VD_SECONDS(1));
}

/* ---- how it ends ---- */

Test(dial_plan, the_first_that_wins_ends_it_and_the_others_are_canceled)
{
	unsigned first, second, canceled = 99;

	begin();
	add("/ip4/10.0.0.1/tcp/1");
	add("/ip4/10.0.0.1/tcp/2");
	add("/ip4/10.0.0.1/tcp/3");
	first = next_is(0, "/ip4/10.0.0.1/tcp/1");
	second = next_is(VD_MS(30), "/ip4/10.0.0.1/tcp/2");
	dial_plan_won(&plan, second);
	cr_assert(eq(int, dial_plan_state(&plan), DIAL_PLAN_WON));
	cr_assert(eq(u64, dial_plan_deadline(&plan), VD_NEVER));
	none_is_next(VD_SECONDS(1));
	cr_assert(dial_plan_cancel(&plan, &canceled));
	cr_assert(eq(uint, canceled, first));
	cr_assert(not(dial_plan_cancel(&plan, &canceled)));
	dial_plan_failed(&plan, first, VD_ELINK_CLOSED, "late"); /* changes nothing */
	cr_assert(eq(int, plan.attempts[first].state, DIAL_CANCELED));
}

Test(dial_plan, it_fails_when_all_failed_and_says_why_of_each)
{
	char why[DIAL_PLAN_WHY];

	begin();
	add("/ip4/10.0.0.1/tcp/1");
	add("/ip4/10.0.0.1/tcp/2");
	add("/ip4/10.0.0.1");
	dial_plan_failed(&plan, next_is(0, "/ip4/10.0.0.1/tcp/1"), VD_EPEER_AUTH, "another peer");
	cr_assert(eq(int, dial_plan_state(&plan), DIAL_PLAN_RUNNING));
	dial_plan_failed(&plan, next_is(0, "/ip4/10.0.0.1/tcp/2"), VD_ELINK_CLOSED, NULL);
	cr_assert(eq(int, dial_plan_state(&plan), DIAL_PLAN_FAILED));
	cr_assert(eq(int, dial_plan_err(&plan), VD_EPEER_AUTH));
	dial_plan_why(&plan, why);
	cr_assert(eq(str, why,
		     "/ip4/10.0.0.1/tcp/1: another peer; /ip4/10.0.0.1/tcp/2: link closed; "
		     "1 of no transport we have (TCP is)"));
}

Test(dial_plan, without_an_address_it_fails_at_once)
{
	char why[DIAL_PLAN_WHY];

	begin();
	cr_assert(eq(int, dial_plan_state(&plan), DIAL_PLAN_FAILED));
	cr_assert(eq(int, dial_plan_err(&plan), VD_ENOTFOUND));
	cr_assert(eq(str, (char *)dial_plan_why(&plan, why), "no address to try"));
	dial_plan_skip(&plan, DIAL_BACKED_OFF);
	cr_assert(eq(str, (char *)dial_plan_why(&plan, why), "1 failed lately"));
}

Test(dial_plan, while_addresses_are_expected_it_goes_on)
{
	begin();
	dial_plan_expect(&plan, true);
	cr_assert(eq(int, dial_plan_state(&plan), DIAL_PLAN_RUNNING));
	cr_assert(eq(u64, dial_plan_deadline(&plan), VD_SECONDS(DIAL_PLAN_S)));
	dial_plan_expect(&plan, false);
	cr_assert(eq(int, dial_plan_state(&plan), DIAL_PLAN_FAILED));
}

Test(dial_plan, an_attempt_without_an_answer_is_cut_off)
{
	unsigned first, expired = 99;

	begin();
	add("/ip4/10.0.0.1/tcp/1");
	first = next_is(0, "/ip4/10.0.0.1/tcp/1");
	cr_assert(eq(u64, dial_plan_deadline(&plan), VD_SECONDS(DIAL_PLAN_ATTEMPT_S)));
	cr_assert(not(dial_plan_expire(&plan, VD_SECONDS(DIAL_PLAN_ATTEMPT_S) - 1, &expired)));
	cr_assert(dial_plan_expire(&plan, VD_SECONDS(DIAL_PLAN_ATTEMPT_S), &expired));
	cr_assert(eq(uint, expired, first));
	cr_assert(not(dial_plan_expire(&plan, VD_SECONDS(DIAL_PLAN_ATTEMPT_S), &expired)));
	cr_assert(eq(int, dial_plan_state(&plan), DIAL_PLAN_FAILED));
	cr_assert(eq(int, dial_plan_err(&plan), VD_ELINK_TIMEOUT));
}

Test(dial_plan, the_time_of_all_ends_all)
{
	char text[64], why[DIAL_PLAN_WHY];
	unsigned attempt, expired = 0;
	vd_ns now = 0;

	begin();
	dial_plan_expect(&plan, true);
	for (unsigned i = 1; i <= DIAL_PLAN_MAX; i++) {
		snprintf(text, sizeof text, "/ip4/10.0.0.1/tcp/%u", i);
		add(text);
	}
	while (dial_plan_state(&plan) == DIAL_PLAN_RUNNING) {
		while (dial_plan_expire(&plan, now, &attempt))
			expired++;
		while (dial_plan_next(&plan, now, &attempt))
			;
		cr_assert(plan.under_way <= DIAL_PLAN_AT_ONCE);
		if (dial_plan_deadline(&plan) != VD_NEVER)
			now = dial_plan_deadline(&plan);
	}
	cr_assert(eq(u64, now, VD_SECONDS(DIAL_PLAN_S)));
	cr_assert(eq(uint, expired, plan.tried));
	dial_plan_why(&plan, why);
	cr_assert(lt(sz, strlen(why), DIAL_PLAN_WHY));
	cr_assert(eq(str, why + strlen(why) - strlen("…"), "…")); /* not all had room */
}

Test(dial_plan, names_that_nobody_answers_for_end_with_the_time)
{
	char why[DIAL_PLAN_WHY];
	unsigned attempt;

	begin();
	dial_plan_expect(&plan, true);
	cr_assert(not(dial_plan_expire(&plan, VD_SECONDS(DIAL_PLAN_S), &attempt)));
	cr_assert(eq(int, dial_plan_state(&plan), DIAL_PLAN_FAILED));
	cr_assert(eq(str, (char *)dial_plan_why(&plan, why), "not looked up in time"));
}
