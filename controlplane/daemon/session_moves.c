/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * session_moves: the owner of a session is asked to send by its new path. A link that is rekeyed
 * moves all of its sessions at once, which may be more than the owner's lane has room for: those
 * that are left are told as it empties.
 */
#include "controlplane/daemon/node.h"

void node_move_session(struct node *node, const struct route_session *session,
		       const struct route_path *path, const struct sw_path *data)
{
	bool asked = node_write_path(node, session->current, data);

	route_sessions_moved(node->sessions, session->current, path, asked ? data : NULL);
	node->moves_pending |= !asked;
}

void node_tell_moves(struct node *node)
{
	const struct route_session *session;
	uint32_t at = 0;

	if (!node->moves_pending)
		return;
	node->moves_pending = false;
	while (!node->moves_pending && (session = route_sessions_next(node->sessions, &at))) {
		struct sw_path data;

		if (!session->current || !session->path_due)
			continue;
		data = node_data_path(node, &session->peer, &session->path);
		node_move_session(node, session, &session->path, &data);
	}
}
