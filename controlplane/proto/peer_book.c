/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peer_book: entries: finding, making room, ageing, and which have to be written. */
#include "controlplane/proto/peer_book.h"

#include <sodium.h>
#include <stdlib.h>

#include "controlplane/proto/peer_book_state.h"

/* ---- life ---- */

enum vd_err peer_book_init(struct peer_book *book, uint32_t peers)
{
	*book = (struct peer_book){ .first_changed = SLOT_NONE, .last_changed = SLOT_NONE };
	for (unsigned i = 0; i < PEER_LISTS; i++)
		book->lists[i] = (struct peer_list){ SLOT_NONE, SLOT_NONE };
	randombytes_buf(book->hash_key, sizeof book->hash_key);
	book->entries = calloc(peers ? peers : 1, sizeof(struct peer_entry *));
	book->gone = calloc(PEER_BOOK_GONE + PEER_BOOK_BATCH, sizeof *book->gone);
	if (!book->entries || !book->gone || slot_pool_init(&book->pool, peers) ||
	    slot_chains_init(&book->by_peer, peers) || timers_init(&book->expiry, peers))
		return VD_ENOMEM;
	return VD_OK;
}

static void free_entry(struct peer_book *book, struct peer_entry *entry)
{
	while (entry->address_count)
		peer_entry_drop_address(book, entry, entry->address_count - 1);
	peer_book_free(book, entry->protocols);
	peer_book_free(book, entry->key);
	peer_book_free(book, entry->envelope);
	free(entry->addresses);
	free(entry);
}

void peer_book_fini(struct peer_book *book)
{
	for (uint32_t i = 0; book->entries && i < book->pool.high; i++)
		if (book->entries[i])
			free_entry(book, book->entries[i]);
	free(book->entries);
	free(book->gone);
	slot_pool_fini(&book->pool);
	slot_chains_fini(&book->by_peer);
	timers_fini(&book->expiry);
	*book = (struct peer_book){ 0 };
}

/* ---- finding ---- */

static uint64_t hash_of(const struct peer_book *book, const struct vd_peer_id *peer)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof hash);
	crypto_shorthash((uint8_t *)&hash, peer->bytes, peer->len, book->hash_key);
	return hash;
}

uint32_t peer_book_slot_of(const struct peer_book *book, const struct vd_peer_id *peer)
{
	uint32_t slot = slot_chain_first(&book->by_peer, hash_of(book, peer));

	while (slot != SLOT_NONE && !vd_peer_id_equal(&book->entries[slot]->peer, peer))
		slot = slot_chain_next(&book->by_peer, slot);
	return slot;
}

const struct peer_entry *peer_book_find(const struct peer_book *book, const struct vd_peer_id *peer)
{
	uint32_t slot = peer_book_slot_of(book, peer);

	return slot == SLOT_NONE ? NULL : book->entries[slot];
}

void peer_book_each(const struct peer_book *book,
		    void (*fn)(void *context, const struct peer_entry *entry), void *context)
{
	for (unsigned list = PEER_LISTS; list-- > 0;)
		for (uint32_t at = book->lists[list].newest; at != SLOT_NONE;
		     at = book->entries[at]->older)
			fn(context, book->entries[at]);
}

/* ---- lists by news ---- */

static void unlink_entry(struct peer_book *book, uint32_t slot)
{
	const struct peer_entry *entry = book->entries[slot];
	struct peer_list *list = &book->lists[entry->list];

	if (entry->newer == SLOT_NONE)
		list->newest = entry->older;
	else
		book->entries[entry->newer]->older = entry->older;
	if (entry->older == SLOT_NONE)
		list->oldest = entry->newer;
	else
		book->entries[entry->older]->newer = entry->newer;
}

static void link_newest(struct peer_book *book, uint32_t slot, unsigned to)
{
	struct peer_entry *entry = book->entries[slot];
	struct peer_list *list = &book->lists[to];

	entry->list = to;
	entry->newer = SLOT_NONE;
	entry->older = list->newest;
	if (list->newest == SLOT_NONE)
		list->oldest = slot;
	else
		book->entries[list->newest]->newer = slot;
	list->newest = slot;
}

/* Addresses are sorted by source, so the first one tells. */
static unsigned list_of(const struct peer_entry *entry)
{
	if (entry->connections)
		return PEER_LIST_CONNECTED;
	return entry->address_count && entry->addresses[0].source > PEER_HEARSAY ? PEER_LIST_KNOWN
										 : PEER_LIST_HEARD;
}

void peer_book_heard(struct peer_book *book, uint32_t slot, vd_ns now)
{
	book->entries[slot]->heard = now;
	unlink_entry(book, slot);
	link_newest(book, slot, list_of(book->entries[slot]));
}

/* ---- what has to be written ---- */

void peer_book_track(struct peer_book *book)
{
	book->tracks = true;
}

void peer_book_changed(struct peer_book *book, uint32_t slot)
{
	struct peer_entry *entry = book->entries[slot];

	if (!book->tracks || entry->changed)
		return;
	entry->changed = true;
	entry->next_changed = SLOT_NONE;
	entry->prev_changed = book->last_changed;
	if (book->last_changed == SLOT_NONE)
		book->first_changed = slot;
	else
		book->entries[book->last_changed]->next_changed = slot;
	book->last_changed = slot;
	book->changed_count++;
}

static void unchange(struct peer_book *book, uint32_t slot)
{
	struct peer_entry *entry = book->entries[slot];

	if (entry->prev_changed == SLOT_NONE)
		book->first_changed = entry->next_changed;
	else
		book->entries[entry->prev_changed]->next_changed = entry->next_changed;
	if (entry->next_changed == SLOT_NONE)
		book->last_changed = entry->prev_changed;
	else
		book->entries[entry->next_changed]->prev_changed = entry->prev_changed;
	entry->changed = false;
	book->changed_count--;
}

bool peer_book_take_change(struct peer_book *book, struct peer_change *change_out)
{
	if (book->gone_count) {
		*change_out = (struct peer_change){ book->gone[--book->gone_count], NULL };
		return true;
	}
	if (book->first_changed == SLOT_NONE)
		return false;

	struct peer_entry *entry = book->entries[book->first_changed];

	unchange(book, book->first_changed);
	entry->stored = true;
	*change_out = (struct peer_change){ entry->peer, entry };
	return true;
}

void peer_book_put_back(struct peer_book *book, const struct vd_peer_id *peer)
{
	uint32_t slot = peer_book_slot_of(book, peer);

	if (slot != SLOT_NONE)
		peer_book_changed(book, slot);
	else if (book->gone_count < PEER_BOOK_GONE + PEER_BOOK_BATCH)
		book->gone[book->gone_count++] = *peer;
	else
		book->counters.deletions_lost++;
}

/* ---- going ---- */

static bool may_go(const struct peer_book *book, const struct peer_entry *entry)
{
	return !entry->stored || book->gone_count < PEER_BOOK_GONE;
}

static void drop(struct peer_book *book, uint32_t slot)
{
	struct peer_entry *entry = book->entries[slot];

	if (entry->changed)
		unchange(book, slot);
	timers_set(&book->expiry, slot, VD_NEVER);
	unlink_entry(book, slot);
	slot_chain_del(&book->by_peer, hash_of(book, &entry->peer), slot);
	slot_give(&book->pool, slot);
	book->entries[slot] = NULL;
	if (entry->stored)
		peer_book_put_back(book, &entry->peer);
	free_entry(book, entry);
}

/* Of the address that ends next; what nothing holds is overdue. */
static vd_ns end_of(const struct peer_entry *entry)
{
	vd_ns at = VD_NEVER;

	if (entry->connections)
		return VD_NEVER;
	if (!entry->address_count)
		return 0;
	for (uint32_t i = 0; i < entry->address_count; i++)
		at = vd_ns_min(at, entry->addresses[i].expires);
	return at;
}

void peer_book_settle(struct peer_book *book, uint32_t slot)
{
	const struct peer_entry *entry = book->entries[slot];

	if (!entry->connections && !entry->address_count && may_go(book, entry)) {
		drop(book, slot);
		return;
	}
	timers_set(&book->expiry, slot, end_of(entry));
	if (entry->list != list_of(entry)) {
		unlink_entry(book, slot);
		link_newest(book, slot, list_of(entry));
	}
}

void peer_book_forget(struct peer_book *book, const struct vd_peer_id *peer)
{
	uint32_t slot = peer_book_slot_of(book, peer);

	if (slot != SLOT_NONE && !book->entries[slot]->connections)
		drop(book, slot);
}

static void expire_addresses(struct peer_book *book, struct peer_entry *entry, vd_ns now)
{
	for (uint32_t i = entry->address_count; i-- > 0;)
		if (entry->addresses[i].expires <= now) {
			peer_entry_drop_address(book, entry, i);
			book->counters.addresses_expired++;
		}
}

void peer_book_expire(struct peer_book *book, vd_ns now)
{
	while (timers_next(&book->expiry) <= now) {
		uint32_t slot = timers_owner(&book->expiry);
		struct peer_entry *entry = book->entries[slot];

		if (!may_go(book, entry))
			return; /* once the file has caught up */
		expire_addresses(book, entry, now);
		book->counters.peers_expired += !entry->address_count;
		peer_book_changed(book, slot);
		peer_book_settle(book, slot);
	}
}

/* ---- room ---- */

/* The one that is least missed goes, for `slot` that is known by `source`. */
static bool make_room(struct peer_book *book, uint32_t slot, enum peer_source source)
{
	uint32_t least = book->lists[PEER_LIST_HEARD].oldest;

	if (source > PEER_HEARSAY && (least == SLOT_NONE || least == slot))
		least = book->lists[PEER_LIST_KNOWN].oldest;
	if (least == SLOT_NONE || least == slot || !may_go(book, book->entries[least]))
		return false;
	book->counters.peers_evicted++;
	drop(book, least);
	return true;
}

static bool is_full(const struct peer_book *book, uint32_t slot)
{
	return book->bytes > PEER_BOOK_BYTES ||
	       (slot == SLOT_NONE && book->pool.count == book->pool.capacity);
}

static enum vd_err add_entry(struct peer_book *book, const struct vd_peer_id *peer, vd_ns now,
			     uint32_t *slot_out)
{
	struct peer_entry *entry = calloc(1, sizeof *entry);

	if (!entry)
		return VD_ENOMEM;
	entry->peer = *peer;
	entry->heard = now;
	*slot_out = slot_take(&book->pool);
	book->entries[*slot_out] = entry;
	slot_chain_add(&book->by_peer, hash_of(book, peer), *slot_out);
	link_newest(book, *slot_out, PEER_LIST_HEARD);
	return VD_OK;
}

uint32_t peer_book_slot(struct peer_book *book, const struct vd_peer_id *peer,
			enum peer_source source, vd_ns now, enum vd_err *err_out)
{
	uint32_t slot = peer_book_slot_of(book, peer);

	*err_out = VD_OK;
	while (is_full(book, slot)) {
		if (make_room(book, slot, source))
			continue;
		book->counters.peers_refused++;
		*err_out = VD_ELIMIT;
		return SLOT_NONE;
	}
	if (slot != SLOT_NONE)
		return slot;
	*err_out = add_entry(book, peer, now, &slot);
	return slot;
}

uint8_t *peer_book_copy(struct peer_book *book, struct vd_bytes bytes)
{
	uint8_t *copy = malloc(bytes.len ? bytes.len : 1);

	if (!copy)
		return NULL;
	if (bytes.len)
		memcpy(copy, bytes.at, bytes.len);
	book->bytes += bytes.len;
	return copy;
}

void peer_book_free(struct peer_book *book, struct vd_bytes bytes)
{
	book->bytes -= bytes.len;
	free((void *)(uintptr_t)bytes.at);
}

/* ---- connections ---- */

enum vd_err peer_book_connected(struct peer_book *book, const struct vd_peer_id *peer, vd_ns now)
{
	enum vd_err err;
	uint32_t slot = peer_book_slot(book, peer, PEER_TOLD, now, &err);

	if (err)
		return err;
	book->entries[slot]->connections++;
	peer_book_heard(book, slot, now);
	peer_book_settle(book, slot);
	return VD_OK;
}

/* What it told holds from now on for as long as if it had been told now. */
void peer_book_disconnected(struct peer_book *book, const struct vd_peer_id *peer, vd_ns now)
{
	uint32_t slot = peer_book_slot_of(book, peer);
	struct peer_entry *entry = slot == SLOT_NONE ? NULL : book->entries[slot];

	if (!entry || !entry->connections || --entry->connections)
		return;
	for (uint32_t i = 0; i < entry->address_count; i++)
		if (entry->addresses[i].source > PEER_HEARSAY)
			entry->addresses[i].expires = vd_ns_add(now, PEER_TTL_SEEN);
	peer_book_heard(book, slot, now);
	peer_book_changed(book, slot);
	expire_addresses(book, entry, now);
	peer_book_settle(book, slot);
}
