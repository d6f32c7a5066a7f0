/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peering_half_open: handshakes that are not done: where they are, how long, which side repeats. */
#include <sodium.h>

#include "controlplane/proto/peering_state.h"

static uint64_t path_hash(const struct peering *p, const struct peering_path *path)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, path->bytes, sizeof path->bytes, p->hash_key);
	return hash;
}

/* Of theirs, by age. */
static void age_add(struct peering *p, uint32_t slot)
{
	p->half_opens[slot].older = p->newest;
	p->half_opens[slot].newer = SLOT_NONE;
	if (p->newest != SLOT_NONE)
		p->half_opens[p->newest].newer = slot;
	else
		p->oldest = slot;
	p->newest = slot;
	p->half_open_theirs++;
}

static void age_del(struct peering *p, uint32_t slot)
{
	const struct peering_half_open *half_open = &p->half_opens[slot];

	if (half_open->older != SLOT_NONE)
		p->half_opens[half_open->older].newer = half_open->newer;
	else
		p->oldest = half_open->newer;
	if (half_open->newer != SLOT_NONE)
		p->half_opens[half_open->newer].older = half_open->older;
	else
		p->newest = half_open->older;
	p->half_open_theirs--;
}

uint32_t peering_half_open_take(struct peering *p, uint32_t *index_out)
{
	uint32_t slot = slot_take(&p->half_open_pool);

	if (slot == SLOT_NONE) {
		peering_limit_hit(p, PEERING_LIMIT_HALF_OPEN);
		return SLOT_NONE;
	}
	if (p->config.index_reserve(p->config.context, index_out)) {
		peering_limit_hit(p, PEERING_LIMIT_INDEX);
		slot_give(&p->half_open_pool, slot);
		return SLOT_NONE;
	}
	p->stats.handshakes_begun++;
	return slot;
}

static void drop(struct peering *p, uint32_t slot, uint32_t index)
{
	p->config.index_release(p->config.context, index);
	slot_give(&p->half_open_pool, slot);
}

void peering_half_open_schedule(struct peering *p, uint32_t slot)
{
	const struct peering_half_open *half_open = &p->half_opens[slot];
	vd_ns at = half_open->began + HALF_OPEN_LIFE;

	if (half_open->state != HALF_OPEN_SENT_2)
		at = vd_ns_min(at, half_open->repeat_at);
	timers_set(&p->timers, peering_half_open_timer(slot), at);
}

uint32_t peering_half_open_first(const struct peering *p, const struct peering_path *path)
{
	return slot_chain_first(&p->by_path, path_hash(p, path));
}

void peering_half_open_add(struct peering *p, uint32_t slot)
{
	const struct peering_half_open *half_open = &p->half_opens[slot];

	if (half_open->state == HALF_OPEN_SENT_2)
		age_add(p, slot);
	slot_chain_add(&p->by_path, path_hash(p, &half_open->path), slot);
	peering_owner_add(p, OWNER_HALF_OPEN, slot, half_open->hs.index);
	peering_half_open_schedule(p, slot);
}

void peering_half_open_end(struct peering *p, uint32_t slot)
{
	struct peering_half_open *half_open = &p->half_opens[slot];

	timers_set(&p->timers, peering_half_open_timer(slot), VD_NEVER);
	slot_chain_del(&p->by_path, path_hash(p, &half_open->path), slot);
	peering_owner_del(p, OWNER_HALF_OPEN, slot, half_open->hs.index);
	if (half_open->state == HALF_OPEN_SENT_2)
		age_del(p, slot);
	else
		p->peers[half_open->peer].dialling = SLOT_NONE;
	handshake_fini(&half_open->hs);
	half_open->serial = 0;
	slot_give(&p->half_open_pool, slot);
}

void peering_half_open_free(struct peering *p, uint32_t slot)
{
	if (p->half_opens[slot].state != HALF_OPEN_SENT_3)
		p->config.index_release(p->config.context, p->half_opens[slot].hs.index);
	peering_half_open_end(p, slot);
}

void peering_half_open_send(struct peering *p, const struct peering_half_open *half_open)
{
	const struct peering_peer *peer =
	    half_open->state == HALF_OPEN_SENT_2 ? NULL : &p->peers[half_open->peer];

	peering_event_send(p, peer, &half_open->path,
			   vd_bytes(half_open->hs.sent, half_open->hs.sent_len));
}

void peering_half_open_repeat_from(struct peering_half_open *half_open, vd_ns now)
{
	half_open->repeat_gap = REPEAT_FIRST;
	half_open->repeat_at = now + REPEAT_FIRST;
}

/* Given up: what the peer may have installed for it dies by its silence. */
static void give_up(struct peering *p, uint32_t slot, vd_ns now)
{
	struct peering_half_open *half_open = &p->half_opens[slot];
	uint32_t peer_slot = half_open->peer;
	struct peering_peer *peer = &p->peers[peer_slot];
	bool ours = half_open->state != HALF_OPEN_SENT_2;
	struct peering_path path = half_open->path;

	p->stats.handshakes_failed++;
	if (ours && peer->dialled)
		peering_event_push(p, PEERING_SILENT, peer)->event.path = path;
	if (half_open->state == HALF_OPEN_SENT_3)
		peering_generation_retire(p, half_open->generation);
	else
		peering_half_open_free(p, slot);
	if (!ours)
		return;
	peering_peer_gave_up(p, peer, &path, now);
	peering_peer_schedule(p, peer_slot);
	peering_peer_put(p, peer_slot);
}

void peering_half_open_expire(struct peering *p, uint32_t slot, vd_ns now)
{
	struct peering_half_open *half_open = &p->half_opens[slot];

	if (half_open->began + HALF_OPEN_LIFE <= now) {
		give_up(p, slot, now);
		return;
	}
	peering_half_open_send(p, half_open);
	half_open->retried = false;
	half_open->repeat_gap = vd_ns_min(2 * half_open->repeat_gap, REPEAT_MOST);
	half_open->repeat_at = now + half_open->repeat_gap;
	peering_half_open_schedule(p, slot);
}

enum vd_err peering_half_open_dial(struct peering *p, uint32_t peer,
				   const struct peering_path *path, vd_ns now)
{
	uint32_t index, slot = peering_half_open_take(p, &index);

	if (slot == SLOT_NONE)
		return VD_ELIMIT;

	struct peering_half_open *half_open = &p->half_opens[slot];
	enum vd_err err;

	*half_open = (struct peering_half_open){
		.state = HALF_OPEN_SENT_1,
		.serial = ++p->serial,
		.path = *path,
		.peer = peer,
		.began = now,
	};
	err = handshake_start(&half_open->hs, &p->self, index);
	if (err) {
		half_open->serial = 0;
		drop(p, slot, index);
		return err;
	}
	if (p->config.token)
		half_open->hs.token_len = (uint8_t)p->config.token(
		    p->config.context, &p->peers[peer].id, half_open->hs.token);
	peering_half_open_repeat_from(half_open, now);
	peering_half_open_add(p, slot);
	p->peers[peer].dialling = slot;
	peering_half_open_send(p, half_open);
	return VD_OK;
}
