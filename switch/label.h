/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * label: the arithmetic of source routes (switch/SPEC.md, section 7).
 *
 * A label holds one director per switch, the first one in its low bits. A
 * switch of width W takes the low W bits, shifts the label right, and writes
 * the director of the link the frame came by, bit-reversed, at the top. So the
 * receiver finds the way back by reversing the whole word.
 *
 * Pure functions; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	SW_WIDTH_MIN = 4,
	SW_WIDTH_MAX = 24,
	SW_LABEL_BITS_MAX = 60, /* sum of the widths of a route's switches */
};

/* A route as an endpoint holds it: `bits` is the sum of the widths in `label`. */
struct sw_route {
	uint64_t label;
	uint8_t bits;
};

/* All 64 bits of `v` in the opposite order. */
uint64_t sw_bitreverse(uint64_t v);

/* The director of the link a frame came by, as it is written at the top of its label. */
static inline uint64_t sw_label_reverse_of(uint32_t director)
{
	return sw_bitreverse(director);
}

/* The label and bits of the way back, for a frame received with these values. */
struct sw_route sw_label_way_back(uint64_t label, uint8_t used);

/*
 * One switch's step: the label after it. The caller has checked `used` and that the frame is
 * not for this node. `ingress_reverse`: sw_label_reverse_of the director it came by.
 */
static inline uint64_t sw_label_step(uint64_t label, unsigned width, uint64_t ingress_reverse)
{
	return label >> width | ingress_reverse;
}

/*
 * The route that goes `first`, then `then` from where `first` ends. VD_ELIMIT
 * when it would have more than 60 bits. Not used by viaductd yet.
 */
enum vd_err sw_route_splice(struct sw_route first, struct sw_route then,
			    struct sw_route *route_out);
