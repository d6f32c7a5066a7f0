/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * resolve: peers as people write them, and `viaduct resolve`: name, peer id and overlay address,
 * whichever is given.
 *
 * Threads: control.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "controlplane/daemon/why.h"

struct api_reply;
struct names;
struct node;
struct config;

/* The file of names; none is none. VD_EUSER and why: file, line, cure. */
enum vd_err node_read_names(const struct config *config, struct names *names_out,
			    char why[NODE_WHY]);

void node_action_resolve(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;

/* Peer id, name, or the overlay address of a known peer. */
bool node_target(const struct node *node, const char *text, struct vd_peer_id *peer_out) ON_CONTROL;
#define NODE_TARGET_WRONG                                                                          \
	"not a peer id, nor a name or the overlay address of a known peer; see `viaduct resolve`"

/* Adds "name", the peer's first one or null. Returns object, which may be NULL. */
json_t *node_named(const struct node *node, json_t *object, const struct vd_peer_id *peer);
