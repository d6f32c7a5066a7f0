/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peer_book_facts: protocols, agent, key, envelope and latency of a peer; its row of the file. */
#include "controlplane/proto/peer_book.h"
#include "controlplane/proto/peer_book_state.h"
#include "controlplane/proto/peer_value.h"

enum { LATENCY_PARTS = 10 }; /* a measurement's weight is one of these (go-libp2p has it so) */

static bool is_printable(struct vd_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x20 || text.at[i] > 0x7e)
			return false;
	return text.len;
}

/* ---- protocols ---- */

/* The texts that fit, a NUL after each, into `out`; returns how many. */
static uint32_t join(struct peer_book *book, const struct vd_bytes *protocols, size_t count,
		     struct vd_write *w)
{
	uint32_t taken = 0;

	for (size_t i = 0; i < count; i++) {
		bool fits = vd_write_len(w) + protocols[i].len < PEER_BOOK_PROTOCOL_BYTES;

		if (taken == PEER_BOOK_PROTOCOLS || !fits || !is_printable(protocols[i])) {
			book->counters.protocols_refused++;
			continue;
		}
		vd_write_bytes(w, protocols[i]);
		vd_write_u8(w, 0);
		taken++;
	}
	return taken;
}

static enum vd_err take_protocols(struct peer_book *book, struct peer_entry *entry,
				  const struct vd_bytes *protocols, size_t count, bool *changed_out)
{
	uint8_t texts[PEER_BOOK_PROTOCOL_BYTES];
	struct vd_write w = vd_write_to(texts, sizeof texts);
	uint32_t taken = join(book, protocols, count, &w);
	uint8_t *copy;

	*changed_out = !vd_bytes_equal(entry->protocols, vd_write_done(&w));
	if (!*changed_out)
		return VD_OK;
	copy = peer_book_copy(book, vd_write_done(&w));
	if (!copy)
		return VD_ENOMEM;
	peer_book_free(book, entry->protocols);
	entry->protocols = vd_bytes(copy, vd_write_len(&w));
	entry->protocol_count = taken;
	return VD_OK;
}

enum vd_err peer_book_set_protocols(struct peer_book *book, const struct vd_peer_id *peer,
				    const struct vd_bytes *protocols, size_t count, vd_ns now)
{
	enum vd_err err;
	uint32_t slot = peer_book_slot(book, peer, PEER_TOLD, now, &err);
	bool changed = false;

	if (err)
		return err;
	err = take_protocols(book, book->entries[slot], protocols, count, &changed);
	if (!err && changed)
		peer_book_changed(book, slot);
	peer_book_settle(book, slot);
	return err;
}

const char *peer_entry_next_protocol(const struct peer_entry *entry, const char *previous)
{
	const char *start = (const char *)entry->protocols.at;
	const char *next = previous ? previous + strlen(previous) + 1 : start;

	return entry->protocols.len && next < start + entry->protocols.len ? next : NULL;
}

bool peer_entry_speaks(const struct peer_entry *entry, const char *protocol)
{
	const char *at = NULL;

	while ((at = peer_entry_next_protocol(entry, at)))
		if (strcmp(at, protocol) == 0)
			return true;
	return false;
}

/* ---- agent ---- */

static void copy_printable(struct vd_bytes from, char to[PEER_BOOK_AGENT])
{
	size_t len = 0;

	for (size_t i = 0; i < from.len && len + 1 < PEER_BOOK_AGENT; i++)
		if (from.at[i] >= 0x20 && from.at[i] <= 0x7e)
			to[len++] = (char)from.at[i];
	to[len] = '\0';
}

enum vd_err peer_book_set_agent(struct peer_book *book, const struct vd_peer_id *peer,
				struct vd_bytes agent, vd_ns now)
{
	char text[PEER_BOOK_AGENT];
	enum vd_err err;
	uint32_t slot = peer_book_slot(book, peer, PEER_TOLD, now, &err);

	if (err)
		return err;
	copy_printable(agent, text);
	if (strcmp(text, book->entries[slot]->agent) != 0) {
		memcpy(book->entries[slot]->agent, text, sizeof text);
		peer_book_changed(book, slot);
	}
	peer_book_settle(book, slot);
	return VD_OK;
}

/* ---- key ---- */

static enum vd_err check_key(const struct vd_peer_id *peer, struct vd_bytes key)
{
	struct vd_peer_id owner;
	enum vd_err err = vd_peer_id_of_public_key(key, &owner);

	if (err)
		return err;
	if (!vd_peer_id_equal(&owner, peer))
		return VD_EPEER_AUTH;
	return key.len <= PEER_BOOK_KEY_BYTES ? VD_OK : VD_EPEER_RANGE;
}

/* An identity multihash: the key is in the id. */
static bool has_its_key(const struct vd_peer_id *peer)
{
	return peer->len && peer->bytes[0] == 0;
}

static enum vd_err take_key(struct peer_book *book, struct peer_entry *entry, struct vd_bytes key,
			    bool *changed_out)
{
	uint8_t *copy;

	*changed_out = false;
	if (has_its_key(&entry->peer) || vd_bytes_equal(entry->key, key))
		return VD_OK;
	copy = peer_book_copy(book, key);
	if (!copy)
		return VD_ENOMEM;
	peer_book_free(book, entry->key);
	entry->key = vd_bytes(copy, key.len);
	*changed_out = true;
	return VD_OK;
}

enum vd_err peer_book_set_key(struct peer_book *book, const struct vd_peer_id *peer,
			      struct vd_bytes key, vd_ns now)
{
	enum vd_err err = check_key(peer, key);
	bool changed;
	uint32_t slot;

	if (err)
		return err;
	slot = peer_book_slot(book, peer, PEER_TOLD, now, &err);
	if (err)
		return err;
	err = take_key(book, book->entries[slot], key, &changed);
	if (changed)
		peer_book_changed(book, slot);
	peer_book_settle(book, slot);
	return err;
}

/* ---- envelope ---- */

enum vd_err peer_entry_keep_envelope(struct peer_book *book, struct peer_entry *entry,
				     struct vd_bytes envelope)
{
	uint8_t *copy;

	peer_book_free(book, entry->envelope);
	entry->envelope = vd_bytes(NULL, 0);
	if (envelope.len > PEER_BOOK_ENVELOPE_BYTES)
		book->counters.envelopes_refused++;
	if (!envelope.len || envelope.len > PEER_BOOK_ENVELOPE_BYTES)
		return VD_OK;
	copy = peer_book_copy(book, envelope);
	if (!copy)
		return VD_ENOMEM;
	entry->envelope = vd_bytes(copy, envelope.len);
	return VD_OK;
}

/* Signed addresses come first. */
struct vd_bytes peer_entry_envelope(const struct peer_entry *entry, vd_ns now)
{
	for (uint32_t i = 0; i < entry->address_count; i++) {
		const struct peer_address *address = &entry->addresses[i];

		if (address->source != PEER_SIGNED)
			break;
		if (entry->connections || address->expires > now)
			return entry->envelope;
	}
	return vd_bytes(NULL, 0);
}

/* ---- latency ---- */

void peer_book_measured(struct peer_book *book, const struct vd_peer_id *peer, vd_ns rtt)
{
	uint32_t slot = peer_book_slot_of(book, peer);
	struct peer_entry *entry = slot == SLOT_NONE ? NULL : book->entries[slot];

	if (!entry || !rtt)
		return;
	if (!entry->latency)
		entry->latency = rtt;
	else
		entry->latency =
		    entry->latency - entry->latency / LATENCY_PARTS + rtt / LATENCY_PARTS;
}

/* ---- from the file ---- */

static enum vd_err fill(struct peer_book *book, struct peer_entry *entry,
			const struct peer_value *value, vd_ns now)
{
	bool changed;
	enum vd_err err =
	    take_protocols(book, entry, value->protocols, value->protocol_count, &changed);

	if (!err && value->key.len && !check_key(&entry->peer, value->key))
		err = take_key(book, entry, value->key, &changed);
	if (!err && value->has_record)
		err = peer_entry_keep_envelope(book, entry, value->envelope);
	copy_printable(value->agent, entry->agent);
	entry->heard = value->heard < now ? value->heard : now; /* the clock was ahead */
	entry->has_record = value->has_record;
	entry->record_seq = value->record_seq;
	entry->latency = value->latency;
	return err;
}

enum vd_err peer_book_load(struct peer_book *book, const struct vd_peer_id *peer,
			   const struct peer_value *value, vd_ns now)
{
	enum vd_err err = VD_OK;
	bool tracks = book->tracks;
	uint32_t slot;

	book->tracks = false; /* nothing of it has to be written */
	for (uint32_t i = 0; i < value->address_count && err != VD_ENOMEM; i++) {
		const struct peer_address *address = &value->addresses[i];

		if (address->expires > now)
			err = peer_book_add(book, peer, address->bytes, address->source,
					    address->expires - now, now);
	}
	slot = peer_book_slot_of(book, peer);
	if (err != VD_ENOMEM)
		err = slot == SLOT_NONE ? VD_ELIMIT : fill(book, book->entries[slot], value, now);
	if (slot != SLOT_NONE)
		book->entries[slot]->stored = true;
	book->tracks = tracks;
	return err;
}
