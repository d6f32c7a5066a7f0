/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * mailbox: letters for one loop, from one other thread, or from the same one.
 *
 * Letters (letter.h) are read in the order in which they were posted, from the loop, never from
 * within the posting call.
 *
 * Bounded: at most `limit` letters wait before mailbox_post refuses. mailbox_post_always does not:
 * it is for letters whose number something else bounds (one `closed` a connection, one answer a
 * task), and whose loss would leave the two sides at odds.
 *
 * Threads:  posting: the one writer; reading: the loop's thread. A lock is held for the few
 *           instructions of a push, or to take all that waits.
 * Memory:   a letter is the mailbox's from post until its `read` is called, which may free it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "controlplane/host/letter.h"

struct mailbox {
	uv_async_t wake;
	uv_mutex_t lock;
	struct letter *first, **end; /* under the lock */
	uint32_t waiting, limit;     /* waiting: under the lock */
	bool closed;                 /* nobody is woken any more; under the lock */
	bool gone;                   /* libuv has let go of it; the reader's */
	uint64_t refused;            /* writer: the posting thread, and its alone */
};

/* A libuv error, or 0. */
int mailbox_init(struct mailbox *box, uv_loop_t *loop, uint32_t limit);
/* False, and counted: full; the letter is the caller's. */
bool mailbox_post(struct mailbox *box, struct letter *letter);
void mailbox_post_always(struct mailbox *box, struct letter *letter);
/* Room for so many now; the writer's question. */
bool mailbox_has_room(struct mailbox *box, uint32_t letters);

/* Reads what waits; for the reader, or for anybody once the other thread is gone. */
void mailbox_read(struct mailbox *box);
bool mailbox_is_empty(struct mailbox *box);
/* Wakes nobody from here on: letters wait for mailbox_read. Run the loop, then fini. */
void mailbox_close(struct mailbox *box);
void mailbox_fini(struct mailbox *box);
