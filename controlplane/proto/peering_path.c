/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * peering_path: a link's peer that speaks from another address (switch/SPEC.md, 4.3). Who
 * copies a frame and sends it on from elsewhere is no peer: so the address is challenged, and
 * the link moves there when the answer comes from there.
 */
#include <sodium.h>

#include "controlplane/proto/control_msg.h"
#include "controlplane/proto/peering_state.h"

/* Inner index, and tags and lengths around 8 bytes. */
enum { CHALLENGE_FRAME = 1 + 12 + SEAL_OVERHEAD };

#define CHALLENGE_EVERY VD_MS(500)
#define CHALLENGE_LIFE  VD_SECONDS(10)
#define CHALLENGE_KEPT  VD_SECONDS(1) /* before another address may take its place */

static struct peering_candidate *find(struct peering_peer *peer, const struct peering_path *path)
{
	for (unsigned i = 0; i < CANDIDATES; i++)
		if (peer->candidates[i].began &&
		    peering_path_equal(&peer->candidates[i].path, path))
			return &peer->candidates[i];
	return NULL;
}

/* A free one, or the oldest, unless that is young; NULL: none. */
static struct peering_candidate *take(struct peering_peer *peer, vd_ns now)
{
	struct peering_candidate *oldest = &peer->candidates[0];

	for (unsigned i = 1; i < CANDIDATES; i++)
		if (peer->candidates[i].began < oldest->began)
			oldest = &peer->candidates[i];
	return oldest->began == 0 || now - oldest->began >= CHALLENGE_KEPT ? oldest : NULL;
}

/* At most as many bytes go there as came from there, the first challenge excepted. */
static void challenge(struct peering *p, const struct peering_peer *peer,
		      struct peering_candidate *candidate, vd_ns now)
{
	struct control_msg msg = { .kind = CONTROL_CHALLENGE };
	bool first = candidate->next == candidate->began;

	candidate->next = now + CHALLENGE_EVERY;
	if (!first && candidate->came < candidate->sent + CHALLENGE_FRAME)
		return;
	if (!first)
		candidate->sent += CHALLENGE_FRAME;
	memcpy(msg.challenge, candidate->data, sizeof candidate->data);
	peering_control_send(p, peer->current, &candidate->path, &msg);
	p->stats.challenges++;
}

void peering_path_heard(struct peering *p, uint32_t slot, const struct peering_path *path,
			size_t bytes, vd_ns now)
{
	const struct peering_generation *generation = &p->generations[slot];
	struct peering_peer *peer = &p->peers[generation->peer];
	struct peering_candidate *candidate;

	if (p->config.kind != PEERING_LINK || peer->current == SLOT_NONE || !peer->up ||
	    peering_path_equal(path, &generation->path) ||
	    peering_path_equal(path, &p->generations[peer->current].path))
		return;
	candidate = find(peer, path);
	if (candidate) {
		candidate->came += bytes;
		return;
	}
	candidate = take(peer, now);
	if (!candidate)
		return;
	*candidate =
	    (struct peering_candidate){ .path = *path, .began = now, .next = now, .came = bytes };
	randombytes_buf(candidate->data, sizeof candidate->data);
	challenge(p, peer, candidate, now);
	peering_peer_schedule(p, generation->peer);
}

bool peering_path_answered(struct peering *p, uint32_t slot, const struct peering_path *path,
			   const uint8_t data[CHALLENGE_BYTES])
{
	struct peering_peer *peer = &p->peers[p->generations[slot].peer];
	const struct peering_candidate *candidate = find(peer, path);

	if (!candidate || sodium_memcmp(candidate->data, data, CHALLENGE_BYTES) != 0)
		return false;
	for (unsigned i = 0; i < peer->count; i++)
		peering_generation_move(p, peer->generations[i], path);
	peering_path_forget(peer);
	p->stats.moves++;
	peering_event_push(p, PEERING_MOVED, peer)->event.path = *path;
	return true;
}

void peering_path_answering(struct peering *p, uint32_t slot, const struct peering_path *path)
{
	struct peering_candidate *candidate = find(&p->peers[p->generations[slot].peer], path);

	if (candidate)
		candidate->sent += CHALLENGE_FRAME; /* an answer is as long */
}

void peering_path_forget(struct peering_peer *peer)
{
	memset(peer->candidates, 0, sizeof peer->candidates);
}

vd_ns peering_path_deadline(const struct peering_peer *peer)
{
	vd_ns at = VD_NEVER;

	for (unsigned i = 0; i < CANDIDATES; i++)
		if (peer->candidates[i].began)
			at = vd_ns_min(at, peer->candidates[i].next);
	return at;
}

void peering_path_expire(struct peering *p, struct peering_peer *peer, vd_ns now)
{
	for (unsigned i = 0; i < CANDIDATES; i++) {
		struct peering_candidate *candidate = &peer->candidates[i];

		if (!candidate->began || candidate->next > now)
			continue;
		if (now - candidate->began >= CHALLENGE_LIFE || peer->current == SLOT_NONE)
			*candidate = (struct peering_candidate){ 0 };
		else
			challenge(p, peer, candidate, now);
	}
}

void peering_moved(struct peering *p, uint32_t index, const struct peering_path *path, size_t bytes,
		   vd_ns now)
{
	struct peering_owner owner = peering_owner_find(p, index);

	if (owner.kind == OWNER_GENERATION && peering_events_have_room(p))
		peering_path_heard(p, owner.slot, path, bytes, now);
}
