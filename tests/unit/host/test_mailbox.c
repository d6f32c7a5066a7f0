/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/mailbox.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct note {
	struct letter letter;
	unsigned number;
	struct mailbox *answer; /* posted there as it is read; NULL: nowhere */
};

static uv_loop_t loop;
static struct mailbox box;
static unsigned seen[64], seen_count;

static void on_read(struct letter *letter)
{
	struct note *note = LETTER_IN(letter, struct note, letter);
	struct mailbox *answer = note->answer;

	seen[seen_count++] = note->number;
	note->answer = NULL;
	if (answer)
		mailbox_post_always(answer, letter);
}

static struct note note(unsigned number)
{
	return (struct note){ .letter.read = on_read, .number = number };
}

static void begin(uint32_t limit)
{
	uv_loop_init(&loop);
	cr_assert(eq(int, mailbox_init(&box, &loop, limit), 0));
	seen_count = 0;
}

static void end(void)
{
	mailbox_close(&box);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert(box.gone);
	mailbox_fini(&box);
	cr_assert(eq(int, uv_loop_close(&loop), 0));
}

Test(mailbox, letters_are_read_in_order_and_not_while_they_are_posted)
{
	struct note a = note(1), b = note(2);

	begin(8);
	cr_assert(mailbox_post(&box, &a.letter));
	cr_assert(mailbox_post(&box, &b.letter));
	cr_assert(eq(uint, seen_count, 0));
	uv_run(&loop, UV_RUN_ONCE);
	cr_assert(eq(uint, seen_count, 2));
	cr_assert(eq(uint, seen[0] * 10 + seen[1], 12));
	end();
}

Test(mailbox, a_full_one_refuses_and_counts_but_for_what_is_owed)
{
	struct note notes[4] = { note(1), note(2), note(3), note(4) };

	begin(2);
	cr_assert(mailbox_has_room(&box, 2));
	cr_assert(mailbox_post(&box, &notes[0].letter));
	cr_assert(mailbox_post(&box, &notes[1].letter));
	cr_assert(not(mailbox_has_room(&box, 1)));
	cr_assert(not(mailbox_post(&box, &notes[2].letter)));
	cr_assert(eq(u64, box.refused, 1));
	mailbox_post_always(&box, &notes[3].letter);
	uv_run(&loop, UV_RUN_ONCE);
	cr_assert(eq(uint, seen_count, 3));
	cr_assert(eq(uint, seen[2], 4));
	cr_assert(mailbox_is_empty(&box));
	cr_assert(mailbox_post(&box, &notes[2].letter)); /* room again */
	uv_run(&loop, UV_RUN_ONCE);
	end();
}

Test(mailbox, a_letter_may_be_posted_again_as_it_is_read)
{
	struct note a = note(1), b = note(2);

	begin(8);
	a.answer = &box;
	cr_assert(mailbox_post(&box, &a.letter));
	cr_assert(mailbox_post(&box, &b.letter));
	uv_run(&loop, UV_RUN_ONCE);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_assert(eq(uint, seen_count, 3));
	cr_assert(eq(uint, seen[0] * 100 + seen[1] * 10 + seen[2], 121));
	end();
}

Test(mailbox, what_waits_in_a_closed_one_can_still_be_read)
{
	struct note a = note(1);

	begin(8);
	mailbox_close(&box);
	mailbox_post_always(&box, &a.letter);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert(eq(uint, seen_count, 0));
	mailbox_read(&box);
	cr_assert(eq(uint, seen_count, 1));
	mailbox_fini(&box);
	uv_loop_close(&loop);
}

static struct note many[50];

static void post_many(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < 50; i++) {
		many[i] = note(i);
		cr_assert(mailbox_post(&box, &many[i].letter));
	}
}

Test(mailbox, another_thread_wakes_the_loop)
{
	uv_thread_t thread;

	begin(50);
	cr_assert(eq(int, uv_thread_create(&thread, post_many, NULL), 0));
	while (seen_count < 50)
		uv_run(&loop, UV_RUN_ONCE); /* hangs if it is not woken */
	uv_thread_join(&thread);
	for (unsigned i = 0; i < 50; i++)
		cr_assert(eq(uint, seen[i], i));
	end();
}
