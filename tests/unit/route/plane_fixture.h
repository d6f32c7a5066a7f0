/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* plane_fixture: a plane, of one worker unless asked, and peers, for the tests of route/. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "base/formats/peer_id.h"
#include "switch/plane.h"

static struct sw_plane plane;

static inline void plane_setup_of(uint16_t workers)
{
	const struct sw_plane_config config = {
		.workers = workers,
		.width = 8,
		.links_max = 16,
		.sessions_max = 16,
	};

	cr_assert(ge(int, sodium_init(), 0));
	rcu_register_thread();
	cr_assert(eq(int, (int)sw_plane_init(&plane, &config), VD_OK));
}

static inline void plane_setup(void)
{
	plane_setup_of(1);
}

static inline void plane_teardown(void)
{
	rcu_unregister_thread();
	rcu_barrier();
	sw_plane_fini(&plane);
}

/* A peer id of the shape of Ed25519's. */
static inline struct vd_peer_id peer(uint8_t fill)
{
	struct vd_peer_id id = { .len = 38, .bytes = { 0, 36, 8, 1, 18, 32 } };

	memset(id.bytes + 6, fill, 32);
	return id;
}
