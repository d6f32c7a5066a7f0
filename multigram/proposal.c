/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/proposal.h"

#include <sodium.h>

struct vd_bytes mg_proposal_name(const struct mg_setup *setup, const struct mg_proposal *p)
{
	return vd_bytes_of_text(setup->names[p->name]);
}

struct mg_proposal *mg_proposal_at(struct mg_setup *setup, uint64_t index)
{
	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++) {
		struct mg_proposal *p = &setup->proposals[i];

		if (p->state != MG_PROPOSAL_FREE && p->index == index)
			return p;
	}
	return NULL;
}

struct mg_proposal *mg_proposal_of(struct mg_setup *setup, size_t name)
{
	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++) {
		struct mg_proposal *p = &setup->proposals[i];

		if (p->state != MG_PROPOSAL_FREE && p->name == name)
			return p;
	}
	return NULL;
}

static bool taken(const struct mg_setup *setup, uint64_t index)
{
	return setup->taken[index / 64] >> index % 64 & 1;
}

/* The lowest index that we may assign, and that nobody has proposed; 0: none. */
static uint16_t free_index(struct mg_setup *setup)
{
	unsigned step = setup->role == MG_ROLE_BARE ? 1 : 2;
	unsigned first = MG_FIRST_NEGOTIATED + (setup->role == MG_ROLE_RESPONDER);

	for (unsigned i = first; i < MG_SETUP_INDEX_END; i += step)
		if (!taken(setup, i) && !mg_table_find(setup->table, i) &&
		    !mg_proposal_at(setup, i))
			return (uint16_t)i;
	return 0;
}

bool mg_proposal_room(const struct mg_setup *setup)
{
	size_t used = setup->table->count + setup->burnt;

	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++)
		used += setup->proposals[i].state != MG_PROPOSAL_FREE;
	return used < MG_TABLE_ENTRIES;
}

void mg_proposal_restart(struct mg_proposal *p, vd_ns now)
{
	p->state = MG_PROPOSAL_OUT;
	p->tell = false;
	p->sent = 0;
	p->due = now;
}

/* Bytes of the offer with this id. */
static size_t offer_len(const struct mg_setup *setup, const uint8_t id[MG_ID_BYTES])
{
	size_t len = MG_OP_EMPTY_LEN;

	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++) {
		const struct mg_proposal *p = &setup->proposals[i];

		if (p->state == MG_PROPOSAL_OUT && mg_same_id(p->id, id))
			len += mg_op_entry_len(p->index, mg_proposal_name(setup, p).len);
	}
	return len;
}

/* A new id, or that of an offer which was never sent and has room. */
static void choose_id(struct mg_setup *setup, struct mg_proposal *p)
{
	size_t len = mg_op_entry_len(p->index, mg_proposal_name(setup, p).len);

	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++) {
		const struct mg_proposal *other = &setup->proposals[i];

		if (other->state == MG_PROPOSAL_OUT && other->fresh &&
		    offer_len(setup, other->id) + len <= MG_OP_BYTES) {
			memcpy(p->id, other->id, MG_ID_BYTES);
			return;
		}
	}
	randombytes_buf(p->id, MG_ID_BYTES);
}

enum vd_err mg_proposal_add(struct mg_setup *setup, size_t name, vd_ns now)
{
	struct mg_proposal *p = setup->proposals;
	uint16_t index = free_index(setup);

	while (p < setup->proposals + MG_SETUP_PROPOSALS &&
	       (p->state != MG_PROPOSAL_FREE || p->tell))
		p++;
	if (p == setup->proposals + MG_SETUP_PROPOSALS || !index || !mg_proposal_room(setup)) {
		setup->stats.turned_away++;
		return VD_ELIMIT;
	}
	*p = (struct mg_proposal){ .fresh = true, .name = (uint8_t)name, .index = index };
	choose_id(setup, p);
	mg_proposal_restart(p, now);
	return VD_OK;
}
