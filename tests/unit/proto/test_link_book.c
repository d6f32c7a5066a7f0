/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "controlplane/proto/link_book.h"

static struct link_book *book;

static void setup(void)
{
	cr_assert(eq(int, link_book_new(3, &book), VD_OK));
}

static void teardown(void)
{
	link_book_free(book);
}

TestSuite(link_book, .init = setup, .fini = teardown);

static struct vd_peer_id peer(uint8_t number)
{
	struct vd_peer_id id = { .len = 4 };

	id.bytes[3] = number;
	return id;
}

static void tell(uint8_t number, uint16_t port)
{
	struct link_addresses told = { .count = port != 0, .at = { { .port = port } } };
	struct vd_peer_id id = peer(number);

	link_book_set(book, &id, &told);
}

/* 0: not known. */
static uint16_t port_of(uint8_t number)
{
	struct vd_peer_id id = peer(number);
	const struct link_addresses *known = link_book_find(book, &id);

	return known ? known->at[0].port : 0;
}

Test(link_book, the_latest_word_of_a_peer_counts)
{
	cr_assert(zero(u16, port_of(1)));
	tell(1, 10);
	tell(2, 20);
	cr_assert(eq(u16, port_of(1), 10));
	tell(1, 11);
	cr_assert(eq(u16, port_of(1), 11));
	cr_assert(eq(u16, port_of(2), 20));
	cr_assert(eq(u32, link_book_count(book), 2));
	cr_assert(eq(u64, link_book_counters(book)->told, 3));
}

Test(link_book, who_tells_none_any_more_is_forgotten)
{
	tell(1, 10);
	tell(2, 20);
	tell(1, 0);
	tell(3, 0);
	cr_assert(zero(u16, port_of(1)));
	cr_assert(eq(u16, port_of(2), 20));
	cr_assert(eq(u32, link_book_count(book), 1));
}

Test(link_book, who_was_silent_longest_makes_room)
{
	tell(1, 10);
	tell(2, 20);
	tell(3, 30);
	tell(1, 10);
	tell(4, 40);
	cr_assert(zero(u16, port_of(2)));
	cr_assert(eq(u16, port_of(1), 10));
	cr_assert(eq(u16, port_of(3), 30));
	cr_assert(eq(u16, port_of(4), 40));
	cr_assert(eq(u64, link_book_counters(book)->displaced, 1));
}
