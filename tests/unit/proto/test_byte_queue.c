/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/byte_queue.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/* Headers of interfaces: they must compile. */
#include "controlplane/proto/muxer.h"
#include "controlplane/proto/security.h"

Test(byte_queue, what_goes_in_comes_out_in_order)
{
	struct byte_queue queue = { 0 };
	uint8_t in = 0, out = 0;
	uint32_t seed = 1;

	for (unsigned turn = 0; turn < 20000; turn++) {
		uint8_t bytes[300];
		size_t push = (seed = seed * 1664525 + 1013904223) >> 24,
		       pop = (seed = seed * 1664525 + 1013904223) >> 24;

		for (size_t i = 0; i < push; i++)
			bytes[i] = in++;
		cr_assert(eq(int, byte_queue_push(&queue, vd_bytes(bytes, push)), VD_OK));

		struct vd_bytes got = byte_queue_bytes(&queue);

		pop = pop < got.len ? pop : got.len;
		for (size_t i = 0; i < pop; i++)
			cr_assert(eq(u8, got.at[i], out++));
		byte_queue_pop(&queue, pop);
	}
	byte_queue_fini(&queue);
}

Test(byte_queue, an_empty_one_holds_no_memory)
{
	struct byte_queue queue = { 0 };

	cr_assert(eq(int, byte_queue_push(&queue, vd_bytes("abc", 3)), VD_OK));
	byte_queue_pop(&queue, 2);
	cr_assert(eq(sz, byte_queue_bytes(&queue).len, 1));
	byte_queue_pop(&queue, 5);
	cr_assert(eq(sz, byte_queue_bytes(&queue).len, 0));
	cr_assert(queue.at == NULL);
}

Test(byte_queue, a_long_wait_does_not_grow_it)
{
	struct byte_queue queue = { 0 };
	uint8_t bytes[1000] = { 0 };

	for (unsigned i = 0; i < 10000; i++) {
		cr_assert(eq(int, byte_queue_push(&queue, vd_bytes(bytes, sizeof bytes)), VD_OK));
		if (i > 2)
			byte_queue_pop(&queue, sizeof bytes);
	}
	cr_assert(le(sz, queue.cap, 8192));
	byte_queue_fini(&queue);
}

Test(byte_queue, a_header_goes_before_what_is_there)
{
	struct byte_queue queue = { 0 };
	struct vd_bytes got;

	cr_assert(eq(int, byte_queue_push(&queue, vd_bytes("body", 4)), VD_OK));
	memset(byte_queue_front(&queue, BYTE_QUEUE_FRONT), 'h', BYTE_QUEUE_FRONT);
	cr_assert(eq(ptr, byte_queue_front(&queue, 1), NULL));
	for (unsigned i = 0; i < 1000; i++) /* it grows */
		cr_assert(eq(int, byte_queue_push(&queue, vd_bytes(".", 1)), VD_OK));
	got = byte_queue_bytes(&queue);
	cr_assert(eq(sz, got.len, BYTE_QUEUE_FRONT + 1004));
	cr_assert(eq(chr, (char)got.at[BYTE_QUEUE_FRONT - 1], 'h'));
	cr_assert(zero(int, memcmp(got.at + BYTE_QUEUE_FRONT, "body.", 5)));
	byte_queue_pop(&queue, BYTE_QUEUE_FRONT);
	cr_assert(ne(ptr, byte_queue_front(&queue, BYTE_QUEUE_FRONT), NULL));
	byte_queue_fini(&queue);
}

static void fill(struct byte_queue *queue, size_t len)
{
	uint8_t *room = byte_queue_room(queue, len);

	cr_assert(room != NULL);
	memset(room, 1, len);
	byte_queue_added(queue, len);
}

Test(byte_queue, memory_that_is_kept_is_bounded_and_used_again)
{
	enum { QUEUES = 40, BYTES = 100000 };
	struct byte_queue queues[QUEUES] = { 0 };
	size_t kept;

	for (unsigned i = 0; i < QUEUES; i++)
		fill(&queues[i], BYTES);
	for (unsigned i = 0; i < QUEUES; i++)
		byte_queue_fini(&queues[i]);
	kept = byte_queue_kept();
	cr_assert(le(sz, kept, BYTE_QUEUE_KEPT_BYTES));
	fill(&queues[0], BYTES);
	cr_assert(eq(sz, byte_queue_kept(), kept ? kept - queues[0].cap : 0));
	byte_queue_fini(&queues[0]);
}

Test(byte_queue, a_small_one_takes_no_block)
{
	struct byte_queue queue = { 0 };

	fill(&queue, 16000);
	cr_assert(le(sz, queue.cap, 16384));
	byte_queue_fini(&queue);
	cr_assert(eq(sz, byte_queue_kept(), 0));
}
