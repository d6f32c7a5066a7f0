/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/lost_frames.h"

#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"

/* ---- what was sent, to judge reports of lost frames by ---- */

uint64_t node_link_sent(void *context, uint32_t index, vd_ns now, vd_ns *at_out)
{
	const struct node *node = context;
	const struct sw_link *link = sw_link_find(&node->plane.links, index);
	uint64_t counter;

	(void)now;
	if (!link)
		return 0;
	counter = atomic_load_explicit(&link->tx_counter, memory_order_relaxed);
	if (counter) /* else the time is that of publishing */
		*at_out = atomic_load_explicit(&link->tx_last_ns, memory_order_relaxed);
	return counter;
}

uint64_t node_session_sent(void *context, uint32_t index, vd_ns now, vd_ns *at_out)
{
	struct node *node = context;
	const struct sw_session *record = sw_session_find(&node->plane.sessions, index);
	const struct route_session *session = route_sessions_of_index(node->sessions, index);
	uint64_t counter;

	if (!record || !session)
		return 0;
	counter = atomic_load_explicit(&record->tx_counter, memory_order_relaxed);
	*at_out = session->sent_at;
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (session->generations[i].index == index &&
		    session->generations[i].seen.tx_frames != counter)
			*at_out = now; /* since the last poll, a second ago at most */
	return counter;
}

bool node_session_sent_long(void *context, uint32_t index)
{
	const struct node *node = context;
	const struct sw_session *record = sw_session_find(&node->plane.sessions, index);

	return record && atomic_load_explicit(&record->tx_long, memory_order_relaxed);
}

/* ---- frames under unknown indices ---- */

void node_on_unknown(struct node *node, const struct sw_punt *punt)
{
	struct peering_path path = node_path_of_endpoint(&punt->from);

	if (punt->len >= PEERING_HEAD_BYTES)
		(void)peering_unknown(node->link_peering, &path, punt->bytes, punt->at);
}
