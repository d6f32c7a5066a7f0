/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* peering_two: what tests of two peering machines begin and end with. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/unit/proto/peering_net.h"

static inline struct net *two(enum peering_kind kind)
{
	struct net *net = net_new(kind, 1);

	net_start(net, 0);
	net_start(net, 1);
	return net;
}

static inline struct net *two_up(enum peering_kind kind)
{
	struct net *net = two(kind);

	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	return net;
}

/* Nothing of the handshake is under way any more. */
static inline struct net *two_settled(enum peering_kind kind)
{
	struct net *net = two_up(kind);

	net_run(net, VD_SECONDS(1));
	return net;
}

static inline const struct peering_stats *stats(const struct net *net, unsigned node)
{
	return peering_stats(net->nodes[node].peering);
}

/* All was in order until now. */
static inline void end(struct net *net)
{
	for (unsigned i = 0; i < NET_NODES; i++)
		cr_assert(net->nodes[i].broken == NULL, "%s", net->nodes[i].broken);
	cr_assert(zero(u32, net->lost_for_room));
	net_free(net);
}
