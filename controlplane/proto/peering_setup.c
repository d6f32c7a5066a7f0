/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Setup inside sealed frames: the peer's offers are answered. We make none: what we speak
 * is offered in the handshake. Of new entries only ping's is taken, which is answered
 * here; others would have to reach the data plane's records, which do not change.
 */
#include "controlplane/proto/peering_state.h"
#include "controlplane/proto/ping.h"
#include "multigram/frame.h"

static void table_of(const struct peering *p, const struct generation *generation,
		     struct mg_table *table)
{
	mg_table_init(table, MG_TABLE_VIADUCT);
	for (size_t i = 0; i < p->self.offer_count; i++) {
		if (generation->inner[i])
			(void)!mg_table_add(table, generation->inner[i],
					    vd_bytes_of_text(p->self.offer[i]));
	}
}

/* Initiators assign even indices, responders odd ones. */
static bool takes(const struct peering *p, const struct generation *generation,
		  const struct mg_op_entry *entry)
{
	bool odd = entry->index & 1;

	return p->ping_offer < PEERING_OFFERS && generation->inner[p->ping_offer] == 0 &&
	       odd == generation->initiator && entry->index >= MG_FIRST_NEGOTIATED &&
	       entry->index <= UINT8_MAX &&
	       vd_bytes_equal(entry->name, vd_bytes_of_text(PING_NAME));
}

static bool grant(const struct peering *p, struct generation *generation, struct mg_table *table,
		  const struct mg_op_entry *entry)
{
	const struct mg_entry *known = mg_table_find(table, entry->index);

	if (known)
		return vd_bytes_equal(vd_bytes(known->name, known->len), entry->name);
	if (!takes(p, generation, entry) || mg_table_add(table, entry->index, entry->name))
		return false;
	generation->inner[p->ping_offer] = (uint8_t)entry->index;
	return true;
}

/* All of the table: six fixed entries and at most four of ours fit. */
static void list(const struct mg_table *table, struct mg_op *answer)
{
	const struct mg_entry *at = mg_table_from(table, 0);

	for (; at; at = mg_table_from(table, at->index + 1))
		answer->entries[answer->count++] =
		    (struct mg_op_entry){ .index = at->index, .name = vd_bytes(at->name, at->len) };
}

enum vd_err setup_recv(struct peering *p, uint32_t slot, struct vd_bytes in,
		       struct vd_bytes *rest_out)
{
	struct generation *generation = &p->generations[slot];
	const struct peering_path path = generation->path;
	struct mg_op offer, answer = { .kind = MG_OP_ANSWER };
	uint8_t body[MG_OP_BYTES];
	struct vd_write w = vd_write_to(body, sizeof body);
	struct mg_table table;
	enum vd_err err = mg_op_read(in, &offer, rest_out);

	if (err || offer.kind != MG_OP_OFFER)
		return err;
	table_of(p, generation, &table);
	memcpy(answer.id, offer.id, sizeof answer.id);
	for (size_t i = 0; i < offer.count; i++) {
		if (grant(p, generation, &table, &offer.entries[i]))
			answer.entries[answer.count++] = offer.entries[i];
	}
	if (offer.count == 0)
		list(&table, &answer);
	err = mg_op_write(&w, &answer);
	return err ? err : inner_send(p, slot, &path, MG_SETUP, vd_write_done(&w));
}
