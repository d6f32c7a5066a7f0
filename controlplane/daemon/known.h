/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * known: what the libp2p swarms learn of peers, and tell of this node: a keeper and a book for each
 * network, since a private one's addresses must not be seen outside it. Books are remembered in
 * host.state, and each network's state: a file of its own for each.
 *
 * Threads: control.
 */
#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/daemon/why.h"
#include "controlplane/host/book_router.h"
#include "controlplane/proto/pnet_key.h"

struct api_reply;
struct keeper;
struct metrics;
struct node;
struct peer_store;
struct swarm;

/* Of the swarm in one network. */
struct node_known_peers {
	struct swarm *swarm;
	uint8_t fingerprint[PNET_FINGERPRINT]; /* of a private network's key */
	struct peer_store *store;
	struct book_router router; /* of the store; the dialer's first */
	struct keeper *keeper;
};

enum vd_err node_open_known(struct node *node, char why[NODE_WHY]) ON_CONTROL;
void node_close_known(struct node *node) ON_CONTROL; /* after the hosts */
void node_known_tick(struct node *node, vd_ns now) ON_CONTROL;
void node_known_reload(struct node *node) ON_CONTROL;

void node_action_known(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
void node_known_metrics(const struct node *node, struct metrics *m) ON_CONTROL;
