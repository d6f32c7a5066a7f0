/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/sessions.h"

#include "tests/unit/route/plane_fixture.h"

static struct route_sessions *sessions;
static const uint8_t self[16] = { 0xfd, 0x76, 1 }, key[32];

static void setup(void)
{
	plane_setup();
	sessions = route_sessions_new(&plane, 4, 0xfd76, self);
	cr_assert(ne(ptr, sessions, NULL));
}

static void teardown(void)
{
	route_sessions_free(sessions);
	plane_teardown();
}

TestSuite(route_sessions, .init = setup, .fini = teardown);

static void add(uint8_t who)
{
	struct vd_peer_id id = peer(who);

	cr_assert(eq(int, (int)route_sessions_add(sessions, &id, true), VD_OK));
	cr_assert(eq(int, (int)route_sessions_publish(sessions), VD_OK));
}

static uint32_t install(uint8_t who)
{
	struct route_session_install in = { .peer = peer(who), .rx_key = key, .tx_key = key };

	cr_assert(eq(int, (int)sw_session_reserve(&plane.sessions, &in.index), VD_OK));
	cr_assert(eq(int, (int)route_sessions_install(sessions, &in), VD_OK));
	return in.index;
}

/* What the TUN finds for this peer: the session's index, or -1 without a route. */
static int64_t overlay_route(uint8_t who)
{
	struct vd_peer_id id = peer(who);
	const struct route_session *session = route_sessions_find(sessions, &id);
	const struct sw_overlay_route *route;

	if (!session)
		return -1;
	route = sw_overlay_find(sw_rcu_get(&plane.overlay), session->overlay);
	return route ? (int64_t)route->session : -1;
}

Test(route_sessions, a_named_peer_has_an_overlay_route_before_it_has_a_session)
{
	add(1);
	cr_assert(eq(i64, overlay_route(1), 0));
	cr_assert(eq(i64, overlay_route(2), -1));
}

Test(route_sessions, traffic_goes_to_a_generation_once_it_is_used)
{
	uint32_t index;

	add(1);
	index = install(1);
	cr_assert(eq(i64, overlay_route(1), 0), "installed only: receives");
	cr_assert(ne(ptr, (void *)route_sessions_use(sessions, index, 0), NULL));
	cr_assert(eq(i64, overlay_route(1), index));
}

static uint32_t replaced_by(uint32_t index)
{
	return atomic_load(&sw_session_find(&plane.sessions, index)->replaced_by);
}

Test(route_sessions, a_newer_generation_replaces_the_one_before)
{
	uint32_t old, next;

	add(1);
	old = install(1);
	(void)route_sessions_use(sessions, old, 0);
	next = install(1);
	(void)route_sessions_use(sessions, next, 0);
	cr_assert(eq(i64, overlay_route(1), next));
	cr_assert(eq(u32, replaced_by(old), next));
	route_sessions_retire(sessions, old);
	cr_assert(not(route_sessions_reap(sessions)));
	cr_assert(eq(ptr, sw_session_find(&plane.sessions, old), NULL));
	cr_assert(eq(i64, overlay_route(1), next));
}

/* Two that dial each other at once. */
Test(route_sessions, a_generation_that_is_used_again_is_replaced_by_none)
{
	uint32_t first, other;

	add(1);
	first = install(1);
	(void)route_sessions_use(sessions, first, 0);
	other = install(1);
	(void)route_sessions_use(sessions, other, 0);
	(void)route_sessions_use(sessions, first, 0);
	cr_assert(eq(i64, overlay_route(1), first));
	cr_assert(zero(u32, replaced_by(first)));
	cr_assert(eq(u32, replaced_by(other), first));
}

Test(route_sessions, what_replaced_a_generation_and_is_gone_is_not_named)
{
	uint32_t old, next;

	add(1);
	old = install(1);
	(void)route_sessions_use(sessions, old, 0);
	next = install(1);
	(void)route_sessions_use(sessions, next, 0);
	route_sessions_retire(sessions, next);
	cr_assert(zero(u32, replaced_by(old)));
}

Test(route_sessions, a_dropped_session_leaves_the_peer_known)
{
	struct vd_peer_id id = peer(1);
	uint32_t index;

	add(1);
	index = install(1);
	(void)route_sessions_use(sessions, index, 0);
	route_sessions_drop(sessions, &id);
	cr_assert(not(route_sessions_reap(sessions)));
	cr_assert(eq(i64, overlay_route(1), 0));
	cr_assert(eq(ptr, sw_session_find(&plane.sessions, index), NULL));
}

Test(route_sessions, a_stranger_gets_no_generation)
{
	struct route_session_install in = { .peer = peer(9), .rx_key = key, .tx_key = key };

	cr_assert(eq(int, (int)sw_session_reserve(&plane.sessions, &in.index), VD_OK));
	cr_assert(eq(int, (int)route_sessions_install(sessions, &in), VD_ENOTFOUND));
}

Test(route_sessions, deleting_a_peer_leaves_the_others_reachable)
{
	struct vd_peer_id id = peer(1);
	uint32_t index;

	for (uint8_t who = 1; who <= 3; who++)
		add(who);
	index = install(3);
	(void)route_sessions_use(sessions, index, 0);
	route_sessions_del(sessions, &id);
	cr_assert(eq(int, (int)route_sessions_publish(sessions), VD_OK));
	cr_assert(eq(i64, overlay_route(1), -1));
	cr_assert(eq(i64, overlay_route(2), 0));
	cr_assert(eq(i64, overlay_route(3), index));
	cr_assert(ne(ptr, (void *)route_sessions_of_index(sessions, index), NULL));
}

Test(route_sessions, a_record_stays_until_its_owner_took_what_was_injected_for_it)
{
	struct sw_lane *lane = &plane.injects[0];
	uint32_t index;

	add(1);
	index = install(1);
	(void)route_sessions_use(sessions, index, 0);
	cr_assert(ne(ptr, sw_lane_reserve(lane), NULL));
	sw_lane_commit(lane);
	route_sessions_retire(sessions, index);
	cr_assert(eq(i64, overlay_route(1), 0), "no new traffic");
	cr_assert(route_sessions_reap(sessions));
	cr_assert(ne(ptr, sw_session_find(&plane.sessions, index), NULL));
	cr_assert(ne(ptr, (void *)(uintptr_t)sw_lane_peek(lane), NULL));
	sw_lane_release(lane);
	cr_assert(not(route_sessions_reap(sessions)));
	cr_assert(eq(ptr, sw_session_find(&plane.sessions, index), NULL));
}

Test(route_sessions, an_index_that_was_not_installed_is_given_back)
{
	struct route_session_install in = { .peer = peer(9), .rx_key = key, .tx_key = key };

	cr_assert(eq(int, (int)sw_session_reserve(&plane.sessions, &in.index), VD_OK));
	cr_assert(eq(int, (int)route_sessions_install(sessions, &in), VD_ENOTFOUND));
	route_sessions_retire(sessions, in.index);
	cr_assert(sw_slots_is(&plane.sessions.slots, in.index, SW_SLOT_FREE));
}

Test(route_sessions, an_unused_generation_leaves_the_told_path_as_it_is)
{
	struct route_session_install in = { .peer = peer(1),
					    .rx_key = key,
					    .tx_key = key,
					    .path = { .link = 5, .label = 6, .bits = 4 } };
	struct vd_peer_id id = peer(1);

	add(1);
	(void)route_sessions_use(sessions, install(1), 0);
	cr_assert(eq(int, (int)sw_session_reserve(&plane.sessions, &in.index), VD_OK));
	cr_assert(eq(int, (int)route_sessions_install(sessions, &in), VD_OK));
	cr_assert(eq(u64, route_sessions_find(sessions, &id)->path.label, 0));
}

/* ---- sessions that are not answered ---- */

static void nothing(void *context, uint32_t index, bool received, bool sent)
{
	(void)context, (void)index, (void)received, (void)sent;
}

static void poll_after(uint32_t index, uint64_t sent, uint64_t received, vd_ns now)
{
	struct sw_session *record = sw_session_find(&plane.sessions, index);

	atomic_fetch_add(&record->tx_counter, sent);
	atomic_fetch_add(&record->rx_frames, received);
	route_sessions_poll(sessions, nothing, NULL, now);
}

static bool one_is_lost(vd_ns now)
{
	uint32_t at = 0;

	return route_sessions_lost(sessions, &at, now) != NULL;
}

/* ---- whose frames they are ---- */

static vd_ns host_sent_at(void)
{
	struct vd_peer_id id = peer(1);

	return route_sessions_find(sessions, &id)->host_sent_at;
}

Test(route_sessions, what_was_injected_is_not_the_hosts_traffic)
{
	uint32_t index;

	add(1);
	index = install(1);
	(void)route_sessions_use(sessions, index, 0);
	route_sessions_injected(sessions, index);
	route_sessions_injected(sessions, index);
	poll_after(index, 1, 0, VD_SECONDS(1));
	poll_after(index, 1, 0, VD_SECONDS(2)); /* the other one left after the poll */
	cr_assert(eq(u64, host_sent_at(), 0));
	poll_after(index, 1, 0, VD_SECONDS(3));
	cr_assert(eq(u64, host_sent_at(), VD_SECONDS(3)));
	route_sessions_injected(sessions, index);
	poll_after(index, 2, 0, VD_SECONDS(4));
	cr_assert(eq(u64, host_sent_at(), VD_SECONDS(4)));
}

Test(route_sessions, what_was_injected_and_never_left_hides_no_traffic)
{
	uint32_t index;

	add(1);
	index = install(1);
	(void)route_sessions_use(sessions, index, 0);
	for (unsigned i = 0; i < 100; i++)
		route_sessions_injected(sessions, index);
	poll_after(index, 0, 0, VD_SECONDS(1));
	poll_after(index, 0, 0, VD_SECONDS(2));
	poll_after(index, 1, 0, VD_SECONDS(3));
	cr_assert(eq(u64, host_sent_at(), VD_SECONDS(3)));
}

Test(route_sessions, one_that_sends_and_hears_nothing_for_3_s_is_lost_every_4_s)
{
	uint32_t index;

	add(1);
	index = install(1);
	(void)route_sessions_use(sessions, index, 0);
	poll_after(index, 1, 0, VD_SECONDS(1));
	cr_assert(not(one_is_lost(VD_SECONDS(1))));
	poll_after(index, 1, 0, VD_SECONDS(4));
	cr_assert(one_is_lost(VD_SECONDS(4)));
	poll_after(index, 1, 0, VD_SECONDS(5));
	cr_assert(not(one_is_lost(VD_SECONDS(5))), "told just now");
	poll_after(index, 1, 0, VD_SECONDS(8));
	cr_assert(one_is_lost(VD_SECONDS(8)));
}

Test(route_sessions, one_that_is_answered_or_says_nothing_is_not_lost)
{
	uint32_t index;

	add(1);
	index = install(1);
	(void)route_sessions_use(sessions, index, 0);
	poll_after(index, 1, 0, VD_SECONDS(1));
	poll_after(index, 1, 1, VD_SECONDS(5));
	cr_assert(not(one_is_lost(VD_SECONDS(5))), "answered");
	poll_after(index, 1, 0, VD_SECONDS(6));
	poll_after(index, 0, 0, VD_SECONDS(20));
	cr_assert(not(one_is_lost(VD_SECONDS(20))), "says nothing");
}

Test(route_sessions, one_to_be_kept_up_that_is_not_is_lost)
{
	struct vd_peer_id allowed = peer(2);

	cr_assert(eq(int, (int)route_sessions_add(sessions, &allowed, false), VD_OK));
	cr_assert(not(one_is_lost(VD_SECONDS(1))), "it is the peer's to begin");
	add(1);
	cr_assert(one_is_lost(VD_SECONDS(1)));
}

static unsigned missing(vd_ns now)
{
	uint32_t at = 0;
	unsigned count = 0;

	while (route_sessions_missing(sessions, &at, now))
		count++;
	return count;
}

Test(route_sessions, what_is_missing_for_20_s_is_told_once)
{
	struct vd_peer_id allowed = peer(2);

	add(1);
	cr_assert(eq(int, (int)route_sessions_add(sessions, &allowed, false), VD_OK));
	cr_assert(zero(uint, missing(VD_SECONDS(1))));
	cr_assert(zero(uint, missing(VD_SECONDS(20))));
	cr_assert(eq(uint, missing(VD_SECONDS(21)), 1), "the one that is kept up");
	cr_assert(zero(uint, missing(VD_SECONDS(60))));

	(void)route_sessions_use(sessions, install(1), VD_SECONDS(61));
	cr_assert(zero(uint, missing(VD_SECONDS(62))));
}
