/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * session_moves: the owner of a session is asked to send by its new path. A link that is rekeyed
 * moves all of its sessions at once, which may be more than the owner's lane has room for: those
 * that are left are told as it empties.
 *
 * Threads: control.
 */
#include "base/thread.h"

struct node;
struct route_path;
struct route_session;
struct sw_path;

/* The session goes by `path`, `data` to its owner, which is told once its lane has room. */
void node_move_session(struct node *node, const struct route_session *session,
		       const struct route_path *path, const struct sw_path *data) ON_CONTROL;
/* Tells the owners that have not been told yet, as far as there is room. */
void node_tell_moves(struct node *node) ON_CONTROL;
