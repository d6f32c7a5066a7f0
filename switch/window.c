/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/window.h"

void sw_window_clear(struct sw_window *w, uint64_t first, uint64_t last)
{
	if (last - first >= SW_WINDOW_BITS - 1) {
		*w = (struct sw_window){ 0 };
		return;
	}
	for (;;) { /* a word at a time: at most nine */
		uint64_t *word = &w->bits[first / 64 % SW_WINDOW_WORDS];
		uint64_t mask = UINT64_MAX << (first % 64);

		if (first / 64 == last / 64) {
			*word &= ~(mask & UINT64_MAX >> (63 - last % 64));
			return;
		}
		*word &= ~mask;
		first = (first / 64 + 1) * 64;
	}
}
