/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * slot: which rows of a table are free, and the indices they are known by.
 *
 * An index is a 24-bit slot number and an 8-bit random generation, compared whole, so
 * what is meant for a former holder of a slot does not reach the next one.
 *
 *	free --reserve--> reserved --publish--> live --retire--> resting
 *	  ^------release------'                                     |
 *	  '---------------------(grace period)----------------------'
 *
 * Threads: control; the reclaim of a resting slot runs on liburcu's thread and hands
 *          it back through `freed`.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/thread.h"
#include "switch/rcu.h"

enum { SW_SLOT_BITS = 24 };

static inline uint32_t sw_index_slot(uint32_t index)
{
	return index >> 8;
}

enum sw_slot_state { SW_SLOT_FREE, SW_SLOT_RESERVED, SW_SLOT_LIVE, SW_SLOT_RESTING };

struct sw_slots;

struct sw_slot {
	struct rcu_head rcu;
	struct sw_slots *home;
	uint32_t next;      /* slot number + 1 of the next free one; 0: the last */
	uint8_t state;      /* enum sw_slot_state; control; the reclaim to FREE */
	uint8_t generation; /* of the last index given out */
};

struct sw_slots {
	struct sw_slot *slots;                               /* [capacity] */
	void (*wipe)(struct sw_slots *slots, uint32_t slot); /* on liburcu's thread */
	uint32_t capacity;
	uint32_t fresh;         /* slots from here on were never used */
	uint32_t free;          /* slot number + 1; 0: none */
	_Atomic uint32_t freed; /* the same; reclaim pushes, control takes all */
};

/* `wipe` clears the row of a slot before it becomes free. Capacity 0 to 2^24. VD_ENOMEM. */
enum vd_err sw_slots_init(struct sw_slots *slots, uint32_t capacity,
			  void (*wipe)(struct sw_slots *slots, uint32_t slot)) ON_CONTROL;
void sw_slots_fini(struct sw_slots *slots) ON_CONTROL; /* after rcu_barrier */

/* A new index, never 0. VD_ELIMIT when every slot is taken or rests. */
enum vd_err sw_slots_reserve(struct sw_slots *slots, uint32_t *index_out) ON_CONTROL;
/* Gives a reserved index back at once; no effect on others. */
void sw_slots_release(struct sw_slots *slots, uint32_t index) ON_CONTROL;

/* Whether `index` is the one given out last for its slot, and in this state. */
bool sw_slots_is(const struct sw_slots *slots, uint32_t index, enum sw_slot_state state) ON_CONTROL;
/* A reserved index becomes live. */
void sw_slots_live(struct sw_slots *slots, uint32_t index) ON_CONTROL;
/* A live index, already unreachable for readers, rests for a grace period, then is free. */
void sw_slots_retire(struct sw_slots *slots, uint32_t index) ON_CONTROL;
