/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * node_identity: the key file, read once at start. What is wrong with it is told with its path and
 * a cure; it is never made, changed or replaced here, since a peer id that is lost cannot be had
 * again.
 */
#include "base/err.h"
#include "controlplane/daemon/why.h"

struct node;

/* VD_EUSER with `why`. */
enum vd_err node_read_identity(struct node *node, char why[NODE_WHY]);
