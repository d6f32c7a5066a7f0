/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * link_exchange: link addresses by libp2p: ours are told to peers that speak /viaduct/link/1,
 * theirs are kept, so that a link to them needs no more than their peer id.
 *
 * Threads: control.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/daemon/why.h"
#include "controlplane/proto/link_book.h"

struct metrics;
struct node;
struct node_connect;
struct node_router;

struct node_link_exchange {
	struct link_book *book;    /* what peers told; NULL: there is nobody to tell it */
	struct link_addresses own; /* what they are told */
	vd_ns next_look;           /* when to check whether `own` has changed */
};

enum vd_err node_open_link_exchange(struct node *node, char why[NODE_WHY]) ON_CONTROL;
void node_close_link_exchange(struct node *node);
/* Looks whether what peers are told changed. */
void node_tell_links(struct node *node, vd_ns now) ON_CONTROL;

/* Whether the peer told link addresses. */
bool node_link_is_told(const struct node *node, const struct vd_peer_id *peer);
/* Dials a link to the connect's peer, whose row is free or told; false: no room. */
bool node_link_by_told(struct node *node, struct node_connect *connect, vd_ns now) ON_CONTROL;
/* The next of its addresses, if it is time. */
void node_link_by_next(struct node *node, struct node_connect *connect, vd_ns now) ON_CONTROL;
/* A told router's address does not answer: the next one, unless a connect tries them. */
void node_link_told_silent(struct node *node, struct node_router *router) ON_CONTROL;

void node_link_exchange_metrics(const struct node *node, struct metrics *m) ON_CONTROL;
