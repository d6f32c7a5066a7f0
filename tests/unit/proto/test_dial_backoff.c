/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/dial_backoff.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "base/init.h"

static struct dial_backoff backoff;
static const struct vd_peer_id peer = { 3, "abc" }, other = { 3, "abd" };

static void begin(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	cr_assert(eq(int, dial_backoff_init(&backoff), VD_OK));
}

static struct vd_multiaddr address(unsigned number)
{
	struct vd_multiaddr out;
	char text[64];

	snprintf(text, sizeof text, "/ip4/10.0.%u.%u/tcp/1", number >> 8 & 255, number & 255);
	cr_assert(eq(int, vd_multiaddr_of_text(text, &out), VD_OK));
	return out;
}

Test(dial_backoff, what_never_failed_may_be_tried)
{
	struct vd_multiaddr a = address(1);

	begin();
	cr_assert(eq(u64, dial_backoff_until(&backoff, &peer, &a, 0), 0));
	dial_backoff_fini(&backoff);
}

Test(dial_backoff, it_is_per_peer_and_address)
{
	struct vd_multiaddr a = address(1), b = address(2);

	begin();
	dial_backoff_add(&backoff, &peer, &a, 0);
	cr_assert(eq(u64, dial_backoff_until(&backoff, &peer, &a, 1), VD_SECONDS(5)));
	cr_assert(eq(u64, dial_backoff_until(&backoff, &peer, &b, 1), 0));
	cr_assert(eq(u64, dial_backoff_until(&backoff, &other, &a, 1), 0));
	dial_backoff_fini(&backoff);
}

Test(dial_backoff, it_ends)
{
	struct vd_multiaddr a = address(1);

	begin();
	dial_backoff_add(&backoff, &peer, &a, 0);
	cr_assert(ne(u64, dial_backoff_until(&backoff, &peer, &a, VD_SECONDS(5) - 1), 0));
	cr_assert(eq(u64, dial_backoff_until(&backoff, &peer, &a, VD_SECONDS(5)), 0));
	dial_backoff_fini(&backoff);
}

Test(dial_backoff, each_failure_makes_it_longer_up_to_five_minutes)
{
	struct vd_multiaddr a = address(1);
	vd_ns now = 0;

	begin();
	for (unsigned failures = 0; failures < 40; failures++) {
		unsigned s = 5 + failures * failures;
		vd_ns until;

		dial_backoff_add(&backoff, &peer, &a, now);
		until = dial_backoff_until(&backoff, &peer, &a, now);
		cr_assert(eq(u64, until - now, VD_SECONDS(s < 300 ? s : 300)));
		now = until;
	}
	dial_backoff_fini(&backoff);
}

Test(dial_backoff, success_clears_all_addresses_of_the_peer_and_no_others)
{
	struct vd_multiaddr a = address(1), b = address(2);

	begin();
	dial_backoff_add(&backoff, &peer, &a, 0);
	dial_backoff_add(&backoff, &peer, &b, 0);
	dial_backoff_add(&backoff, &other, &a, 0);
	dial_backoff_clear(&backoff, &peer);
	cr_assert(eq(u64, dial_backoff_until(&backoff, &peer, &a, 1), 0));
	cr_assert(eq(u64, dial_backoff_until(&backoff, &peer, &b, 1), 0));
	cr_assert(ne(u64, dial_backoff_until(&backoff, &other, &a, 1), 0));
	cr_assert(eq(u32, dial_backoff_count(&backoff), 1));
	dial_backoff_clear(&backoff, &peer); /* nothing is left */
	dial_backoff_fini(&backoff);
}

Test(dial_backoff, what_is_not_renewed_is_forgotten)
{
	struct vd_multiaddr a = address(1);

	begin();
	dial_backoff_add(&backoff, &peer, &a, 0);
	dial_backoff_until(&backoff, &peer, &a, VD_SECONDS(10) - 1);
	cr_assert(eq(u32, dial_backoff_count(&backoff), 1));
	dial_backoff_until(&backoff, &peer, &a, VD_SECONDS(10));
	cr_assert(eq(u32, dial_backoff_count(&backoff), 0));
	dial_backoff_add(&backoff, &peer, &a, VD_SECONDS(11)); /* as if for the first time */
	cr_assert(eq(u64, dial_backoff_until(&backoff, &peer, &a, VD_SECONDS(11)), VD_SECONDS(16)));
	dial_backoff_fini(&backoff);
}

Test(dial_backoff, a_full_table_gives_up_what_would_be_forgotten_first)
{
	struct vd_multiaddr a;

	begin();
	for (unsigned i = 0; i <= DIAL_BACKOFF_MAX; i++) {
		a = address(i);
		dial_backoff_add(&backoff, &peer, &a, i); /* nanoseconds: in this order */
	}
	cr_assert(eq(u32, dial_backoff_count(&backoff), DIAL_BACKOFF_MAX));
	cr_assert(eq(u64, backoff.pushed_out, 1));
	cr_assert(ne(u64, dial_backoff_until(&backoff, &peer, &a, VD_SECONDS(1)), 0));
	a = address(0);
	cr_assert(eq(u64, dial_backoff_until(&backoff, &peer, &a, VD_SECONDS(1)), 0));
	a = address(1);
	cr_assert(ne(u64, dial_backoff_until(&backoff, &peer, &a, VD_SECONDS(1)), 0));
	dial_backoff_fini(&backoff);
}
