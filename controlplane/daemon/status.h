/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * status: what the API and `/metrics` tell.
 *
 * Threads: control.
 */
#include <jansson.h>
#include <stdint.h>

#include "base/thread.h"

struct api_source;
struct node;
struct route_path;

extern const struct api_source node_api_source; /* without its context */

uint64_t node_switched(const struct node *node); /* frames, by all workers */
/* "<router> 0x2a/16", or "direct" when the link is the peer's own. */
json_t *node_path_json(const struct node *node, const struct route_path *path) ON_CONTROL;
