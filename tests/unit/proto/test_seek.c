/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/seek.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct vd_peer_id peer = { .len = 3, .bytes = "abc" };
static struct seek *seek;

static void setup(void)
{
	seek = seek_new(4);
	cr_assert(ne(ptr, seek, NULL));
}

static void teardown(void)
{
	seek_free(seek);
}

TestSuite(seek, .init = setup, .fini = teardown);

static struct control_msg route(uint32_t id, enum control_status status)
{
	return (struct control_msg){
		.kind = CONTROL_ROUTE,
		.route = { .id = id, .status = status, .peer = peer, .label = 9, .bits = 16 },
	};
}

/* Drains the asks due at `now`; returns how many, and the id of the last one. */
static unsigned asks(vd_ns now, uint32_t *id_out)
{
	unsigned count = 0;
	struct seek_event event;

	while ((event = seek_next(seek, now)).kind == SEEK_ASK) {
		*id_out = event.msg.query.id;
		count++;
	}
	cr_assert(eq(int, (int)event.kind, SEEK_NONE));
	return count;
}

Test(seek, every_router_that_is_up_is_asked_at_once)
{
	uint32_t id = 0;

	cr_assert(eq(int, (int)seek_router_up(seek, 7, 0), VD_OK));
	cr_assert(eq(int, (int)seek_router_up(seek, 8, 0), VD_OK));
	cr_assert(eq(int, (int)seek_want(seek, &peer, 0), VD_OK));
	cr_assert(eq(uint, asks(0, &id), 2));
	cr_assert(eq(uint, asks(0, &id), 0), "asked once a send");
}

Test(seek, a_query_is_repeated_under_its_id_after_1_2_and_4_s_and_no_more)
{
	static const struct {
		unsigned at_s, asks;
	} rows[] = { { 0, 1 }, { 1, 1 }, { 2, 0 }, { 3, 1 }, { 6, 0 }, { 7, 1 }, { 14, 0 } };
	uint32_t first = 0, id = 0;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_want(seek, &peer, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cr_expect(eq(uint, asks(VD_SECONDS(rows[i].at_s), &id), rows[i].asks), "at %u s",
			  rows[i].at_s);
		if (i == 0)
			first = id;
		cr_expect(eq(u32, id, first));
	}
}

Test(seek, every_ok_is_found_once_and_the_first_is_told_from_the_others)
{
	uint32_t id = 0;
	struct control_msg msg;
	struct seek_event event;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_router_up(seek, 2, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	msg = route(id, CONTROL_OK);
	cr_assert(eq(int, (int)seek_recv(seek, 2, &msg, 1), VD_OK));
	event = seek_next(seek, 1);
	cr_assert(eq(int, (int)event.kind, SEEK_FOUND));
	cr_assert(eq(u32, event.router, 2));
	cr_assert(event.first);
	cr_assert(eq(u64, event.msg.route.label, 9));
	cr_assert(eq(int, (int)seek_recv(seek, 2, &msg, 1), VD_EPEER_STATE));
	cr_assert(eq(int, (int)seek_recv(seek, 1, &msg, 2), VD_OK));
	event = seek_next(seek, 2);
	cr_assert(eq(int, (int)event.kind, SEEK_FOUND));
	cr_assert(eq(u32, event.router, 1));
	cr_assert(not(event.first));
	cr_assert(eq(u64, seek_deadline(seek), VD_NEVER), "all have answered");
}

Test(seek, a_router_that_does_not_answer_is_asked_again_after_an_ok_of_another)
{
	uint32_t id = 0;
	struct control_msg msg;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_router_up(seek, 2, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	msg = route(id, CONTROL_OK);
	(void)seek_recv(seek, 2, &msg, 1);
	(void)seek_next(seek, 1);
	cr_assert(eq(uint, asks(VD_SECONDS(1), &id), 1));
	(void)asks(VD_SECONDS(3), &id);
	(void)asks(VD_SECONDS(7), &id);
	cr_assert(eq(uint, asks(VD_SECONDS(15), &id), 0));
	cr_assert(eq(uint, asks(VD_SECONDS(16), &id), 1), "the next round: that one only");
}

Test(seek, a_router_that_said_no_is_asked_again_although_another_said_ok)
{
	uint32_t id = 0;
	struct control_msg msg;
	struct seek_event event;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_router_up(seek, 2, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	msg = route(id, CONTROL_OK);
	(void)seek_recv(seek, 2, &msg, 0);
	(void)seek_next(seek, 0);
	msg = route(id, CONTROL_NOT_FOUND);
	(void)seek_recv(seek, 1, &msg, 0);
	cr_assert(eq(uint, asks(VD_SECONDS(1), &id), 1));
	msg = route(id, CONTROL_OK);
	cr_assert(eq(int, (int)seek_recv(seek, 1, &msg, VD_SECONDS(1)), VD_OK));
	event = seek_next(seek, VD_SECONDS(1));
	cr_assert(eq(int, (int)event.kind, SEEK_FOUND));
	cr_assert(not(event.first));
	cr_assert(eq(u64, seek_deadline(seek), VD_NEVER));
}

Test(seek, wanting_again_after_an_ok_asks_all_again)
{
	uint32_t id = 0, next = 0;
	struct control_msg msg;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_router_up(seek, 2, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	msg = route(id, CONTROL_OK);
	(void)seek_recv(seek, 2, &msg, 1);
	(void)seek_next(seek, 1);
	(void)seek_want(seek, &peer, 2);
	cr_assert(eq(uint, asks(2, &next), 2));
	cr_assert(ne(u32, next, id));
}

Test(seek, a_router_that_comes_up_later_is_asked_for_peers_that_were_found)
{
	uint32_t id = 0;
	struct control_msg msg;
	struct seek_event event;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	msg = route(id, CONTROL_OK);
	(void)seek_recv(seek, 1, &msg, 1);
	(void)seek_next(seek, 1);
	(void)seek_router_up(seek, 2, VD_SECONDS(5));
	cr_assert(eq(uint, asks(VD_SECONDS(5), &id), 1));
	msg = route(id, CONTROL_OK);
	cr_assert(eq(int, (int)seek_recv(seek, 2, &msg, VD_SECONDS(5)), VD_OK));
	event = seek_next(seek, VD_SECONDS(5));
	cr_assert(eq(int, (int)event.kind, SEEK_FOUND));
	cr_assert(not(event.first), "the peer was found before");
}

Test(seek, when_all_say_no_the_next_round_comes_later_under_another_id)
{
	uint32_t id = 0, next = 0;
	struct control_msg msg;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	msg = route(id, CONTROL_NOT_FOUND);
	cr_assert(eq(int, (int)seek_recv(seek, 1, &msg, 0), VD_OK));
	cr_assert(eq(uint, asks(VD_SECONDS(1) - 1, &next), 0));
	cr_assert(eq(uint, asks(VD_SECONDS(1), &next), 1));
	cr_assert(ne(u32, next, id));
}

Test(seek, limit_is_no_answer)
{
	uint32_t id = 0, again = 0;
	struct control_msg msg;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	msg = route(id, CONTROL_LIMIT);
	cr_assert(eq(int, (int)seek_recv(seek, 1, &msg, 0), VD_OK));
	cr_assert(eq(uint, asks(VD_SECONDS(1), &again), 1));
	cr_assert(eq(u32, again, id));
}

Test(seek, an_answer_about_another_peer_is_refused)
{
	uint32_t id = 0;
	struct control_msg msg;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	msg = route(id, CONTROL_OK);
	msg.route.peer.bytes[0] ^= 1;
	cr_assert(eq(int, (int)seek_recv(seek, 1, &msg, 0), VD_EPEER_STATE));
}

Test(seek, without_routers_it_waits_and_starts_when_one_comes_up)
{
	uint32_t id = 0;

	(void)seek_want(seek, &peer, 0);
	cr_assert(eq(u64, seek_deadline(seek), VD_NEVER));
	(void)seek_router_up(seek, 3, VD_SECONDS(5));
	cr_assert(eq(uint, asks(VD_SECONDS(5), &id), 1));
}

Test(seek, a_router_that_goes_down_is_not_asked_again)
{
	uint32_t id = 0;

	(void)seek_router_up(seek, 1, 0);
	(void)seek_want(seek, &peer, 0);
	(void)asks(0, &id);
	seek_router_down(seek, 1);
	cr_assert(eq(uint, asks(VD_SECONDS(1), &id), 0));
}

Test(seek, more_peers_than_its_limit_are_refused)
{
	struct vd_peer_id other = peer;

	for (uint8_t i = 0; i < 4; i++) {
		other.bytes[0] = i;
		cr_assert(eq(int, (int)seek_want(seek, &other, 0), VD_OK));
	}
	other.bytes[0] = 200;
	cr_assert(eq(int, (int)seek_want(seek, &other, 0), VD_ELIMIT));
}
