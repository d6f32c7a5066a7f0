/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * permits: which peers may have a link, and what it may do: tiers, and what peers show for them.
 *
 * Threads: control.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/daemon/why.h"
#include "controlplane/proto/peering.h"
#include "controlplane/route/links.h"

struct node;
struct tier_claim;

/* For peering: whether a peer may have a link; the token that we show to it. */
bool node_admit_link(void *node, const struct peering_claim *claim) ON_CONTROL;
size_t node_token_for(void *node, const struct vd_peer_id *peer,
		      uint8_t out[VD_TOKEN_MAX]) ON_CONTROL;

struct route_policy node_policy_of(const struct node *node,
				   const struct tier_claim *claim) ON_CONTROL;
/* Tiers, address or token of a link may be others now: it changes, or is closed with `text`. */
void node_review_link(struct node *node, const struct vd_peer_id *peer, const char *text,
		      vd_ns now) ON_CONTROL;

/* What link.token names. VD_EUSER: `why`, and the token stays as it was. */
enum vd_err node_read_token(struct node *node, char why[NODE_WHY]) ON_CONTROL;
