/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/setup.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static const char *const both[] = { "/x/1", "/y/1" };
static const char *const only_y[] = { "/y/1" };

struct side {
	struct mg_table table;
	struct mg_setup setup;
};

static struct side a, b;
static uint8_t buffer[2][MG_SETUP_PACKET];

static void start(struct side *side, enum mg_role role, const char *const *names, size_t count)
{
	mg_table_init(&side->table, role == MG_ROLE_BARE ? MG_TABLE_BARE : MG_TABLE_VIADUCT);
	cr_assert(eq(int, mg_setup_init(&side->setup, &side->table, role, names, count), VD_OK));
}

static void set_up(void)
{
	start(&a, MG_ROLE_INITIATOR, both, 2);
	start(&b, MG_ROLE_RESPONDER, both, 2);
}

TestSuite(setup, .init = set_up);

static void set_up_bare(void)
{
	start(&a, MG_ROLE_BARE, both, 2);
	start(&b, MG_ROLE_BARE, both, 2);
}

/* The next packet of a side; empty when nothing is due. a and b have a buffer each. */
static struct vd_bytes sent_by(struct side *side, vd_ns now)
{
	struct vd_write w = vd_write_to(buffer[side == &b], MG_SETUP_PACKET);
	enum vd_err err = mg_setup_send(&side->setup, &w, now);

	cr_assert(err == VD_OK || err == VD_AGAIN);
	return vd_write_done(&w);
}

static enum vd_err give(struct side *side, struct vd_bytes packet, vd_ns now)
{
	uint64_t index = 1;
	struct vd_bytes payload, rest;

	cr_assert(eq(int, mg_frame_read(packet, &index, &payload), VD_OK));
	cr_assert(eq(u64, index, MG_SETUP));
	return mg_setup_recv(&side->setup, payload, &rest, now);
}

/* One packet from one side to the other. */
static void pass(struct side *from, struct side *to, vd_ns now)
{
	struct vd_bytes packet = sent_by(from, now);

	cr_assert(ne(sz, packet.len, 0), "a packet is due");
	cr_assert(eq(int, give(to, packet, now), VD_OK));
}

/* All that is due, both ways, until nothing is; at most a hundred packets. */
static void pass_all(vd_ns now)
{
	size_t packets = 0;

	for (bool more = true; more;) {
		more = false;
		for (unsigned i = 0; i < 2; i++) {
			struct vd_bytes packet = sent_by(i ? &b : &a, now);

			if (!packet.len)
				continue;
			more = true;
			cr_assert(eq(int, give(i ? &a : &b, packet, now), VD_OK));
			cr_assert(lt(sz, ++packets, 100));
		}
	}
}

static struct mg_op op_in(struct vd_bytes packet)
{
	struct mg_op op = { 0 };
	struct vd_bytes rest;

	cr_assert(gt(sz, packet.len, 1));
	cr_assert(eq(int, mg_op_read(vd_bytes(packet.at + 1, packet.len - 1), &op, &rest), VD_OK));
	return op;
}

static enum vd_err give_op(struct side *side, const struct mg_op *op, vd_ns now)
{
	uint8_t bytes[MG_OP_BYTES];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct vd_bytes rest;

	cr_assert(eq(int, mg_op_write(&w, op), VD_OK));
	return mg_setup_recv(&side->setup, vd_write_done(&w), &rest, now);
}

static struct mg_op offer_of(uint8_t id, uint64_t index, const char *name)
{
	struct mg_op op = { .kind = MG_OP_OFFER, .count = 1 };

	memset(op.id, id, sizeof op.id);
	op.entries[0] = (struct mg_op_entry){ index, vd_bytes_of_text(name) };
	return op;
}

static void propose(struct side *side, const char *name, vd_ns now)
{
	cr_assert(eq(int, mg_setup_propose(&side->setup, name, now), VD_OK));
}

static bool has(const struct side *side, uint64_t index, const char *name)
{
	const struct mg_entry *entry = mg_table_find(&side->table, index);

	return entry && strcmp(entry->name, name) == 0;
}

static void next_is(struct side *side, enum mg_event_kind kind, uint64_t index)
{
	struct mg_event event = mg_setup_next(&side->setup);

	cr_assert(eq(int, event.kind, kind));
	cr_assert(eq(u64, event.index, index));
}

Test(setup, the_proposer_commits_after_the_answerer)
{
	propose(&a, "/x/1", 0);
	cr_assert(eq(u64, mg_setup_deadline(&a.setup), 0));
	pass(&a, &b, 0);
	cr_assert(has(&b, 16, "/x/1"));
	cr_assert(not(has(&a, 16, "/x/1")));
	pass(&b, &a, 0);
	cr_assert(has(&a, 16, "/x/1"));
	next_is(&a, MG_EVENT_ENTRY, 16);
	next_is(&a, MG_EVENT_NONE, 0);
	next_is(&b, MG_EVENT_ENTRY, 16);
	cr_assert(eq(u64, mg_setup_deadline(&a.setup), VD_NEVER));
	cr_assert(eq(u64, mg_setup_deadline(&b.setup), VD_NEVER));
}

Test(setup, initiators_assign_even_indices_and_responders_odd)
{
	propose(&a, "/x/1", 0);
	propose(&a, "/y/1", 0);
	propose(&b, "/x/1", 0);
	pass_all(0);
	cr_assert(has(&a, 16, "/x/1") && has(&a, 18, "/y/1") && has(&a, 17, "/x/1"));
	cr_assert(has(&b, 16, "/x/1") && has(&b, 18, "/y/1") && has(&b, 17, "/x/1"));
}

Test(setup, names_proposed_together_share_an_offer)
{
	propose(&a, "/x/1", 0);
	propose(&a, "/y/1", 0);
	cr_assert(eq(sz, op_in(sent_by(&a, 0)).count, 2));
	cr_assert(eq(sz, sent_by(&a, 0).len, 0));
}

Test(setup, the_answer_is_the_intersection)
{
	start(&b, MG_ROLE_RESPONDER, only_y, 1);
	propose(&a, "/x/1", 0);
	propose(&a, "/y/1", 0);
	pass_all(0);
	cr_assert(has(&a, 18, "/y/1") && has(&b, 18, "/y/1"));
	cr_assert(eq(sz, a.table.count, 7));
	cr_assert(eq(sz, b.table.count, 7));
	next_is(&a, MG_EVENT_ENTRY, 18);
	next_is(&a, MG_EVENT_REFUSED, 16);
	next_is(&a, MG_EVENT_NONE, 0);
}

Test(setup, an_offer_is_repeated_after_1_2_4_and_8_seconds_and_fails_after_9_sends)
{
	static const unsigned gaps[] = { 1, 2, 4, 8, 8, 8, 8, 8, 8 };
	vd_ns now = VD_SECONDS(100);
	struct mg_op first = { 0 };

	propose(&a, "/x/1", now);
	for (size_t i = 0; i < 9; i++) {
		cr_assert(eq(u64, mg_setup_deadline(&a.setup), now));
		struct mg_op op = op_in(sent_by(&a, now));
		if (i == 0)
			first = op;
		cr_assert(zero(int, memcmp(op.id, first.id, MG_ID_BYTES)), "the same offer");
		mg_setup_expire(&a.setup, now + VD_SECONDS(gaps[i]) - 1);
		cr_assert(eq(sz, sent_by(&a, now + VD_SECONDS(gaps[i]) - 1).len, 0));
		next_is(&a, MG_EVENT_NONE, 0);
		now += VD_SECONDS(gaps[i]);
	}
	cr_assert(eq(sz, sent_by(&a, now).len, 0));
	mg_setup_expire(&a.setup, now);
	next_is(&a, MG_EVENT_FAILED, 16);
	cr_assert(eq(u64, mg_setup_deadline(&a.setup), VD_NEVER));
}

Test(setup, a_failed_name_keeps_its_index_and_may_be_proposed_again)
{
	struct mg_op first, again;

	propose(&a, "/x/1", 0);
	first = op_in(sent_by(&a, 0));
	for (vd_ns now = 0; now < VD_SECONDS(60); now += VD_SECONDS(1)) {
		(void)sent_by(&a, now);
		mg_setup_expire(&a.setup, now);
	}
	next_is(&a, MG_EVENT_FAILED, 16);
	propose(&a, "/x/1", VD_SECONDS(60));
	again = op_in(sent_by(&a, VD_SECONDS(60)));
	cr_assert(zero(int, memcmp(again.id, first.id, MG_ID_BYTES)), "and its id");
	propose(&a, "/y/1", VD_SECONDS(61));
	pass_all(VD_SECONDS(61));
	cr_assert(has(&a, 16, "/x/1") && has(&b, 16, "/x/1"));
	cr_assert(has(&a, 18, "/y/1") && has(&b, 18, "/y/1"));
}

Test(setup, a_refused_name_keeps_its_index_and_id_and_may_be_proposed_again)
{
	struct mg_op first, again;

	start(&b, MG_ROLE_RESPONDER, only_y, 1);
	propose(&a, "/x/1", 0);
	first = op_in(sent_by(&a, 0));
	cr_assert(eq(int, give_op(&b, &first, 0), VD_OK));
	pass_all(0);
	next_is(&a, MG_EVENT_REFUSED, 16);
	start(&b, MG_ROLE_RESPONDER, both, 2); /* it knows more by now */
	propose(&a, "/x/1", VD_SECONDS(60));
	again = op_in(sent_by(&a, VD_SECONDS(60)));
	cr_assert(zero(int, memcmp(again.id, first.id, MG_ID_BYTES)));
	cr_assert(eq(u64, again.entries[0].index, 16));
	cr_assert(eq(int, give_op(&b, &again, VD_SECONDS(60)), VD_OK));
	pass_all(VD_SECONDS(60));
	cr_assert(has(&a, 16, "/x/1") && has(&b, 16, "/x/1"));
}

Test(setup, a_repeated_offer_is_answered_alike_and_changes_nothing)
{
	struct mg_op op = offer_of(9, 16, "/x/1");

	for (int i = 0; i < 3; i++) {
		cr_assert(eq(int, give_op(&b, &op, 0), VD_OK));
		struct mg_op answer = op_in(sent_by(&b, 0));
		cr_assert(eq(int, answer.kind, MG_OP_ANSWER));
		cr_assert(eq(sz, answer.count, 1));
		cr_assert(eq(sz, b.table.count, 7));
	}
}

Test(setup, an_index_in_the_table_under_another_name_is_omitted)
{
	struct mg_op first = offer_of(9, 16, "/x/1"), second = offer_of(8, 16, "/y/1");

	cr_assert(eq(int, give_op(&b, &first, 0), VD_OK));
	(void)sent_by(&b, 0);
	cr_assert(eq(int, give_op(&b, &second, 0), VD_OK));
	cr_assert(eq(sz, op_in(sent_by(&b, 0)).count, 0));
	cr_assert(has(&b, 16, "/x/1"));
}

Test(setup, fixed_and_wrong_parity_indices_are_omitted)
{
	static const uint64_t rows[] = { 2, 5, 14, 17, 301 };

	for (size_t i = 0; i < 5; i++) {
		struct mg_op op = offer_of((uint8_t)(1 + i), rows[i], "/x/1");

		cr_assert(eq(int, give_op(&b, &op, 0), VD_OK));
		cr_assert(eq(sz, op_in(sent_by(&b, 0)).count, 0));
	}
	cr_assert(eq(sz, b.table.count, 6));
	cr_assert(eq(u64, b.setup.stats.contradicting, 2));
}

Test(setup, an_offer_without_entries_lists_the_table_in_order)
{
	struct mg_op empty = { .kind = MG_OP_OFFER, .id = { 5 } };

	propose(&a, "/x/1", 0);
	pass_all(0);
	cr_assert(eq(int, give_op(&b, &empty, 0), VD_OK));
	struct mg_op list = op_in(sent_by(&b, 0));
	cr_assert(eq(int, list.kind, MG_OP_ANSWER));
	cr_assert(eq(sz, list.count, 7));
	cr_assert(eq(u64, list.entries[0].index, 0));
	cr_assert(eq(u64, list.entries[6].index, 16));

	cr_assert(eq(int, give_op(&b, &empty, VD_SECONDS(1) - 1), VD_OK));
	cr_assert(eq(sz, sent_by(&b, VD_SECONDS(1)).len, 0), "one a second");
	cr_assert(eq(u64, b.setup.stats.turned_away, 1));
}

Test(setup, a_list_ends_at_512_bytes)
{
	char name[64];

	memset(name, 'n', sizeof name);
	name[0] = '/';
	for (uint64_t i = 0; i < 20; i++)
		cr_assert(eq(int, mg_table_add(&b.table, 16 + i, vd_bytes(name, 64)), VD_OK));
	mg_setup_list(&a.setup, 0);
	pass(&a, &b, 0);
	struct vd_bytes packet = sent_by(&b, 0);
	struct mg_op list = op_in(packet);
	cr_assert(le(sz, packet.len, MG_SETUP_PACKET));
	cr_assert(gt(sz, packet.len + 71, MG_SETUP_PACKET), "one more would not fit");
	cr_assert(eq(u64, list.entries[list.count - 1].index, 16 + list.count - 7));
}

Test(setup, a_list_heals_a_lost_answer)
{
	propose(&a, "/x/1", 0);
	pass(&a, &b, 0);
	(void)sent_by(&b, 0); /* lost */
	mg_setup_list(&a.setup, VD_MS(1));
	pass_all(VD_MS(1));
	cr_assert(has(&a, 16, "/x/1"));
	next_is(&a, MG_EVENT_ENTRY, 16);
	next_is(&a, MG_EVENT_LISTED, 0);
}

Test(setup, a_list_that_is_not_answered_fails)
{
	mg_setup_list(&a.setup, 0);
	for (vd_ns now = 0; now < VD_SECONDS(60); now += VD_SECONDS(1)) {
		(void)sent_by(&a, now);
		mg_setup_expire(&a.setup, now);
	}
	cr_assert(eq(u64, a.setup.stats.sent, 9));
	next_is(&a, MG_EVENT_FAILED, 0);
}

Test(setup, an_unknown_index_is_reported_once_a_second)
{
	mg_setup_unknown(&a.setup, 77, 0);
	struct mg_op op = op_in(sent_by(&a, 0));
	cr_assert(eq(int, op.kind, MG_OP_ERROR));
	cr_assert(eq(u64, op.err_index, 77));

	mg_setup_unknown(&a.setup, 78, VD_SECONDS(1) - 1);
	cr_assert(eq(sz, sent_by(&a, VD_SECONDS(1)).len, 0));
	mg_setup_unknown(&a.setup, 79, VD_SECONDS(1));
	cr_assert(eq(u64, op_in(sent_by(&a, VD_SECONDS(1))).err_index, 79));
	mg_setup_unknown(&a.setup, MG_CONTROL, VD_SECONDS(9));
	cr_assert(eq(sz, sent_by(&a, VD_SECONDS(9)).len, 0), "that one is known");
}

Test(setup, an_error_about_an_entry_of_ours_offers_it_again)
{
	propose(&a, "/x/1", 0);
	pass(&a, &b, 0);
	(void)sent_by(&b, 0); /* lost: b has 16, a has not */
	mg_setup_unknown(&a.setup, 16, VD_MS(1));
	pass(&a, &b, VD_MS(1));
	next_is(&b, MG_EVENT_ENTRY, 16);
	next_is(&b, MG_EVENT_PEER_ERROR, 16);
	pass(&b, &a, VD_MS(1));
	cr_assert(has(&a, 16, "/x/1"));
}

Test(setup, an_error_is_never_answered_with_an_error)
{
	struct mg_op op = { .kind = MG_OP_ERROR, .err_index = 77 };

	cr_assert(eq(int, give_op(&a, &op, 0), VD_OK));
	cr_assert(eq(sz, sent_by(&a, 0).len, 0));
	next_is(&a, MG_EVENT_PEER_ERROR, 77);
}

Test(setup, bare_the_smaller_id_stands_whoever_comes_first)
{
	for (int first = 0; first < 2; first++) {
		set_up_bare();
		propose(&a, "/x/1", 0);
		propose(&b, "/y/1", 0);
		struct vd_bytes from_a = sent_by(&a, 0), from_b = sent_by(&b, 0);
		struct mg_op offer_a = op_in(from_a), offer_b = op_in(from_b);
		bool a_stands = memcmp(offer_a.id, offer_b.id, MG_ID_BYTES) < 0;

		cr_assert(eq(u64, offer_a.entries[0].index, 16));
		cr_assert(eq(u64, offer_b.entries[0].index, 16));
		cr_assert(eq(int, give_op(first ? &a : &b, first ? &offer_b : &offer_a, 0), VD_OK));
		cr_assert(eq(int, give_op(first ? &b : &a, first ? &offer_a : &offer_b, 0), VD_OK));
		pass_all(0);
		cr_assert(has(&a, 16, a_stands ? "/x/1" : "/y/1"));
		cr_assert(has(&b, 16, a_stands ? "/x/1" : "/y/1"));
		cr_assert(has(&a, 17, a_stands ? "/y/1" : "/x/1"));
		cr_assert(has(&b, 17, a_stands ? "/y/1" : "/x/1"));
	}
}

Test(setup, bare_who_yields_proposes_under_a_new_id)
{
	set_up_bare();
	propose(&a, "/x/1", 0);
	struct mg_op ours = op_in(sent_by(&a, 0)), theirs = offer_of(0, 16, "/y/1");

	cr_assert(eq(int, give_op(&a, &theirs, 0), VD_OK));
	cr_assert(has(&a, 16, "/y/1"));
	cr_assert(eq(sz, op_in(sent_by(&a, 0)).count, 1), "granted");
	struct mg_op anew = op_in(sent_by(&a, 0));
	cr_assert(eq(int, anew.kind, MG_OP_OFFER));
	cr_assert(eq(u64, anew.entries[0].index, 17));
	cr_assert(not(zero(int, memcmp(anew.id, ours.id, MG_ID_BYTES))));
}

Test(setup, bare_what_stands_is_told_again_even_after_it_failed)
{
	struct mg_op theirs = offer_of(0xff, 16, "/y/1");

	set_up_bare();
	propose(&a, "/x/1", 0);
	for (vd_ns now = 0; now < VD_SECONDS(60); now += VD_SECONDS(1)) {
		(void)sent_by(&a, now);
		mg_setup_expire(&a.setup, now);
	}
	cr_assert(eq(int, give_op(&a, &theirs, VD_SECONDS(60)), VD_OK));
	cr_assert(eq(sz, op_in(sent_by(&a, VD_SECONDS(60))).count, 0), "omitted");
	cr_assert(eq(int, op_in(sent_by(&a, VD_SECONDS(60))).kind, MG_OP_OFFER));
}

Test(setup, bare_one_name_under_one_index_is_no_conflict)
{
	set_up_bare();
	propose(&a, "/x/1", 0);
	propose(&b, "/x/1", 0);
	pass_all(0);
	cr_assert(has(&a, 16, "/x/1") && has(&b, 16, "/x/1"));
	cr_assert(eq(sz, a.table.count, 2));
	cr_assert(eq(sz, b.table.count, 2));
}

Test(setup, our_own_offer_coming_back_is_dropped)
{
	set_up_bare();
	propose(&a, "/x/1", 0);
	struct vd_bytes packet = sent_by(&a, 0);

	cr_assert(eq(int, give(&a, packet, 0), VD_OK));
	cr_assert(eq(sz, a.table.count, 1));
	cr_assert(eq(sz, sent_by(&a, 0).len, 0));
	cr_assert(eq(u64, a.setup.stats.reflected, 1));
}

Test(setup, an_answer_commits_only_what_was_proposed_under_its_id)
{
	propose(&a, "/x/1", 0);
	struct mg_op offer = op_in(sent_by(&a, 0));
	struct mg_op rows[] = { offer, offer, offer };

	rows[0].id[0] ^= 1;
	rows[1].entries[0].index = 18;
	rows[2].entries[0].name = vd_bytes_of_text("/y/1");
	for (size_t i = 0; i < 3; i++) {
		rows[i].kind = MG_OP_ANSWER;
		cr_assert(eq(int, give_op(&a, &rows[i], 0), VD_OK));
		cr_assert(eq(sz, a.table.count, 6), "%zu", i);
	}
	cr_assert(eq(u64, a.setup.stats.contradicting, 2));
}

Test(setup, what_trails_an_operation_is_given_back)
{
	propose(&a, "/x/1", 0);
	uint8_t bytes[MG_SETUP_PACKET + 2];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct vd_bytes rest;

	cr_assert(eq(int, mg_setup_send(&a.setup, &w, 0), VD_OK));
	vd_write_be16(&w, 0x1000);
	cr_assert(eq(int,
		     mg_setup_recv(&b.setup, vd_bytes(bytes + 1, vd_write_len(&w) - 1), &rest, 0),
		     VD_OK));
	cr_assert(eq(sz, rest.len, 2));
	cr_assert(eq(u8, rest.at[0], 0x10));
}

Test(setup, what_does_not_read_changes_nothing_and_is_counted)
{
	struct vd_bytes rest;

	propose(&a, "/x/1", 0);
	struct vd_bytes packet = sent_by(&a, 0);
	for (size_t len = 1; len < packet.len; len++)
		cr_assert(eq(int,
			     mg_setup_recv(&b.setup, vd_bytes(packet.at + 1, len - 1), &rest, 0),
			     VD_EPEER_TRUNC));
	cr_assert(
	    eq(int, mg_setup_recv(&b.setup, vd_bytes("\x80\x04{}", 4), &rest, 0), VD_EPEER_FORMAT));
	cr_assert(eq(sz, b.table.count, 6));
	cr_assert(eq(sz, sent_by(&b, 0).len, 0));
	cr_assert(eq(u64, b.setup.stats.malformed, packet.len));
	cr_assert(zero(u64, b.setup.stats.unsupported));
}

Test(setup, answers_beyond_those_that_wait_are_turned_away)
{
	for (uint8_t i = 0; i < MG_SETUP_ANSWERS + 3; i++) {
		struct mg_op op = offer_of((uint8_t)(i + 1), 16, "/x/1");

		cr_assert(eq(int, give_op(&b, &op, 0), VD_OK));
	}
	for (uint8_t i = 0; i < MG_SETUP_ANSWERS; i++)
		cr_assert(eq(u8, op_in(sent_by(&b, 0)).id[0], i + 1), "in order");
	cr_assert(eq(sz, sent_by(&b, 0).len, 0));
	cr_assert(eq(u64, b.setup.stats.turned_away, 3));
}

Test(setup, names_are_compared_byte_for_byte)
{
	struct mg_op rows[] = { offer_of(1, 16, "/X/1"), offer_of(2, 16, "/x/10"),
				offer_of(3, 16, "/x/") };

	for (size_t i = 0; i < 3; i++) {
		cr_assert(eq(int, give_op(&b, &rows[i], 0), VD_OK));
		cr_assert(eq(sz, op_in(sent_by(&b, 0)).count, 0), "%zu", i);
	}
}

Test(setup, bare_an_index_of_either_parity_is_granted)
{
	struct mg_op even = offer_of(1, 16, "/x/1"), odd = offer_of(2, 17, "/y/1");

	set_up_bare();
	cr_assert(eq(int, give_op(&a, &even, 0), VD_OK));
	cr_assert(eq(int, give_op(&a, &odd, 0), VD_OK));
	cr_assert(has(&a, 16, "/x/1") && has(&a, 17, "/y/1"));
}

Test(setup, bare_an_index_that_the_other_side_proposed_is_not_free)
{
	struct mg_op theirs = offer_of(1, 16, "/z/1");

	set_up_bare();
	cr_assert(eq(int, give_op(&a, &theirs, 0), VD_OK));
	cr_assert(eq(sz, op_in(sent_by(&a, 0)).count, 0), "omitted: nobody here speaks it");
	propose(&a, "/x/1", 0);
	cr_assert(eq(u64, op_in(sent_by(&a, 0)).entries[0].index, 17), "the lowest that is free");
}

Test(setup, what_was_answered_meanwhile_is_left_out_of_a_repeat)
{
	struct mg_op theirs = offer_of(1, 16, "/x/1");

	set_up_bare();
	propose(&a, "/x/1", 0);
	propose(&a, "/y/1", 0);
	cr_assert(eq(sz, op_in(sent_by(&a, 0)).count, 2));
	cr_assert(eq(int, give_op(&a, &theirs, 0), VD_OK));
	cr_assert(eq(int, op_in(sent_by(&a, 0)).kind, MG_OP_ANSWER));
	struct mg_op repeat = op_in(sent_by(&a, VD_SECONDS(1)));
	cr_assert(eq(sz, repeat.count, 1));
	cr_assert(eq(u64, repeat.entries[0].index, 17));
}

Test(setup, an_answer_to_no_offer_of_ours_is_ignored)
{
	struct mg_op answer = offer_of(1, 16, "/x/1");

	answer.kind = MG_OP_ANSWER;
	cr_assert(eq(int, give_op(&a, &answer, 0), VD_OK));
	cr_assert(eq(sz, a.table.count, 6));
	cr_assert(eq(sz, sent_by(&a, 0).len, 0));
	next_is(&a, MG_EVENT_NONE, 0);
}

Test(setup, one_list_a_second_is_answered)
{
	struct mg_op list = { .kind = MG_OP_OFFER };

	for (uint8_t i = 0; i < 20; i++) {
		list.id[0] = i;
		cr_assert(eq(int, give_op(&b, &list, VD_MS(100) * i), VD_OK));
		cr_assert(eq(int, sent_by(&b, VD_MS(100) * i).len > 0, i % 10 == 0), "%u", i);
	}
}

Test(setup, one_entry_a_second_is_offered_again_after_errors)
{
	struct mg_op error = { .kind = MG_OP_ERROR, .err_index = 16 };

	propose(&a, "/x/1", 0);
	pass_all(0);
	for (unsigned i = 0; i < 20; i++) {
		cr_assert(eq(int, give_op(&a, &error, VD_MS(100) * i), VD_OK));
		cr_assert(eq(int, sent_by(&a, VD_MS(100) * i).len > 0, i % 10 == 0), "%u", i);
	}
}

Test(setup, an_entry_offered_again_has_another_id)
{
	struct mg_op error = { .kind = MG_OP_ERROR, .err_index = 16 };

	propose(&a, "/x/1", 0);
	struct mg_op first = op_in(sent_by(&a, 0)), again, answer = first;

	answer.kind = MG_OP_ANSWER;
	cr_assert(eq(int, give_op(&a, &answer, 0), VD_OK));
	cr_assert(eq(int, give_op(&a, &error, 0), VD_OK));
	again = op_in(sent_by(&a, 0));
	cr_assert(eq(sz, again.count, 1));
	cr_assert(eq(u64, again.entries[0].index, 16));
	cr_assert(not(zero(int, memcmp(again.id, first.id, MG_ID_BYTES))));
	cr_assert(eq(sz, sent_by(&a, VD_SECONDS(30)).len, 0), "once");
}

Test(setup, an_error_about_a_fixed_index_is_not_acted_on)
{
	struct mg_op error = { .kind = MG_OP_ERROR, .err_index = MG_CONTROL };

	cr_assert(eq(int, give_op(&a, &error, 0), VD_OK));
	cr_assert(eq(sz, sent_by(&a, 0).len, 0));
}

Test(setup, more_than_48_names_are_not_proposed_at_once)
{
	static char texts[MG_SETUP_NAMES][8];
	const char *names[MG_SETUP_NAMES];

	for (size_t i = 0; i < MG_SETUP_NAMES; i++) {
		snprintf(texts[i], sizeof texts[i], "/n/%zu", i);
		names[i] = texts[i];
	}
	start(&a, MG_ROLE_INITIATOR, names, MG_SETUP_NAMES);
	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++)
		propose(&a, names[i], 0);
	cr_assert(eq(int, mg_setup_propose(&a.setup, names[MG_SETUP_PROPOSALS], 0), VD_ELIMIT));
	cr_assert(eq(u64, a.setup.stats.turned_away, 1));
}

/* Whatever is offered, in whatever order and number. */
Test(setup, an_answer_is_never_longer_than_its_offer)
{
	uint32_t random = 1;

	for (unsigned round = 0; round < 300; round++) {
		struct mg_op op = { .kind = MG_OP_OFFER, .id = { (uint8_t)round, 7 } };
		struct vd_bytes packet;
		uint8_t bytes[MG_OP_BYTES];
		struct vd_write w = vd_write_to(bytes, sizeof bytes);

		for (uint64_t index = 16; index < 40; index++) {
			random = random * 1664525 + 1013904223;
			if (random >> 30 != 0)
				op.entries[op.count++] = (struct mg_op_entry){
					index, vd_bytes_of_text(both[random >> 29 & 1])
				};
		}
		set_up();
		cr_assert(eq(int, mg_op_write(&w, &op), VD_OK));
		cr_assert(eq(int, give_op(&b, &op, 0), VD_OK));
		packet = sent_by(&b, 0);
		cr_assert(le(sz, packet.len, 1 + vd_write_len(&w)));
	}
}

Test(setup, two_tables_that_fill_up_at_once_stay_equal)
{
	for (uint64_t i = 0; a.table.count < MG_TABLE_ENTRIES - 1; i++) {
		cr_assert(eq(int, mg_table_add(&a.table, 1000 + i, vd_bytes_of_text("/c")), VD_OK));
		cr_assert(eq(int, mg_table_add(&b.table, 1000 + i, vd_bytes_of_text("/c")), VD_OK));
	}
	propose(&a, "/x/1", 0);
	propose(&b, "/y/1", 0);
	cr_assert(eq(int, mg_setup_propose(&a.setup, "/y/1", 0), VD_ELIMIT));
	pass_all(0);
	cr_assert(eq(sz, a.table.count, b.table.count));
	cr_assert(eq(int, has(&a, 16, "/x/1"), has(&b, 16, "/x/1")));
	cr_assert(eq(int, has(&a, 17, "/y/1"), has(&b, 17, "/y/1")));
}

Test(setup, offers_that_cross_for_the_last_place_leave_the_tables_equal)
{
	struct mg_op from_a, from_b;

	for (uint64_t i = 0; a.table.count < MG_TABLE_ENTRIES - 1; i++) {
		cr_assert(eq(int, mg_table_add(&a.table, 1000 + i, vd_bytes_of_text("/c")), VD_OK));
		cr_assert(eq(int, mg_table_add(&b.table, 1000 + i, vd_bytes_of_text("/c")), VD_OK));
	}
	propose(&a, "/x/1", 0);
	propose(&b, "/y/1", 0);
	from_a = op_in(sent_by(&a, 0));
	from_b = op_in(sent_by(&b, 0));
	cr_assert(eq(int, give_op(&b, &from_a, 0), VD_OK));
	cr_assert(eq(int, give_op(&a, &from_b, 0), VD_OK));
	pass_all(0);
	cr_assert(eq(int, has(&a, 16, "/x/1"), has(&b, 16, "/x/1")));
	cr_assert(eq(int, has(&a, 17, "/y/1"), has(&b, 17, "/y/1")));
}

Test(setup, a_proposal_under_way_or_in_the_table_is_not_made_twice)
{
	propose(&a, "/x/1", 0);
	propose(&a, "/x/1", 0);
	cr_assert(eq(sz, op_in(sent_by(&a, 0)).count, 1));
	set_up();
	propose(&a, "/x/1", 0);
	pass_all(0);
	propose(&a, "/x/1", 0);
	cr_assert(eq(sz, sent_by(&a, 0).len, 0));
}

Test(setup, callers_are_told_of_their_mistakes)
{
	const char *many[MG_SETUP_NAMES + 1], *bad[] = { "x" };
	uint8_t small[MG_SETUP_PACKET - 1];
	struct vd_write w = vd_write_to(small, sizeof small);
	struct mg_table table;
	struct mg_setup setup;

	for (size_t i = 0; i <= MG_SETUP_NAMES; i++)
		many[i] = "/x";
	mg_table_init(&table, MG_TABLE_BARE);
	cr_assert(eq(int, mg_setup_init(&setup, &table, MG_ROLE_BARE, many, MG_SETUP_NAMES + 1),
		     VD_EBUG_STATE));
	cr_assert(eq(int, mg_setup_init(&setup, &table, MG_ROLE_BARE, bad, 1), VD_EBUG_STATE));
	cr_assert(eq(int, mg_setup_propose(&a.setup, "/not/supported", 0), VD_EBUG_STATE));
	propose(&a, "/x/1", 0);
	cr_assert(eq(int, mg_setup_send(&a.setup, &w, 0), VD_EBUG_ROOM));
	cr_assert(eq(sz, op_in(sent_by(&a, 0)).count, 1), "it is still due");
}

Test(setup, offers_split_at_512_bytes)
{
	static char long_names[MG_SETUP_NAMES][65];
	static const char *names[MG_SETUP_NAMES];
	for (size_t i = 0; i < 20; i++) {
		memset(long_names[i], 'a' + (int)i, 64);
		long_names[i][0] = '/';
		names[i] = long_names[i];
	}
	start(&a, MG_ROLE_INITIATOR, names, 20);
	start(&b, MG_ROLE_RESPONDER, names, 20);
	for (size_t i = 0; i < 20; i++)
		propose(&a, names[i], 0);
	pass_all(0);
	cr_assert(eq(sz, a.table.count, 26));
	cr_assert(eq(sz, b.table.count, 26));
	cr_assert(eq(u64, a.setup.stats.sent, 3), "seven of the longest fill one");
}

Test(setup, an_offer_is_answered_in_its_codec_after_a_handshake)
{
	static const enum mg_codec codecs[] = { MG_CODEC_JSON, MG_CODEC_PROTOBUF, MG_CODEC_CBOR };

	for (uint8_t i = 0; i < 3; i++) {
		uint8_t bytes[MG_OP_BYTES];
		struct vd_write w = vd_write_to(bytes, sizeof bytes);
		struct mg_op op = {
			.kind = MG_OP_OFFER, .codec = codecs[i], .id = { i }, .count = 1
		};
		struct mg_op_text text;
		struct vd_bytes rest, packet;

		op.entries[0] = (struct mg_op_entry){ 16, vd_bytes_of_text("/x/1") };
		cr_assert(eq(int, mg_op_write(&w, &op), VD_OK));
		cr_assert(eq(int, mg_setup_recv(&b.setup, vd_write_done(&w), &rest, 0), VD_OK));
		packet = sent_by(&b, 0);
		cr_assert(eq(int,
			     mg_op_read_authenticated(vd_bytes(packet.at + 1, packet.len - 1),
						      &text, &op, &rest),
			     VD_OK));
		cr_assert(eq(int, op.kind, MG_OP_ANSWER));
		cr_assert(eq(int, op.codec, codecs[i]));
		cr_assert(eq(sz, op.count, 1));
	}
}

Test(setup, bare_setup_is_read_in_cbor_alone)
{
	struct vd_bytes rest;

	set_up_bare();
	cr_assert(eq(int, mg_setup_recv(&b.setup, vd_bytes("\x80\x04{\"err\":99}", 12), &rest, 0),
		     VD_EPEER_UNSUPPORTED));
	cr_assert(eq(int, mg_setup_recv(&b.setup, vd_bytes("\x50\x02\x18\x63", 4), &rest, 0),
		     VD_EPEER_UNSUPPORTED));
	cr_assert(eq(u64, b.setup.stats.unsupported, 2));
}
