/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/multistream.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define HEADER "\x13/multistream/1.0.0\n"

static const char *const ours[] = { "/noise", "/tls/1.0.0", NULL };

static bool has(void *context, struct vd_bytes id)
{
	const char *const *ids = context;

	while (*ids && !vd_bytes_equal(vd_bytes_of_text(*ids), id))
		ids++;
	return *ids != NULL;
}

static const char *list(void *context, size_t index)
{
	return ((const char *const *)context)[index];
}

static const struct multistream_handlers handlers = { has, list, (void *)(uintptr_t)ours };

static enum vd_err feed(struct multistream *m, const char *text, size_t *used)
{
	return multistream_receive(m, vd_bytes_of_text(text), used);
}

static void assert_output(struct multistream *m, const char *want)
{
	struct vd_bytes got = multistream_next_output(m);

	cr_assert(eq(sz, got.len, strlen(want)));
	cr_assert(vd_bytes_equal(got, vd_bytes_of_text(want)));
	multistream_sent(m, got.len);
}

Test(multistream, the_initiator_proposes_with_its_header)
{
	static const char *const ids[] = { "/noise", NULL };
	struct multistream m;
	size_t used;

	multistream_dial(&m, ids);
	assert_output(&m, HEADER "\x07/noise\n");
	cr_assert(multistream_may_write(&m));
	cr_assert(multistream_protocol(&m) == NULL);
	cr_assert(eq(int, feed(&m, HEADER "\x07/noise\nrest", &used), VD_OK));
	cr_assert(eq(sz, used, 28));
	cr_assert(eq(str, (char *)multistream_protocol(&m), "/noise"));
	multistream_fini(&m);
}

Test(multistream, the_initiator_goes_on_after_na_in_its_order)
{
	static const char *const ids[] = { "/a", "/b", "/c", NULL };
	struct multistream m;
	size_t used;

	multistream_dial(&m, ids);
	assert_output(&m, HEADER "\x03/a\n");
	cr_assert(not(multistream_may_write(&m)));
	cr_assert(eq(int, feed(&m, HEADER "\x03na\n", &used), VD_OK));
	assert_output(&m, "\x03/b\n");
	cr_assert(eq(int, feed(&m, "\x03na\n", &used), VD_OK));
	assert_output(&m, "\x03/c\n");
	cr_assert(multistream_may_write(&m));
	cr_assert(eq(int, feed(&m, "\x03na\n", &used), VD_EPEER_REFUSED));
	cr_assert(not(multistream_may_write(&m)));
	cr_assert(eq(int, feed(&m, "\x03na\n", &used), VD_EBUG_STATE));
	multistream_fini(&m);
}

Test(multistream, an_answer_that_was_not_proposed_fails)
{
	struct multistream m;
	size_t used;

	multistream_dial(&m, ours);
	cr_assert(eq(int, feed(&m, HEADER "\x0b/tls/1.0.0\n", &used), VD_EPEER_STATE));
	cr_assert(m.reason != NULL);
	multistream_fini(&m);
}

Test(multistream, the_responder_is_silent_until_it_is_spoken_to)
{
	struct multistream m;
	size_t used;

	multistream_listen(&m, &handlers);
	assert_output(&m, "");
	cr_assert(eq(int, feed(&m, HEADER, &used), VD_OK));
	assert_output(&m, HEADER);
	cr_assert(eq(int, feed(&m, "\x07/plain\n", &used), VD_OK));
	assert_output(&m, "\x03na\n");
	cr_assert(not(multistream_may_write(&m)));
	cr_assert(eq(int, feed(&m, "\x0b/tls/1.0.0\nHELLO", &used), VD_OK));
	cr_assert(eq(sz, used, 12));
	assert_output(&m, "\x0b/tls/1.0.0\n");
	cr_assert(multistream_may_write(&m));
	cr_assert(eq(str, (char *)multistream_protocol(&m), "/tls/1.0.0"));
	multistream_fini(&m);
}

Test(multistream, ls_is_answered_with_lines_in_a_message)
{
	struct multistream m;
	size_t used;

	multistream_listen(&m, &handlers);
	cr_assert(eq(int, feed(&m, HEADER "\x03ls\n", &used), VD_OK));
	assert_output(&m, HEADER "\x15\x07/noise\n\x0b/tls/1.0.0\n\n");
	multistream_fini(&m);
}

Test(multistream, a_long_list_ends_at_the_limit)
{
	static char ids[200][200];
	static const char *many[201];
	struct multistream_handlers all = { has, list, (void *)many };
	struct multistream m;
	size_t used;

	for (unsigned i = 0; i < 200; i++) {
		snprintf(ids[i], sizeof ids[i], "/%0198u", i);
		many[i] = ids[i];
	}
	multistream_listen(&m, &all);
	cr_assert(eq(int, feed(&m, HEADER "\x03ls\n", &used), VD_OK));
	cr_assert(gt(sz, multistream_next_output(&m).len, MULTISTREAM_LIST_MAX - 300));
	cr_assert(lt(sz, multistream_next_output(&m).len, MULTISTREAM_LIST_MAX + 30));
	multistream_fini(&m);
}

/* Both sides, each byte by itself; what follows the agreement stays. */
Test(multistream, two_machines_agree_byte_by_byte)
{
	static const char *const ids[] = { "/mplex", "/yamux", "/tls/1.0.0", NULL };
	struct multistream a, b;

	multistream_dial(&a, ids);
	multistream_listen(&b, &handlers);
	for (unsigned turn = 0; turn < 1000; turn++) {
		struct multistream *from = turn & 1 ? &a : &b, *to = turn & 1 ? &b : &a;
		struct vd_bytes out = multistream_next_output(from);
		size_t used;

		if (!out.len)
			continue;
		cr_assert(eq(int, multistream_receive(to, vd_bytes(out.at, 1), &used), VD_OK));
		cr_assert(eq(sz, used, 1));
		multistream_sent(from, 1);
	}
	cr_assert(eq(str, (char *)multistream_protocol(&a), "/tls/1.0.0"));
	cr_assert(eq(str, (char *)multistream_protocol(&b), "/tls/1.0.0"));
	multistream_fini(&a);
	multistream_fini(&b);
}

static enum vd_err of_bytes(const void *bytes, size_t len)
{
	struct multistream m;
	size_t used;

	multistream_listen(&m, &handlers);

	enum vd_err err = multistream_receive(&m, vd_bytes(bytes, len), &used);

	if (err)
		cr_assert(m.reason != NULL);
	cr_assert(not(multistream_may_write(&m)));
	multistream_fini(&m);
	return err;
}

Test(multistream, what_is_not_multistream_is_told)
{
	cr_assert(eq(int, of_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n" HEADER HEADER HEADER, 85),
		     VD_EPEER_FORMAT));
	cr_assert(eq(int,
		     of_bytes("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 0123456789012345", 30),
		     VD_EPEER_FORMAT));
	cr_assert(eq(int, of_bytes("\x13/multistream/2.0.0\n", 20), VD_EPEER_FORMAT));
	cr_assert(eq(int, of_bytes("\x13/multistream/1.0.0 ", 20), VD_EPEER_FORMAT));
}

Test(multistream, bad_lengths_are_refused_at_once)
{
	cr_assert(eq(int, of_bytes("\x00", 1), VD_EPEER_FORMAT));
	cr_assert(eq(int, of_bytes("\x80\x00", 2), VD_EPEER_FORMAT));
	cr_assert(eq(int, of_bytes("\x81\x08", 2), VD_EPEER_RANGE));
	cr_assert(eq(int, of_bytes("\xff\x7f", 2), VD_EPEER_RANGE));
	cr_assert(eq(int, of_bytes("\xff\xff", 2), VD_EPEER_FORMAT));
	cr_assert(eq(int, of_bytes("\x80\x08", 2), VD_EPEER_FORMAT)); /* no header is so long */
}

Test(multistream, a_cut_message_waits)
{
	for (size_t len = 0; len < 20; len++)
		cr_assert(eq(int, of_bytes(HEADER, len), VD_OK));
}

Test(multistream, ids_with_nul_or_too_long_are_not_available)
{
	struct multistream m;
	uint8_t message[300] = { 0xab, 0x02 }; /* 299 */
	size_t used;

	memset(message + 2, 'a', 297);
	multistream_listen(&m, &handlers);
	cr_assert(
	    eq(int, multistream_receive(&m, vd_bytes(HEADER "\x08/noise\0\n", 29), &used), VD_OK));
	assert_output(&m, HEADER "\x03na\n");
	message[1 + 299 - 1] = '\n';
	message[0] = 0xaa; /* 298 */
	cr_assert(eq(int, multistream_receive(&m, vd_bytes(message, 300), &used), VD_OK));
	multistream_fini(&m);
}

Test(multistream, proposals_without_end_are_cut)
{
	struct multistream m;
	size_t used;

	multistream_listen(&m, &handlers);
	cr_assert(eq(int, feed(&m, HEADER, &used), VD_OK));
	for (unsigned i = 0; i < MULTISTREAM_ROUNDS; i++)
		cr_assert(eq(int, feed(&m, "\x03/x\n", &used), VD_OK));
	cr_assert(eq(int, feed(&m, "\x03/x\n", &used), VD_EPEER_RANGE));
	multistream_fini(&m);
}
