/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * rig: one node's plane, forwarders and links, and frames as its neighbours would
 * send them. For tests in one thread, which is every worker in turn.
 */
#include "switch/forward.h"
#include "switch/plane.h"

enum { RIG_LINKS = 64, RIG_WORKERS = 4, RIG_FRAME_ROOM = 2048 };

/* Our side of a link; the neighbour's keys are ours, exchanged. */
struct rig_link {
	uint32_t index;
	uint32_t remote_index;
	uint32_t director;
	uint32_t path;
	uint8_t rx_key[SW_TAG_KEY_BYTES];
	uint8_t tx_key[SW_TAG_KEY_BYTES];
};

struct rig {
	struct sw_plane plane;
	struct sw_forward *forwards[RIG_WORKERS];
	struct rig_link links[RIG_LINKS];
	unsigned link_count;
};

/* A frame in a buffer with headroom, and its descriptor. */
struct rig_frame {
	struct sw_packet packet;
	uint8_t room[SW_HEADROOM + RIG_FRAME_ROOM];
};

struct rig_header {
	uint64_t counter;
	uint64_t label;
	uint8_t flags;
	uint8_t used;
	uint8_t traffic_class;
	uint8_t zero;
	uint16_t payload_len;
};

/* Delivery is unlimited. Registers the thread with RCU. */
void rig_init(struct rig *rig, unsigned workers, unsigned width);
void rig_fini(struct rig *rig);

/* All may call all, payload up to 1400, a way known, a drawn director if width is not 0. */
struct sw_link_config rig_config(struct rig *rig, uint8_t owner);
/* Publishes, points the director there; its number in rig->links. */
unsigned rig_link(struct rig *rig, const struct sw_link_config *config, vd_ns now);
struct sw_link *rig_record(struct rig *rig, unsigned link);

/* A frame with a valid tag, as the neighbour on `link` sends it; payload bytes count up. */
void rig_frame(const struct rig *rig, unsigned link, const struct rig_header *header,
	       struct rig_frame *frame_out);
/* Writes the tag anew, under `key`. */
void rig_seal(struct rig_frame *frame, const uint8_t key[SW_TAG_KEY_BYTES]);

/* Whether the frame's tag verifies with what we send by on `link`. */
bool rig_sealed_for(const struct rig *rig, unsigned link, const struct rig_frame *frame);
struct rig_header rig_parse(const struct rig_frame *frame);

/* Runs one frame through the worker's forwarder; its verdict. */
enum sw_verdict rig_run(struct rig *rig, unsigned worker, struct rig_frame *frame, vd_ns now);
enum sw_verdict rig_resume(struct rig *rig, unsigned worker, struct rig_frame *frame, vd_ns now);
