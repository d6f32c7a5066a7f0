/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/control_msg.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct vd_peer_id peer_of(uint8_t fill)
{
	struct vd_peer_id id = { .len = 38, .bytes = { 0, 36, 8, 1, 18, 32 } };

	memset(id.bytes + 6, fill, 32);
	return id;
}

/* One message of each kind, with every field set. */
static struct control_msg sample(int row)
{
	struct control_msg msg = { 0 };

	msg.kind = (enum control_kind)row;
	switch (msg.kind) {
	case CONTROL_OBSERVED:
		msg.observed.len = 8;
		memcpy(msg.observed.address, "\x04\xc6\x12\x01\x01\x91\x02\x0f", 8);
		break;
	case CONTROL_RESERVE:
		msg.reserve.id = 5, msg.reserve.ttl_s = 60, msg.reserve.realms = 1u << 31;
		break;
	case CONTROL_RESERVED:
		msg.reserved.id = 5, msg.reserved.status = CONTROL_LIMIT;
		msg.reserved.ttl_s = 3600, msg.reserved.realms = 2;
		break;
	case CONTROL_QUERY: msg.query.id = 6, msg.query.peer = peer_of(1); break;
	case CONTROL_ROUTE:
		msg.route.id = 6, msg.route.peer = peer_of(2);
		msg.route.label = 0xabcd, msg.route.bits = 16, msg.route.mtu = 1439;
		break;
	case CONTROL_CHALLENGE:
	case CONTROL_ANSWER: memcpy(msg.challenge, "challeng", 8); break;
	case CONTROL_CLOSE:
		msg.close.status = CONTROL_SHUTDOWN;
		strcpy(msg.close.text, "bye");
		break;
	case CONTROL_DRAINING: msg.draining.ended = msg.draining.left = true; break;
	}
	return msg;
}

Test(control_msg, every_kind_survives_encoding_and_decoding)
{
	for (int row = CONTROL_OBSERVED; row <= CONTROL_DRAINING; row++) {
		struct control_msg msg = sample(row), back;
		uint8_t bytes[CONTROL_MSG_MAX];
		size_t len = control_msg_encode(&msg, bytes);

		memset(&back, 0, sizeof back);
		cr_assert(eq(int, (int)control_msg_decode(vd_bytes(bytes, len), &back), VD_OK),
			  "kind %d", row);
		cr_assert(zero(int, memcmp(&msg, &back, sizeof msg)), "kind %d", row);
	}
}

Test(control_msg, a_message_cut_anywhere_is_refused_or_another_message)
{
	for (int row = CONTROL_OBSERVED; row <= CONTROL_DRAINING; row++) {
		struct control_msg msg = sample(row), back;
		uint8_t bytes[CONTROL_MSG_MAX];
		size_t len = control_msg_encode(&msg, bytes);

		for (size_t cut = 0; cut < len; cut++)
			cr_assert(
			    ne(int, (int)control_msg_decode(vd_bytes(bytes, cut), &back), VD_OK),
			    "kind %d cut at %zu", row, cut);
	}
}

Test(control_msg, a_label_with_more_bits_than_said_is_out_of_range)
{
	struct control_msg msg = sample(CONTROL_ROUTE), back;
	uint8_t bytes[CONTROL_MSG_MAX];
	size_t len;

	msg.route.bits = 15;
	len = control_msg_encode(&msg, bytes);
	cr_assert(eq(int, (int)control_msg_decode(vd_bytes(bytes, len), &back), VD_EPEER_RANGE));
}

static enum vd_err decode(const void *bytes, size_t len, struct control_msg *back)
{
	return control_msg_decode(vd_bytes(bytes, len), back);
}

Test(control_msg, a_route_of_more_than_60_bits_is_out_of_range)
{
	struct control_msg msg = sample(CONTROL_ROUTE), back;
	uint8_t bytes[CONTROL_MSG_MAX];

	for (msg.route.bits = 60; msg.route.bits <= 64; msg.route.bits++)
		cr_assert(eq(int, (int)decode(bytes, control_msg_encode(&msg, bytes), &back),
			     msg.route.bits == 60 ? VD_OK : VD_EPEER_RANGE));
}

Test(control_msg, unknown_fields_are_ignored)
{
	struct control_msg back;

	/* reserve: id 7, field 900; and field 111 behind it */
	cr_assert(
	    eq(int, (int)decode("\x12\x05\x08\x07\xa0\x38\x01\xf8\x06\x05", 10, &back), VD_OK));
	cr_assert(eq(int, (int)back.kind, CONTROL_RESERVE));
	cr_assert(eq(u32, back.reserve.id, 7));
	cr_assert(ne(int, (int)decode("\xf8\x06\x05", 3, &back), VD_OK), "no body that we know");
}

Test(control_msg, of_two_fields_and_of_two_bodies_the_last_counts)
{
	struct control_msg back;

	cr_assert(eq(int, (int)decode("\x12\x04\x08\x07\x08\x09", 6, &back), VD_OK));
	cr_assert(eq(u32, back.reserve.id, 9));
	cr_assert(eq(int, (int)decode("\x12\x02\x08\x07\x42\x02\x08\x05", 8, &back), VD_OK));
	cr_assert(eq(int, (int)back.kind, CONTROL_CLOSE));
	cr_assert(eq(int, (int)back.close.status, CONTROL_SHUTDOWN));
}

Test(control_msg, fields_of_another_wire_type_are_refused)
{
	struct control_msg back;

	cr_assert(ne(int, (int)decode("\x12\x03\x0a\x01\x07", 5, &back), VD_OK), "id as bytes");
	cr_assert(ne(int, (int)decode("\x10\x07", 2, &back), VD_OK), "reserve as a number");
	cr_assert(ne(int, (int)decode("\x32\x02\x08\x07", 4, &back), VD_OK), "data as a number");
	cr_assert(ne(int, (int)decode("\x13\x14", 2, &back), VD_OK), "a group");
}

Test(control_msg, a_query_for_what_is_no_name_is_refused)
{
	struct control_msg back;

	cr_assert(ne(int, (int)decode("\x22\x05\x12\x03peer", 7, &back), VD_OK), "no peer id");
	cr_assert(eq(int, (int)decode("\x22\x06\x1a\x04\xfd\x76\0\1", 8, &back), VD_EPEER_RANGE),
		  "an overlay address of 4 bytes");
}

Test(control_msg, a_challenge_of_another_length_is_out_of_range)
{
	const uint8_t bytes[] = { 0x32, 0x04, 0x0a, 0x02, 1, 2 }; /* field 6, data of 2 bytes */
	struct control_msg back;

	cr_assert(
	    eq(int, (int)control_msg_decode(vd_bytes(bytes, sizeof bytes), &back), VD_EPEER_RANGE));
}

Test(control_msg, a_query_without_a_name_is_marked_malformed)
{
	const uint8_t bytes[] = { 0x22, 0x02, 0x08, 0x07 }; /* field 4, id 7 */
	struct control_msg back;

	cr_assert(eq(int, (int)control_msg_decode(vd_bytes(bytes, sizeof bytes), &back), VD_OK));
	cr_assert(back.query.malformed);
	cr_assert(eq(u32, back.query.id, 7));
}

Test(control_msg, a_status_of_a_later_version_is_a_refusal)
{
	const uint8_t bytes[] = { 0x1a, 0x02, 0x10, 0x4d }; /* reserved, status 77 */
	struct control_msg back;

	cr_assert(eq(int, (int)control_msg_decode(vd_bytes(bytes, sizeof bytes), &back), VD_OK));
	cr_assert(eq(int, (int)back.reserved.status, CONTROL_REFUSED));
}

/* A close{REFUSED} with this text. */
static struct control_msg closed_with(const char *text)
{
	uint8_t bytes[128] = { 0x42, 0, 0x08, 1, 0x12 }; /* field 8: status, and text */
	size_t len = strlen(text);
	struct control_msg back;

	bytes[1] = (uint8_t)(4 + len);
	bytes[5] = (uint8_t)len;
	memcpy(bytes + 6, text, len);
	cr_assert(eq(int, (int)decode(bytes, 6 + len, &back), VD_OK));
	return back;
}

Test(control_msg, the_text_of_a_close_has_nothing_that_a_terminal_acts_upon)
{
	struct control_msg back = closed_with("no\x1b]0;me\a \xc2\x9b"
					      "2J \xff caf\xc3\xa9");

	cr_assert(eq(str, back.close.text, "no?]0;me? ?2J ? caf\xc3\xa9"));
}

Test(control_msg, a_text_that_is_cut_within_a_character_is_a_text)
{
	char text[CONTROL_TEXT_MAX + 8];
	struct control_msg back;

	memset(text, 'a', sizeof text);
	strcpy(text + CONTROL_TEXT_MAX - 2, "\xc3\xa9");
	back = closed_with(text);
	cr_assert(eq(sz, strlen(back.close.text), CONTROL_TEXT_MAX - 1));
	cr_assert(eq(chr, back.close.text[CONTROL_TEXT_MAX - 2], '?'));
}
