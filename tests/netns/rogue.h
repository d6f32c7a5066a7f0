/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * rogue: a neighbour that links and opens sessions as an edge does, and whose frames are then
 * whatever its caller likes. Made of the project's own machines; for tests only.
 *
 * Threads: one. Memory: values; what fails ends the program with its reason.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/key.h"
#include "base/formats/multiaddr.h"
#include "controlplane/proto/control_msg.h"
#include "controlplane/proto/peering.h"
#include "controlplane/proto/seal.h"

enum {
	ROGUE_GENERATIONS = 32,
	ROGUE_FRAME = 1500,
	ROGUE_REPORT_CODES = 6,
};

/* Keys, and whose. */
struct rogue_generation {
	struct vd_peer_id peer;
	struct peering_path path;
	struct peering_keys keys;
	struct seal seal; /* sessions */
	uint64_t tx_counter;
	uint32_t index; /* 0: free */
	bool session;
	bool current;
};

struct rogue {
	struct vd_identity identity;
	struct peering *links, *sessions;
	struct rogue_generation generations[ROGUE_GENERATIONS];
	uint64_t frames, reports[ROGUE_REPORT_CODES]; /* verified; reports of drops, by code */
	struct control_msg answer;                    /* the last reserved or route */
	bool answered;
	uint32_t last_index, last_id;
	int fd;
};

void rogue_init(struct rogue *rogue, const char *key_file);

/* Each waits until it is so, at most 10 s. */
void rogue_link(struct rogue *rogue, const struct vd_udp_addr *at, const struct vd_peer_id *peer);
void rogue_session(struct rogue *rogue, const struct vd_peer_id *via, uint64_t label,
		   const struct vd_peer_id *peer);
/* Sends a control message over a link, and waits for its answer. */
const struct control_msg *rogue_ask(struct rogue *rogue, const struct vd_peer_id *via,
				    struct control_msg *msg);

/* Handles what comes for so long. */
void rogue_run(struct rogue *rogue, vd_ns span);

/* The generation in use with a peer; ends the program when there is none. */
struct rogue_generation *rogue_current(struct rogue *rogue, const struct vd_peer_id *peer,
				       bool session);

/* A switch frame with the link's next counter and a right tag; returns its length. */
struct rogue_head {
	uint64_t label;
	uint8_t flags, used;
};
size_t rogue_frame(struct rogue_generation *link, const struct rogue_head *head,
		   struct vd_bytes payload, uint8_t out[ROGUE_FRAME]);
/* As a datagram to where the link leads. */
void rogue_send(struct rogue *rogue, const struct rogue_generation *link, struct vd_bytes frame);
