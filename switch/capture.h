/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * capture: copies of packets for who looks (`viaduct capture`), worker to control.
 *
 * What is wanted is one word of the plane, 0 when nobody looks: a worker reads it once a
 * turn, and does nothing more then. Else the first bytes of what matches are copied into
 * a lane of its own; when that is full the packet is counted and not waited for.
 *
 * What is copied are frames as on the wire, from the multigram index on: never what a
 * sealed frame holds. But packets that a port refuses for their headers are IP packets.
 *
 * Threads: the word: written by control, read by workers, relaxed: a turn sooner or later
 *          does not matter, and items carry the round they are of.
 */
#include <stdint.h>

#include "base/time.h"
#include "switch/drop.h"
#include "switch/exchange.h"

enum {
	SW_CAPTURE_BYTES = 256, /* of a frame */
	SW_LANE_CAPTURES = 512, /* each worker's */
};

enum {
	SW_CAPTURE_IN = 1,    /* frames as they arrive */
	SW_CAPTURE_OUT = 2,   /* frames handed to a port */
	SW_CAPTURE_DROPS = 4, /* frames that were dropped */
	/* of an item alone, beside DROPS: IP packets that a port refused, from the IP header on */
	SW_CAPTURE_RAW = 8,
};

enum { SW_CAPTURE_ANY_DROP = 0xff };
static_assert((int)SW_DROP_COUNT < (int)SW_CAPTURE_ANY_DROP);

/*
 * What is wanted: kinds (SW_CAPTURE_…, not 0), of drops the reason or SW_CAPTURE_ANY_DROP, the
 * neighbour's path (sw_path_hash; 0: any), and the round.
 */
static inline uint64_t sw_capture_word(unsigned kinds, unsigned drop, uint32_t path, uint8_t round)
{
	return (uint64_t)round << 48 | (uint64_t)(drop & 0xff) << 40 |
	       (uint64_t)(kinds & 0xff) << 32 | path;
}

static inline bool sw_capture_wants(uint64_t word, unsigned kind)
{
	return word >> 32 & kind;
}

static inline bool sw_capture_wants_drop(uint64_t word, unsigned drop)
{
	unsigned wanted = word >> 40 & 0xff;

	return sw_capture_wants(word, SW_CAPTURE_DROPS) &&
	       (wanted == SW_CAPTURE_ANY_DROP || wanted == drop);
}

static inline bool sw_capture_wants_path(uint64_t word, uint32_t path)
{
	return (uint32_t)word == 0 || (uint32_t)word == path;
}

static inline uint8_t sw_capture_round(uint64_t word)
{
	return (uint8_t)(word >> 48);
}

struct sw_captured {
	vd_ns at;               /* of the turn */
	struct sw_endpoint way; /* by which it came or goes */
	uint32_t link;          /* OUT: index of the link it leaves by; else 0 */
	uint16_t len;           /* of the frame */
	uint16_t kept;          /* bytes of it below */
	uint8_t kind;           /* IN, OUT, or DROPS, which may have OUT and RAW with it */
	uint8_t drop;           /* DROPS: enum sw_drop */
	uint8_t worker;
	uint8_t round;
	uint8_t bytes[SW_CAPTURE_BYTES];
};
static_assert(sizeof(struct sw_captured) % 8 == 0);
