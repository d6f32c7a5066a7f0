/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * networks: the key files of private networks, read once at start. What is wrong with one is told
 * with its path and a cure; what it holds is never shown, but its fingerprint.
 *
 * Threads: control.
 */
#include "base/err.h"
#include "base/thread.h"
#include "controlplane/daemon/why.h"

struct node;
struct pnet_key;
struct config_network;

/* VD_EUSER with `why`. */
enum vd_err node_read_network_key(const struct config_network *network, struct pnet_key *key_out,
				  char why[NODE_WHY]) ON_CONTROL;
