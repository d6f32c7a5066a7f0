/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * actions: the API's commands that do something, or take arguments: a row in actions.c, and a
 * function here. And how they read a peer.
 *
 * Threads: control.
 */
#include "controlplane/daemon/node.h"

extern const struct api_action node_actions[]; /* ended by a row without name */

/* accounts_api.c */
void node_action_accounts(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
void node_tell_accounts(struct node *node, struct metrics *m) ON_CONTROL;

/* libp2p.c: false: not a libp2p address or peer, and nothing was answered. */
void node_action_known(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
void node_action_peers(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
/* The index of a network's swarm, by its name. False: this node is not in it. */
bool node_network(const struct node *node, const char *network, size_t *network_out);
/* Why it is not, and the cure. */
void node_no_network(const char *network, struct api_reply *reply);
/* In all networks. */
bool node_host_disconnect(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
/* All connections to the peer that a libp2p address names. */
bool node_host_disconnect_at(struct node *node, const char *text,
			     struct api_reply *reply) ON_CONTROL;
bool node_host_ping(struct node *node, const struct vd_peer_id *peer,
		    struct api_reply *reply) ON_CONTROL;

/* dials.c: false, as above. `args`: an address, a network's name or null, more addresses. */
bool node_host_connect(struct node *node, const json_t *args, struct api_reply *reply) ON_CONTROL;

/* drain.c */
void node_action_drain(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;

/* traces.c */
void node_action_trace(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;

/* resolve.c */
void node_action_resolve(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;

/* A peer as people write it: peer id, name, or the overlay address of a known peer. */
bool node_target(const struct node *node, const char *text, struct vd_peer_id *peer_out) ON_CONTROL;
#define NODE_TARGET_WRONG                                                                          \
	"not a peer id, nor a name or the overlay address of a known peer; see `viaduct resolve`"

/* Pieces of answers. */
/* "<router> 0x2a/16", or "direct" when the link is the peer's own. */
json_t *node_path_json(const struct node *node, const struct route_path *path) ON_CONTROL;
/* Adds "paths" of a session, with what is measured. Returns object, which may be NULL. */
json_t *node_with_paths(const struct node *node, json_t *object,
			const struct vd_peer_id *peer) ON_CONTROL;
/* Adds "name", the peer's first one or null. The same. */
json_t *node_named(const struct node *node, json_t *object, const struct vd_peer_id *peer);
json_t *node_peer_json(const struct vd_peer_id *peer);
json_t *node_overlay_json(const uint8_t overlay[16]);
json_t *node_rtt_json(vd_ns rtt); /* 0: null */
