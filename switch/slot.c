/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/slot.h"

#include <sodium.h>

#include "switch/pages.h"

enum vd_err sw_slots_init(struct sw_slots *slots, uint32_t capacity,
			  void (*wipe)(struct sw_slots *slots, uint32_t slot))
{
	struct sw_slot *rows = sw_pages_new(((size_t)capacity + 1) * sizeof *rows, false);

	if (!rows)
		return VD_ENOMEM;
	*slots = (struct sw_slots){ .slots = rows, .wipe = wipe, .capacity = capacity };
	return VD_OK;
}

void sw_slots_fini(struct sw_slots *slots)
{
	sw_pages_free(slots->slots, ((size_t)slots->capacity + 1) * sizeof *slots->slots);
	slots->slots = NULL;
}

/* The next free slot, off the list; `capacity` when there is none. */
static uint32_t take_free(struct sw_slots *slots)
{
	if (!slots->free) /* pairs with the release in reclaim */
		slots->free = atomic_exchange_explicit(&slots->freed, 0, memory_order_acquire);
	if (!slots->free)
		return slots->fresh < slots->capacity ? slots->fresh++ : slots->capacity;
	uint32_t slot = slots->free - 1;
	slots->free = slots->slots[slot].next;
	return slot;
}

/* Random, and not the slot's last one; index 0 is never given out. */
static uint8_t next_generation(uint32_t slot, uint8_t last)
{
	uint8_t generation;

	do
		generation = (uint8_t)(last + 1 + randombytes_uniform(255));
	while (slot == 0 && generation == 0);
	return generation;
}

enum vd_err sw_slots_reserve(struct sw_slots *slots, uint32_t *index_out)
{
	uint32_t slot = take_free(slots);

	if (slot == slots->capacity)
		return VD_ELIMIT;
	struct sw_slot *s = &slots->slots[slot];
	s->home = slots;
	s->state = SW_SLOT_RESERVED;
	s->generation = next_generation(slot, s->generation);
	*index_out = slot << 8 | s->generation;
	return VD_OK;
}

bool sw_slots_is(const struct sw_slots *slots, uint32_t index, enum sw_slot_state state)
{
	uint32_t slot = sw_index_slot(index);

	if (slot >= slots->fresh)
		return false;
	const struct sw_slot *s = &slots->slots[slot];
	return s->state == state && s->generation == (uint8_t)index;
}

void sw_slots_release(struct sw_slots *slots, uint32_t index)
{
	if (!sw_slots_is(slots, index, SW_SLOT_RESERVED))
		return;
	struct sw_slot *s = &slots->slots[sw_index_slot(index)];
	s->state = SW_SLOT_FREE;
	s->next = slots->free;
	slots->free = sw_index_slot(index) + 1;
}

void sw_slots_live(struct sw_slots *slots, uint32_t index)
{
	slots->slots[sw_index_slot(index)].state = SW_SLOT_LIVE;
}

static void reclaim(struct rcu_head *head)
{
	struct sw_slot *s = caa_container_of(head, struct sw_slot, rcu);
	struct sw_slots *slots = s->home;
	uint32_t slot = (uint32_t)(s - slots->slots);

	sw_rcu_reclaiming();
	slots->wipe(slots, slot);
	s->state = SW_SLOT_FREE;
	s->next = atomic_load_explicit(&slots->freed, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&slots->freed, &s->next, slot + 1,
						      memory_order_release, memory_order_relaxed))
		;
}

void sw_slots_retire(struct sw_slots *slots, uint32_t index)
{
	struct sw_slot *s = &slots->slots[sw_index_slot(index)];

	s->state = SW_SLOT_RESTING;
	sw_rcu_retire(&s->rcu, reclaim);
}
