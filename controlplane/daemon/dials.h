/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * dials: `viaduct connect` of libp2p peers, and the dialers behind it, one a network.
 *
 * Threads: control.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/formats/multiaddr.h"
#include "base/thread.h"
#include "controlplane/daemon/why.h"
#include "controlplane/host/listen_expand.h"

struct api_reply;
struct metrics;
struct node;

/* A network's dialer, once it has its swarm and its book of peers. */
enum vd_err node_open_dialer(struct node *node, size_t network, char why[NODE_WHY]) ON_CONTROL;
/* Of all networks; whoever waits for a connection is told. */
void node_close_dialers(struct node *node) ON_CONTROL;

/* Where others reach our hosts: as node_host_listens, wildcards expanded. */
size_t node_host_addresses(const struct node *node,
			   struct vd_multiaddr out[LISTEN_EXPAND_MAX]) ON_CONTROL;

/* `args`: an address, a network's name or null, more addresses. False: not a libp2p address or
 * peer, and nothing was answered. */
bool node_host_connect(struct node *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
void node_dial_metrics(const struct node *node, struct metrics *m) ON_CONTROL;
