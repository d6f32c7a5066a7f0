/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * siphash: SipHash-2-4 over the 43 bytes of a switch frame's tag input, a burst at a
 * time (internal to switch/).
 *
 * siphash.c is built once per instruction set; each build exports one function of the
 * name below. Lanes are columns: row w of `words` holds word w of every frame.
 */
#include <stdint.h>

#include "multigram/frame.h"
#include "switch/packet.h"

enum {
	SW_SIPHASH_WORDS = 6, /* five of input; the last three bytes and the length */
	SW_SIPHASH_STEP = 8,  /* lanes are computed in whole steps */
	/* one line over a power of two, so that rows do not share cache sets */
	SW_SIPHASH_LANES = SW_BURST_MAX + SW_SIPHASH_STEP,
};

struct sw_siphash {
	_Alignas(SW_CACHE_LINE) uint64_t words[SW_SIPHASH_WORDS][SW_SIPHASH_LANES];
	_Alignas(SW_CACHE_LINE) uint64_t k0[SW_SIPHASH_LANES];
	_Alignas(SW_CACHE_LINE) uint64_t k1[SW_SIPHASH_LANES];
	_Alignas(SW_CACHE_LINE) uint64_t tags[SW_SIPHASH_LANES];
};

/* The last word: payload length (big-endian), index byte 6, and SipHash's length, 43. */
static inline uint64_t sw_siphash_last(uint16_t payload_len)
{
	return __builtin_bswap16(payload_len) | (uint64_t)MG_SWITCH << 16 | UINT64_C(43) << 56;
}

/* Tags of lanes [0, count); may compute up to a whole step of them. */
typedef void sw_siphash_fn(struct sw_siphash *lanes, unsigned count);

sw_siphash_fn sw_siphash_burst_baseline;
#ifdef SW_HAVE_X86_64_LEVELS
sw_siphash_fn sw_siphash_burst_v3, sw_siphash_burst_v4;
#endif

/* The fastest one that this CPU can run. */
struct sw_siphash_choice {
	sw_siphash_fn *burst;
	const char *isa; /* "baseline", "x86-64-v3", "x86-64-v4" */
};
struct sw_siphash_choice sw_siphash_choose(void);
