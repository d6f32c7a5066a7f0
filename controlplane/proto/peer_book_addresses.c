/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peer_book_addresses: which address of a peer stays, by its source and by how long it holds. */
#include <stdlib.h>

#include "controlplane/proto/peer_book.h"
#include "controlplane/proto/peer_book_state.h"

/* ---- what is one ---- */

/* The last part of an address; false when it has none. */
static bool last_part(const struct vd_multiaddr *address, size_t *at_out,
		      struct vd_multiaddr_part *part_out)
{
	size_t at = 0, before = 0;
	struct vd_multiaddr_part part;
	bool any = false;

	while (vd_multiaddr_next(address, &at, &part)) {
		*at_out = before;
		*part_out = part;
		before = at;
		any = true;
	}
	return any;
}

static bool is_link(const struct vd_multiaddr *address)
{
	struct vd_multiaddr_part part;

	for (size_t at = 0; vd_multiaddr_next(address, &at, &part);)
		if (part.code == VD_MA_VIADUCT)
			return true;
	return false;
}

/* Valid, and without the peer's own /p2p at the end. */
static enum vd_err check(const struct vd_peer_id *peer, struct vd_bytes bytes,
			 struct vd_multiaddr *address_out)
{
	struct vd_multiaddr_part last;
	size_t at;
	enum vd_err err = vd_multiaddr_of_bytes(bytes, address_out);

	if (err)
		return err;
	if (!last_part(address_out, &at, &last))
		return VD_EPEER_FORMAT;
	if (is_link(address_out))
		return VD_EPEER_UNSUPPORTED;
	if (last.code == VD_MA_P2P) {
		if (!vd_bytes_equal(last.value, vd_peer_id_bytes(peer)))
			return VD_EPEER_AUTH;
		address_out->len = (uint16_t)at;
	}
	return address_out->len && address_out->len <= PEER_BOOK_ADDRESS_BYTES ? VD_OK
									       : VD_EPEER_RANGE;
}

/* ---- an entry's addresses, the best source first ---- */

void peer_entry_drop_address(struct peer_book *book, struct peer_entry *entry, uint32_t at)
{
	peer_book_free(book, entry->addresses[at].bytes);
	entry->address_count--;
	memmove(&entry->addresses[at], &entry->addresses[at + 1],
		(entry->address_count - at) * sizeof *entry->addresses);
}

static struct peer_address *find(struct peer_entry *entry, struct vd_bytes bytes)
{
	for (uint32_t i = 0; i < entry->address_count; i++)
		if (vd_bytes_equal(entry->addresses[i].bytes, bytes))
			return &entry->addresses[i];
	return NULL;
}

static void place(struct peer_entry *entry, struct peer_address address)
{
	uint32_t at = entry->address_count++;

	for (; at && entry->addresses[at - 1].source < address.source; at--)
		entry->addresses[at] = entry->addresses[at - 1];
	entry->addresses[at] = address;
}

/* Of the worst source, the one that ends first; only for a source that is at least as good. */
static bool displace(struct peer_book *book, struct peer_entry *entry, struct peer_address by)
{
	uint32_t victim = entry->address_count - 1;

	for (uint32_t i = victim; i-- > 0;) {
		if (entry->addresses[i].source != entry->addresses[victim].source)
			break;
		if (entry->addresses[i].expires < entry->addresses[victim].expires)
			victim = i;
	}
	if (entry->addresses[victim].source > by.source ||
	    (entry->addresses[victim].source == by.source &&
	     entry->addresses[victim].expires >= by.expires))
		return false;
	peer_entry_drop_address(book, entry, victim);
	book->counters.addresses_displaced++;
	return true;
}

static bool grow(struct peer_entry *entry)
{
	uint32_t room = entry->address_room ? 2 * entry->address_room : 4;
	struct peer_address *more;

	if (entry->address_count < entry->address_room)
		return true;
	more = realloc(entry->addresses, room * sizeof *more);
	if (!more)
		return false;
	entry->addresses = more;
	entry->address_room = room;
	return true;
}

/* VD_OK also when nothing changed, which `changed_out` tells. */
static enum vd_err insert(struct peer_book *book, struct peer_entry *entry, struct peer_address new,
			  bool *changed_out)
{
	if (entry->address_count == PEER_BOOK_ADDRESSES && !displace(book, entry, new))
		return VD_ELIMIT;
	if (!grow(entry))
		return VD_ENOMEM;
	new.bytes.at = peer_book_copy(book, new.bytes);
	if (!new.bytes.at)
		return VD_ENOMEM;
	place(entry, new);
	*changed_out = true;
	return VD_OK;
}

static enum vd_err put(struct peer_book *book, struct peer_entry *entry, struct peer_address new,
		       bool *changed_out)
{
	struct peer_address *old = find(entry, new.bytes);
	struct peer_address better;

	if (!old)
		return insert(book, entry, new, changed_out);
	if (old->source > new.source)
		return VD_OK;
	if (old->source == new.source && old->expires >= new.expires)
		return VD_OK;
	*changed_out = true;
	if (old->source == new.source) {
		old->expires = new.expires;
		return VD_OK;
	}
	better = *old; /* its bytes move along */
	better.source = new.source;
	better.expires = new.expires;
	entry->address_count--;
	memmove(old, old + 1,
		(size_t)(&entry->addresses[entry->address_count] - old) * sizeof *old);
	place(entry, better);
	return VD_OK;
}

/* ---- from outside ---- */

static enum vd_err add_checked(struct peer_book *book, uint32_t slot,
			       const struct vd_multiaddr *address, enum peer_source source,
			       vd_ns expires)
{
	bool changed = false;
	enum vd_err err =
	    put(book, book->entries[slot],
		(struct peer_address){ .expires = expires,
				       .source = source,
				       .bytes = vd_bytes(address->bytes, address->len) },
		&changed);

	if (changed)
		peer_book_changed(book, slot);
	return err;
}

enum vd_err peer_book_add(struct peer_book *book, const struct vd_peer_id *peer,
			  struct vd_bytes bytes, enum peer_source source, vd_ns ttl, vd_ns now)
{
	struct vd_multiaddr address;
	enum vd_err err = check(peer, bytes, &address);
	uint32_t slot;

	if (err) {
		book->counters.addresses_refused++;
		return err;
	}
	slot = peer_book_slot(book, peer, source, now, &err);
	if (err)
		return err;
	err = add_checked(book, slot, &address, source, vd_ns_add(now, ttl));
	book->counters.addresses_refused += err != VD_OK;
	if (!err)
		peer_book_heard(book, slot, now);
	peer_book_settle(book, slot);
	return err;
}

/* What an older record said alone does not hold any more. */
static void drop_signed(struct peer_book *book, struct peer_entry *entry,
			const struct peer_record *record)
{
	for (uint32_t i = entry->address_count; i-- > 0;) {
		struct vd_multiaddr address;
		bool still = false;

		if (entry->addresses[i].source != PEER_SIGNED)
			continue;
		for (uint32_t k = 0; k < record->address_count && !still; k++)
			still = !check(&entry->peer, record->addresses[k], &address) &&
				vd_bytes_equal(vd_bytes(address.bytes, address.len),
					       entry->addresses[i].bytes);
		if (!still)
			peer_entry_drop_address(book, entry, i);
	}
}

static enum vd_err add_all(struct peer_book *book, uint32_t slot, const struct peer_record *record,
			   vd_ns expires)
{
	enum vd_err err = VD_OK;

	for (uint32_t i = 0; i < record->address_count && err != VD_ENOMEM; i++) {
		struct vd_multiaddr address;

		err = check(&record->peer, record->addresses[i], &address);
		if (!err)
			err = add_checked(book, slot, &address, PEER_SIGNED, expires);
		book->counters.addresses_refused += err != VD_OK;
	}
	return err == VD_ENOMEM ? err : VD_OK;
}

/* Of what an older daemon wrote to the file, the envelope comes with the next identify. */
static bool lacks_envelope(const struct peer_entry *entry, const struct peer_record *record)
{
	return !entry->envelope.len && record->envelope.len &&
	       record->envelope.len <= PEER_BOOK_ENVELOPE_BYTES;
}

static enum vd_err take_record(struct peer_book *book, uint32_t slot,
			       const struct peer_record *record)
{
	struct peer_entry *entry = book->entries[slot];

	if (!entry->has_record || entry->record_seq != record->seq) {
		drop_signed(book, entry, record);
		entry->has_record = true;
		entry->record_seq = record->seq;
	} else if (!lacks_envelope(entry, record)) {
		return VD_OK;
	}
	peer_book_changed(book, slot);
	return peer_entry_keep_envelope(book, entry, record->envelope);
}

enum vd_err peer_book_add_record(struct peer_book *book, const struct peer_record *record,
				 vd_ns ttl, vd_ns now)
{
	enum vd_err err, kept;
	uint32_t slot = peer_book_slot(book, &record->peer, PEER_SIGNED, now, &err);
	const struct peer_entry *entry;

	if (err)
		return err;
	entry = book->entries[slot];
	if (entry->has_record && entry->record_seq > record->seq) {
		book->counters.records_old++;
		return VD_EPEER_REPLAY;
	}
	kept = take_record(book, slot, record);
	err = add_all(book, slot, record, vd_ns_add(now, ttl));
	peer_book_heard(book, slot, now);
	peer_book_settle(book, slot);
	return err ? err : kept;
}

size_t peer_entry_addresses(const struct peer_entry *entry, vd_ns now, struct vd_multiaddr *out,
			    size_t max)
{
	size_t count = 0;

	for (uint32_t i = 0; i < entry->address_count && count < max; i++) {
		const struct peer_address *address = &entry->addresses[i];

		if (!entry->connections && address->expires <= now)
			continue;
		out[count].len = (uint16_t)address->bytes.len;
		memcpy(out[count++].bytes, address->bytes.at, address->bytes.len);
	}
	return count;
}
