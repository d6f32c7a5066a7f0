/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/session_moves.h"

#include "controlplane/daemon/injects.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/session_events.h"

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
