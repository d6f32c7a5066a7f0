/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/reserve.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct control_msg answer(uint32_t id, enum control_status status, uint32_t ttl_s)
{
	return (struct control_msg){
		.kind = CONTROL_RESERVED,
		.reserved = { .id = id, .status = status, .ttl_s = ttl_s, .realms = 2 },
	};
}

Test(reserve, it_asks_at_once_and_repeats_under_its_id_with_back_off)
{
	struct reserve r;
	struct control_msg first, again;

	reserve_init(&r, 0);
	reserve_begin(&r, 0);
	cr_assert(reserve_send(&r, &first, 0));
	cr_assert(not(reserve_send(&r, &again, VD_SECONDS(1) - 1)));
	cr_assert(reserve_send(&r, &again, VD_SECONDS(1)));
	cr_assert(eq(u32, again.reserve.id, first.reserve.id));
	cr_assert(not(reserve_send(&r, &again, VD_SECONDS(2))));
	cr_assert(reserve_send(&r, &again, VD_SECONDS(3)));
}

Test(reserve, unanswered_it_repeats_up_to_every_60_seconds)
{
	static const unsigned gaps[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct reserve r;
	struct control_msg msg;
	vd_ns now = VD_SECONDS(7);

	reserve_init(&r, 0);
	reserve_begin(&r, now);
	cr_assert(reserve_send(&r, &msg, now));
	for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
		cr_assert(eq(u64, reserve_deadline(&r), now + VD_SECONDS(gaps[i])));
		now += VD_SECONDS(gaps[i]);
		cr_assert(reserve_send(&r, &msg, now));
	}
}

/* Granted for an hour. */
static struct control_msg hold(struct reserve *r)
{
	struct control_msg first, msg;

	reserve_init(r, 0);
	reserve_begin(r, 0);
	cr_assert(reserve_send(r, &first, 0));
	msg = answer(first.reserve.id, CONTROL_OK, 3600);
	cr_assert(eq(int, (int)reserve_recv(r, &msg, 0), VD_OK));
	return first;
}

Test(reserve, granted_it_asks_again_at_half_the_ttl_under_another_id)
{
	struct reserve r;
	struct control_msg first = hold(&r), again;

	cr_assert(eq(int, (int)r.state, RESERVE_HELD));
	cr_assert(eq(u32, r.realms, 2));
	cr_assert(eq(u64, reserve_deadline(&r), VD_SECONDS(1800)));
	cr_assert(reserve_send(&r, &again, VD_SECONDS(1800)));
	cr_assert(ne(u32, again.reserve.id, first.reserve.id));
	cr_assert(eq(u64, r.held_until, VD_SECONDS(3600)), "it still holds while it asks");
}

Test(reserve, refused_it_asks_again_after_a_minute)
{
	struct reserve r;
	struct control_msg first, msg;

	reserve_init(&r, 0);
	reserve_begin(&r, 0);
	cr_assert(reserve_send(&r, &first, 0));
	msg = answer(first.reserve.id, CONTROL_REFUSED, 0);
	cr_assert(eq(int, (int)reserve_recv(&r, &msg, 0), VD_OK));
	cr_assert(eq(int, (int)r.state, RESERVE_REFUSED));
	cr_assert(eq(u64, reserve_deadline(&r), VD_SECONDS(60)));
}

Test(reserve, who_asked_too_often_keeps_what_it_has_and_repeats)
{
	struct reserve r;
	struct control_msg first, again, msg;

	(void)hold(&r);
	cr_assert(reserve_send(&r, &first, VD_SECONDS(1800)));
	msg = answer(first.reserve.id, CONTROL_LIMIT, 0);
	cr_assert(eq(int, (int)reserve_recv(&r, &msg, VD_SECONDS(1800)), VD_OK));
	cr_assert(eq(u64, r.held_until, VD_SECONDS(3600)));
	cr_assert(not(reserve_send(&r, &again, VD_SECONDS(1800))));
	cr_assert(reserve_send(&r, &again, VD_SECONDS(1801)));
	cr_assert(eq(u32, again.reserve.id, first.reserve.id));
}

Test(reserve, an_answer_to_another_id_changes_nothing)
{
	struct reserve r;
	struct control_msg first, msg;

	reserve_init(&r, 0);
	reserve_begin(&r, 0);
	cr_assert(reserve_send(&r, &first, 0));
	msg = answer(first.reserve.id + 1, CONTROL_OK, 60);
	cr_assert(eq(int, (int)reserve_recv(&r, &msg, 0), VD_EPEER_STATE));
	cr_assert(eq(int, (int)r.state, RESERVE_ASKING));
}
