/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * stress_lane: one producer and one consumer of a lane, each in its own thread, in
 * bursts of changing size and in place; every item arrives once, in order, whole.
 *
 *	stress_lane [bug]
 *
 * With `bug` the consumer looks at an item after it released it: ThreadSanitizer has
 * to see that, or the run without it proves nothing.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/lane.h"

enum { ITEMS = 300000, CAPACITY = 8, BURST = 12 };

struct item {
	uint64_t number;
	uint64_t check[3];
};

static struct sw_lane lane;
static bool bug;
static volatile uint64_t too_late; /* what the planted bug reads */

static struct item item_of(uint64_t number)
{
	return (struct item){ number, { ~number, number * 3, number ^ 0x5a5a } };
}

static void check(const struct item *item, uint64_t number)
{
	struct item expected = item_of(number);

	if (memcmp(item, &expected, sizeof expected) == 0)
		return;
	fprintf(stderr, "stress_lane: item %lu is broken or out of order\n", (unsigned long)number);
	exit(1);
}

static uint64_t push_some(uint64_t next)
{
	struct item items[BURST];
	uint32_t count = 1 + (uint32_t)(next * 7 % BURST);

	if (count > ITEMS - next)
		count = (uint32_t)(ITEMS - next);
	for (uint32_t i = 0; i < count; i++)
		items[i] = item_of(next + i);
	return sw_lane_push_burst(&lane, items, count);
}

static uint64_t push_one(uint64_t next)
{
	struct item *place = sw_lane_reserve(&lane);

	if (!place)
		return 0;
	*place = item_of(next);
	sw_lane_commit(&lane);
	return 1;
}

static void *produce(void *unused)
{
	(void)unused;
	for (uint64_t next = 0; next < ITEMS;) {
		uint64_t pushed = next % 5 < 3 ? push_some(next) : push_one(next);

		if (pushed == 0)
			sched_yield();
		next += pushed;
	}
	return NULL;
}

static uint64_t pop_some(uint64_t next)
{
	struct item items[BURST];
	uint32_t count = sw_lane_pop_burst(&lane, items, 1 + (uint32_t)(next * 5 % BURST));

	for (uint32_t i = 0; i < count; i++)
		check(&items[i], next + i);
	return count;
}

static uint64_t pop_one(uint64_t next)
{
	const struct item *item = sw_lane_peek(&lane);

	if (!item)
		return 0;
	if (!bug)
		check(item, next);
	sw_lane_release(&lane);
	if (bug) {
		sched_yield(); /* the producer, who waits for room, overwrites it */
		too_late += item->number;
	}
	return 1;
}

int main(int argc, char **argv)
{
	pthread_t producer;
	uint64_t next = 0;

	bug = argc > 1 && strcmp(argv[1], "bug") == 0;
	if (sw_lane_init(&lane, CAPACITY, sizeof(struct item)))
		return 1;
	if (pthread_create(&producer, NULL, produce, NULL))
		return 1;
	while (next < ITEMS) {
		uint64_t popped = next % 3 ? pop_some(next) : pop_one(next);

		if (popped == 0)
			sched_yield();
		next += popped;
	}
	pthread_join(producer, NULL);
	bool left = sw_lane_peek(&lane) != NULL;
	sw_lane_fini(&lane);
	printf("stress_lane: %lu items\n", (unsigned long)next);
	return next == ITEMS && !left ? 0 : 1;
}
