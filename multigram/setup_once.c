/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Setup inside the Noise payloads of a handshake: nothing is lost there, so nothing repeats. */
#include <sodium.h>

#include "multigram/setup.h"

static bool supports(const char *const *names, size_t count, struct vd_bytes name)
{
	for (size_t i = 0; i < count; i++)
		if (vd_bytes_equal(vd_bytes_of_text(names[i]), name))
			return true;
	return false;
}

enum vd_err mg_setup_offer(struct mg_offer *offer, const char *const *names, size_t count,
			   struct vd_write *w)
{
	struct mg_op op = { .kind = MG_OP_OFFER, .count = count };
	struct mg_offer made = { .count = count };

	if (count > MG_OFFER_NAMES)
		return VD_EBUG_STATE;
	randombytes_buf(made.id, sizeof made.id);
	memcpy(op.id, made.id, sizeof op.id);
	for (size_t i = 0; i < count; i++) {
		made.entries[i].index = MG_FIRST_NEGOTIATED + 2 * i;
		made.entries[i].name = names[i];
		op.entries[i].index = made.entries[i].index;
		op.entries[i].name = vd_bytes_of_text(names[i]);
		if (!mg_name_valid(op.entries[i].name))
			return VD_EBUG_STATE;
	}
	enum vd_err err = mg_op_write(w, &op);
	if (!err)
		*offer = made;
	return err;
}

/* Nothing trails an operation in a Noise payload. */
static enum vd_err read_whole(struct vd_bytes in, enum mg_op_kind kind, struct mg_op *op_out)
{
	struct vd_bytes rest;
	enum vd_err err = mg_op_read(in, op_out, &rest);

	if (err)
		return err;
	if (rest.len)
		return VD_EPEER_FORMAT;
	return op_out->kind == kind ? VD_OK : VD_EPEER_STATE;
}

/* Generations are many: each has room for a few indices of a byte. */
static bool fits(const struct mg_table *table, const struct mg_op_entry *entry)
{
	size_t same = 0;

	for (size_t i = 0; i < table->count; i++)
		same += vd_bytes_equal(vd_bytes(table->entries[i].name, table->entries[i].len),
				       entry->name);
	return same < MG_SAME_NAME && entry->index <= MG_INDEX_BYTE;
}

/* Whether the responder has the entry now: it was there, or is the initiator's to assign. */
static bool grant(struct mg_table *table, const char *const *names, size_t count,
		  const struct mg_op_entry *entry)
{
	if (!mg_table_find(table, entry->index) &&
	    (entry->index % 2 || !supports(names, count, entry->name) || !fits(table, entry)))
		return false;
	return mg_table_add(table, entry->index, entry->name) == VD_OK;
}

static void list(const struct mg_table *table, struct mg_op *op)
{
	size_t len = MG_OP_EMPTY_LEN;
	const struct mg_entry *at = mg_table_from(table, 0);

	for (; at; at = mg_table_from(table, at->index + 1)) {
		len += mg_op_entry_len(at->index, at->len);
		if (len > MG_OP_BYTES)
			return;
		op->entries[op->count++] =
		    (struct mg_op_entry){ .index = at->index, .name = vd_bytes(at->name, at->len) };
	}
}

enum vd_err mg_setup_answer(struct mg_table *table, const char *const *names, size_t count,
			    struct vd_bytes offer, struct vd_write *w)
{
	struct mg_table next = *table;
	struct mg_op in, out = { .kind = MG_OP_ANSWER };
	enum vd_err err = read_whole(offer, MG_OP_OFFER, &in);

	if (err)
		return err;
	memcpy(out.id, in.id, sizeof out.id);
	for (size_t i = 0; i < in.count; i++)
		if (grant(&next, names, count, &in.entries[i]))
			out.entries[out.count++] = in.entries[i];
	if (in.count == 0)
		list(table, &out);
	err = mg_op_write(w, &out);
	if (!err)
		*table = next;
	return err;
}

static bool offered(const struct mg_offer *offer, const struct mg_op_entry *entry)
{
	for (size_t i = 0; i < offer->count; i++)
		if (offer->entries[i].index == entry->index)
			return vd_bytes_equal(vd_bytes_of_text(offer->entries[i].name),
					      entry->name);
	return false;
}

enum vd_err mg_setup_accept(struct mg_table *table, const struct mg_offer *offer,
			    struct vd_bytes answer)
{
	struct mg_table next = *table;
	struct mg_op in;
	enum vd_err err = read_whole(answer, MG_OP_ANSWER, &in);

	if (err)
		return err;
	if (memcmp(in.id, offer->id, sizeof in.id) != 0)
		return VD_EPEER_STATE;
	for (size_t i = 0; i < in.count; i++) {
		const struct mg_op_entry *entry = &in.entries[i];

		if (!mg_table_find(&next, entry->index) && !offered(offer, entry))
			return VD_EPEER_STATE;
		err = mg_table_add(&next, entry->index, entry->name);
		if (err)
			return err;
	}
	*table = next;
	return VD_OK;
}
