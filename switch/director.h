/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * director: which link a director leads to (switch/SPEC.md, section 7).
 *
 * Threads: control draws, sets and rests; workers read `words`. Setting stores with release,
 *          forwarding loads with acquire: the link's record was published before.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/thread.h"
#include "base/time.h"

enum { SW_DIRECTOR_REST_S = 600 };

struct sw_director_table {
	_Atomic uint32_t *words; /* [1 << width] index of the current generation, 0: none */
	uint32_t *rests;         /* [1 << width] control only: second it is free again; 0: free */
	unsigned width;
	uint32_t taken; /* directors drawn and not yet put to rest; control only */
};

/* Width 4 to 24. VD_ENOMEM. */
enum vd_err sw_director_table_init(struct sw_director_table *table, unsigned width) ON_CONTROL;
void sw_director_table_fini(struct sw_director_table *table) ON_CONTROL;

/*
 * Draws a free director, not 0, at random: it is the caller's until put to rest.
 * VD_ELIMIT when all are taken or rest. Control thread.
 */
enum vd_err sw_director_draw(struct sw_director_table *table, vd_ns now,
			     uint32_t *director_out) ON_CONTROL;

/* Gives a drawn director back: it leads nowhere, and rests for 600 s. Control thread. */
void sw_director_rest(struct sw_director_table *table, uint32_t director, vd_ns now) ON_CONTROL;

/* Points `director` (not 0, below 1 << width) to an index; 0 takes it away. Control thread. */
void sw_director_set(struct sw_director_table *table, uint32_t director, uint32_t index) ON_CONTROL;
