/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * packet: one datagram in a worker's burst, as the switch sees it.
 *
 * The descriptor is the worker's; the bytes lie in a buffer of the port's
 * (an mbuf, but the switch does not know). `frame` starts at the multigram
 * index, the first byte after UDP. At least SW_HEADROOM bytes before it may be
 * written, for the outer headers on the way out.
 */
#include <assert.h>
#include <stdint.h>

#include "switch/drop.h"
#include "switch/link.h"

enum {
	SW_BURST_MAX = 256,
	SW_HEADROOM = 128, /* writable bytes before frame */
	SW_HEADER = 33,    /* index byte and switch header */
	SW_IPV6_ADDR = 16,
	/* room a port's buffer has after frame: the largest frame we build or take */
	SW_FRAME_MAX = 9216 - 128,
};

/* What is to be done with a packet; set by each stage for those it stops. */
enum sw_verdict {
	SW_ON,      /* goes on to the next stage */
	SW_SEND,    /* leave by `egress`: the outer headers are its send template */
	SW_DELIVER, /* payload is for this node; frame still includes the switch header */
	SW_CROSS,   /* to worker `worker`, by its lane */
	SW_DROP,    /* count `drop`, free the buffer */
	SW_DONE,    /* nothing left to do (a keepalive): free the buffer */
};

struct sw_packet {
	uint8_t *frame;
	void *buffer; /* the port's; opaque here */
	union {
		struct sw_link *egress; /* SW_SEND; valid until the worker is quiescent */
		struct {                /* SW_CROSS to SW_STAGE_EGRESS: no pointer crosses */
			uint32_t egress_index;
			uint32_t reverse; /* of the link it came by; to SW_STAGE_REPORT: limit */
		};
	};
	uint32_t path;   /* hash of (port, source address), as in struct sw_link */
	uint32_t index;  /* receiver index of the link it came by, verified; 0: none */
	uint16_t len;    /* bytes from frame */
	uint8_t port;    /* it came by */
	uint8_t verdict; /* enum sw_verdict */
	uint8_t drop;    /* enum sw_drop, when verdict is SW_DROP */
	uint8_t worker;  /* SW_CROSS: whose */
	uint8_t stage;   /* SW_CROSS: enum sw_stage to continue with there */
	uint8_t flags;   /* SW_PACKET_… */
};
static_assert(sizeof(struct sw_packet) == 40);

/* Where a packet that crossed a lane goes on. */
enum sw_stage {
	SW_STAGE_VERIFIED, /* tag verified; window, label and the rest at the ingress owner */
	SW_STAGE_EGRESS,   /* all of ingress done; police, re-tag and send at the egress owner */
	SW_STAGE_REPORT,   /* dropped (and counted) at the egress owner; ingress owner reports */
};

enum {
	SW_PACKET_MOVED = 1,  /* verified, highest counter, but from another path */
	SW_PACKET_REPORT = 2, /* SW_SEND: the frame now is a report to where it came from */
	SW_PACKET_ECN = 0xc0, /* ECN of the outer IP header it came in; set by the port */
	SW_PACKET_ECN_SHIFT = 6,
};
