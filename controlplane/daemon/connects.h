/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * connects: `viaduct connect`: a link to a router, or a session with a peer, made while the daemon
 * runs, and the commands that wait for them. A connect that fails changes nothing.
 *
 * Threads: control. Memory: the node's.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"

struct api_reply;
struct node;
struct node_router;
struct peering_event;

enum { NODE_CONNECTS_MAX = 16 }; /* that wait */

/* An API connect that waits. */
struct node_connect {
	struct api_reply *reply; /* NULL: free */
	struct vd_peer_id peer;
	bool session;
	bool added;  /* the session's peer, by it: undone when it fails */
	bool tries;  /* its peer's row: the last one to try gives it back when it fails */
	bool linked; /* the link too, by addresses that the peer told (link_exchange.c) */
	uint32_t addresses_tried;
	vd_ns next_address;
	vd_ns until;
	char refused[160]; /* why; "": not refused */
};

void node_action_connect(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;

/* What the machine of links, or of sessions, decided: connects that waited for it are answered. */
void node_note_connect(struct node *node, const struct peering_event *event,
		       bool session) ON_CONTROL;
void node_expire_connects(struct node *node, vd_ns now) ON_CONTROL;

/* The connect's peer, as node_router_try: of several connects the last one to try decides. */
struct node_router *node_connect_try(struct node *node, struct node_connect *connect,
				     const struct vd_udp_addr *address) ON_CONTROL;

/* Reads a link address; false: it is none. `why_out` is NULL unless it looks like one. */
bool node_read_link(const char *text, struct vd_udp_addr *address_out, struct vd_peer_id *peer_out,
		    const char **why_out);
