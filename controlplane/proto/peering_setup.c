/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Setup inside sealed frames (multigram/SPEC.md, section 6): the peer's offers are granted as
 * far as we speak what they name, and what either side lacks is told. We make no offers of our
 * own, but of an entry that the peer turns out to lack: all that we speak is offered in the
 * handshake.
 *
 * Of a table, a generation keeps what is negotiated: a few indices for each name.
 */
#include <sodium.h>

#include "controlplane/proto/peering_state.h"
#include "multigram/frame.h"

static const vd_ns interval = VD_SECONDS(1);

size_t peering_setup_offer_of(const struct peering_generation *generation, uint64_t index)
{
	for (size_t i = 0; i < PEERING_OFFERS && index >= MG_FIRST_NEGOTIATED; i++)
		for (size_t j = 0; j < MG_SAME_NAME; j++)
			if (generation->inner[i][j] == index)
				return i;
	return PEERING_OFFERS;
}

static void table_of(const struct peering *p, const struct peering_generation *generation,
		     struct mg_table *table)
{
	mg_table_init(table, MG_TABLE_VIADUCT);
	for (size_t i = 0; i < p->self.offer_count; i++)
		for (size_t j = 0; j < MG_SAME_NAME && generation->inner[i][j]; j++)
			(void)mg_table_add(table, generation->inner[i][j],
					   vd_bytes_of_text(p->self.offer[i]));
}

/* At most one a second of each kind, for a generation. */
static bool allow(struct peering *p, struct peering_generation *generation,
		  enum peering_setup_rate rate, vd_ns now)
{
	if (now < generation->setup_next[rate]) {
		peering_limit_hit(p, PEERING_LIMIT_SETUP);
		return false;
	}
	generation->setup_next[rate] = vd_ns_add(now, interval);
	return true;
}

/* To where the peer is known to be, wherever its own came from. */
static enum vd_err op_send(struct peering *p, uint32_t slot, const struct mg_op *op)
{
	const struct peering_path path = p->generations[slot].path;
	uint8_t body[MG_OP_BYTES];
	struct vd_write w = vd_write_to(body, sizeof body);
	enum vd_err err = mg_op_write_most(&w, op);

	return err ? err : peering_inner_send(p, slot, &path, MG_SETUP, vd_write_done(&w));
}

/* ---- offers ---- */

static size_t offered(const struct peering *p, struct vd_bytes name)
{
	size_t i = 0;

	while (i < p->self.offer_count && !vd_bytes_equal(vd_bytes_of_text(p->self.offer[i]), name))
		i++;
	return i;
}

/* In ascending order; false: there is no room. */
static bool keep(uint8_t indices[MG_SAME_NAME], uint8_t index)
{
	size_t at = 0;

	if (indices[MG_SAME_NAME - 1])
		return false;
	while (indices[at] && indices[at] < index)
		at++;
	memmove(indices + at + 1, indices + at, MG_SAME_NAME - 1 - at);
	indices[at] = index;
	return true;
}

static bool grant(const struct peering *p, struct peering_generation *generation,
		  const struct mg_table *table, const struct mg_op_entry *entry)
{
	const struct mg_entry *known = mg_table_find(table, entry->index);
	bool odd = entry->index & 1; /* initiators assign even indices */
	size_t offer = offered(p, entry->name);

	if (known)
		return vd_bytes_equal(vd_bytes(known->name, known->len), entry->name);
	return entry->index >= MG_FIRST_NEGOTIATED && entry->index <= MG_INDEX_BYTE &&
	       odd == generation->initiator && offer < p->self.offer_count &&
	       keep(generation->inner[offer], (uint8_t)entry->index);
}

/* The table, lowest index first, as far as an operation goes. */
static void list(const struct mg_table *table, struct mg_op *answer)
{
	const struct mg_entry *at = mg_table_from(table, 0);
	size_t len = MG_OP_EMPTY_LEN;

	for (; at; at = mg_table_from(table, at->index + 1)) {
		len += mg_op_entry_len(at->index, at->len);
		if (len > MG_OP_BYTES)
			return;
		answer->entries[answer->count++] =
		    (struct mg_op_entry){ .index = at->index, .name = vd_bytes(at->name, at->len) };
	}
}

static void tell_granted(struct peering *p, const struct peering_generation *generation)
{
	struct peering_event_slot *event =
	    peering_event_push(p, PEERING_GRANTED, &p->peers[generation->peer]);

	event->event.index = generation->index;
	event->event.keys = &event->keys;
	event->keys = (struct peering_keys){ 0 };
	memcpy(event->keys.inner, generation->inner, sizeof generation->inner);
}

static enum vd_err offer_recv(struct peering *p, uint32_t slot, const struct mg_op *offer,
			      vd_ns now)
{
	struct peering_generation *generation = &p->generations[slot];
	struct mg_op answer = { .kind = MG_OP_ANSWER, .codec = offer->codec };
	uint8_t before[sizeof generation->inner];
	struct mg_table table;

	table_of(p, generation, &table);
	memcpy(answer.id, offer->id, sizeof answer.id);
	memcpy(before, generation->inner, sizeof before);
	for (size_t i = 0; i < offer->count; i++)
		if (grant(p, generation, &table, &offer->entries[i]))
			answer.entries[answer.count++] = offer->entries[i];
	if (offer->count == 0) {
		if (!allow(p, generation, SETUP_LIST, now))
			return VD_OK;
		list(&table, &answer);
	}
	if (memcmp(before, generation->inner, sizeof before) != 0)
		tell_granted(p, generation); /* before the peer may use it */
	return op_send(p, slot, &answer);
}

/* ---- errors ---- */

/* The peer lacks an entry that we have: its answer was lost, so it is offered again. */
static enum vd_err error_recv(struct peering *p, uint32_t slot, uint64_t index, vd_ns now)
{
	struct peering_generation *generation = &p->generations[slot];
	size_t at = peering_setup_offer_of(generation, index);
	struct mg_op again = { .kind = MG_OP_OFFER, .count = 1 };

	if (at == PEERING_OFFERS || !allow(p, generation, SETUP_AGAIN, now))
		return VD_OK;
	randombytes_buf(again.id, sizeof again.id);
	again.entries[0] =
	    (struct mg_op_entry){ .index = index, .name = vd_bytes_of_text(p->self.offer[at]) };
	return op_send(p, slot, &again);
}

void peering_setup_unknown(struct peering *p, uint32_t slot, uint64_t index, vd_ns now)
{
	struct mg_op op = { .kind = MG_OP_ERROR, .err_index = index };

	if (allow(p, &p->generations[slot], SETUP_ERROR, now))
		(void)op_send(p, slot, &op);
}

enum vd_err peering_setup_recv(struct peering *p, uint32_t slot, struct vd_bytes in,
			       struct vd_bytes *rest_out, vd_ns now)
{
	struct mg_op_text text;
	struct mg_op op;
	enum vd_err err = mg_op_read_authenticated(in, &text, &op, rest_out);

	if (err)
		return err;
	switch (op.kind) {
	case MG_OP_OFFER: return offer_recv(p, slot, &op, now);
	case MG_OP_ERROR: return error_recv(p, slot, op.err_index, now);
	case MG_OP_ANSWER: return VD_OK; /* it has granted what it once had proposed itself */
	}
	return VD_OK;
}
