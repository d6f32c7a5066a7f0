/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <sodium.h>

#include "controlplane/proto/peering_state.h"

/* ---- installing ---- */

/* Makes room: the one silent longest goes, never the current or the newest (SW-4.2-8). */
static void evict(struct peering *p, const struct peering_peer *peer)
{
	uint32_t oldest = SLOT_NONE;

	for (unsigned i = 0; i + 1 < peer->count; i++) {
		uint32_t slot = peer->generations[i];

		if (slot == peer->current)
			continue;
		if (oldest == SLOT_NONE ||
		    p->generations[slot].verified < p->generations[oldest].verified)
			oldest = slot;
	}
	peering_limit_hit(p, PEERING_LIMIT_GENERATION);
	peering_generation_retire(p, oldest);
}

/* The initiator rekeys at its time, the responder at 1.5 times it. */
static vd_ns rekey_span(const struct peering *p, bool initiator)
{
	bool link = p->config.kind == PEERING_LINK;
	vd_ns span = link ? REKEY_LINK : REKEY_SESSION;

	if (p->config.rekey)
		span = p->config.rekey;
	if (link)
		span = peering_jittered(span);

	return initiator ? span : span + span / 2;
}

static void tell_install(struct peering *p, const struct peering_generation *generation,
			 const struct handshake_result *result)
{
	struct peering_event_slot *slot =
	    peering_event_push(p, PEERING_INSTALL, &p->peers[generation->peer]);
	struct peering_keys *out = &slot->keys;

	slot->event.index = generation->index;
	slot->event.path = generation->path;
	slot->event.keys = out;
	*out = (struct peering_keys){
		.remote_index = result->remote_index,
		.cipher = result->cipher,
		.remote_width = result->width,
		.initiator = generation->initiator,
		.has_token = result->has_token,
	};
	memcpy(out->token_hash, result->token_hash, sizeof out->token_hash);
	memcpy(out->inner, result->inner, sizeof out->inner);
	if (p->config.kind == PEERING_LINK) {
		memcpy(out->tx_tag_key, result->keys.tx_tag, sizeof out->tx_tag_key);
		memcpy(out->rx_tag_key, result->keys.rx_tag, sizeof out->rx_tag_key);
	} else {
		memcpy(out->tx_aead_key, result->keys.tx_aead, sizeof out->tx_aead_key);
		memcpy(out->rx_aead_key, result->keys.rx_aead, sizeof out->rx_aead_key);
	}
}

uint32_t peering_generation_install(struct peering *p, uint32_t peer_slot,
				    const struct peering_half_open *half_open,
				    const struct handshake_result *result, bool initiator,
				    vd_ns now)
{
	struct peering_peer *peer = &p->peers[peer_slot];

	if (peer->count == PEERING_GENERATIONS)
		evict(p, peer);

	uint32_t slot = slot_take(&p->generation_pool); /* there are 4 for each peer */
	struct peering_generation *generation = &p->generations[slot];

	*generation = (struct peering_generation){
		.index = half_open->hs.index,
		.remote_index = result->remote_index,
		.peer = peer_slot,
		.path = half_open->path,
		.initiator = initiator,
		.verified = now,
		.replaced = VD_NEVER,
		.rekey_at = now + rekey_span(p, initiator),
		.boot = result->boot,
		.remote_width = result->width,
		.cipher = result->cipher,
	};
	memcpy(generation->inner, result->inner, sizeof generation->inner);
	if (p->config.kind == PEERING_LINK)
		seal_init(&generation->seal, VD_CHACHA20_POLY1305, result->keys.tx_control,
			  result->keys.rx_control, result->remote_index);
	peer->generations[peer->count++] = slot;
	peering_owner_add(p, OWNER_GENERATION, slot, generation->index);
	peering_remote_add(p, slot);
	tell_install(p, generation, result);
	return slot;
}

void peering_generation_move(struct peering *p, uint32_t slot, const struct peering_path *path)
{
	peering_remote_del(p, slot);
	p->generations[slot].path = *path;
	peering_remote_add(p, slot);
}

/* ---- choosing the current one ---- */

static void use(struct peering *p, uint32_t slot)
{
	struct peering_generation *generation = &p->generations[slot];
	struct peering_peer *peer = &p->peers[generation->peer];
	struct peering_event_slot *event = peering_event_push(p, PEERING_USE, peer);

	event->event.index = generation->index;
	event->event.path = generation->path;
	if (peer->current != SLOT_NONE)
		event->event.old_index = p->generations[peer->current].index;
	peer->current = slot;
}

void peering_generation_use_early(struct peering *p, uint32_t slot)
{
	if (p->peers[p->generations[slot].peer].current == SLOT_NONE)
		use(p, slot);
}

static const struct vd_peer_id *initiator_of(const struct peering *p,
					     const struct peering_generation *generation)
{
	return generation->initiator ? &p->config.identity->id : &p->peers[generation->peer].id;
}

/*
 * Of two handshakes finished within 5 s, one begun by either side, the one whose initiator
 * has the smaller peer id stays. Not if the peer restarted between them.
 */
static bool current_stays(const struct peering *p, const struct peering_peer *peer,
			  const struct peering_generation *fresh)
{
	if (peer->current == SLOT_NONE)
		return false;

	const struct peering_generation *current = &p->generations[peer->current];

	return current != fresh && current->confirmed && current->boot == fresh->boot &&
	       current->initiator != fresh->initiator &&
	       fresh->finished < current->finished + BOTH_FINISHED && /* a queue's may be older */
	       vd_peer_id_compare(initiator_of(p, current), initiator_of(p, fresh)) < 0;
}

static void go_up(struct peering *p, uint32_t peer_slot, vd_ns now)
{
	struct peering_peer *peer = &p->peers[peer_slot];

	peer->up = true;
	peer->since = now;
	peer->ping_at = now;
	peering_event_push(p, PEERING_UP, peer)->event.path = p->generations[peer->current].path;
	if (p->config.kind == PEERING_LINK)
		return;
	peer->ping_at = now + PING_EVERY;
	(void)peering_ping_send(p, peer_slot, now); /* for the rtt; VD_ENOTFOUND: no ping there */
}

static void adopt(struct peering *p, uint32_t slot, vd_ns now)
{
	struct peering_generation *generation = &p->generations[slot];
	struct peering_peer *peer = &p->peers[generation->peer];
	bool rebooted = peer->up && peer->boot != generation->boot;

	if (peer->current != slot) {
		if (peer->current != SLOT_NONE)
			p->generations[peer->current].replaced = now;
		use(p, slot);
	}
	generation->replaced = VD_NEVER;
	peer->boot = generation->boot;
	peer->redial = peer->redial && !peering_path_equal(&generation->path, &peer->dial_path);
	if (rebooted)
		peering_event_push(p, PEERING_REBOOTED, peer)->event.path = generation->path;
	if (!peer->up)
		go_up(p, generation->peer, now);
}

/* The generation is confirmed: it becomes the current one, or stands back. */
static void confirm(struct peering *p, uint32_t slot, vd_ns now)
{
	struct peering_generation *generation = &p->generations[slot];
	struct peering_peer *peer = &p->peers[generation->peer];

	generation->confirmed = true;
	generation->finished = now;
	p->stats.handshakes_done++;
	peer->backoff = 0;
	peer->next_dial = now;
	if (current_stays(p, peer, generation)) {
		generation->replaced = now;
		/* a dial over another path wins once they are not of one time any more */
		peer->next_redial = p->generations[peer->current].finished + BOTH_FINISHED;
	} else {
		adopt(p, slot, now);
	}
	peering_peer_schedule(p, generation->peer);
}

void peering_generation_heard(struct peering *p, uint32_t slot, vd_ns now)
{
	struct peering_generation *generation = &p->generations[slot];
	const struct peering_peer *peer = &p->peers[generation->peer];

	generation->verified = now;
	if (generation->confirmed)
		return;
	if (peer->dialling != SLOT_NONE &&
	    p->half_opens[peer->dialling].state == HALF_OPEN_SENT_3 &&
	    p->half_opens[peer->dialling].generation == slot)
		peering_half_open_free(p, peer->dialling);
	confirm(p, slot, now);
}

/* ---- the end ---- */

static void forget(struct peering_peer *peer, uint32_t slot)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < peer->count; i++) {
		if (peer->generations[i] != slot)
			peer->generations[kept++] = peer->generations[i];
	}
	peer->count = (uint8_t)kept;
	if (peer->current == slot)
		peer->current = SLOT_NONE;
}

/* How many frames its keys may seal (SW-4.2-6, SW-11-4). */
static uint64_t frames_most(const struct peering *p, const struct peering_generation *generation)
{
	if (p->config.kind != PEERING_SESSION || generation->cipher != VD_AES_256_GCM)
		return FRAMES_MOST;
	if (p->config.sent_long && p->config.sent_long(p->config.context, generation->index))
		return FRAMES_GCM_LONG;
	return FRAMES_GCM;
}

bool peering_generation_is_worn(const struct peering *p,
				const struct peering_generation *generation, vd_ns now)
{
	uint64_t sealed = generation->seal.tx_counter, carried = 0;
	vd_ns at;

	if (p->config.sent)
		carried = p->config.sent(p->config.context, generation->index, now, &at);
	return (carried > sealed ? carried : sealed) >= frames_most(p, generation);
}

void peering_generation_retire(struct peering *p, uint32_t slot)
{
	struct peering_generation *generation = &p->generations[slot];
	struct peering_peer *peer = &p->peers[generation->peer];
	uint32_t dialling = peer->dialling;

	peering_event_push(p, PEERING_RETIRE, peer)->event.index = generation->index;
	if (dialling != SLOT_NONE && p->half_opens[dialling].state == HALF_OPEN_SENT_3 &&
	    p->half_opens[dialling].generation == slot)
		peering_half_open_free(p, dialling);
	forget(peer, slot);
	peering_owner_del(p, OWNER_GENERATION, slot, generation->index);
	peering_remote_del(p, slot);
	sodium_memzero(generation, sizeof *generation);
	slot_give(&p->generation_pool, slot);
}

/* A close ends its generation and older ones; the link only if no newer one is left. */
void peering_generation_closed(struct peering *p, uint32_t slot, enum control_status status,
			       const char *text, vd_ns now)
{
	uint32_t peer_slot = p->generations[slot].peer;
	struct peering_peer *peer = &p->peers[peer_slot];
	uint32_t oldest;

	if (status == CONTROL_REFUSED || !p->generations[slot].confirmed)
		peering_event_end(p, PEERING_REFUSED_BY, peer, status, text);
	do {
		oldest = peer->generations[0];
		peering_generation_retire(p, oldest);
	} while (oldest != slot);
	if (peer->count == 0) {
		peering_peer_gone(p, peer_slot, status, text, now);
		return;
	}

	uint32_t newest = peer->generations[peer->count - 1];

	if (peer->current == SLOT_NONE && p->generations[newest].confirmed)
		adopt(p, newest, now);
	else if (peer->current == SLOT_NONE)
		peering_generation_use_early(p, newest);
	peering_peer_schedule(p, peer_slot);
}
