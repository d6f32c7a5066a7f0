/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/setup.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const char *const session[] = { "/viaduct/ip6/1", "/viaduct/ping/1" };
static const char *const ping[] = { "/viaduct/ping/1" };

static struct mg_table initiator, responder;
static struct mg_offer offer;
static uint8_t offer_bytes[MG_OP_BYTES], answer_bytes[MG_OP_BYTES];
static struct vd_write to_offer, to_answer;

static void set_up(void)
{
	mg_table_init(&initiator, MG_TABLE_VIADUCT);
	mg_table_init(&responder, MG_TABLE_VIADUCT);
	to_offer = vd_write_to(offer_bytes, sizeof offer_bytes);
	to_answer = vd_write_to(answer_bytes, sizeof answer_bytes);
	cr_assert(eq(int, mg_setup_offer(&offer, session, 2, &to_offer), VD_OK));
}

TestSuite(setup_once, .init = set_up);

static void write_op(struct vd_write *w, const struct mg_op *op)
{
	*w = vd_write_to(w->start, MG_OP_BYTES);
	cr_assert(eq(int, mg_op_write(w, op), VD_OK));
}

static struct mg_op one(enum mg_op_kind kind, uint64_t index, const char *name)
{
	struct mg_op op = { .kind = kind, .count = 1 };

	memcpy(op.id, offer.id, sizeof op.id);
	op.entries[0] = (struct mg_op_entry){ index, vd_bytes_of_text(name) };
	return op;
}

static enum vd_err answer(void)
{
	return mg_setup_answer(&responder, ping, 1, vd_write_done(&to_offer), &to_answer);
}

static enum vd_err accept(void)
{
	return mg_setup_accept(&initiator, &offer, vd_write_done(&to_answer));
}

Test(setup_once, both_sides_commit_what_both_support)
{
	cr_assert(eq(int, answer(), VD_OK));
	cr_assert(eq(int, accept(), VD_OK));
	for (int i = 0; i < 2; i++) {
		const struct mg_table *table = i ? &initiator : &responder;

		cr_assert(eq(sz, table->count, 7));
		cr_assert(eq(u64, mg_table_find_name(table, vd_bytes_of_text(ping[0]))->index, 18));
		cr_assert(eq(ptr, (void *)mg_table_find(table, 16), NULL), "not supported there");
	}
	cr_assert(le(sz, vd_write_len(&to_answer), vd_write_len(&to_offer)));
}

Test(setup_once, the_initiator_commits_nothing_before_the_answer)
{
	cr_assert(eq(sz, initiator.count, 6));
	cr_assert(eq(u64, offer.entries[0].index, 16));
	cr_assert(eq(u64, offer.entries[1].index, 18));
}

Test(setup_once, odd_and_reserved_indices_are_not_granted)
{
	static const uint64_t rows[] = { 17, 14, 3 };

	for (size_t i = 0; i < 3; i++) {
		struct mg_op op = one(MG_OP_OFFER, rows[i], ping[0]);

		write_op(&to_offer, &op);
		cr_assert(eq(int, answer(), VD_OK));
		cr_assert(eq(sz, responder.count, 6));
		to_answer = vd_write_to(answer_bytes, sizeof answer_bytes);
	}
}

Test(setup_once, fixed_entries_are_granted_under_their_names_only)
{
	struct mg_op op = one(MG_OP_OFFER, 5, "/viaduct/sealed/1"), back;
	struct vd_bytes rest;

	write_op(&to_offer, &op);
	cr_assert(eq(int, answer(), VD_OK));
	cr_assert(eq(int, mg_op_read(vd_write_done(&to_answer), &back, &rest), VD_OK));
	cr_assert(eq(sz, back.count, 1));

	op = one(MG_OP_OFFER, 5, ping[0]);
	write_op(&to_offer, &op);
	to_answer = vd_write_to(answer_bytes, sizeof answer_bytes);
	cr_assert(eq(int, answer(), VD_OK));
	cr_assert(eq(int, mg_op_read(vd_write_done(&to_answer), &back, &rest), VD_OK));
	cr_assert(eq(sz, back.count, 0));
}

Test(setup_once, an_offer_without_entries_gets_the_table)
{
	struct mg_op back;
	struct vd_bytes rest;

	to_offer = vd_write_to(offer_bytes, sizeof offer_bytes);
	cr_assert(eq(int, mg_setup_offer(&offer, NULL, 0, &to_offer), VD_OK));
	cr_assert(eq(int, answer(), VD_OK));
	cr_assert(eq(int, mg_op_read(vd_write_done(&to_answer), &back, &rest), VD_OK));
	cr_assert(eq(sz, back.count, 6));
	cr_assert(eq(int, accept(), VD_OK));
	cr_assert(eq(sz, initiator.count, 6));
}

Test(setup_once, an_offer_that_does_not_read_leaves_the_table)
{
	size_t whole = vd_write_len(&to_offer);

	for (size_t len = 0; len < whole; len++)
		cr_assert(
		    eq(int,
		       mg_setup_answer(&responder, ping, 1, vd_bytes(offer_bytes, len), &to_answer),
		       VD_EPEER_TRUNC));
	vd_write_u8(&to_offer, 8);
	cr_assert(eq(int, answer(), VD_EPEER_FORMAT), "nothing may trail it");
	cr_assert(eq(sz, responder.count, 6));
	cr_assert(eq(sz, vd_write_len(&to_answer), 0));
}

Test(setup_once, an_answer_is_no_offer)
{
	struct mg_op op = one(MG_OP_ANSWER, 16, ping[0]);

	write_op(&to_offer, &op);
	cr_assert(eq(int, answer(), VD_EPEER_STATE));
}

Test(setup_once, an_answer_to_another_offer_is_refused)
{
	struct mg_op op = one(MG_OP_ANSWER, 18, ping[0]);

	op.id[7] ^= 1;
	write_op(&to_answer, &op);
	cr_assert(eq(int, accept(), VD_EPEER_STATE));
	cr_assert(eq(sz, initiator.count, 6));
}

Test(setup_once, an_answer_that_grants_what_was_not_offered_is_refused)
{
	struct mg_op rows[] = {
		one(MG_OP_ANSWER, 20, ping[0]),
		one(MG_OP_ANSWER, 16, ping[0]),
		one(MG_OP_ANSWER, 5, ping[0]),
		one(MG_OP_OFFER, 18, ping[0]),
	};

	for (size_t i = 0; i < 4; i++) {
		write_op(&to_answer, &rows[i]);
		cr_assert(eq(int, accept(), VD_EPEER_STATE), "%zu", i);
		cr_assert(eq(sz, initiator.count, 6));
	}
}

Test(setup_once, nothing_but_cbor_is_read)
{
	static const char json[] = "\x80\x04{\"id\":\"AAECAwQFBgc=\",\"0x10\":\"/viaduct/ping/1\"}";
	static const uint8_t protobuf[] = { 0x50, 0x0a, 0x08, 0, 1, 2, 3, 4, 5, 6, 7 };

	to_offer = vd_write_to(offer_bytes, sizeof offer_bytes);
	vd_write_bytes(&to_offer, vd_bytes(json, sizeof json - 1));
	cr_assert(eq(int, answer(), VD_EPEER_UNSUPPORTED));
	to_offer = vd_write_to(offer_bytes, sizeof offer_bytes);
	vd_write_bytes(&to_offer, vd_bytes(protobuf, sizeof protobuf));
	cr_assert(eq(int, answer(), VD_EPEER_UNSUPPORTED));
	to_answer = vd_write_to(answer_bytes, sizeof answer_bytes);
	vd_write_bytes(&to_answer, vd_bytes(json, sizeof json - 1));
	cr_assert(eq(int, accept(), VD_EPEER_UNSUPPORTED));
	cr_assert(eq(sz, responder.count, 6));
}

Test(setup_once, a_partly_wrong_answer_commits_nothing)
{
	struct mg_op op = one(MG_OP_ANSWER, 18, ping[0]);

	op.entries[op.count++] = (struct mg_op_entry){ 20, vd_bytes_of_text("/x/1") };
	write_op(&to_answer, &op);
	cr_assert(eq(int, accept(), VD_EPEER_STATE));
	cr_assert(eq(sz, initiator.count, 6));
}

Test(setup_once, callers_are_told_of_their_mistakes)
{
	const char *many[MG_OFFER_NAMES + 1], *bad[] = { "ping" };
	uint8_t small[20];
	struct vd_write w = vd_write_to(small, sizeof small);

	for (size_t i = 0; i <= MG_OFFER_NAMES; i++)
		many[i] = "/x/1";
	cr_assert(eq(int, mg_setup_offer(&offer, many, MG_OFFER_NAMES + 1, &w), VD_EBUG_STATE));
	cr_assert(eq(int, mg_setup_offer(&offer, bad, 1, &w), VD_EBUG_STATE));
	cr_assert(eq(int, mg_setup_offer(&offer, session, 2, &w), VD_EBUG_ROOM));
	w = vd_write_to(small, 8);
	cr_assert(eq(int, mg_setup_answer(&responder, ping, 1, vd_write_done(&to_offer), &w),
		     VD_EBUG_ROOM));
	cr_assert(eq(sz, responder.count, 6));
}

Test(setup_once, ids_are_drawn_anew)
{
	struct mg_offer other;
	uint8_t bytes[MG_OP_BYTES];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	cr_assert(eq(int, mg_setup_offer(&other, session, 2, &w), VD_OK));
	cr_assert(not(zero(int, memcmp(other.id, offer.id, MG_ID_BYTES))));
}

Test(setup_once, of_one_name_four_indices_of_a_byte_are_granted)
{
	struct mg_op op = one(MG_OP_OFFER, 16, ping[0]);

	op.count = 6;
	for (size_t i = 1; i < 6; i++)
		op.entries[i] = (struct mg_op_entry){ 16 + 2 * i, op.entries[0].name };
	write_op(&to_offer, &op);
	cr_assert(eq(int, answer(), VD_OK));
	cr_assert(eq(sz, responder.count, 6 + MG_SAME_NAME));

	mg_table_init(&responder, MG_TABLE_VIADUCT);
	op = one(MG_OP_OFFER, 256, ping[0]);
	write_op(&to_offer, &op);
	to_answer = vd_write_to(answer_bytes, sizeof answer_bytes);
	cr_assert(eq(int, answer(), VD_OK));
	cr_assert(eq(sz, responder.count, 6));
}
