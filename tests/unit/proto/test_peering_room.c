/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Events that wait to be drained leave room for the calls that come meanwhile. */
#include "tests/unit/proto/peering_two.h"

enum { STRANGERS = 100 };

static struct net *two_with_room(enum peering_kind kind)
{
	struct net *net = net_new(kind, 1);

	net->nodes[0].config.peers_max = STRANGERS + 2;
	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	net_run(net, VD_SECONDS(1));
	return net;
}

/* Somebody who does not answer. */
static enum vd_err dial_stranger(struct net *net)
{
	const struct peering_path path = { .bytes = { NET_NOBODY } };
	struct vd_identity identity;

	vd_identity_generate(&identity);
	return peering_dial(net->nodes[0].peering, &identity.id, &path, net->now);
}

Test(peering_room, what_expires_at_once_leaves_room_for_a_call)
{
	struct net *net = two_with_room(PEERING_LINK);
	struct peering *p = net->nodes[0].peering;

	for (unsigned i = 0; i < STRANGERS; i++) {
		cr_assert(eq(int, dial_stranger(net), VD_OK));
		net_drain(net, 0);
	}
	net->now += VD_SECONDS(1);
	peering_expire(p, net->now); /* all handshakes are due to be repeated */
	cr_assert(le(u64, peering_deadline(p), net->now), "and not all were");
	cr_assert(eq(
	    int,
	    peering_send_control(p, &net->nodes[1].identity.id, vd_bytes("\x32\x00", 2), net->now),
	    VD_OK));
	net_drain(net, 0);
	end(net);
}

Test(peering_room, who_is_heard_while_no_room_is_left_is_not_silent)
{
	struct net *net = two_with_room(PEERING_SESSION);
	struct peering *p = net->nodes[0].peering;
	struct peering_view view;
	vd_ns began = net->now;

	net->now += VD_SECONDS(500);
	while (dial_stranger(net) == VD_OK)
		;
	peering_verified(p, net_current(net, 0, 1)->index, net->now);
	net_drain(net, 0);
	net->now = began + VD_SECONDS(700); /* idle sessions end after 600 s */
	while (peering_deadline(p) <= net->now) {
		peering_expire(p, net->now);
		net_drain(net, 0);
	}
	cr_assert(eq(int, peering_find(p, &net->nodes[1].identity.id, &view), VD_OK));
	cr_assert(view.up);
	end(net);
}
