/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/sim/sim_watch.h"

#include <stdlib.h>

#include "multigram/frame.h"

enum { SEEN_MAX = 1 << 17, CHALLENGE_BYTES = 42, SEALED_OVERHEAD = 29 };
#define SILENT_LINK    VD_SECONDS(120)
#define SILENT_SESSION VD_SECONDS(600)
#define UNDER_WAY      VD_SECONDS(10)
#define HANDSHAKE      VD_SECONDS(20)
#define CANDIDATE_LIFE VD_SECONDS(10)
#define CANDIDATE_KEPT VD_SECONDS(1)

static void expect(struct sim_watch *watch, bool holds, const char *what)
{
	if (!holds && !watch->wrong)
		watch->wrong = what;
}

static unsigned node_of(const struct net *net, const struct vd_peer_id *peer)
{
	unsigned i = 0;

	while (i < NET_NODES && !vd_peer_id_equal(&net->nodes[i].identity.id, peer))
		i++;
	return i;
}

enum { AGREED, CROSSED, UNCONFIRMED, GONE };

/* ---- frames accepted ---- */

/* Never 0, and different for what is different: counters here are far below 2^40. */
static uint64_t name_of(unsigned node, const uint8_t head[PEERING_HEAD_BYTES])
{
	bool sealed = head[0] == MG_SEALED; /* which have a counter of their own */

	return (uint64_t)sealed << 63 | (uint64_t)(node + 1) << 56 |
	       (uint64_t)(vd_be32_load(head + 1) & 0xffff) << 40 | vd_be64_load(head + 5);
}

static void on_heard(struct sim_watch *watch, unsigned node, uint8_t from, uint32_t index)
{
	const struct net_generation *generation = net_find(&watch->net->nodes[node], index);
	unsigned peer = generation ? node_of(watch->net, &generation->peer) : NET_NODES;

	if (peer == NET_NODES) /* a close, which ended its own generation */
		return;
	watch->heard[node][peer] = watch->net->now;
	watch->came[node][peer][from] = true;
	if (watch->held_back && watch->disagree[node][peer].how == GONE)
		watch->disagree[node][peer].since = watch->net->now;
}

static void on_accepted(struct net *net, unsigned node, uint8_t from,
			const uint8_t head[PEERING_HEAD_BYTES])
{
	struct sim_watch *watch = net->hook_context;
	uint64_t counter = vd_be64_load(head + 5), name = name_of(node, head);
	size_t at = (size_t)(name * UINT64_C(0x9e3779b97f4a7c15) >> 47);

	expect(watch, counter > 0 && counter >> 40 == 0, "a counter that nobody sent was accepted");
	if (watch->seen_count == SEEN_MAX / 2) {
		expect(watch, false, "more frames than the watch can hold");
		return;
	}
	while (watch->seen[at % SEEN_MAX] && watch->seen[at % SEEN_MAX] != name)
		at++;
	expect(watch, watch->seen[at % SEEN_MAX] == 0, "a frame was accepted twice");
	watch->seen[at % SEEN_MAX] = name;
	watch->seen_count++;
	on_heard(watch, node, from, vd_be32_load(head + 1));
}

/* ---- bytes to addresses ---- */

/*
 * What a call causes is drained before the next one, and its challenges are of one length with
 * the answers to others, and come first.
 */
static bool is_challenge(struct sim_watch *watch, unsigned node, const struct peering_event *event)
{
	const struct peering *peering = watch->net->nodes[node].peering;

	if (event->kind != PEERING_SEND || event->frame.len != CHALLENGE_BYTES ||
	    event->frame.at[0] != MG_SEALED ||
	    watch->challenges[node] == peering_stats(peering)->challenges)
		return false;
	watch->challenges[node]++;
	return true;
}

/* Where among the candidates `address` is, or may be from now on; NULL: nowhere. */
static struct watch_candidate *place_of(struct watch_candidate all[WATCH_CANDIDATES],
					uint8_t address, vd_ns now)
{
	struct watch_candidate *oldest = all;

	for (unsigned i = 0; i < WATCH_CANDIDATES; i++) {
		if (now - all[i].began >= CANDIDATE_LIFE)
			all[i] = (struct watch_candidate){ 0 };
		if (all[i].address == address)
			return &all[i];
		if (all[i].began < oldest->began)
			oldest = &all[i];
	}
	return now - oldest->began >= CANDIDATE_KEPT ? oldest : NULL;
}

static void on_challenge(struct sim_watch *watch, unsigned node, unsigned peer, uint8_t to)
{
	struct watch_candidate *place =
	    place_of(watch->candidates[node][peer], to, watch->net->now);

	expect(watch, place != NULL, "more addresses are challenged than may be at once");
	if (!place || place->address == to)
		return;
	expect(watch, watch->came[node][peer][to], "an address was challenged for nothing");
	watch->came[node][peer][to] = false;
	*place = (struct watch_candidate){ .address = to, .began = watch->net->now };
	watch->net->nodes[node].rx_bytes[to] += CHALLENGE_BYTES; /* the first one is free */
}

static void on_event(struct net *net, unsigned node, const struct peering_event *event)
{
	struct sim_watch *watch = net->hook_context;
	const struct node *from = &net->nodes[node];
	unsigned peer = node_of(net, &event->peer);
	uint8_t to = event->path.bytes[0];
	size_t len = event->frame.len;

	if (event->kind == PEERING_INSTALL || event->kind == PEERING_MOVED)
		watch->proven[node][to] = true;
	if (peer < NET_NODES && event->kind == PEERING_INSTALL)
		watch->heard[node][peer] = net->now; /* its handshake */
	if (peer < NET_NODES && (event->kind == PEERING_MOVED || event->kind == PEERING_DOWN))
		memset(watch->candidates[node][peer], 0, sizeof watch->candidates[node][peer]);
	if (peer < NET_NODES && is_challenge(watch, node, event))
		on_challenge(watch, node, peer, to);
	if (event->kind == PEERING_SEND_INNER)
		len += SEALED_OVERHEAD;
	else if (event->kind != PEERING_SEND)
		return;
	expect(watch, watch->proven[node][to] || from->tx_bytes[to] + len <= from->rx_bytes[to],
	       "an unproven address got more than it sent");
}

/* ---- agreement ---- */

static bool mirrors(const struct net_generation *a, const struct net_generation *b)
{
	return b->keys.remote_index == a->index && a->keys.remote_index == b->index &&
	       memcmp(a->keys.tx_tag_key, b->keys.rx_tag_key, 16) == 0 &&
	       memcmp(a->keys.rx_tag_key, b->keys.tx_tag_key, 16) == 0 &&
	       memcmp(a->keys.tx_aead_key, b->keys.rx_aead_key, 32) == 0 &&
	       memcmp(a->keys.rx_aead_key, b->keys.tx_aead_key, 32) == 0 &&
	       a->keys.initiator != b->keys.initiator;
}

static const char *const disagreements[] = {
	[CROSSED] = "both sides hold one index for other keys",
	[UNCONFIRMED] = "one side sends under a handshake that is over",
	[GONE] = "one side does not know that the other is gone",
};

static vd_ns silence(const struct net *net, unsigned node)
{
	return net->nodes[node].config.kind == PEERING_LINK ? SILENT_LINK : SILENT_SESSION;
}

static unsigned disagreement(const struct net *net, unsigned a, unsigned b,
			     const struct net_generation *ours)
{
	const struct net_generation *theirs = net_find(&net->nodes[b], ours->keys.remote_index);

	if (theirs)
		return mirrors(ours, theirs) ? AGREED : CROSSED;
	return net->nodes[a].up[b] ? GONE : UNCONFIRMED;
}

static void check_agreement(struct sim_watch *watch, unsigned a, unsigned b)
{
	const struct net *net = watch->net;
	const struct net_generation *ours = net_current(net, a, b);
	unsigned how = ours ? disagreement(net, a, b, ours) : AGREED;
	typeof(watch->disagree[a][b]) *last = &watch->disagree[a][b];

	if (how == AGREED) {
		last->how = AGREED;
		return;
	}
	if (last->how != how || last->index != ours->index) {
		last->how = how;
		last->index = ours->index;
		last->since = net->now;
	}
	expect(watch,
	       net->now - last->since <= (how == GONE ? silence(net, a) + UNDER_WAY : HANDSHAKE),
	       disagreements[how]);
}

static void check_silence(struct sim_watch *watch, unsigned a, unsigned b)
{
	const struct net *net = watch->net;

	expect(watch, !net->nodes[a].up[b] || net->now - watch->heard[a][b] <= silence(net, a),
	       "one side is silent, and the other goes on");
}

static void on_step(struct net *net)
{
	struct sim_watch *watch = net->hook_context;

	for (unsigned a = 0; a < NET_NODES; a++) {
		expect(watch, net->nodes[a].broken == NULL, net->nodes[a].broken);
		for (unsigned b = 0; b < NET_NODES && net->nodes[a].peering; b++)
			if (a != b) {
				check_silence(watch, a, b);
				check_agreement(watch, a, b);
			}
	}
}

/* ---- life ---- */

void sim_watch_begin(struct sim_watch *watch, struct net *net)
{
	*watch = (struct sim_watch){ .net = net, .seen = calloc(SEEN_MAX, sizeof *watch->seen) };
	if (!watch->seen)
		abort();
	net->hook_context = watch;
	net->hooks =
	    (struct net_hooks){ .accepted = on_accepted, .event = on_event, .stepped = on_step };
}

void sim_watch_end(struct sim_watch *watch)
{
	free(watch->seen);
}

void sim_watch_dials(struct sim_watch *watch, unsigned node, unsigned to)
{
	watch->proven[node][net_path(to).bytes[0]] = true;
}

void sim_watch_stopped(struct sim_watch *watch, unsigned node)
{
	struct node *stopped = &watch->net->nodes[node];

	memset(watch->proven[node], 0, sizeof watch->proven[node]);
	memset(watch->candidates[node], 0, sizeof watch->candidates[node]);
	memset(watch->came[node], 0, sizeof watch->came[node]);
	watch->challenges[node] = 0;
	memset(watch->disagree[node], 0, sizeof watch->disagree[node]);
	memset(stopped->rx_bytes, 0, sizeof stopped->rx_bytes);
	memset(stopped->tx_bytes, 0, sizeof stopped->tx_bytes);
}
