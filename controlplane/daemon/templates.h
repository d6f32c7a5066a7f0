/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * templates: when the kernel's routes change, links may leave by another next hop, interface
 * or source: their owners are asked to write the new headers. A slice of links at a time, so that
 * a change of one route holds nothing up at a router of many; when a lane is full, the next pump
 * goes on where it was.
 *
 * Threads: control.
 */
#include <stdbool.h>

#include "base/thread.h"

struct node;
struct route_link;

/* The kernel's routes changed: all links are to be looked at. */
void node_begin_templates(struct node *node) ON_CONTROL;
/* One link, at once; false when a lane is full: it is to be looked at again. */
bool node_refresh_link(struct node *node, const struct route_link *link) ON_CONTROL;
/* A slice of those that are to be looked at. */
void node_refresh_templates(struct node *node) ON_CONTROL;
