/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * libp2p: the daemon's swarms, one for each network that this node is in: opening them, and what
 * commands and metrics see.
 *
 * Threads: control. Memory: the node's; swarms run threads of their own.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "controlplane/daemon/config.h"
#include "controlplane/daemon/conn_counts.h"
#include "controlplane/daemon/known.h"
#include "controlplane/daemon/why.h"
#include "controlplane/host/host.h"

struct api_reply;
struct dialer;
struct host_limits;
struct metrics;
struct node;
struct swarm;

enum {
	NODE_SWARMS = 1 + CONFIG_NETWORKS_MAX, /* networks that a node may be in */
	NODE_LISTENS_MAX = NODE_SWARMS * HOST_LISTEN_MAX,
};

struct node_libp2p {
	struct host_limits *limits; /* of all hosts; NULL: there is none */
	/* [0]: in the public network, if host.listen names addresses; [1 + i]: in networks[i]. */
	struct swarm *swarms[NODE_SWARMS];
	struct dialer *dialers[NODE_SWARMS];        /* as swarms */
	struct node_known_peers known[NODE_SWARMS]; /* by them */
	struct conn_counts conn_counts;             /* of all of them */
};

enum vd_err node_open_hosts(struct node *node, char why[NODE_WHY]) ON_CONTROL;
void node_close_hosts(struct node *node) ON_CONTROL;
void node_host_reload(struct node *node) ON_CONTROL;
/* Before the daemon becomes `user`: as that it must dial from where these listen. VD_ESYS. */
enum vd_err node_give_listeners(struct node *node, unsigned user) ON_CONTROL;

/* Of all of them. */
size_t node_host_listens(const struct node *node,
			 struct vd_multiaddr out[NODE_LISTENS_MAX]) ON_CONTROL;
void node_host_metrics(const struct node *node, struct metrics *m) ON_CONTROL;

/* ---- commands ---- */

void node_action_peers(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
/* The index of a network's swarm, by its name. False: this node is not in it. */
bool node_network(const struct node *node, const char *network, size_t *network_out);
/* Why it is not, and the cure. */
void node_no_network(const char *network, struct api_reply *reply);

/* In all networks. False: no connection to that peer, and nothing was answered. */
bool node_host_disconnect(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
/* All connections to the peer that a libp2p address names. False: `text` is none. */
bool node_host_disconnect_at(struct node *node, const char *text,
			     struct api_reply *reply) ON_CONTROL;
/* False: not a peer of ours, and nothing was answered. */
bool node_host_ping(struct node *node, const struct vd_peer_id *peer,
		    struct api_reply *reply) ON_CONTROL;
