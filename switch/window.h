/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * window: which counters of a key generation have been seen (switch/SPEC.md, section
 * 6.2): of the last 512. A receiver asks the window, verifies the tag, then marks.
 *
 * The bitmap is one cache line, a ring of 512 bits indexed by counter % 512.
 *
 * Threads: the owner of the link or session only.
 */
#include <stdbool.h>
#include <stdint.h>

enum { SW_WINDOW_BITS = 512, SW_WINDOW_WORDS = SW_WINDOW_BITS / 64 };

struct sw_window {
	uint64_t bits[SW_WINDOW_WORDS];
};

/*
 * Whether `counter` may be new, given the highest one marked (0: none yet).
 * False for 0, for seen ones, and for those not above top - 512.
 */
static inline bool sw_window_is_new(const struct sw_window *w, uint64_t top, uint64_t counter)
{
	if (counter > top)
		return true;
	if (counter == 0 || top - counter >= SW_WINDOW_BITS)
		return false;
	return !(w->bits[counter / 64 % SW_WINDOW_WORDS] >> (counter % 64) & 1);
}

/* Forgets counters `first` to `last`, which are to be reused as newer ones. */
void sw_window_clear(struct sw_window *w, uint64_t first, uint64_t last);

/* Marks a counter that sw_window_is_new said yes to and that verified; moves *top. */
static inline void sw_window_mark(struct sw_window *w, uint64_t *top, uint64_t counter)
{
	if (counter > *top) {
		if (counter - *top > 1)
			sw_window_clear(w, *top + 1, counter - 1);
		*top = counter;
	}
	w->bits[counter / 64 % SW_WINDOW_WORDS] |= UINT64_C(1) << (counter % 64);
}
