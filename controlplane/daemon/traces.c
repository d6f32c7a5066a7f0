/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/traces.h"

#include <sodium.h>
#include <stdio.h>

#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/path_ranks.h"
#include "controlplane/daemon/resolve.h"

enum { ROUNDS_MAX = 50, ROUNDS_USUAL = 20 };
static const vd_ns every = VD_MS(100), wait_last = VD_SECONDS(1);

/* ---- pings ---- */

static void sent(struct node_trace_hop *hop, unsigned round, uint64_t id, vd_ns now)
{
	hop->ids[round] = id;
	hop->at[round] = now;
	hop->sent++;
}

ON_CONTROL static void ping_hops(struct node *node, vd_ns now)
{
	struct node_trace *trace = &node->trace;
	const struct route_session *session = route_sessions_find(node->sessions, &trace->peer);
	unsigned round = trace->round++;
	uint64_t ids[2];

	randombytes_buf(ids, sizeof ids);
	if (trace->routed && !peering_ping_id(node->link_peering, &trace->router, ids[0], now))
		sent(&trace->hops[0], round, ids[0], now);
	if (session && node_ping_path(node, session, &session->paths.current, ids[1]))
		sent(&trace->hops[1], round, ids[1], now);
	trace->next = now + (trace->round < trace->rounds ? every : wait_last);
}

static bool take(struct node_trace_hop *hop, unsigned rounds, uint64_t id, vd_ns now)
{
	for (unsigned i = 0; id && i < rounds; i++) {
		if (hop->ids[i] != id)
			continue;
		hop->ids[i] = 0;
		hop->received++;
		hop->sum += now - hop->at[i];
		return true;
	}
	return false;
}

bool node_on_trace_pong(struct node *node, const struct peering_event *event, vd_ns now)
{
	struct node_trace *trace = &node->trace;

	return trace->reply && (take(&trace->hops[0], trace->round, event->id, now) ||
				take(&trace->hops[1], trace->round, event->id, now));
}

/* ---- telling ---- */

static double lost(const struct node_trace_hop *hop)
{
	return hop->sent ? 1 - (double)hop->received / hop->sent : 0;
}

static vd_ns mean(const struct node_trace_hop *hop)
{
	return hop->received ? hop->sum / hop->received : 0;
}

/* What a leg loses: of what gets over the legs before it. */
static double lost_behind(double before, double whole)
{
	double leg = before < 1 ? 1 - (1 - whole) / (1 - before) : 0;

	return leg > 0 ? leg : 0;
}

ON_CONTROL static json_t *leg_json(const struct node *node, const struct vd_peer_id *from,
				   const struct vd_peer_id *to, const struct node_trace_hop *hop,
				   const struct node_trace_hop *before)
{
	vd_ns rtt = mean(hop) > mean(before) ? mean(hop) - mean(before) : 0;
	double loss = lost_behind(lost(before), lost(hop));
	json_t *leg = json_pack("{s:o, s:o, s:i, s:i, s:o, s:o, s:f}", "from", node_peer_json(from),
				"to", node_peer_json(to), "sent", (int)hop->sent, "received",
				(int)hop->received, "rtt_ms", node_rtt_json(mean(hop)), "leg_ms",
				node_rtt_json(hop->received ? rtt : 0), "leg_loss", loss);

	return node_named(node, leg, to);
}

/* The leg that loses most; -1: none loses. */
static int worst_of(const struct node_trace *trace)
{
	double first = trace->routed ? lost(&trace->hops[0]) : 0;
	double second = lost_behind(first, lost(&trace->hops[1]));

	if (first <= 0 && second <= 0)
		return -1;
	return trace->routed && second > first;
}

ON_CONTROL static void tell(struct node *node)
{
	static const struct node_trace_hop none;
	struct node_trace *trace = &node->trace;
	struct api_reply *reply = trace->reply;
	const struct vd_peer_id *us = &node->identity.id;
	json_t *legs = json_array();
	int worst = worst_of(trace);

	if (trace->routed)
		json_array_append_new(legs,
				      leg_json(node, us, &trace->router, &trace->hops[0], &none));
	json_array_append_new(legs,
			      leg_json(node, trace->routed ? &trace->router : us, &trace->peer,
				       &trace->hops[1], trace->routed ? &trace->hops[0] : &none));
	trace->reply = NULL;
	api_reply_ok(reply,
		     json_pack("{s:o, s:o, s:o}", "peer", node_peer_json(&trace->peer), "legs",
			       legs, "worst", worst < 0 ? json_null() : json_integer(worst)));
}

void node_pump_trace(struct node *node, vd_ns now)
{
	struct node_trace *trace = &node->trace;

	if (!trace->reply || now < trace->next)
		return;
	if (trace->round < trace->rounds)
		ping_hops(node, now);
	else
		tell(node);
}

vd_ns node_trace_deadline(const struct node *node)
{
	return node->trace.reply ? node->trace.next : VD_NEVER;
}

/* ---- the command ---- */

/* NULL: it is under way; else what is wrong. */
ON_CONTROL static const char *begin(struct node *node, const struct vd_peer_id *peer,
				    json_int_t rounds)
{
	const struct route_session *session =
	    node->sessions ? route_sessions_find(node->sessions, peer) : NULL;
	const struct route_link *link =
	    session ? route_links_of_number(node->links, session->path.link) : NULL;

	if (node->trace.reply)
		return "another one is under way; try again when it is done";
	if (rounds < 1 || rounds > ROUNDS_MAX)
		return "the count is from 1 to 50";
	if (!session || !session->current || !link)
		return "no session with that peer; see `viaduct sessions`, or ping it without "
		       "--path";
	node->trace = (struct node_trace){ .peer = *peer,
					   .router = link->peer,
					   .routed = session->path.bits > 0,
					   .rounds = (unsigned)rounds,
					   .next = vd_now() };
	return NULL;
}

void node_action_trace(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	const json_t *count = json_array_get(args, 1);
	struct vd_peer_id peer;
	const char *wrong = NODE_TARGET_WRONG;

	if (node_target(node, json_string_value(json_array_get(args, 0)), &peer))
		wrong = begin(node, &peer, count ? json_integer_value(count) : ROUNDS_USUAL);
	if (wrong) {
		api_reply_error(reply, wrong);
		return;
	}
	node->trace.reply = reply;
	node_pump(node);
}
