/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/path_ranks.h"

#include "base/log.h"
#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/injects.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/status.h"

/* False: the peer does not speak ping, or the session is gone. */
bool node_ping_path(struct node *node, const struct route_session *session,
		    const struct peering_path *path, uint64_t id)
{
	uint8_t head[PEERING_PROBE_BYTES];
	size_t len;

	if (!session->current ||
	    peering_probe(node->session_peering, &session->peer, id, head, &len))
		return false;
	node_send_inner(node, session->current, path, vd_bytes(head, len));
	return true;
}

ON_CONTROL static void carry_out(struct node *node, const struct route_session *session,
				 const struct path_rank_event *event, vd_ns now)
{
	if (event->kind == PATH_RANK_PING) {
		(void)node_ping_path(node, session, &event->path, event->id);
		return;
	}
	vd_log(VD_LOG_INFO, VD_SUB_SESSION, "another path is better: it is challenged",
	       VD_PEER("peer", &session->peer));
	session_path_try(route_sessions_paths(node->sessions, &session->peer), &event->path, now);
	node->paths_at = 0;
}

void node_rank_paths(struct node *node, vd_ns now)
{
	const struct route_session *session;
	uint32_t at = 0;

	while (node->sessions && (session = route_sessions_next(node->sessions, &at))) {
		struct path_rank *rank = route_sessions_rank(node->sessions, &session->peer);
		struct path_rank_event event;

		path_rank_look(rank, &session->paths, session->host_sent_at, now);
		while ((event = path_rank_next(rank, now)).kind != PATH_RANK_NONE)
			carry_out(node, session, &event, now);
	}
}

bool node_on_rank_pong(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct path_rank *rank = route_sessions_rank(node->sessions, &event->peer);

	return rank && path_rank_answered(rank, event->id, now);
}

/* [{"path", "used", "rtt_ms", "loss"}]: of the path in use and its fallbacks. */
ON_CONTROL static json_t *paths_json(const struct node *node, const struct route_session *session)
{
	json_t *paths = json_array();

	for (int i = -1; i < session->paths.count; i++) {
		const struct peering_path *path =
		    i < 0 ? &session->paths.current : &session->paths.fallbacks[i];
		const struct rank_path *known = path_rank_find(&session->rank, path);
		struct route_path route = node_route_of_path(path);

		if (!session->paths.used)
			continue;
		json_array_append_new(
		    paths,
		    json_pack("{s:o, s:b, s:o, s:o}", "path", node_path_json(node, &route), "used",
			      i < 0, "rtt_ms", node_rtt_json(known ? known->rtt : 0), "loss",
			      known && known->samples ? json_real(known->loss / 1024.0)
						      : json_null()));
	}
	return paths;
}

json_t *node_with_paths(const struct node *node, json_t *object, const struct vd_peer_id *peer)
{
	const struct route_session *session = route_sessions_find(node->sessions, peer);

	if (object && session)
		json_object_set_new(object, "paths", paths_json(node, session));
	return object;
}
