/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/path_reports.h"

#include "base/log.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/path_mtu.h"
#include "controlplane/daemon/session_events.h"
#include "dataplane/inner.h"

enum {
	PAYLOAD_MIN = DP_MTU_MIN + SW_IP6_OVERHEAD,
	ACT_EVERY_S = 4, /* for one session, as for one that is silent */
};

/* At most every 4 s for a session. A row is shared by few: then more often, but not by a flood. */
static bool may_act(struct node *node, uint32_t session, vd_ns now)
{
	struct node_reported *row = &node->reported[sw_index_slot(session) % NODE_REPORTED_ROWS];

	if (row->session == session && now - row->at < VD_SECONDS(ACT_EVERY_S))
		return false;
	*row = (struct node_reported){ .session = session, .at = now };
	return true;
}

/* The route may be stale: ask again, and look whether the path still carries. */
ON_CONTROL static void probe(struct node *node, const struct route_session *session, vd_ns now)
{
	node_seek_session(node, &session->peer, now);
	(void)peering_ping(node->session_peering, &session->peer, now); /* one may be under way */
}

ON_CONTROL static void lower(struct node *node, const struct route_session *session, uint16_t limit,
			     vd_ns now)
{
	node_mtu_reported(node, session, limit, now);
	if (limit >= PAYLOAD_MIN)
		return;
	node->counters.paths_refused++; /* nothing that IPv6 could use; perhaps another way */
	if (may_act(node, session->current, now))
		probe(node, session, now);
}

void node_on_report(struct node *node, const struct sw_punt *punt)
{
	const struct route_session *session;
	uint8_t code = punt->bytes[SW_REPORT_AT_CODE];

	if (!node->sessions || code >= SW_REPORT_CODES)
		return;
	node->counters.reports[code]++;
	session = route_sessions_of_index(node->sessions, punt->session);
	if (!session || !session->current)
		return;
	if (code == SW_REPORT_TOO_BIG)
		lower(node, session, vd_be16_load(punt->bytes + SW_REPORT_AT_LIMIT), punt->at);
	else if ((code == SW_REPORT_DIRECTOR || code == SW_REPORT_PERMISSION) &&
		 may_act(node, session->current, punt->at))
		probe(node, session, punt->at);
}
