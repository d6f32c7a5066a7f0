/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/mailbox.h"

static void on_wake(uv_async_t *wake)
{
	mailbox_read(wake->data);
}

int mailbox_init(struct mailbox *box, uv_loop_t *loop, uint32_t limit)
{
	int err = uv_mutex_init(&box->lock);

	if (err)
		return err;
	box->first = NULL;
	box->end = &box->first;
	box->waiting = 0;
	box->limit = limit;
	box->refused = 0;
	box->closed = box->gone = false;
	err = uv_async_init(loop, &box->wake, on_wake);
	if (err)
		uv_mutex_destroy(&box->lock);
	box->wake.data = box;
	return err;
}

/* Whoever finds it empty wakes the reader, who takes all. */
static bool push(struct mailbox *box, struct letter *letter, uint32_t limit)
{
	bool room, empty;

	letter->next = NULL;
	uv_mutex_lock(&box->lock);
	room = box->waiting < limit;
	empty = !box->first;
	if (room) {
		*box->end = letter;
		box->end = &letter->next;
		box->waiting++;
	}
	if (room && empty &&
	    !box->closed) /* under the lock: the reader may close it at the letter */
		uv_async_send(&box->wake);
	uv_mutex_unlock(&box->lock);
	return room;
}

bool mailbox_post(struct mailbox *box, struct letter *letter)
{
	bool posted = push(box, letter, box->limit);

	box->refused += !posted;
	return posted;
}

void mailbox_post_always(struct mailbox *box, struct letter *letter)
{
	(void)push(box, letter, UINT32_MAX);
}

bool mailbox_has_room(struct mailbox *box, uint32_t letters)
{
	bool room;

	uv_mutex_lock(&box->lock);
	room = box->waiting < box->limit && box->limit - box->waiting >= letters;
	uv_mutex_unlock(&box->lock);
	return room;
}

bool mailbox_is_empty(struct mailbox *box)
{
	bool empty;

	uv_mutex_lock(&box->lock);
	empty = !box->first;
	uv_mutex_unlock(&box->lock);
	return empty;
}

void mailbox_read(struct mailbox *box)
{
	struct letter *letter;

	uv_mutex_lock(&box->lock);
	letter = box->first;
	box->first = NULL;
	box->end = &box->first;
	box->waiting = 0;
	uv_mutex_unlock(&box->lock);
	while (letter) {
		struct letter *next = letter->next;

		letter->read(letter);
		letter = next;
	}
}

static void on_gone(uv_handle_t *wake)
{
	((struct mailbox *)wake->data)->gone = true;
}

void mailbox_close(struct mailbox *box)
{
	uv_mutex_lock(&box->lock);
	box->closed = true;
	uv_mutex_unlock(&box->lock);
	uv_close((uv_handle_t *)&box->wake, on_gone);
}

void mailbox_fini(struct mailbox *box)
{
	uv_mutex_destroy(&box->lock);
}
