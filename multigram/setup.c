/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/setup.h"

#include <sodium.h>

#include "multigram/proposal.h"

static const vd_ns interval = VD_SECONDS(1); /* of errors, lists and offers made again */

/* ---- names and indices ---- */

/* The name's position among those supported, or their number. */
static size_t position_of(const struct mg_setup *setup, struct vd_bytes name)
{
	size_t i = 0;

	while (i < setup->name_count && !vd_bytes_equal(vd_bytes_of_text(setup->names[i]), name))
		i++;
	return i;
}

static void take(struct mg_setup *setup, uint64_t index)
{
	if (index < MG_SETUP_INDEX_END)
		setup->taken[index / 64] |= UINT64_C(1) << index % 64;
}

/* Whether the other side may assign this index. */
static bool theirs(const struct mg_setup *setup, uint64_t index)
{
	return setup->role == MG_ROLE_BARE || index % 2 == (setup->role == MG_ROLE_INITIATOR);
}

/* Adds to the table; the index needs no proposal any more. */
static bool commit(struct mg_setup *setup, uint64_t index, struct vd_bytes name)
{
	struct mg_proposal *p = mg_proposal_at(setup, index);

	if (mg_table_add(setup->table, index, name) != VD_OK)
		return false;
	if (p) {
		p->state = MG_PROPOSAL_FREE;
		p->tell = false;
	}
	return true;
}

/* ---- proposing ---- */

enum vd_err mg_setup_init(struct mg_setup *setup, struct mg_table *table, enum mg_role role,
			  const char *const *names, size_t count)
{
	if (count > MG_SETUP_NAMES)
		return VD_EBUG_STATE;
	for (size_t i = 0; i < count; i++)
		if (!mg_name_valid(vd_bytes_of_text(names[i])))
			return VD_EBUG_STATE;
	*setup = (struct mg_setup){
		.table = table,
		.names = names,
		.name_count = count,
		.role = role,
		.told = table->count,
	};
	return VD_OK;
}

enum vd_err mg_setup_propose(struct mg_setup *setup, const char *name, vd_ns now)
{
	size_t position = position_of(setup, vd_bytes_of_text(name));

	if (position == setup->name_count)
		return VD_EBUG_STATE;
	struct mg_proposal *p = mg_proposal_of(setup, position);
	bool there = mg_table_find_name(setup->table, vd_bytes_of_text(name));
	if (!p && !there)
		return mg_proposal_add(setup, position, now);
	/* What failed may be in their table, so it has to go on even if theirs gave us the name. */
	if (p && (p->state == MG_PROPOSAL_FAILED || (p->state == MG_PROPOSAL_REFUSED && !there)))
		mg_proposal_restart(p, now);
	return VD_OK;
}

void mg_setup_list(struct mg_setup *setup, vd_ns now)
{
	if (setup->list.state == MG_PROPOSAL_OUT)
		return;
	randombytes_buf(setup->list.id, MG_ID_BYTES);
	mg_proposal_restart(&setup->list, now);
}

/* ---- receiving ---- */

/* Asks for a send now. */
static void wake(struct mg_setup *setup, vd_ns now)
{
	if (!setup->answer_count && !setup->error_out && !setup->again_out)
		setup->send_at = now;
}

/* At most one a second of each kind. */
static bool allow(struct mg_setup *setup, vd_ns *next, vd_ns now)
{
	if (now < *next) {
		setup->stats.turned_away++;
		return false;
	}
	*next = vd_ns_add(now, interval);
	return true;
}

/*
 * Bare: both sides proposed other names for one index. True when theirs stands; ours is then
 * proposed anew elsewhere. When ours stands they must hear of it, even if we had given up.
 */
static bool yield(struct mg_setup *setup, struct mg_proposal *p, const uint8_t id[MG_ID_BYTES],
		  vd_ns now)
{
	if (memcmp(p->id, id, MG_ID_BYTES) < 0) {
		if (p->state == MG_PROPOSAL_FAILED)
			mg_proposal_restart(p, now);
		return false;
	}
	p->state = MG_PROPOSAL_FREE;
	setup->burnt++;
	p->tell = !mg_table_find_name(setup->table, mg_proposal_name(setup, p)) &&
		  mg_proposal_add(setup, p->name, now) != VD_OK;
	return true;
}

/* The bit of the entry's position in the table once it is granted, else 0. */
static uint64_t grant(struct mg_setup *setup, const struct mg_op *op,
		      const struct mg_op_entry *entry, vd_ns now)
{
	const struct mg_entry *there = mg_table_find(setup->table, entry->index);
	struct mg_proposal *p = mg_proposal_at(setup, entry->index);
	bool ours = p && vd_bytes_equal(mg_proposal_name(setup, p), entry->name);

	take(setup, entry->index);
	if (there)
		return vd_bytes_equal(vd_bytes(there->name, there->len), entry->name)
			   ? UINT64_C(1) << (there - setup->table->entries)
			   : 0;
	if (!ours && !theirs(setup, entry->index)) {
		setup->stats.contradicting++;
		return 0;
	}
	if (p && !ours && !yield(setup, p, op->id, now))
		return 0;
	if (position_of(setup, entry->name) == setup->name_count)
		return 0;
	if (!p && !mg_proposal_room(setup)) {
		setup->stats.turned_away++;
		return 0;
	}
	if (!commit(setup, entry->index, entry->name))
		return 0;
	setup->burnt -= p && !ours; /* it took the place of the one that yielded */
	return UINT64_C(1) << (setup->table->count - 1);
}

static bool is_own(const struct mg_setup *setup, const uint8_t id[MG_ID_BYTES])
{
	if (setup->list.sent && mg_same_id(setup->list.id, id))
		return true;
	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++)
		if (setup->proposals[i].state != MG_PROPOSAL_FREE &&
		    mg_same_id(setup->proposals[i].id, id))
			return true;
	return false;
}

static void recv_offer(struct mg_setup *setup, const struct mg_op *op, vd_ns now)
{
	uint64_t granted = 0;

	if (is_own(setup, op->id)) {
		setup->stats.reflected++;
		return;
	}
	if (op->count == 0) {
		if (!allow(setup, &setup->listing_next, now))
			return;
		granted = UINT64_MAX;
	}
	for (size_t i = 0; i < op->count; i++)
		granted |= grant(setup, op, &op->entries[i], now);
	if (setup->answer_count == MG_SETUP_ANSWERS) {
		setup->stats.turned_away++; /* they repeat */
		return;
	}
	wake(setup, now);
	memcpy(setup->answers[setup->answer_count].id, op->id, MG_ID_BYTES);
	setup->answers[setup->answer_count].codec = op->codec;
	setup->answers[setup->answer_count++].granted = granted;
}

/* An entry that the other side has: ours, too, or what we proposed under this id. */
static void accept(struct mg_setup *setup, const struct mg_op *op, bool listed,
		   const struct mg_op_entry *entry)
{
	const struct mg_entry *there = mg_table_find(setup->table, entry->index);
	struct mg_proposal *p = mg_proposal_at(setup, entry->index);

	if (there) {
		if (!vd_bytes_equal(vd_bytes(there->name, there->len), entry->name))
			setup->stats.contradicting++;
		return;
	}
	if (!p || !(listed || mg_same_id(p->id, op->id)) ||
	    !vd_bytes_equal(mg_proposal_name(setup, p), entry->name) ||
	    !commit(setup, entry->index, entry->name))
		setup->stats.contradicting++;
}

static void recv_answer(struct mg_setup *setup, const struct mg_op *op)
{
	bool listed = setup->list.sent && mg_same_id(setup->list.id, op->id);

	if (!is_own(setup, op->id))
		return; /* of an offer that is settled */
	for (size_t i = 0; i < op->count; i++)
		accept(setup, op, listed, &op->entries[i]);
	if (listed && setup->list.state == MG_PROPOSAL_OUT) {
		setup->list.state = MG_PROPOSAL_FREE;
		setup->list.tell = true;
	}
	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++) {
		struct mg_proposal *p = &setup->proposals[i];

		if (p->state == MG_PROPOSAL_OUT && mg_same_id(p->id, op->id)) {
			p->state = MG_PROPOSAL_REFUSED;
			p->tell = true;
		}
	}
}

/* They lack an entry: its answer may have been lost, so offer it again. */
static void recv_error(struct mg_setup *setup, const struct mg_op *op, vd_ns now)
{
	setup->peer_error = op->err_index;
	setup->peer_error_in = true;
	if (op->err_index < MG_FIRST_NEGOTIATED || !mg_table_find(setup->table, op->err_index) ||
	    !allow(setup, &setup->again_next, now))
		return;
	wake(setup, now);
	setup->again_index = op->err_index;
	setup->again_out = true;
}

enum vd_err mg_setup_recv(struct mg_setup *setup, struct vd_bytes in, struct vd_bytes *rest_out,
			  vd_ns now)
{
	struct mg_op op;
	struct mg_op_text text;
	enum vd_err err = setup->role == MG_ROLE_BARE
			      ? mg_op_read(in, &op, rest_out)
			      : mg_op_read_authenticated(in, &text, &op, rest_out);

	if (err) {
		setup->stats.malformed++;
		setup->stats.unsupported += err == VD_EPEER_UNSUPPORTED;
		return err;
	}
	setup->stats.received++;
	switch (op.kind) {
	case MG_OP_OFFER: recv_offer(setup, &op, now); break;
	case MG_OP_ANSWER: recv_answer(setup, &op); break;
	case MG_OP_ERROR: recv_error(setup, &op, now); break;
	}
	return VD_OK;
}

void mg_setup_unknown(struct mg_setup *setup, uint64_t index, vd_ns now)
{
	if (mg_table_find(setup->table, index) || !allow(setup, &setup->error_next, now))
		return;
	wake(setup, now);
	setup->error_index = index;
	setup->error_out = true;
}

/* ---- sending ---- */

static void append(struct mg_op *op, uint64_t index, struct vd_bytes name)
{
	op->entries[op->count++] = (struct mg_op_entry){ .index = index, .name = name };
}

static bool take_answer(struct mg_setup *setup, struct mg_op *op)
{
	const struct mg_table *table = setup->table;
	size_t len = MG_OP_EMPTY_LEN;

	if (!setup->answer_count)
		return false;
	op->kind = MG_OP_ANSWER;
	op->codec = setup->answers[0].codec;
	memcpy(op->id, setup->answers[0].id, MG_ID_BYTES);
	for (const struct mg_entry *at = mg_table_from(table, 0); at;
	     at = mg_table_from(table, at->index + 1)) {
		if (!(setup->answers[0].granted >> (at - table->entries) & 1))
			continue;
		len += mg_op_entry_len(at->index, at->len);
		if (len > MG_OP_BYTES)
			break;
		append(op, at->index, vd_bytes(at->name, at->len));
	}
	memmove(setup->answers, setup->answers + 1,
		--setup->answer_count * sizeof setup->answers[0]);
	return true;
}

static bool take_error(struct mg_setup *setup, struct mg_op *op)
{
	bool out = setup->error_out;

	op->kind = MG_OP_ERROR;
	op->err_index = setup->error_index;
	setup->error_out = false;
	return out;
}

static bool take_again(struct mg_setup *setup, struct mg_op *op)
{
	const struct mg_entry *entry = mg_table_find(setup->table, setup->again_index);

	if (!setup->again_out)
		return false;
	op->kind = MG_OP_OFFER;
	randombytes_buf(op->id, MG_ID_BYTES);
	append(op, entry->index, vd_bytes(entry->name, entry->len));
	setup->again_out = false;
	return true;
}

static bool to_send(const struct mg_proposal *p, vd_ns now)
{
	return p->state == MG_PROPOSAL_OUT && p->sent < MG_SETUP_SENDS && p->due <= now;
}

/* 1, 2, 4, 8, 8, … s. */
static void sent(struct mg_proposal *p, vd_ns now)
{
	p->due = vd_ns_add(now, VD_SECONDS(UINT64_C(1) << (p->sent < 3 ? p->sent : 3)));
	p->sent++;
	p->fresh = false;
}

/* The proposal of this offer with the lowest index from `from`. */
static struct mg_proposal *next_of_offer(struct mg_setup *setup, const uint8_t id[MG_ID_BYTES],
					 uint64_t from)
{
	struct mg_proposal *best = NULL;

	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++) {
		struct mg_proposal *p = &setup->proposals[i];

		if (p->state == MG_PROPOSAL_OUT && p->sent < MG_SETUP_SENDS &&
		    mg_same_id(p->id, id) && p->index >= from && (!best || p->index < best->index))
			best = p;
	}
	return best;
}

static bool take_list(struct mg_setup *setup, struct mg_op *op, vd_ns now)
{
	if (!to_send(&setup->list, now))
		return false;
	op->kind = MG_OP_OFFER;
	memcpy(op->id, setup->list.id, MG_ID_BYTES);
	sent(&setup->list, now);
	return true;
}

static bool take_offer(struct mg_setup *setup, struct mg_op *op, vd_ns now)
{
	struct mg_proposal *p = setup->proposals;

	while (p < setup->proposals + MG_SETUP_PROPOSALS && !to_send(p, now))
		p++;
	if (p == setup->proposals + MG_SETUP_PROPOSALS)
		return false;
	op->kind = MG_OP_OFFER;
	memcpy(op->id, p->id, MG_ID_BYTES);
	for (p = next_of_offer(setup, op->id, 0); p;
	     p = next_of_offer(setup, op->id, p->index + UINT64_C(1))) {
		append(op, p->index, mg_proposal_name(setup, p));
		sent(p, now);
	}
	return true;
}

enum vd_err mg_setup_send(struct mg_setup *setup, struct vd_write *w, vd_ns now)
{
	struct mg_op op = { 0 };

	if (w->err || w->end - w->at < MG_SETUP_PACKET)
		return VD_EBUG_ROOM;
	if (!take_answer(setup, &op) && !take_error(setup, &op) && !take_again(setup, &op) &&
	    !take_list(setup, &op, now) && !take_offer(setup, &op, now))
		return VD_AGAIN;
	setup->stats.sent++;
	mg_frame_write(w, MG_SETUP);
	return mg_op_write_most(w, &op);
}

/* ---- events and time ---- */

static struct mg_event proposal_event(const struct mg_setup *setup, struct mg_proposal *p)
{
	p->tell = false;
	return (struct mg_event){
		.kind = p->state == MG_PROPOSAL_REFUSED ? MG_EVENT_REFUSED : MG_EVENT_FAILED,
		.index = p->index,
		.name = setup->names[p->name],
	};
}

struct mg_event mg_setup_next(struct mg_setup *setup)
{
	if (setup->told < setup->table->count) {
		const struct mg_entry *entry = &setup->table->entries[setup->told++];

		return (struct mg_event){ MG_EVENT_ENTRY, entry->index, entry->name };
	}
	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++)
		if (setup->proposals[i].tell)
			return proposal_event(setup, &setup->proposals[i]);
	if (setup->list.tell) {
		setup->list.tell = false;
		return (struct mg_event){ .kind = setup->list.state == MG_PROPOSAL_FAILED
						      ? MG_EVENT_FAILED
						      : MG_EVENT_LISTED };
	}
	if (setup->peer_error_in) {
		setup->peer_error_in = false;
		return (struct mg_event){ MG_EVENT_PEER_ERROR, setup->peer_error, NULL };
	}
	return (struct mg_event){ .kind = MG_EVENT_NONE };
}

static vd_ns due_of(const struct mg_proposal *p)
{
	return p->state == MG_PROPOSAL_OUT ? p->due : VD_NEVER;
}

vd_ns mg_setup_deadline(const struct mg_setup *setup)
{
	vd_ns due = due_of(&setup->list);

	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++)
		due = vd_ns_min(due, due_of(&setup->proposals[i]));
	if (setup->answer_count || setup->error_out || setup->again_out)
		due = vd_ns_min(due, setup->send_at);
	return due;
}

static void give_up(struct mg_proposal *p, vd_ns now)
{
	if (p->state != MG_PROPOSAL_OUT || p->sent < MG_SETUP_SENDS || p->due > now)
		return;
	p->state = MG_PROPOSAL_FAILED;
	p->tell = true;
}

void mg_setup_expire(struct mg_setup *setup, vd_ns now)
{
	give_up(&setup->list, now);
	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++)
		give_up(&setup->proposals[i], now);
}
