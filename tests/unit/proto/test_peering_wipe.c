/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Keys end with what they are for: the machine's memory is looked at (switch/SPEC.md, 3.5). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "controlplane/proto/peering_state.h"
#include "tests/unit/proto/peering_net.h"

/* Anything in what would hold keys: generations, handshakes, refusals, jobs, events. */
static bool holds_any(const struct peering *p)
{
	bool any = false;

	for (uint32_t i = 0; i < p->generation_pool.high; i++)
		any |=
		    !sodium_is_zero((const uint8_t *)&p->generations[i], sizeof p->generations[i]);
	for (uint32_t i = 0; i < p->half_open_pool.high; i++)
		any |= !sodium_is_zero((const uint8_t *)&p->half_opens[i].hs,
				       sizeof p->half_opens[i].hs);
	for (uint32_t i = 0; i < p->refusal_pool.high; i++)
		any |= !sodium_is_zero((const uint8_t *)&p->refusals[i], sizeof p->refusals[i]);
	any |= !sodium_is_zero((const uint8_t *)p->jobs, PEERING_JOBS * sizeof *p->jobs);
	for (uint32_t i = 0; i <= EVENTS_MAX; i++)
		any |=
		    !sodium_is_zero((const uint8_t *)&p->events[i].keys, sizeof p->events[i].keys);
	return any;
}

static bool either_holds_any(const struct net *net)
{
	return holds_any(net->nodes[0].peering) || holds_any(net->nodes[1].peering);
}

static struct net *dial(enum peering_kind kind)
{
	struct net *net = net_new(kind, 1);

	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	return net;
}

static void check_closed(enum peering_kind kind)
{
	struct net *net = dial(kind);

	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	(void)peering_rekey(net->nodes[0].peering, net_current(net, 0, 1)->index, net->now);
	net_run(net, VD_SECONDS(1));
	cr_assert(holds_any(net->nodes[0].peering) && holds_any(net->nodes[1].peering));
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	peering_close(net->nodes[0].peering, &net->nodes[1].identity.id, CONTROL_OK, "", net->now);
	net_drain(net, 0);
	net_run(net, VD_SECONDS(1));
	cr_assert(not(either_holds_any(net)));
	net_free(net);
}

Test(peering_wipe, a_link_leaves_no_keys)
{
	check_closed(PEERING_LINK);
}

Test(peering_wipe, a_session_leaves_no_keys)
{
	check_closed(PEERING_SESSION);
}

Test(peering_wipe, an_older_generation_leaves_none_beside_a_newer_one)
{
	struct net *net = dial(PEERING_LINK);
	const struct peering *p = net->nodes[0].peering;
	unsigned used = 0;

	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	net_run(net, VD_SECONDS(6));
	(void)peering_rekey(net->nodes[0].peering, net_current(net, 0, 1)->index, net->now);
	net_run(net, VD_SECONDS(40));
	cr_assert(eq(u32, net_generation_count(&net->nodes[0]), 1));
	cr_assert(eq(u32, p->generation_pool.high, 2));
	for (uint32_t i = 0; i < 2; i++)
		used +=
		    !sodium_is_zero((const uint8_t *)&p->generations[i], sizeof p->generations[i]);
	cr_assert(eq(u32, used, 1));
	net_free(net);
}

Test(peering_wipe, handshakes_that_end_without_a_link_leave_no_keys)
{
	struct net *net = dial(PEERING_LINK);

	net_run(net, VD_MS(15)); /* message 2 is on its way */
	net->cut = true;
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	cr_assert(holds_any(net->nodes[1].peering));
	net_run(net, VD_SECONDS(21));
	cr_assert(not(either_holds_any(net)));
	net_free(net);
}

Test(peering_wipe, a_refusal_leaves_no_keys)
{
	struct net *net = dial(PEERING_LINK);

	net->nodes[1].refuses = true;
	net_run(net, VD_MS(100));
	cr_assert(eq(u32, net->nodes[0].counts[PEERING_REFUSED_BY], 1));
	peering_undial(net->nodes[0].peering, &net->nodes[1].identity.id, net->now);
	cr_assert(holds_any(net->nodes[1].peering));
	net_run(net, VD_SECONDS(21));
	cr_assert(not(either_holds_any(net)));
	net_free(net);
}
