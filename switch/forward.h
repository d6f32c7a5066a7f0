/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * forward: the packet switch, a burst at a time (switch/SPEC.md, sections 6 and 8).
 *
 * Stages, one plain loop each over the packets that are still on: parse, look up,
 * verify (one SipHash loop over the burst), window, label, permit, police, re-tag.
 * Every packet leaves with a verdict; nothing is sent, freed or punted here: the
 * worker does that, by verdict.
 *
 * Threads: one context for each worker; that worker only.
 * Memory:  no allocation. Progress: wait-free.
 */
#include <stdint.h>

#include "base/thread.h"
#include "base/time.h"
#include "switch/packet.h"
#include "switch/plane.h"

/* The switch header, 33 bytes with its index; offsets from the index byte. */
enum {
	SW_AT_INDEX = 0,    /* 0x06 */
	SW_AT_RECEIVER = 1, /* 4 */
	SW_AT_COUNTER = 5,  /* 8 */
	SW_AT_LABEL = 13,   /* 8 */
	SW_AT_FLAGS = 21,   /* 1: 0x80 error */
	SW_AT_USED = 22,    /* 1 */
	SW_AT_CLASS = 23,   /* 1: DSCP and ECN */
	SW_AT_ZERO = 24,    /* 1 */
	SW_AT_TAG = 25,     /* 8 */
	SW_AT_PAYLOAD = 33,
	SW_FLAG_ERROR = 0x80,
};

/* Scratch of one burst, and what the worker is. Aligned, one for each worker. */
struct sw_forward;

struct sw_forward *sw_forward_new(struct sw_plane *plane,
				  unsigned worker) ON_CONTROL; /* NULL: no memory */
void sw_forward_free(struct sw_forward *forward) ON_CONTROL;

/*
 * Switches packets whose first byte is 6. Sets verdict (and drop, egress,
 * worker, stage) of each: SW_SEND with the frame re-tagged and rewritten for
 * the egress link; SW_DELIVER with index verified and the label still in the
 * frame; SW_CROSS; SW_DONE; SW_DROP. flags: SW_PACKET_MOVED.
 * Accounts rx on ingress and tx on egress links. count <= SW_BURST_MAX. The ECN that
 * the port put into `flags` is combined into the frame's traffic class (ecn.h).
 *
 * A drop that is reported (switch/SPEC.md, section 10) has become the report: SW_SEND with flag
 * SW_PACKET_REPORT, len changed, or SW_CROSS to SW_STAGE_REPORT; that drop is counted
 * here, the worker counts those with verdict SW_DROP.
 */
void sw_forward_burst(struct sw_forward *forward, struct sw_packet *packets, unsigned count,
		      vd_ns now) ON_WORKER;

/* Continues packets that came over a lane, each from its stage. */
void sw_forward_resume(struct sw_forward *forward, struct sw_packet *packets, unsigned count,
		       vd_ns now) ON_WORKER;

/* What the switch header of a frame of our own is to say. */
struct sw_origin {
	uint64_t label;
	uint8_t flags;
	uint8_t traffic_class;
};

/*
 * Makes switch frames of payloads that this node itself sends. The payload is at
 * frame + SW_AT_PAYLOAD, `len` already includes the header; egress is set to
 * a live link owned by this worker. origins[i] is packets[i]'s. Verdict SW_SEND, or
 * SW_DROP (too_big, no_link, truncated).
 */
void sw_forward_originate(struct sw_forward *forward, struct sw_packet *packets,
			  const struct sw_origin *origins, unsigned count, vd_ns now) ON_WORKER;

/*
 * Visits the next slots, all of them about every 5 s; returns those of this worker's links, up
 * to `max`, that have sent nothing for 15 s and are to be kept alive: the worker originates
 * an empty payload on each.
 */
unsigned sw_forward_keepalives(struct sw_forward *forward, vd_ns now, struct sw_link **links_out,
			       unsigned max) ON_WORKER;

/* The tag of a frame, for tests, tools and the control plane; `len` from the index byte. */
uint64_t sw_tag(const uint8_t key[SW_TAG_KEY_BYTES], const uint8_t *frame, uint16_t len);
