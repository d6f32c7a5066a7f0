/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/peering.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/peering_state.h"
#include "controlplane/proto/ping.h"
#include "multigram/frame.h"

static_assert((int)PEERING_OFFERS == (int)HANDSHAKE_OFFERS, "one list of names");
static_assert((int)PEERING_INDICES == HALF_OPEN_MAX + REFUSALS_MAX, "what holds an index");
static_assert((int)PEERING_FRAME_MAX >= (int)HANDSHAKE_SEND_MAX, "an event holds any handshake");

/* ---- making and freeing ---- */

static enum vd_err take_memory(struct peering *p)
{
	uint32_t peers = p->config.peers_max, generations = peers * PEERING_GENERATIONS;
	uint32_t owners = generations + HALF_OPEN_MAX + REFUSALS_MAX;

	p->peers = calloc(peers, sizeof *p->peers);
	p->generations = calloc(generations, sizeof *p->generations);
	p->half_opens = calloc(HALF_OPEN_MAX, sizeof *p->half_opens);
	p->refusals = calloc(REFUSALS_MAX, sizeof *p->refusals);
	p->jobs = calloc(PEERING_JOBS, sizeof *p->jobs);
	p->events = calloc(EVENTS_MAX + 1, sizeof *p->events);
	if (!p->peers || !p->generations || !p->half_opens || !p->refusals || !p->jobs ||
	    !p->events)
		return VD_ENOMEM;
	if (slot_pool_init(&p->peer_pool, peers) ||
	    slot_pool_init(&p->generation_pool, generations) ||
	    slot_pool_init(&p->half_open_pool, HALF_OPEN_MAX) ||
	    slot_pool_init(&p->refusal_pool, REFUSALS_MAX) ||
	    slot_pool_init(&p->job_pool, PEERING_JOBS) || slot_chains_init(&p->by_id, peers) ||
	    slot_chains_init(&p->by_path, HALF_OPEN_MAX) ||
	    slot_chains_init(&p->by_index, owners) ||
	    slot_chains_init(&p->by_remote, generations) ||
	    timers_init(&p->timers, peering_peer_timer(peers)) || prefix_limit_init(&p->prefixes) ||
	    prefix_limit_init(&p->unproven))
		return VD_ENOMEM;
	return VD_OK;
}

static void take_offer(struct peering *p)
{
	size_t count = 0;

	p->ping_offer = PEERING_OFFERS;
	while (count < PEERING_OFFERS && p->config.offer[count]) {
		if (strcmp(p->config.offer[count], PING_NAME) == 0)
			p->ping_offer = count;
		p->self.offer[count] = p->config.offer[count];
		count++;
	}
	p->self.offer_count = count;
}

enum vd_err peering_new(const struct peering_config *config, struct peering **peering_out)
{
	enum { PEERS_MOST = 1 << 24 };
	struct peering *p;
	enum vd_err err = vd_init();

	if (err)
		return err;
	if (config->boot == 0 || config->peers_max == 0 || config->peers_max > PEERS_MOST)
		return VD_EBUG_STATE;
	p = calloc(1, sizeof *p);
	if (!p)
		return VD_ENOMEM;
	p->config = *config;
	p->oldest = p->newest = SLOT_NONE;
	err = take_memory(p);
	if (err) {
		peering_free(p);
		return err;
	}
	randombytes_buf(p->hash_key, sizeof p->hash_key);
	cookie_jar_init(&p->cookies);
	handshake_self_init(&p->self,
			    config->kind == PEERING_LINK ? HANDSHAKE_LINK : HANDSHAKE_SESSION,
			    config->identity, config->boot, config->width, config->ciphers);
	take_offer(p);
	*peering_out = p;
	return VD_OK;
}

/* What has never been used holds no secrets: its pages stay untouched. */
static void wipe(struct peering *p)
{
	for (uint32_t i = 0; p->generations && i < p->generation_pool.high; i++)
		sodium_memzero(&p->generations[i], sizeof p->generations[i]);
	for (uint32_t i = 0; p->half_opens && i < p->half_open_pool.high; i++)
		sodium_memzero(&p->half_opens[i], sizeof p->half_opens[i]);
	for (uint32_t i = 0; p->refusals && i < p->refusal_pool.high; i++)
		sodium_memzero(&p->refusals[i], sizeof p->refusals[i]);
	for (uint32_t i = 0; p->jobs && i < p->job_pool.high; i++)
		sodium_memzero(&p->jobs[i], sizeof p->jobs[i]);
	if (p->events)
		sodium_memzero(p->events, (EVENTS_MAX + 1) * sizeof *p->events);
	handshake_self_fini(&p->self);
}

void peering_free(struct peering *p)
{
	if (!p)
		return;
	wipe(p);
	slot_pool_fini(&p->peer_pool);
	slot_pool_fini(&p->generation_pool);
	slot_pool_fini(&p->half_open_pool);
	slot_pool_fini(&p->refusal_pool);
	slot_pool_fini(&p->job_pool);
	slot_chains_fini(&p->by_id);
	slot_chains_fini(&p->by_path);
	slot_chains_fini(&p->by_index);
	slot_chains_fini(&p->by_remote);
	timers_fini(&p->timers);
	prefix_limit_fini(&p->prefixes);
	prefix_limit_fini(&p->unproven);
	cookie_jar_fini(&p->cookies);
	free(p->peers);
	free(p->generations);
	free(p->half_opens);
	free(p->refusals);
	free(p->jobs);
	free(p->events);
	sodium_memzero(p, sizeof *p);
	free(p);
}

/* ---- what the files share ---- */

void peering_limit_hit(struct peering *p, enum peering_limit limit)
{
	p->stats.limits[limit]++;
	p->stats.turned_away++;
}

vd_ns peering_jittered(vd_ns span)
{
	uint32_t thousandths = 750 + randombytes_uniform(501);

	return span / 1000 * thousandths;
}

/* Owners of indices share one hash; their numbers follow each other there. */
static uint32_t owner_number(const struct peering *p, enum peering_owner_kind kind, uint32_t slot)
{
	uint32_t generations = p->generation_pool.capacity;

	if (kind == OWNER_HALF_OPEN)
		return generations + slot;
	if (kind == OWNER_REFUSAL)
		return generations + HALF_OPEN_MAX + slot;
	return slot;
}

static struct peering_owner owner_of(const struct peering *p, uint32_t number)
{
	uint32_t generations = p->generation_pool.capacity;

	if (number < generations)
		return (struct peering_owner){ OWNER_GENERATION, number };
	if (number < generations + HALF_OPEN_MAX)
		return (struct peering_owner){ OWNER_HALF_OPEN, number - generations };
	return (struct peering_owner){ OWNER_REFUSAL, number - generations - HALF_OPEN_MAX };
}

static uint32_t index_of(const struct peering *p, struct peering_owner owner)
{
	switch (owner.kind) {
	case OWNER_GENERATION: return p->generations[owner.slot].index;
	case OWNER_HALF_OPEN: return p->half_opens[owner.slot].hs.index;
	case OWNER_REFUSAL: return p->refusals[owner.slot].index;
	case OWNER_NONE: break;
	}
	return 0;
}

/* Indices are ours, not an attacker's: they need spreading, no secret. */
uint64_t peering_index_hash(uint32_t index)
{
	return index * UINT64_C(0x9e3779b97f4a7c15) >> 32;
}

struct peering_owner peering_owner_find(const struct peering *p, uint32_t index)
{
	uint32_t number = slot_chain_first(&p->by_index, peering_index_hash(index));

	for (; number != SLOT_NONE; number = slot_chain_next(&p->by_index, number)) {
		struct peering_owner owner = owner_of(p, number);

		if (index_of(p, owner) == index)
			return owner;
	}
	return (struct peering_owner){ OWNER_NONE, 0 };
}

void peering_owner_add(struct peering *p, enum peering_owner_kind kind, uint32_t slot,
		       uint32_t index)
{
	slot_chain_add(&p->by_index, peering_index_hash(index), owner_number(p, kind, slot));
}

void peering_owner_del(struct peering *p, enum peering_owner_kind kind, uint32_t slot,
		       uint32_t index)
{
	slot_chain_del(&p->by_index, peering_index_hash(index), owner_number(p, kind, slot));
}

/* ---- events ---- */

static bool room_for(const struct peering *p, uint32_t calls)
{
	return p->event_head - p->event_tail + calls * EVENTS_ROOM <= EVENTS_MAX;
}

/* Room for all that one call may cause; so that no event of it is lost. */
bool peering_events_have_room(const struct peering *p)
{
	return room_for(p, 1);
}

struct peering_event_slot *peering_event_push(struct peering *p, enum peering_event_kind kind,
					      const struct peering_peer *peer)
{
	struct peering_event_slot *slot = &p->events[EVENTS_MAX];

	if (p->event_head - p->event_tail < EVENTS_MAX)
		slot = &p->events[p->event_head++ % EVENTS_MAX];
	else
		peering_limit_hit(p, PEERING_LIMIT_EVENT);
	slot->event = (struct peering_event){ .kind = kind };
	if (peer)
		slot->event.peer = peer->id;
	return slot;
}

void peering_event_send(struct peering *p, const struct peering_peer *peer,
			const struct peering_path *path, struct vd_bytes frame)
{
	struct peering_event_slot *slot = peering_event_push(p, PEERING_SEND, peer);

	slot->event.path = *path;
	slot->event.frame = vd_bytes(slot->frame, frame.len);
	memcpy(slot->frame, frame.at, frame.len);
}

void peering_event_end(struct peering *p, enum peering_event_kind kind,
		       const struct peering_peer *peer, enum control_status status,
		       const char *text)
{
	struct peering_event_slot *slot = peering_event_push(p, kind, peer);

	slot->event.status = status;
	if (text)
		strncpy(slot->event.text, text, sizeof slot->event.text - 1);
}

struct peering_event peering_next(struct peering *p)
{
	if (p->event_taken) {
		struct peering_event_slot *slot = &p->events[p->event_tail++ % EVENTS_MAX];

		if (slot->event.kind == PEERING_INSTALL)
			sodium_memzero(&slot->keys, sizeof slot->keys);
	}
	p->event_taken = p->event_tail != p->event_head;
	if (!p->event_taken)
		return (struct peering_event){ .kind = PEERING_NONE };
	return p->events[p->event_tail % EVENTS_MAX].event;
}

/* ---- calls ---- */

/* Sessions: a sealed frame that the data plane has no record for. */
static enum vd_err strange_recv(struct peering *p, const struct peering_path *path,
				struct vd_bytes frame, vd_ns now)
{
	uint32_t index;
	enum vd_err err = seal_index(frame, &index);

	if (err) {
		p->stats.bad_frames++;
		return err;
	}
	if (peering_owner_find(p, index).kind != OWNER_NONE)
		return VD_EPEER_STATE; /* it overtook what makes the index known */
	return peering_lost_send(p, path, frame, now);
}

enum vd_err peering_recv(struct peering *p, const struct peering_path *path, struct vd_bytes frame,
			 vd_ns now)
{
	if (!peering_events_have_room(p)) {
		peering_limit_hit(p, PEERING_LIMIT_EVENT);
		return VD_AGAIN;
	}
	if (frame.len && frame.at[0] == MG_HANDSHAKE)
		return peering_half_open_recv(p, path, frame, now);
	if (frame.len && frame.at[0] == MG_SEALED && p->config.kind == PEERING_LINK)
		return peering_sealed_recv(p, path, frame, now);
	if (frame.len && frame.at[0] == MG_SEALED)
		return strange_recv(p, path, frame, now);
	if (frame.len && frame.at[0] == MG_REPORT)
		return peering_lost_recv(p, path, frame, now);
	p->stats.bad_frames++;
	return frame.len ? VD_EPEER_FORMAT : VD_EPEER_TRUNC;
}

enum vd_err peering_recv_inner(struct peering *p, uint32_t index, const struct peering_path *path,
			       struct vd_bytes plain, vd_ns now)
{
	struct peering_owner owner = peering_owner_find(p, index);

	if (owner.kind != OWNER_GENERATION) {
		p->stats.unknown_index++;
		return VD_ENOTFOUND;
	}
	if (!peering_events_have_room(p)) {
		peering_limit_hit(p, PEERING_LIMIT_EVENT);
		return VD_AGAIN;
	}

	const struct peering_path way = path ? *path : p->generations[owner.slot].path;

	return peering_inner_recv(p, owner.slot, &way, plain, now);
}

enum vd_err peering_move(struct peering *p, const struct vd_peer_id *id,
			 const struct peering_path *path)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot == SLOT_NONE || p->peers[slot].current == SLOT_NONE)
		return VD_ENOTFOUND;
	peering_generation_move(p, p->peers[slot].current, path);
	p->peers[slot].dial_path = *path;
	p->peers[slot].redial = false;
	peering_peer_schedule(p, slot);
	return VD_OK;
}

void peering_verified(struct peering *p, uint32_t index, vd_ns now)
{
	struct peering_owner owner = peering_owner_find(p, index);

	if (owner.kind != OWNER_GENERATION)
		return;
	/* it causes something the first time only */
	if (p->generations[owner.slot].confirmed || peering_events_have_room(p))
		peering_generation_heard(p, owner.slot, now);
}

void peering_carried(struct peering *p, uint32_t index, vd_ns now)
{
	struct peering_owner owner = peering_owner_find(p, index);
	struct peering_generation *generation;

	if (owner.kind != OWNER_GENERATION)
		return;
	generation = &p->generations[owner.slot];
	generation->carried = true;
	generation->carried_at = now;
	if (generation->rekey_at > now && peering_generation_is_worn(p, generation, now))
		generation->rekey_at = now;
	else if (p->config.kind == PEERING_LINK)
		return;
	peering_peer_schedule(p, generation->peer); /* a rekeying may be due */
}

enum vd_err peering_rekey(struct peering *p, uint32_t index, vd_ns now)
{
	struct peering_owner owner = peering_owner_find(p, index);

	if (owner.kind != OWNER_GENERATION)
		return VD_ENOTFOUND;
	p->generations[owner.slot].carried = true;
	p->generations[owner.slot].rekey_at = now;
	peering_peer_schedule(p, p->generations[owner.slot].peer);
	return VD_OK;
}

enum vd_err peering_send_control(struct peering *p, const struct vd_peer_id *id,
				 struct vd_bytes message, vd_ns now)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot == SLOT_NONE || !p->peers[slot].up || p->peers[slot].current == SLOT_NONE)
		return VD_ENOTFOUND;
	if (!peering_events_have_room(p))
		return VD_AGAIN;

	uint32_t current = p->peers[slot].current;
	const struct peering_path path = p->generations[current].path;

	p->generations[current].sent_at = now;

	return peering_inner_send(p, current, &path, MG_CONTROL, message);
}

enum vd_err peering_ping(struct peering *p, const struct vd_peer_id *id, vd_ns now)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot == SLOT_NONE || !p->peers[slot].up)
		return VD_ENOTFOUND;
	if (!peering_events_have_room(p))
		return VD_AGAIN;

	struct peering_peer *peer = &p->peers[slot];
	bool waits = peer->ping_out && now - peer->ping_sent < PING_WAIT;

	if (waits && peer->ping_asked)
		return VD_AGAIN;

	/* One of our own that is out does as well. */
	enum vd_err err = waits ? VD_OK : peering_ping_send(p, slot, now);

	peer->ping_asked = !err;
	return err;
}

enum vd_err peering_probe(const struct peering *p, const struct vd_peer_id *id, uint64_t probe,
			  uint8_t head_out[PEERING_PROBE_BYTES], size_t *len_out)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot == SLOT_NONE || !p->peers[slot].up)
		return VD_ENOTFOUND;
	return peering_probe_write(p, slot, probe, head_out, len_out);
}

enum vd_err peering_ping_id(struct peering *p, const struct vd_peer_id *id, uint64_t ping,
			    vd_ns now)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot == SLOT_NONE || !p->peers[slot].up || p->peers[slot].current == SLOT_NONE)
		return VD_ENOTFOUND;
	if (!peering_events_have_room(p))
		return VD_AGAIN;
	return peering_ping_send_id(p, p->peers[slot].current, ping, now);
}

void peering_close(struct peering *p, const struct vd_peer_id *id, enum control_status status,
		   const char *text, vd_ns now)
{
	uint32_t slot = peering_peer_find(p, id);

	if (slot == SLOT_NONE)
		return;
	if (p->peers[slot].current != SLOT_NONE)
		peering_close_send(p, p->peers[slot].current, status, text);
	peering_peer_gone(p, slot, status, text, now);
}

/* ---- time ---- */

vd_ns peering_deadline(const struct peering *p)
{
	return timers_next(&p->timers);
}

static void expire_one(struct peering *p, uint32_t owner, vd_ns now)
{
	if (owner >= peering_peer_timer(0))
		peering_peer_expire(p, owner - peering_peer_timer(0), now);
	else if (owner >= peering_refusal_timer(0))
		peering_refusal_free(p, owner - peering_refusal_timer(0));
	else
		peering_half_open_expire(p, owner, now);
}

void peering_expire(struct peering *p, vd_ns now)
{
	while (timers_next(&p->timers) <= now && room_for(p, 2))
		expire_one(p, timers_owner(&p->timers), now);
}
