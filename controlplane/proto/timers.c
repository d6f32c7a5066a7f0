/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/timers.h"

#include <stdbool.h>
#include <stdlib.h>

enum vd_err timers_init(struct timers *timers, uint32_t capacity)
{
	*timers = (struct timers){ .capacity = capacity };
	timers->heap = calloc(capacity ? capacity : 1, sizeof *timers->heap);
	timers->positions = calloc(capacity ? capacity : 1, sizeof *timers->positions);
	return timers->heap && timers->positions ? VD_OK : VD_ENOMEM;
}

void timers_fini(struct timers *timers)
{
	free(timers->heap);
	free(timers->positions);
	*timers = (struct timers){ 0 };
}

static void put(struct timers *timers, uint32_t at, struct timer timer)
{
	timers->heap[at] = timer;
	timers->positions[timer.owner] = at + 1;
}

static void sift_up(struct timers *timers, uint32_t at, struct timer timer)
{
	while (at > 0 && timers->heap[(at - 1) / 2].at > timer.at) {
		put(timers, at, timers->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(timers, at, timer);
}

static void sift_down(struct timers *timers, uint32_t at, struct timer timer)
{
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= timers->count)
			break;
		if (child + 1 < timers->count &&
		    timers->heap[child + 1].at < timers->heap[child].at)
			child++;
		if (timers->heap[child].at >= timer.at)
			break;
		put(timers, at, timers->heap[child]);
		at = child;
	}
	put(timers, at, timer);
}

/* Puts `timer` where the heap has a hole. */
static void fill(struct timers *timers, uint32_t hole, struct timer timer)
{
	if (hole > 0 && timers->heap[(hole - 1) / 2].at > timer.at)
		sift_up(timers, hole, timer);
	else
		sift_down(timers, hole, timer);
}

static void unset(struct timers *timers, uint32_t owner)
{
	uint32_t hole = timers->positions[owner] - 1;
	struct timer last = timers->heap[--timers->count];

	timers->positions[owner] = 0;
	if (last.owner != owner)
		fill(timers, hole, last);
}

void timers_set(struct timers *timers, uint32_t owner, vd_ns at)
{
	bool is_set = timers->positions[owner] != 0;

	if (at == VD_NEVER) {
		if (is_set)
			unset(timers, owner);
		return;
	}
	uint32_t hole = is_set ? timers->positions[owner] - 1 : timers->count++;

	fill(timers, hole, (struct timer){ .at = at, .owner = owner });
}
