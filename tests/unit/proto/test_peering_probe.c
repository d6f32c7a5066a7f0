/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Padded pings for who searches a path's MTU. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/init.h"
#include "tests/unit/proto/peering_net.h"

static struct net *two_up(void)
{
	struct net *net = net_new(PEERING_SESSION, 1);

	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	return net;
}

/* Its first 11 bytes; what it is padded with, and by whom, the machine does not see. */
Test(peering_probe, a_probe_is_answered_with_its_whole_length)
{
	struct net *net = two_up();
	const struct vd_peer_id *peer = &net->nodes[1].identity.id;
	uint8_t probe[9001] = { 0 }, reply[32];
	struct peering_event event;
	size_t len, reply_len;

	cr_assert(eq(int, peering_probe(net->nodes[0].peering, peer, 77, probe, &len), VD_OK));
	cr_assert(eq(sz, len, 10));
	cr_assert(eq(int,
		     peering_recv_inner(net->nodes[1].peering, net_current(net, 1, 0)->index, NULL,
					vd_bytes(probe, sizeof probe), net->now),
		     VD_OK));
	event = peering_next(net->nodes[1].peering);
	cr_assert(eq(int, event.kind, PEERING_SEND_INNER));
	reply_len = event.frame.len;
	cr_assert(le(sz, reply_len, sizeof reply));
	memcpy(reply, event.frame.at, reply_len);
	cr_assert(eq(int,
		     peering_recv_inner(net->nodes[0].peering, net_current(net, 0, 1)->index, NULL,
					vd_bytes(reply, reply_len), net->now),
		     VD_OK));
	event = peering_next(net->nodes[0].peering);
	cr_assert(eq(int, event.kind, PEERING_PROBED));
	cr_assert(eq(u64, event.id, 77));
	cr_assert(eq(sz, event.size, sizeof probe));
	net_drain(net, 0);
	net_drain(net, 1);
	net_free(net);
}

Test(peering_probe, nobody_is_probed_who_is_not_up_or_does_not_ping)
{
	struct net *net = net_new(PEERING_SESSION, 1);
	const struct vd_peer_id *peer = &net->nodes[1].identity.id;
	uint8_t probe[PEERING_PROBE_BYTES];
	size_t len;

	net->nodes[1].config.offer[0] = NULL;
	net_start(net, 0);
	net_start(net, 1);
	cr_assert(
	    eq(int, peering_probe(net->nodes[0].peering, peer, 1, probe, &len), VD_ENOTFOUND));
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	cr_assert(
	    eq(int, peering_probe(net->nodes[0].peering, peer, 1, probe, &len), VD_ENOTFOUND));
	net_free(net);
}
