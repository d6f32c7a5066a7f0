/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peering_net: up to three peering machines, each with the host and data plane it
 * needs, over a channel in virtual time that may lose, repeat and reorder.
 *
 * Node i has address i + 1; a path holds the other side's address in its first byte, and
 * which of the network's ways is used in the second. The data plane here checks keys by
 * comparing them (links) or really seals (sessions).
 *
 * Data frames of links:  06 ‖ index(4) ‖ counter(8) ‖ SipHash of these(8) ‖ zeros. What is for no
 * generation here is handed to the machine, as the daemon does.
 */
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/proto/peering.h"
#include "controlplane/proto/seal.h"
#include "switch/window.h"

enum {
	NET_NODES = 3,
	NET_FRAMES = 1024,
	NET_FRAME_BYTES = 1500,
	NET_GENERATIONS = 24,
	NET_ADDRESSES = 256,
	NET_NOBODY = 128, /* addresses from here on are attackers: frames to them end in `nobody` */
	NET_JOBS = NET_NODES * PEERING_JOBS,
	NET_KINDS = PEERING_PROBED + 1,
};

struct net_generation {
	uint32_t index; /* 0: free */
	struct vd_peer_id peer;
	struct peering_path path;
	struct peering_keys keys;
	struct seal seal;    /* sessions */
	uint64_t tx_counter; /* links: of data frames */
	vd_ns tx_at;
	uint64_t rx_top; /* links */
	struct sw_window window;
};

struct net;

struct node {
	struct net *net;
	uint8_t address;
	uint8_t alias; /* the address it sends from and is at, after a rebinding; 0: the same */
	struct vd_identity identity;
	struct peering_config config;
	struct peering *peering; /* NULL: down */
	bool refuses;            /* what admit says */
	uint32_t last_index;
	int indices_out; /* reserved and not yet released or retired */
	struct net_generation generations[NET_GENERATIONS];
	uint32_t current[NET_NODES]; /* index in use for each other node; 0: none */
	bool up[NET_NODES];
	unsigned counts[NET_KINDS]; /* events */
	enum control_status status; /* of the last DOWN or REFUSED_BY */
	char text[PEERING_TEXT];
	uint8_t control[PEERING_FRAME_MAX]; /* the last CONTROL */
	size_t control_len;
	uint64_t rx_bytes[NET_ADDRESSES], tx_bytes[NET_ADDRESSES];
	unsigned data_sent, data_received, data_bad; /* data_bad: did not verify, or unknown */
	unsigned data_again;                         /* links: verified, but had come already */
	struct sw_bucket lost_reports;
	const char *token; /* shown to those whom we dial; NULL: none */
	/* of the last claim admit saw */
	struct peering_path claimed;
	bool has_token;
	uint8_t token_hash[VD_TOKEN_HASH];
	enum vd_err job_err; /* of the last job done */
	const char *broken;  /* an event out of order: what */
};

struct net_frame {
	vd_ns at; /* VD_NEVER: free */
	uint8_t from, to;
	uint8_t way;
	uint16_t len;
	uint8_t bytes[NET_FRAME_BYTES];
};

struct net_job {
	vd_ns at; /* VD_NEVER: free */
	uint8_t node;
	struct peering_job *job;
};

/* Told of what happens, where they are set. */
struct net_hooks {
	/* `node` took a frame `from` an address; it verified and was new; `head`: its first 13
	 * bytes. */
	void (*accepted)(struct net *net, unsigned node, uint8_t from,
			 const uint8_t head[PEERING_HEAD_BYTES]);
	/* An event of `node`, before it is carried out. */
	void (*event)(struct net *net, unsigned node, const struct peering_event *event);
	void (*stepped)(struct net *net); /* one frame, job or deadline */
};

struct net {
	struct net_hooks hooks;
	void *hook_context;
	vd_ns now;
	uint64_t random;
	unsigned loss, copies, flips; /* percent */
	vd_ns delay_min, delay_max;
	bool cut; /* nothing passes */
	/* jobs are run at once (0), or come back after up to this, in any order */
	vd_ns job_delay;
	struct net_job jobs[NET_JOBS];
	struct node nodes[NET_NODES];
	struct net_frame frames[NET_FRAMES];
	unsigned frames_high; /* none is in use from here on */
	unsigned lost_for_room;
	struct net_frame nobody; /* the last one */
	unsigned passed[8];      /* frames handed over, by first byte */
	/* Sees each frame before it is handed over; may change it; false: drop it. */
	bool (*watch)(struct net *net, struct net_frame *frame);
};

/* Draws what libsodium draws from `seed` from now on, so that a run can be repeated. */
void net_seed(uint64_t seed);

/* Two or three nodes of a kind, not started yet: their configs may be changed. */
struct net *net_new(enum peering_kind kind, uint64_t seed);
void net_free(struct net *net);
void net_start(struct net *net, unsigned node);
/* The process dies: nothing is said to anybody. start gives it another boot. */
void net_stop(struct net *net, unsigned node);

struct peering_path net_path(unsigned node);
void net_dial(struct net *net, unsigned from, unsigned to);
void net_drain(struct net *net, unsigned node);
/* Hands over and expires all that is due within `span`. */
void net_run(struct net *net, vd_ns span);
/* The same until `done` says so, at most `span`; whether it did. */
bool net_run_until(struct net *net, bool (*done)(const struct net *net), vd_ns span);
/* Sends one data frame from `from` to `to` under the generation in use; false: there is none. */
bool net_data(struct net *net, unsigned from, unsigned to);
/* A frame from nowhere. The result is that of its job, where that was done at once. */
enum vd_err net_inject(struct net *net, unsigned to, struct peering_path path,
		       struct vd_bytes frame);

bool net_both_up(const struct net *net); /* nodes 0 and 1 */
/* The generation in use at `from` towards `to`, or NULL. */
const struct net_generation *net_current(const struct net *net, unsigned from, unsigned to);
const struct net_generation *net_find(const struct node *node, uint32_t index);
/* Whether what `from` sends with is what `to` receives with. */
bool net_keys_match(const struct net *net, unsigned from, unsigned to);
unsigned net_generation_count(const struct node *node);
uint64_t net_random(struct net *net);
