/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/exchange.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>

static bool readable(const struct sw_wake *wake)
{
	struct pollfd fd = { .fd = wake->fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

Test(exchange, a_sleeper_is_woken_once)
{
	struct sw_wake wake;

	cr_assert(eq(int, sw_wake_init(&wake), VD_OK));
	sw_wake_announce(&wake);
	cr_assert(not(readable(&wake)));
	sw_wake_up(&wake);
	sw_wake_up(&wake);
	cr_assert(readable(&wake));
	sw_wake_clear(&wake);
	cr_assert(not(readable(&wake)));
	sw_wake_fini(&wake);
}

Test(exchange, nobody_wakes_who_is_awake)
{
	struct sw_wake wake;

	cr_assert(eq(int, sw_wake_init(&wake), VD_OK));
	sw_wake_up(&wake);
	cr_assert(not(readable(&wake)));
	sw_wake_announce(&wake);
	sw_wake_clear(&wake);
	sw_wake_up(&wake);
	cr_assert(not(readable(&wake)));
	sw_wake_fini(&wake);
}

Test(exchange, the_hash_of_a_path_is_never_zero_and_depends_on_every_part)
{
	struct vd_udp_addr addr = { .port = 4001 };
	uint32_t first = sw_path_hash(0, &addr);

	cr_assert(ne(u32, first, 0));
	cr_assert(ne(u32, sw_path_hash(1, &addr), first));
	addr.port++;
	cr_assert(ne(u32, sw_path_hash(0, &addr), first));
	addr.port--;
	for (unsigned i = 0; i < 16; i++) {
		addr.ip[i] ^= 1;
		cr_assert(ne(u32, sw_path_hash(0, &addr), first), "byte %u", i);
		addr.ip[i] ^= 1;
	}
}
