/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * reload: SIGHUP. Reads the configuration again and lets take effect what can: tiers,
 * routers, session lists and log levels. A file with an error changes nothing; keys that are
 * read only at start are named, and wait for the restart.
 *
 * Threads: control.
 */
#include "base/thread.h"

struct node;

/* What went wrong is logged; then nothing changed. */
void node_reload(struct node *node) ON_CONTROL;
