/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What each call says in each state that a stream can be in: the table in host.h, row by row, over
 * loopback. b does what the first byte of a stream tells it to.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/unit/host/pair.h"

enum { FULL = 1 << 20 };

static struct pair pair;

struct says {
	size_t read;
	bool ended, protocol;
	enum vd_err write, send, line;
};

/* All calls, those that take something last. */
static struct says probe(struct host_stream *stream)
{
	struct says says;
	char line[16];
	size_t took = 1;

	says.read = host_stream_read(stream).len;
	says.ended = host_stream_ended(stream);
	says.protocol = host_stream_protocol(stream) != NULL;
	says.write = host_stream_write(stream, vd_bytes("x", 1), &took);
	cr_assert(eq(sz, took, says.write == VD_OK));
	says.send = host_stream_send(stream, vd_bytes("x", 1));
	says.line = host_stream_read_line(stream, line, sizeof line);
	return says;
}

static void assert_says(const struct says *got, const struct says *wanted, const char *state)
{
	cr_assert(eq(sz, got->read, wanted->read), "%s: read", state);
	cr_assert(eq(int, got->ended, wanted->ended), "%s: ended", state);
	cr_assert(eq(int, got->protocol, wanted->protocol), "%s: protocol", state);
	cr_assert(eq(int, got->write, wanted->write), "%s: write", state);
	cr_assert(eq(int, got->send, wanted->send), "%s: send", state);
	cr_assert(eq(int, got->line, wanted->line), "%s: read_line", state);
}

/* Nothing of it may do harm to a stream that has ended, in the callback in which it did. */
static void use_up(struct host_stream *stream)
{
	host_stream_taken(stream, 1);
	host_stream_until(stream, 0);
	host_stream_finish(stream);
	host_stream_close(stream);
	host_stream_release(stream);
	host_stream_reset(stream);
}

/* ---- b ---- */

static struct vd_bytes answer_to(uint8_t command)
{
	switch (command) {
	case 'l':
	case 'f':
	case 'R': return vd_bytes_of_text("hi\n");
	case 'p':
	case 't': return vd_bytes_of_text("part");
	default: return vd_bytes(NULL, 0);
	}
}

static void obey(struct host_stream *stream)
{
	struct vd_bytes in = host_stream_read(stream);
	uint8_t command = in.len ? in.at[0] : 0;

	if (!in.len || host_stream_user(stream))
		return; /* reads no more */
	host_stream_use(stream, NULL, &pair);
	cr_assert(eq(int, host_stream_send(stream, answer_to(command)), VD_OK));
	if (strchr("fFt", command))
		host_stream_finish(stream);
	if (strchr("rR", command))
		host_stream_reset(stream);
	if (command == 'd')
		host_disconnect(host_stream_conn(stream));
}

static const struct host_stream_class obeying = { .readable = obey };
static const struct host_protocol state_protocol = { "/state/1", NULL, NULL, &obeying };

/* ---- a ---- */

static const char *const one_id[] = { "/state/1", NULL };
static const char *const two_ids[] = { "/nobody/1", "/state/1", NULL };
static const char *const unknown_id[] = { "/nobody/1", NULL };

static bool opened, closed;
static enum vd_err closed_with;
static struct says closed_says;

static void on_opened(struct host_stream *stream)
{
	(void)stream;
	opened = true;
}

static void on_readable(struct host_stream *stream)
{
	(void)stream; /* looked at from outside */
}

static void on_closed(struct host_stream *stream, enum vd_err err)
{
	closed = true;
	closed_with = err;
	closed_says = probe(stream);
	use_up(stream);
}

static const struct host_stream_class watching = { .opened = on_opened,
						   .readable = on_readable,
						   .closed = on_closed };

static struct host_stream *open_stream(const char *const *ids)
{
	struct host_stream *stream;

	opened = closed = false;
	cr_assert(eq(int, host_open(pair.said.conn, ids, &watching, NULL, &stream), VD_OK));
	return stream;
}

static void begin(void)
{
	pair_begin(&pair, NULL, NULL);
	cr_assert(eq(int, host_handle(pair.b, &state_protocol), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
}

static void end(void)
{
	pair_end(&pair);
}

static struct host_stream *looked_at;
static size_t wanted_len;

static bool is_open(struct pair *p)
{
	(void)p;
	return opened;
}

static bool has_come(struct pair *p)
{
	(void)p;
	return opened && host_stream_read(looked_at).len == wanted_len;
}

static bool has_ended(struct pair *p)
{
	return has_come(p) && host_stream_ended(looked_at);
}

/* The peer's end is told after its bytes: a line that never comes tells the one from the other. */
static bool has_finished(struct pair *p)
{
	char line[16];

	return has_come(p) && host_stream_read_line(looked_at, line, sizeof line) == VD_EPEER_TRUNC;
}

static bool has_closed(struct pair *p)
{
	(void)p;
	return closed;
}

static void tell(struct host_stream *stream, char command)
{
	cr_assert(eq(int, host_stream_send(stream, vd_bytes(&command, 1)), VD_OK));
}

/* ---- before there is a protocol ---- */

static const struct opening {
	const char *state;
	const char *const *ids;
	bool finish;
	struct says says;
} openings[] = {
	{ "opening, one id", one_id, false, { .line = VD_AGAIN } },
	{ "opening, several ids",
	  two_ids,
	  false,
	  { .write = VD_AGAIN, .send = VD_AGAIN, .line = VD_AGAIN } },
	{ "opening, one id, we finished",
	  one_id,
	  true,
	  { .write = VD_EBUG_STATE, .send = VD_EBUG_STATE, .line = VD_AGAIN } },
	{ "opening, several ids, we finished",
	  two_ids,
	  true,
	  { .write = VD_EBUG_STATE, .send = VD_EBUG_STATE, .line = VD_AGAIN } },
};

Test(stream_states, before_a_protocol_is_agreed_on, .init = begin, .fini = end)
{
	for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
		const struct opening *row = &openings[i];
		struct host_stream *stream = open_stream(row->ids);
		struct says says;

		if (row->finish)
			host_stream_finish(stream);
		says = probe(stream);
		assert_says(&says, &row->says, row->state);
		pair_until(&pair, is_open); /* all the same */
		host_stream_reset(stream);
	}
}

/* ---- open, and half closed ---- */

static const struct state {
	const char *state;
	char command;
	bool finish;
	bool (*when)(struct pair *p);
	size_t read;
	struct says says;
} states[] = {
	{ "open", 'n', false, is_open, 0, { .protocol = true, .line = VD_AGAIN } },
	{ "open, a line came", 'l', false, has_come, 3, { .read = 3, .protocol = true } },
	{ "open, less than a line came",
	  'p',
	  false,
	  has_come,
	  4,
	  { .read = 4, .protocol = true, .line = VD_AGAIN } },
	{ "we finished",
	  'l',
	  true,
	  has_come,
	  3,
	  { .read = 3, .protocol = true, .write = VD_EBUG_STATE, .send = VD_EBUG_STATE } },
	{ "the peer finished, a line is unread",
	  'f',
	  false,
	  has_come,
	  3,
	  { .read = 3, .protocol = true } },
	{ "the peer finished, less than a line is unread",
	  't',
	  false,
	  has_finished,
	  4,
	  { .read = 4, .protocol = true, .line = VD_EPEER_TRUNC } },
	{ "the peer finished, all is read",
	  'F',
	  false,
	  has_ended,
	  0,
	  { .ended = true, .protocol = true, .line = VD_EPEER_TRUNC } },
	{ "both finished",
	  'F',
	  true,
	  has_ended,
	  0,
	  { .ended = true,
	    .protocol = true,
	    .write = VD_EBUG_STATE,
	    .send = VD_EBUG_STATE,
	    .line = VD_EPEER_TRUNC } },
};

Test(stream_states, open_and_half_closed, .init = begin, .fini = end)
{
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		const struct state *row = &states[i];
		struct says says;

		looked_at = open_stream(one_id);
		wanted_len = row->read;
		tell(looked_at, row->command);
		if (row->finish)
			host_stream_finish(looked_at);
		pair_until(&pair, row->when);
		says = probe(looked_at);
		assert_says(&says, &row->says, row->state);
		host_stream_finish(looked_at); /* a second time does nothing */
		cr_assert(not(closed), "%s", row->state);
		host_stream_reset(looked_at);
	}
}

Test(stream_states, full, .init = begin, .fini = end)
{
	static const uint8_t block[65536];
	const struct says wanted = {
		.protocol = true, .write = VD_AGAIN, .send = VD_AGAIN, .line = VD_AGAIN
	};
	enum vd_err err = VD_OK;
	struct says says;
	size_t took, all = 0;

	looked_at = open_stream(one_id);
	tell(looked_at, 'n');
	pair_until(&pair, is_open);
	while (err == VD_OK && all < FULL) {
		err = host_stream_write(looked_at, vd_bytes(block, sizeof block), &took);
		all += took;
	}
	says = probe(looked_at);
	assert_says(&says, &wanted, "full");
	host_stream_finish(looked_at);
	cr_assert(eq(int, host_stream_send(looked_at, vd_bytes("x", 1)), VD_EBUG_STATE));
	host_stream_reset(looked_at);
}

/* ---- over ---- */

static const struct ending {
	const char *state;
	const char *const *ids;
	char command;
	vd_ns within; /* 0: no deadline */
	enum vd_err err;
	bool protocol;
} endings[] = {
	{ "the peer reset it", one_id, 'r', 0, VD_ELINK_CLOSED, true },
	{ "the peer wrote, and reset it", one_id, 'R', 0, VD_ELINK_CLOSED, true },
	{ "its deadline passed", one_id, 'n', 1, VD_ELINK_TIMEOUT, true },
	{ "its deadline passed, with bytes unread", one_id, 'l', 1, VD_ELINK_TIMEOUT, true },
	{ "no protocol", unknown_id, 'n', 0, VD_EPEER_REFUSED, false },
	{ "its connection was closed", one_id, 'd', 0, VD_ELINK_CLOSED, true },
};

Test(stream_states, over, .init = begin, .fini = end)
{
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		const struct ending *row = &endings[i];
		const struct says wanted = { .protocol = row->protocol,
					     .write = VD_ELINK_CLOSED,
					     .send = VD_ELINK_CLOSED,
					     .line = VD_ELINK_CLOSED };
		struct host_stream *stream = open_stream(row->ids);

		if (row->protocol)
			pair_until(&pair, is_open);
		tell(stream, row->command);
		if (row->within)
			host_stream_until(stream, row->within);
		pair_until(&pair, has_closed);
		cr_assert(eq(int, closed_with, row->err), "%s", row->state);
		assert_says(&closed_says, &wanted, row->state);
	}
}

/* ---- ended by us, within a callback ---- */

static void (*end_it)(struct host_stream *stream);

static void end_and_probe(struct host_stream *stream)
{
	end_it(stream);
	closed_says = probe(stream);
	use_up(stream);
	closed = true;
}

static void not_told(struct host_stream *stream, enum vd_err err)
{
	(void)stream;
	(void)err;
	cr_assert(eq(int, closed, !closed), "`closed` for one that we ended ourselves");
}

static const struct host_stream_class ending_it = { .readable = end_and_probe, .closed = not_told };

Test(stream_states, ended_by_us, .init = begin, .fini = end)
{
	static void (*const ways[])(
	    struct host_stream *) = { host_stream_reset, host_stream_release, host_stream_close };
	static const struct says wanted = { .protocol = true,
					    .write = VD_ELINK_CLOSED,
					    .send = VD_ELINK_CLOSED,
					    .line = VD_ELINK_CLOSED };

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct host_stream *stream;

		closed = false;
		end_it = ways[i];
		cr_assert(
		    eq(int, host_open(pair.said.conn, one_id, &ending_it, NULL, &stream), VD_OK));
		tell(stream, 'l');
		pair_until(&pair, has_closed);
		assert_says(&closed_says, &wanted, "ended by us");
	}
}

/* ---- the last words of who does not read to the end ---- */

static void answer_unread(struct host_stream *stream)
{
	if (host_stream_read(stream).len < 9)
		return;
	host_stream_taken(stream, 5);
	cr_assert(eq(int, host_stream_send(stream, vd_bytes_of_text("answer")), VD_OK));
	host_stream_close(stream);
}

static const struct host_stream_class curt = { .readable = answer_unread };
static const struct host_protocol curt_protocol = { "/curt/1", NULL, NULL, &curt };

Test(stream_states, what_was_sent_before_close_arrives_though_input_is_unread, .init = begin,
     .fini = end)
{
	static const char *const ids[] = { "/curt/1", NULL };

	cr_assert(eq(int, host_handle(pair.b, &curt_protocol), VD_OK));
	looked_at = open_stream(ids);
	wanted_len = 6;
	cr_assert(eq(int, host_stream_send(looked_at, vd_bytes_of_text("a request")), VD_OK));
	pair_until(&pair, has_finished);
	cr_assert(eq(int, memcmp(host_stream_read(looked_at).at, "answer", wanted_len), 0));
	cr_assert(not(closed));
	host_stream_close(looked_at);
}

/* ---- nobody to call ---- */

static bool is_agreed(struct pair *p)
{
	(void)p;
	return host_stream_protocol(looked_at);
}

Test(stream_states, a_stream_without_calls_is_agreed_on_and_can_be_used, .init = begin, .fini = end)
{
	const struct says wanted = { .protocol = true, .line = VD_AGAIN };
	struct says got;

	cr_assert(eq(int, host_open(pair.said.conn, two_ids, NULL, NULL, &looked_at), VD_OK));
	pair_until(&pair, is_agreed);
	got = probe(looked_at);
	assert_says(&got, &wanted, "no calls");
	host_stream_reset(looked_at);
}
