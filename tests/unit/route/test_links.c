/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/links.h"

#include "tests/unit/route/plane_fixture.h"

static struct route_links *links;
static const uint8_t key[16];
static const struct route_policy member = {
	.tier = "members", .realms = 6, .call = true, .reserve = true
};

static void setup(void)
{
	plane_setup();
	links = route_links_new(&plane, 4, 0xfd76);
	cr_assert(ne(ptr, links, NULL));
}

static void teardown(void)
{
	route_links_free(links);
	plane_teardown();
}

TestSuite(route_links, .init = setup, .fini = teardown);

/* Installs and uses a new generation; returns its index. */
static uint32_t begin(uint8_t who, struct route_policy policy)
{
	struct route_install install = { .peer = peer(who),
					 .policy = policy,
					 .rx_key = key,
					 .tx_key = key,
					 .remote_index = 7,
					 .send = { .payload_max = 1000 } };

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_OK));
	cr_assert(ne(ptr, (void *)route_links_use(links, install.index), NULL));
	return install.index;
}

/* The peer confirms it, too. */
static uint32_t bring_up(uint8_t who, struct route_policy policy)
{
	uint32_t index = begin(who, policy);
	struct vd_peer_id id = peer(who);

	route_links_up(links, &id);
	return index;
}

static uint32_t word_of(const struct route_link *link)
{
	return atomic_load(&plane.directors.words[link->director]);
}

static struct control_msg reserve(uint8_t who, uint32_t realms, vd_ns now)
{
	const struct control_msg ask = { .kind = CONTROL_RESERVE,
					 .reserve = { .id = 3, .realms = realms } };
	struct vd_peer_id id = peer(who);
	struct control_msg answer;

	route_links_reserve(links, &id, &ask, now, &answer);
	return answer;
}

static struct control_msg query(uint8_t asker, uint8_t target, vd_ns now)
{
	const struct control_msg ask = { .kind = CONTROL_QUERY,
					 .query = { .id = 4, .peer = peer(target) } };
	struct vd_peer_id id = peer(asker);
	struct control_msg answer;

	route_links_query(links, &id, &ask, now, &answer);
	return answer;
}

Test(route_links, a_used_generation_is_where_its_director_leads)
{
	uint32_t index = bring_up(1, member);
	const struct route_link *link = route_links_of_index(links, index);

	cr_assert(ne(ptr, (void *)link, NULL));
	cr_assert(ne(u32, link->director, 0));
	cr_assert(eq(u32, word_of(link), index));
}

Test(route_links, a_new_generation_keeps_director_and_number_and_takes_over)
{
	uint32_t old = bring_up(1, member);
	const struct route_link *link = route_links_of_index(links, old);
	uint32_t director = link->director;
	uint64_t number = link->number;
	uint32_t next = bring_up(1, member);

	link = route_links_of_index(links, next);
	cr_assert(eq(u32, link->director, director));
	cr_assert(eq(u64, link->number, number));
	cr_assert(eq(u32, word_of(link), next));
	cr_assert(ne(ptr, sw_link_find(&plane.links, old), NULL), "the old one still receives");
	route_links_retire(links, old, 0);
	cr_assert(eq(ptr, sw_link_find(&plane.links, old), NULL));
	cr_assert(eq(u32, word_of(link), next));
}

Test(route_links, a_dropped_link_leads_nowhere_and_frees_its_row)
{
	struct vd_peer_id id = peer(1);
	uint32_t index = bring_up(1, member);
	uint32_t director = route_links_of_index(links, index)->director;
	uint64_t number = route_links_of_index(links, index)->number;

	route_links_drop(links, &id, 0);
	cr_assert(eq(ptr, (void *)route_links_find(links, &id), NULL));
	cr_assert(eq(u32, atomic_load(&plane.directors.words[director]), 0));
	cr_assert(eq(ptr, sw_link_find(&plane.links, index), NULL));
	(void)bring_up(1, member);
	cr_assert(eq(ptr, (void *)route_links_of_number(links, number), NULL),
		  "a number is never used again");
}

Test(route_links, a_peer_that_never_confirms_keeps_no_row)
{
	struct vd_peer_id id = peer(1);

	for (unsigned i = 0; i < 6; i++) {
		uint32_t first = begin(1, member), second = begin(1, member);

		route_links_retire(links, first, 0);
		cr_assert(ne(ptr, (void *)route_links_find(links, &id), NULL), "one is left");
		route_links_retire(links, second, 0);
		cr_assert(eq(ptr, (void *)route_links_find(links, &id), NULL));
		cr_assert(zero(u32, route_links_count(links)));
	}
}

Test(route_links, a_peer_that_confirmed_keeps_its_row_until_it_is_dropped)
{
	struct vd_peer_id id = peer(1);

	route_links_retire(links, bring_up(1, member), 0);
	cr_assert(ne(ptr, (void *)route_links_find(links, &id), NULL));
	route_links_drop(links, &id, 0);
	cr_assert(eq(ptr, (void *)route_links_find(links, &id), NULL));
}

Test(route_links, more_peers_than_rows_are_turned_away)
{
	struct route_install install = { .peer = peer(9), .rx_key = key, .tx_key = key };

	for (uint8_t who = 1; who <= 4; who++)
		(void)bring_up(who, member);
	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_ELIMIT));
}

/* ---- directors; of width 8 there are 255 ---- */

enum { DIRECTORS = 255 };

/* A link comes up at `now`, and goes at once: its director, or 0 when none was to be had. */
static uint32_t pass_by(vd_ns now)
{
	struct route_install install = { .peer = peer(1), .rx_key = key, .tx_key = key };
	static unsigned passed;
	uint32_t director = 0;

	if (passed++ % 8 == 0)
		rcu_barrier(); /* the records of those before are free again */
	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	if (!route_links_install(links, &install, now)) {
		director = route_links_find(links, &install.peer)->director;
		route_links_up(links, &install.peer);
		route_links_drop(links, &install.peer, now);
	} else {
		route_links_retire(links, install.index, now);
	}
	return director;
}

Test(route_links, the_director_of_a_link_that_went_rests_ten_minutes)
{
	bool rests[DIRECTORS + 1] = { false };
	uint32_t first = pass_by(0);

	for (unsigned i = 1; i < DIRECTORS; i++) {
		uint32_t director = pass_by(VD_SECONDS(100));

		cr_assert(ge(u32, director, 1));
		cr_assert(le(u32, director, DIRECTORS));
		cr_assert(ne(u32, director, first));
		cr_assert(not(rests[director]), "drawn again while it rests");
		rests[director] = true;
	}
	cr_assert(eq(u32, pass_by(VD_SECONDS(599)), 0), "all of them rest");
	cr_assert(zero(u32, route_links_count(links)), "and nothing is left of who got none");
	cr_assert(eq(u32, pass_by(VD_SECONDS(602)), first), "the one that went first is back");
	cr_assert(eq(u32, pass_by(VD_SECONDS(699)), 0));
	cr_assert(ne(u32, pass_by(VD_SECONDS(702)), 0));
}

Test(route_links, directors_are_drawn_at_random)
{
	unsigned ascending = 0, same = 0;
	uint32_t before = 0, earlier[DIRECTORS];

	for (unsigned i = 0; i < DIRECTORS; i++)
		earlier[i] = pass_by(0);
	for (unsigned i = 0; i < DIRECTORS; i++) { /* all of them anew */
		uint32_t director = pass_by(VD_SECONDS(1000));

		ascending += director > before;
		same += director == earlier[i];
		before = director;
	}
	/* 127 and 1 are expected; off by 8 standard deviations fails */
	cr_assert(gt(uint, ascending, 90));
	cr_assert(lt(uint, ascending, 165));
	cr_assert(lt(uint, same, 12), "in the same order as before");
}

Test(route_links, a_reservation_is_granted_within_the_tier)
{
	static const struct {
		uint32_t asked, granted;
	} rows[] = { { 0, 6 }, { 2, 2 }, { 0xff, 6 } };

	(void)bring_up(1, member);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct control_msg answer = reserve(1, rows[i].asked, 0);

		cr_assert(eq(int, (int)answer.reserved.status, CONTROL_OK));
		cr_assert(eq(u32, answer.reserved.realms, rows[i].granted));
		cr_assert(eq(u32, answer.reserved.ttl_s, ROUTE_TTL_MAX_S));
		cr_assert(eq(u32, answer.reserved.id, 3));
	}
}

Test(route_links, realms_outside_the_tier_and_tiers_without_reserve_are_refused)
{
	struct route_policy caller = member;

	caller.reserve = false;
	(void)bring_up(1, member);
	(void)bring_up(2, caller);
	cr_assert(eq(int, (int)reserve(1, 1, 0).reserved.status, CONTROL_REFUSED));
	cr_assert(eq(int, (int)reserve(2, 0, 0).reserved.status, CONTROL_REFUSED));
	cr_assert(eq(int, (int)reserve(3, 0, 0).reserved.status, CONTROL_REFUSED));
}

Test(route_links, reserves_over_the_rate_are_told_limit_and_what_was_granted_stays)
{
	unsigned passed = 0;

	(void)bring_up(1, member);
	(void)bring_up(2, member);
	for (unsigned i = 0; i < 100; i++) {
		struct control_msg answer = reserve(2, 0, 0);

		cr_assert(eq(u32, answer.reserved.id, 3));
		passed += answer.reserved.status == CONTROL_OK;
		if (answer.reserved.status != CONTROL_OK)
			cr_assert(eq(int, (int)answer.reserved.status, CONTROL_LIMIT));
	}
	cr_assert(eq(uint, passed, 10));
	cr_assert(eq(int, (int)query(1, 2, 0).route.status, CONTROL_OK));
	cr_assert(eq(int, (int)reserve(1, 0, 0).reserved.status, CONTROL_OK), "another's own");
}

Test(route_links, a_query_is_answered_with_the_targets_director_once_it_reserved)
{
	struct vd_peer_id id = peer(2);
	struct control_msg answer;

	(void)bring_up(1, member);
	(void)bring_up(2, member);
	cr_assert(eq(int, (int)query(1, 2, 0).route.status, CONTROL_NOT_FOUND));
	(void)reserve(2, 0, 0);
	answer = query(1, 2, 0);
	cr_assert(eq(int, (int)answer.route.status, CONTROL_OK));
	cr_assert(eq(u64, answer.route.label, route_links_find(links, &id)->director));
	cr_assert(eq(u8, answer.route.bits, 8));
	cr_assert(eq(u16, answer.route.mtu, 1000));
	cr_assert(vd_peer_id_equal(&answer.route.peer, &id));
}

Test(route_links, a_route_carries_the_smaller_payload_of_its_two_links)
{
	struct vd_peer_id id = peer(2);

	(void)bring_up(1, member);
	(void)bring_up(2, member);
	(void)reserve(2, 0, 0);
	for (uint16_t payload = 900; payload <= 1100; payload += 100) {
		/* what a link carries is told with its generation */
		struct route_install install = { .peer = id,
						 .policy = member,
						 .rx_key = key,
						 .tx_key = key,
						 .remote_index = 7,
						 .send = { .payload_max = payload } };

		cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
		cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_OK));
		cr_assert(ne(ptr, (void *)route_links_use(links, install.index), NULL));
		cr_assert(
		    eq(u16, query(1, 2, 0).route.mtu, (uint16_t)(payload < 1000 ? payload : 1000)));
	}
}

Test(route_links, a_reservation_is_as_long_as_asked_and_at_most_an_hour)
{
	static const struct {
		uint32_t asked, granted;
	} rows[] = { { 0, 3600 }, { 1, 1 }, { 3599, 3599 }, { 3600, 3600 }, { UINT32_MAX, 3600 } };
	struct vd_peer_id id = peer(1);

	(void)bring_up(1, member);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct control_msg ask = { .kind = CONTROL_RESERVE,
						 .reserve = { .id = 9, .ttl_s = rows[i].asked } };
		struct control_msg answer;

		route_links_reserve(links, &id, &ask, 0, &answer);
		cr_assert(eq(u32, answer.reserved.ttl_s, rows[i].granted));
		cr_assert(eq(u32, answer.reserved.id, 9));
	}
}

Test(route_links, ids_come_back_as_they_were_whatever_the_answer)
{
	static const uint32_t ids[] = { 0, 1, 0x80000000, UINT32_MAX };
	struct vd_peer_id stranger = peer(7), id = peer(1);

	(void)bring_up(1, member);
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		struct control_msg ask = { .kind = CONTROL_RESERVE, .reserve = { .id = ids[i] } };
		struct control_msg answer;

		route_links_reserve(links, &id, &ask, 0, &answer);
		cr_assert(eq(u32, answer.reserved.id, ids[i]));
		route_links_reserve(links, &stranger, &ask, 0, &answer);
		cr_assert(eq(u32, answer.reserved.id, ids[i]));
		ask = (struct control_msg){ .kind = CONTROL_QUERY,
					    .query = { .id = ids[i], .peer = stranger } };
		route_links_query(links, &id, &ask, 0, &answer);
		cr_assert(eq(u32, answer.route.id, ids[i]));
		ask.query.peer.len = 0; /* neither of the two */
		route_links_query(links, &id, &ask, 0, &answer);
		cr_assert(eq(u32, answer.route.id, ids[i]));
	}
}

Test(route_links, a_query_for_oneself_is_not_found)
{
	(void)bring_up(1, member);
	(void)reserve(1, 0, 0);
	cr_assert(eq(int, (int)query(1, 1, 0).route.status, CONTROL_NOT_FOUND));
}

Test(route_links, absent_and_not_permitted_get_the_same_answer)
{
	struct route_policy stranger = member;
	struct control_msg absent, refused;

	stranger.realms = 1;
	(void)bring_up(1, stranger);
	(void)bring_up(2, member);
	(void)reserve(2, 0, 0);
	refused = query(1, 2, 0);
	absent = query(1, 3, 0);
	cr_assert(eq(int, (int)refused.route.status, CONTROL_NOT_FOUND));
	cr_assert(zero(int, memcmp(&refused, &absent, sizeof absent)));
}

Test(route_links, who_drains_grants_and_answers_nothing_new_and_keeps_what_it_granted)
{
	struct vd_peer_id id = peer(2);
	uint32_t granted;

	(void)bring_up(1, member);
	(void)bring_up(2, member);
	granted = reserve(2, 0, 0).reserved.realms;
	route_links_set_draining(links, true);
	cr_assert(eq(int, (int)reserve(1, 0, 0).reserved.status, CONTROL_SHUTDOWN));
	cr_assert(eq(int, (int)query(1, 2, 0).route.status, CONTROL_SHUTDOWN));
	cr_assert(eq(u32, route_links_find(links, &id)->may_be_called, granted));
	route_links_set_draining(links, false);
	cr_assert(eq(int, (int)query(1, 2, 0).route.status, CONTROL_OK));
}

Test(route_links, who_left_a_router_that_drains_is_known_until_it_ends)
{
	struct vd_peer_id id = peer(1), nobody = peer(2);

	(void)bring_up(1, member);
	cr_assert(not(route_links_left(links, &id)), "it does not drain");
	route_links_set_draining(links, true);
	cr_assert(not(route_links_left(links, &nobody)));
	cr_assert(route_links_left(links, &id));
	cr_assert(not(route_links_left(links, &id)), "no news");
	cr_assert(route_links_find(links, &id)->left);
	route_links_set_draining(links, false);
	cr_assert(not(route_links_find(links, &id)->left));
}

Test(route_links, a_query_by_overlay_address_finds_the_peer)
{
	struct vd_peer_id asker = peer(1), target = peer(2);
	struct control_msg ask = { .kind = CONTROL_QUERY, .query = { .by_overlay = true } }, answer;

	(void)bring_up(1, member);
	(void)bring_up(2, member);
	(void)reserve(2, 0, 0);
	memcpy(ask.query.overlay, route_links_find(links, &target)->overlay, 16);
	route_links_query(links, &asker, &ask, 0, &answer);
	cr_assert(eq(int, (int)answer.route.status, CONTROL_OK));
	cr_assert(vd_peer_id_equal(&answer.route.peer, &target));
}

Test(route_links, queries_over_the_rate_are_told_limit_and_malformed_ones_bad)
{
	struct control_msg ask = { .kind = CONTROL_QUERY, .query = { .malformed = true } }, answer;
	struct vd_peer_id asker = peer(1);
	unsigned passed = 0;

	(void)bring_up(1, member);
	route_links_query(links, &asker, &ask, 0, &answer);
	cr_assert(eq(int, (int)answer.route.status, CONTROL_BAD));
	for (unsigned i = 0; i < 100; i++)
		passed += query(1, 2, 0).route.status != CONTROL_LIMIT;
	cr_assert(eq(uint, passed, 10));
}

static unsigned moves;

static void count_moves(void *context, uint32_t index, bool received, bool sent)
{
	(void)context;
	(void)index;
	moves += received + 10 * sent;
}

Test(route_links, a_reservation_ends_with_its_time)
{
	(void)bring_up(1, member);
	(void)bring_up(2, member);
	(void)reserve(2, 0, 0);
	(void)route_links_poll(links, VD_SECONDS(ROUTE_TTL_MAX_S) - 1, count_moves, NULL);
	cr_assert(eq(int, (int)query(1, 2, 0).route.status, CONTROL_OK));
	(void)route_links_poll(links, VD_SECONDS(ROUTE_TTL_MAX_S + 1), count_moves, NULL);
	cr_assert(eq(int, (int)query(1, 2, 0).route.status, CONTROL_NOT_FOUND));
}

Test(route_links, accounts_outlive_generations)
{
	uint32_t old = bring_up(1, member), next;
	const struct route_link *link;

	atomic_store(&sw_link_find(&plane.links, old)->rx_bytes, 100);
	next = bring_up(1, member);
	atomic_store(&sw_link_find(&plane.links, next)->rx_bytes, 11);
	route_links_retire(links, old, 0);
	link = route_links_of_index(links, next);
	cr_assert(eq(u64, route_links_account(links, link).rx_bytes, 111));
}

Test(route_links, a_poll_tells_what_moved_since_the_last_one)
{
	uint32_t index = bring_up(1, member);

	(void)route_links_poll(links, 0, count_moves, NULL);
	moves = 0;
	atomic_store(&sw_link_find(&plane.links, index)->rx_frames, 1);
	cr_assert(
	    eq(u64, route_links_poll(links, VD_SECONDS(1) - 1, count_moves, NULL), VD_SECONDS(1)));
	cr_assert(zero(uint, moves), "not due yet");
	(void)route_links_poll(links, VD_SECONDS(1), count_moves, NULL);
	cr_assert(eq(uint, moves, 1));
	(void)route_links_poll(links, VD_SECONDS(2), count_moves, NULL);
	cr_assert(eq(uint, moves, 1));
}

Test(route_links, an_index_that_found_no_room_is_given_back)
{
	struct route_install install = { .peer = peer(9), .rx_key = key, .tx_key = key };

	for (uint8_t who = 1; who <= 4; who++)
		(void)bring_up(who, member);
	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_ELIMIT));
	cr_assert(sw_slots_is(&plane.links.slots, install.index, SW_SLOT_RESERVED));
	route_links_retire(links, install.index, 0);
	cr_assert(sw_slots_is(&plane.links.slots, install.index, SW_SLOT_FREE));
}

/* ---- ways ---- */

/* A generation by a way that only `by` has; not used yet. */
static uint32_t install_by(uint8_t by)
{
	struct route_install install = { .peer = peer(1),
					 .policy = member,
					 .rx_key = key,
					 .tx_key = key,
					 .endpoint = { .port = by },
					 .send = { .payload_max = (uint16_t)(1000 + by) },
					 .owner = by };

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_OK));
	return install.index;
}

static void check_goes_by(uint8_t by)
{
	struct vd_peer_id id = peer(1);
	const struct route_link *link = route_links_find(links, &id);

	cr_assert(all(eq(u8, link->endpoint.port, by), eq(u16, link->payload_max, 1000 + by),
		      eq(u8, link->owner, by)));
}

Test(route_links, a_link_goes_by_the_way_of_the_generation_that_is_used)
{
	uint32_t first = install_by(1), second;

	check_goes_by(1);
	(void)route_links_use(links, first);
	second = install_by(2);
	check_goes_by(1);
	(void)route_links_use(links, second);
	check_goes_by(2);
	route_links_retire(links, install_by(3), 0);
	check_goes_by(2);
	(void)route_links_use(links, first);
	check_goes_by(1);
}

Test(route_links, headers_of_a_generation_that_is_not_used_say_nothing_of_the_link)
{
	const struct sw_template send = { .payload_max = 500 };
	struct vd_peer_id id = peer(1);
	uint32_t first = install_by(1), second;

	(void)route_links_use(links, first);
	second = install_by(2);
	route_links_set_send(links, second, &send);
	check_goes_by(1);
	(void)route_links_use(links, second);
	cr_assert(eq(u16, route_links_find(links, &id)->payload_max, 500));
}

Test(route_links, a_peer_that_moved_is_there_for_all_generations)
{
	const struct sw_endpoint there = { .port = 9 };
	struct vd_peer_id id = peer(1);
	uint32_t second;

	(void)route_links_use(links, install_by(1));
	second = install_by(2);
	(void)route_links_move(links, &id, &there);
	cr_assert(eq(u8, route_links_find(links, &id)->endpoint.port, 9));
	cr_assert(eq(u8, route_links_use(links, second)->endpoint.port, 9));
}

/* ---- rates ---- */

static struct sw_police *police_of(uint32_t index)
{
	return &plane.links.police[sw_link_find(&plane.links, index)->police];
}

static struct route_policy rated(uint64_t pps)
{
	return (struct route_policy){ .tier = "slow", .realms = 6, .call = true, .pps = pps };
}

Test(route_links, a_new_generation_has_no_second_burst)
{
	uint32_t old = bring_up(1, rated(2)), new = bring_up(1, rated(2));

	cr_assert(sw_police_rx(police_of(old), 100, 0));
	cr_assert(sw_police_rx(police_of(new), 100, 0));
	cr_assert(not(sw_police_rx(police_of(new), 100, 0)));
	cr_assert(not(sw_police_rx(police_of(old), 100, 0)));
}

Test(route_links, links_of_two_peers_have_rates_of_their_own)
{
	uint32_t one = bring_up(1, rated(1)), other = bring_up(2, rated(1));

	cr_assert(sw_police_rx(police_of(one), 100, 0));
	cr_assert(sw_police_rx(police_of(other), 100, 0));
}

Test(route_links, changed_rates_hold_at_once_for_all_generations)
{
	uint32_t index[] = { bring_up(1, member), bring_up(1, member) };
	struct vd_peer_id id = peer(1);
	struct route_policy policy = rated(3);

	for (unsigned i = 0; i < 2; i++)
		cr_assert(eq(u8, sw_link_find(&plane.links, index[i])->rx_flags, 0));
	route_links_set_policy(links, &id, &policy);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(eq(u8, sw_link_find(&plane.links, index[i])->rx_flags, SW_LINK_POLICED));
		cr_assert(eq(u8, sw_link_find(&plane.links, index[i])->tx_flags, SW_LINK_POLICED));
	}
	for (unsigned i = 0; i < 3; i++)
		cr_assert(sw_police_tx(police_of(index[i % 2]), 1, 100, 0));
	cr_assert(not(sw_police_tx(police_of(index[0]), 1, 100, 0)));
	route_links_set_policy(links, &id, &member);
	cr_assert(eq(u8, sw_link_find(&plane.links, index[0])->rx_flags, 0));
	cr_assert(sw_police_tx(police_of(index[0]), 1, 100, 0), "no longer limited");
}

/* ---- tokens ---- */

static const struct route_link *handshake(uint8_t who, bool asked_us, const uint8_t *token)
{
	struct route_install install = { .peer = peer(who),
					 .rx_key = key,
					 .tx_key = key,
					 .asked_us = asked_us,
					 .token_hash = token };

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_OK));
	return route_links_use(links, install.index);
}

Test(route_links, a_token_holds_until_the_peer_dials_again)
{
	const uint8_t token[VD_TOKEN_HASH] = { 1, 2, 3 };
	const struct route_link *link = handshake(1, true, token);

	cr_assert(link->has_token);
	cr_assert(eq(int, memcmp(link->token_hash, token, sizeof token), 0));
	link = handshake(1, false, NULL);
	cr_assert(link->has_token, "we dialled: nothing new was shown");
	link = handshake(1, true, NULL);
	cr_assert(not(link->has_token));
}

Test(route_links, a_token_counts_once_its_generation_is_used)
{
	const uint8_t token[VD_TOKEN_HASH] = { 1, 2, 3 };
	struct route_install install = {
		.peer = peer(1), .rx_key = key, .tx_key = key, .asked_us = true, .token_hash = token
	};
	const struct route_link *link = handshake(1, true, NULL);

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_OK));
	cr_assert(not(link->has_token));
	(void)route_links_use(links, install.index);
	cr_assert(link->has_token);
}

/* ---- the same answer, to the byte ---- */

/* The answer to a query, as it is encoded for the wire. */
static size_t encoded(uint8_t asker, uint8_t target, uint8_t out[CONTROL_MSG_MAX])
{
	struct control_msg answer = query(asker, target, 0);

	return control_msg_encode(&answer, out);
}

Test(route_links, absent_not_reserved_and_not_permitted_are_one_answer_to_the_byte)
{
	const struct route_policy stranger = { .tier = "others", .realms = 8, .reserve = true };
	uint8_t absent[CONTROL_MSG_MAX], other[CONTROL_MSG_MAX];
	size_t len;

	bring_up(1, member);
	bring_up(2, member); /* may be called, and has not reserved */
	bring_up(3, stranger);
	reserve(3, 0, 0); /* in another realm */
	len = encoded(1, 9, absent);
	for (uint8_t target = 1; target <= 3; target++) {
		cr_assert(eq(sz, encoded(1, target, other), len), "target %u", target);
		cr_assert(zero(int, memcmp(absent, other, len)), "target %u", target);
	}
}

Test(route_links, queries_for_the_absent_and_the_forbidden_cost_the_same_of_the_rate)
{
	unsigned answered[2] = { 0 };

	bring_up(1, member);
	bring_up(2, member);
	for (uint8_t target = 0; target < 2; target++) {
		struct vd_peer_id id = peer(1);

		route_links_drop(links, &id, 0);
		bring_up(1, member);
		for (unsigned i = 0; i < 30; i++)
			answered[target] +=
			    query(1, target ? 2 : 9, 0).route.status != CONTROL_LIMIT;
	}
	cr_assert(eq(uint, answered[0], 10));
	cr_assert(eq(uint, answered[1], 10));
}
