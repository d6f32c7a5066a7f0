/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/dial_backoff.h"

#include <sodium.h>
#include <stdlib.h>

enum vd_err dial_backoff_init(struct dial_backoff *backoff)
{
	enum vd_err err;

	*backoff = (struct dial_backoff){ 0 };
	backoff->entries = calloc(DIAL_BACKOFF_MAX, sizeof *backoff->entries);
	err = backoff->entries ? slot_pool_init(&backoff->pool, DIAL_BACKOFF_MAX) : VD_ENOMEM;
	if (!err)
		err = slot_chains_init(&backoff->by_name, DIAL_BACKOFF_MAX);
	if (!err)
		err = slot_chains_init(&backoff->by_peer, DIAL_BACKOFF_MAX);
	if (!err)
		err = timers_init(&backoff->forget, DIAL_BACKOFF_MAX);
	if (err)
		dial_backoff_fini(backoff);
	else
		randombytes_buf(backoff->secret, sizeof backoff->secret);
	return err;
}

void dial_backoff_fini(struct dial_backoff *backoff)
{
	free(backoff->entries);
	slot_pool_fini(&backoff->pool);
	slot_chains_fini(&backoff->by_name);
	slot_chains_fini(&backoff->by_peer);
	timers_fini(&backoff->forget);
	*backoff = (struct dial_backoff){ 0 };
}

/* ---- finding ---- */

static uint64_t hash_of_peer(const struct dial_backoff *backoff, const struct vd_peer_id *peer)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof hash);
	crypto_shorthash((uint8_t *)&hash, peer->bytes, peer->len, backoff->secret);
	return hash;
}

static void hash_of_name(const struct dial_backoff *backoff, const struct vd_peer_id *peer,
			 const struct vd_multiaddr *address, uint64_t hash_out[2])
{
	uint8_t name[VD_PEER_ID_MAX + 1 + VD_MULTIADDR_MAX];
	struct vd_write w = vd_write_to(name, sizeof name);

	static_assert(crypto_shorthash_siphashx24_BYTES == 2 * sizeof hash_out[0]);
	vd_write_u8(&w, peer->len);
	vd_write_bytes(&w, vd_peer_id_bytes(peer));
	vd_write_bytes(&w, vd_bytes(address->bytes, address->len));
	crypto_shorthash_siphashx24((uint8_t *)hash_out, name, vd_write_len(&w), backoff->secret);
}

static uint32_t find(const struct dial_backoff *backoff, const uint64_t name[2])
{
	uint32_t slot = slot_chain_first(&backoff->by_name, name[0]);

	for (; slot != SLOT_NONE; slot = slot_chain_next(&backoff->by_name, slot))
		if (memcmp(backoff->entries[slot].name, name, sizeof backoff->entries[slot].name) ==
		    0)
			break;
	return slot;
}

static void forget(struct dial_backoff *backoff, uint32_t slot)
{
	const struct dial_backoff_entry *entry = &backoff->entries[slot];

	slot_chain_del(&backoff->by_name, entry->name[0], slot);
	slot_chain_del(&backoff->by_peer, entry->peer, slot);
	timers_set(&backoff->forget, slot, VD_NEVER);
	slot_give(&backoff->pool, slot);
}

static void forget_old(struct dial_backoff *backoff, vd_ns now)
{
	while (timers_next(&backoff->forget) <= now)
		forget(backoff, timers_owner(&backoff->forget));
}

/* ---- adding ---- */

static uint32_t add(struct dial_backoff *backoff, uint64_t peer, const uint64_t name[2])
{
	uint32_t slot = slot_take(&backoff->pool);

	if (slot == SLOT_NONE) {
		forget(backoff, timers_owner(&backoff->forget));
		backoff->pushed_out++;
		slot = slot_take(&backoff->pool);
	}
	backoff->entries[slot] =
	    (struct dial_backoff_entry){ .peer = peer, .name = { name[0], name[1] } };
	slot_chain_add(&backoff->by_name, name[0], slot);
	slot_chain_add(&backoff->by_peer, peer, slot);
	return slot;
}

static vd_ns length_of(uint32_t failures_before)
{
	uint64_t s = DIAL_BACKOFF_FIRST_S + (uint64_t)failures_before * failures_before;

	return VD_SECONDS(s < DIAL_BACKOFF_LAST_S ? s : DIAL_BACKOFF_LAST_S);
}

void dial_backoff_add(struct dial_backoff *backoff, const struct vd_peer_id *peer,
		      const struct vd_multiaddr *address, vd_ns now)
{
	struct dial_backoff_entry *entry;
	uint64_t name[2];
	uint32_t slot;
	vd_ns length;

	forget_old(backoff, now);
	hash_of_name(backoff, peer, address, name);
	slot = find(backoff, name);
	if (slot == SLOT_NONE)
		slot = add(backoff, hash_of_peer(backoff, peer), name);
	entry = &backoff->entries[slot];
	length = length_of(entry->failures);
	entry->failures++;
	entry->until = vd_ns_add(now, length);
	entry->forget = vd_ns_add(entry->until, length);
	timers_set(&backoff->forget, slot, entry->forget);
}

vd_ns dial_backoff_until(struct dial_backoff *backoff, const struct vd_peer_id *peer,
			 const struct vd_multiaddr *address, vd_ns now)
{
	uint64_t name[2];
	uint32_t slot;

	forget_old(backoff, now);
	hash_of_name(backoff, peer, address, name);
	slot = find(backoff, name);
	if (slot == SLOT_NONE || backoff->entries[slot].until <= now)
		return 0;
	return backoff->entries[slot].until;
}

void dial_backoff_clear(struct dial_backoff *backoff, const struct vd_peer_id *peer)
{
	uint64_t hash = hash_of_peer(backoff, peer);
	uint32_t slot = slot_chain_first(&backoff->by_peer, hash), next;

	for (; slot != SLOT_NONE; slot = next) {
		next = slot_chain_next(&backoff->by_peer, slot);
		if (backoff->entries[slot].peer == hash)
			forget(backoff, slot);
	}
}

uint32_t dial_backoff_count(const struct dial_backoff *backoff)
{
	return backoff->pool.count;
}
