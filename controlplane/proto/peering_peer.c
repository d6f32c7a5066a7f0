/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <sodium.h>

#include "controlplane/proto/peering_state.h"

static_assert(crypto_shorthash_KEYBYTES == 16, "hash_key");

static uint64_t id_hash(const struct peering *p, const struct vd_peer_id *id)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, id->bytes, id->len, p->hash_key);
	return hash;
}

uint32_t peering_peer_find(const struct peering *p, const struct vd_peer_id *id)
{
	uint32_t slot = slot_chain_first(&p->by_id, id_hash(p, id));

	while (slot != SLOT_NONE && !vd_peer_id_equal(&p->peers[slot].id, id))
		slot = slot_chain_next(&p->by_id, slot);
	return slot;
}

uint32_t peering_peer_get(struct peering *p, const struct vd_peer_id *id)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot != SLOT_NONE)
		return slot;
	slot = slot_take(&p->peer_pool);
	if (slot == SLOT_NONE) {
		peering_limit_hit(p, PEERING_LIMIT_PEERS);
		return SLOT_NONE;
	}
	p->peers[slot] =
	    (struct peering_peer){ .id = *id, .current = SLOT_NONE, .dialling = SLOT_NONE };
	slot_chain_add(&p->by_id, id_hash(p, id), slot);
	return slot;
}

void peering_peer_put(struct peering *p, uint32_t slot)
{
	const struct peering_peer *peer = &p->peers[slot];

	if (peer->dialled || peer->up || peer->count || peer->dialling != SLOT_NONE)
		return;
	timers_set(&p->timers, peering_peer_timer(slot), VD_NEVER);
	slot_chain_del(&p->by_id, id_hash(p, &peer->id), slot);
	p->peers[slot].id.len = 0; /* for peering_each: not in use */
	slot_give(&p->peer_pool, slot);
}

static vd_ns longer(vd_ns backoff)
{
	return backoff ? vd_ns_min(2 * backoff, BACKOFF_MOST) : BACKOFF_FIRST;
}

static void back_off(struct peering_peer *peer, vd_ns now)
{
	peer->backoff = longer(peer->backoff);
	peer->next_dial = now + peering_jittered(peer->backoff);
}

void peering_peer_gone(struct peering *p, uint32_t slot, enum control_status status,
		       const char *text, vd_ns now)
{
	struct peering_peer *peer = &p->peers[slot];

	while (peer->count)
		peering_generation_retire(p, peer->generations[0]);
	if (peer->dialling != SLOT_NONE)
		peering_half_open_free(p, peer->dialling);
	if (peer->up)
		peering_event_end(p, PEERING_DOWN, peer, status, text);
	peer->up = false;
	peer->redial = false;
	peering_path_forget(peer);
	peer->ping_out = false;
	peer->rtt = 0;
	back_off(peer, now);
	peering_peer_schedule(p, slot);
	peering_peer_put(p, slot);
}

/* ---- deadlines ---- */

vd_ns peering_peer_heard(const struct peering *p, const struct peering_peer *peer)
{
	vd_ns heard = 0;

	for (unsigned i = 0; i < peer->count; i++) {
		vd_ns verified = p->generations[peer->generations[i]].verified;

		heard = verified > heard ? verified : heard;
	}
	return heard;
}

/*
 * When silence asks for a handshake: nothing verified under the generation that we send
 * with, not even answers to pings. If the peer is heard under another one, it may have
 * forgotten ours, so that either side asks then; else it is up to the side that dials. A session is
 * silent only to someone who says something.
 */
static vd_ns silent_at(const struct peering *p, const struct peering_peer *peer)
{
	const struct peering_generation *current = &p->generations[peer->current];

	if (!peer->up || !current->confirmed)
		return VD_NEVER;
	if (!peer->dialled && peering_peer_heard(p, peer) == current->verified)
		return VD_NEVER;
	if (p->config.kind == PEERING_SESSION && current->carried_at <= current->verified)
		return VD_NEVER;
	return current->verified + SILENT_HANDSHAKE;
}

static vd_ns rekey_at(const struct peering *p, const struct peering_peer *peer)
{
	const struct peering_generation *current = &p->generations[peer->current];

	if (!current->confirmed || (p->config.kind == PEERING_SESSION && !current->carried))
		return VD_NEVER;
	return current->rekey_at;
}

/* When the link itself asks for a handshake. */
static vd_ns needed_at(const struct peering *p, const struct peering_peer *peer)
{
	vd_ns at;

	if (peer->current == SLOT_NONE)
		at = peer->dialled ? 0 : VD_NEVER;
	else
		at = vd_ns_min(rekey_at(p, peer), silent_at(p, peer));
	return at < peer->next_dial ? peer->next_dial : at;
}

static vd_ns redial_at(const struct peering_peer *peer)
{
	return peer->current != SLOT_NONE && peer->redial ? peer->next_redial : VD_NEVER;
}

static vd_ns dial_at(const struct peering *p, const struct peering_peer *peer)
{
	if (peer->dialling != SLOT_NONE)
		return VD_NEVER;
	return vd_ns_min(needed_at(p, peer), redial_at(peer));
}

static vd_ns gone_at(const struct peering *p, const struct peering_peer *peer)
{
	vd_ns span = p->config.kind == PEERING_LINK ? SILENT_GONE : IDLE_GONE;

	return peer->up ? peering_peer_heard(p, peer) + span : VD_NEVER;
}

static vd_ns retire_at(const struct peering_generation *generation)
{
	if (generation->replaced == VD_NEVER)
		return VD_NEVER;
	if (generation->verified > generation->replaced)
		return generation->verified + OLD_GENERATION;
	return generation->replaced + OLD_GENERATION;
}

/* Links always; sessions while what they carry is not answered. */
static vd_ns ping_at(const struct peering *p, const struct peering_peer *peer)
{
	if (!peer->up || peer->current == SLOT_NONE)
		return VD_NEVER;

	const struct peering_generation *current = &p->generations[peer->current];

	if (p->config.kind == PEERING_LINK)
		return peer->ping_at;
	if (current->carried_at <= current->verified)
		return VD_NEVER;
	return peer->ping_at > current->verified + PING_EVERY ? peer->ping_at
							      : current->verified + PING_EVERY;
}

void peering_peer_schedule(struct peering *p, uint32_t slot)
{
	const struct peering_peer *peer = &p->peers[slot];
	vd_ns at = vd_ns_min(dial_at(p, peer), gone_at(p, peer));

	at = vd_ns_min(at, ping_at(p, peer));
	at = vd_ns_min(at, peering_path_deadline(peer));
	for (unsigned i = 0; i < peer->count; i++)
		at = vd_ns_min(at, retire_at(&p->generations[peer->generations[i]]));
	timers_set(&p->timers, peering_peer_timer(slot), at);
}

static void retire_old(struct peering *p, const struct peering_peer *peer, vd_ns now)
{
	for (unsigned i = peer->count; i > 0; i--) {
		uint32_t slot = peer->generations[i - 1];

		if (retire_at(&p->generations[slot]) <= now)
			peering_generation_retire(p, slot);
	}
}

/* The way by which it was heard last: that of a generation that it forgot may be dead. */
static const struct peering_path *heard_by(const struct peering *p, const struct peering_peer *peer)
{
	const struct peering_generation *last = &p->generations[peer->current];

	for (unsigned i = 0; i < peer->count; i++) {
		const struct peering_generation *other = &p->generations[peer->generations[i]];

		if (other->verified > last->verified)
			last = other;
	}
	return &last->path;
}

/* What the link needs goes by the path in use while that works; else by the configured one. */
static struct peering_path path_to_dial(const struct peering *p, const struct peering_peer *peer,
					vd_ns now)
{
	if (peer->current == SLOT_NONE || needed_at(p, peer) > now)
		return peer->dial_path;
	if (silent_at(p, peer) > now)
		return p->generations[peer->current].path;
	return peer->dialled ? peer->dial_path : *heard_by(p, peer);
}

void peering_peer_gave_up(const struct peering *p, struct peering_peer *peer,
			  const struct peering_path *path, vd_ns now)
{
	bool elsewhere = peer->current != SLOT_NONE && peer->redial &&
			 !peering_path_equal(path, &p->generations[peer->current].path);

	if (elsewhere) {
		peer->redial_backoff = longer(peer->redial_backoff);
		peer->next_redial = now + peering_jittered(peer->redial_backoff);
	}
	if (!elsewhere || silent_at(p, peer) <= now)
		back_off(peer, now);
}

static void dial(struct peering *p, uint32_t slot, vd_ns now)
{
	struct peering_peer *peer = &p->peers[slot];
	struct peering_path path = path_to_dial(p, peer, now);

	if (peering_half_open_dial(p, slot, &path, now))
		peer->next_dial = peer->next_redial = now + peering_jittered(BACKOFF_FIRST);
}

void peering_peer_expire(struct peering *p, uint32_t slot, vd_ns now)
{
	struct peering_peer *peer = &p->peers[slot];

	retire_old(p, peer, now);
	if (gone_at(p, peer) <= now) {
		peering_peer_gone(p, slot, CONTROL_OK, "silent", now);
		return;
	}
	if (ping_at(p, peer) <= now) {
		peer->ping_at = now + PING_EVERY;
		if (peering_ping_send(p, slot, now))
			peer->ping_at = VD_NEVER; /* no common ping protocol */
	}
	peering_path_expire(p, peer, now);
	if (dial_at(p, peer) <= now)
		dial(p, slot, now);
	peering_peer_schedule(p, slot);
}
