/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * accounts_api: what peers' links have carried, for the API and for metrics.
 *
 * Threads: control.
 */
#include <jansson.h>

#include "base/thread.h"

struct api_reply;
struct metrics;
struct node;

void node_action_accounts(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
void node_tell_accounts(struct node *node, struct metrics *m) ON_CONTROL;
