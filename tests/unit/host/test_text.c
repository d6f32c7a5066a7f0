/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What makes programs short: addresses as text, lines, whole messages, a loop of the host's own. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <uv.h>

#include "controlplane/host/host.h"

enum { TURNS = 20000, LINE = 8 };

static const char *const ids[] = { "/test/1", NULL };
static struct host *a, *b; /* a dials b; both on a's loop */
static struct host_stream *ours, *theirs;
static unsigned readable, writable;
static bool hearing; /* reads lines as they come */
static char heard[LINE];

static void on_readable(struct host_stream *stream)
{
	readable += stream == theirs;
	if (hearing)
		(void)host_stream_read_line(theirs, heard, sizeof heard);
}

static void on_writable(struct host_stream *stream)
{
	writable += stream == ours;
}

static void on_closed(struct host_stream *stream, enum vd_err err)
{
	(void)err;
	if (stream == ours)
		ours = NULL;
	else
		theirs = NULL;
}

static const struct host_stream_class calls = { .readable = on_readable,
						.writable = on_writable,
						.closed = on_closed };

static void on_accept(void *context, struct host_stream *stream)
{
	theirs = stream;
	host_stream_use(stream, &calls, context);
}

static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	cr_assert(eq(int, err, VD_OK), "%s", why);
	cr_assert(eq(int, host_open(conn, ids, &calls, NULL, &ours), VD_OK));
	cr_assert(eq(int, host_stream_send(ours, vd_bytes_of_text("\n")), VD_OK));
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* A turn ends within a millisecond, also when nothing happens. */
#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (unsigned turn = 0; !(condition) && turn < TURNS; turn++)                      \
			uv_run(host_loop(a), UV_RUN_ONCE);                                         \
		cr_assert(condition);                                                              \
	} while (0)

static uv_timer_t tick;

/* Both sides of a stream, over which one empty line came. */
static void begin(void)
{
	struct host_protocol protocol = { .id = ids[0], .accept = on_accept };
	struct host_config config = { 0 };
	char address[VD_MULTIADDR_TEXT], why[HOST_WHY], line[LINE];

	signal(SIGPIPE, SIG_IGN); /* uv_run is called here, not host_run */
	cr_assert(eq(int, host_new(&config, &a), VD_OK));
	config.loop = host_loop(a);
	cr_assert(eq(int, host_new(&config, &b), VD_OK));
	cr_assert(not(vd_peer_id_equal(host_peer(a), host_peer(b))));
	uv_timer_init(host_loop(a), &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	cr_assert(eq(int, host_handle(b, &protocol), VD_OK));
	cr_assert(eq(int, host_listen_text(b, "/ip4/127.0.0.1/tcp/0", why), VD_OK));
	cr_assert(host_address_text(b, 0, address) == address);
	cr_assert(host_address_text(b, 1, address) == NULL);
	cr_assert(eq(int, host_dial_text(a, address, on_dialled, NULL), VD_OK));
	UNTIL(theirs && host_stream_read(theirs).len);
	cr_assert(eq(int, host_stream_read_line(theirs, line, sizeof line), VD_OK));
	cr_assert(eq(str, line, (char *)""));
}

static void end(void)
{
	host_free(b);
	host_free(a); /* closes the timer, too: the loop is its own */
}

static enum vd_err read_line(char line[LINE])
{
	return host_stream_read_line(theirs, line, LINE);
}

static void send_text(const char *text)
{
	size_t want = host_stream_read(theirs).len + strlen(text);

	cr_assert(eq(int, host_stream_send(ours, vd_bytes_of_text(text)), VD_OK));
	UNTIL(host_stream_read(theirs).len >= want);
}

/* ---- lines ---- */

Test(text, lines_come_one_by_one_and_whole)
{
	char line[LINE];

	begin();
	send_text("one\ntwo\r\nth");
	cr_assert(eq(int, read_line(line), VD_OK));
	cr_assert(eq(str, line, (char *)"one"));
	cr_assert(eq(int, read_line(line), VD_OK));
	cr_assert(eq(str, line, (char *)"two"));
	cr_assert(eq(int, read_line(line), VD_AGAIN));
	send_text("ree\n");
	cr_assert(eq(int, read_line(line), VD_OK));
	cr_assert(eq(str, line, (char *)"three"));
	cr_assert(eq(int, read_line(line), VD_AGAIN));
	end();
}

Test(text, the_longest_line_fits_and_the_next_does_not)
{
	char line[LINE];

	begin();
	send_text("1234567\n");
	cr_assert(eq(int, read_line(line), VD_OK));
	cr_assert(eq(str, line, (char *)"1234567"));
	send_text("12345678");
	cr_assert(eq(int, read_line(line), VD_EPEER_RANGE)); /* it need not end */
	end();
}

/* However it comes in pieces. */
Test(text, the_longest_line_may_wait_for_its_last_byte)
{
	char line[LINE];

	begin();
	send_text("1234567\r");
	cr_assert(eq(int, read_line(line), VD_AGAIN));
	send_text("\n");
	cr_assert(eq(int, read_line(line), VD_OK));
	cr_assert(eq(str, line, (char *)"1234567"));
	send_text("1234567\rx");
	cr_assert(eq(int, read_line(line), VD_EPEER_RANGE));
	end();
}

/* A window is not granted again until something is taken: one would wait for ever. */
Test(text, a_line_above_the_limit_is_told_before_the_window_is_full)
{
	static char line[1 << 20], part[HOST_LINE_MAX / 2 + 1];

	begin();
	memset(part, 'a', sizeof part - 1);
	send_text(part);
	send_text(part);
	cr_assert(eq(int, host_stream_read_line(theirs, line, sizeof line), VD_AGAIN));
	send_text("\n");
	cr_assert(eq(int, host_stream_read_line(theirs, line, sizeof line), VD_OK));
	cr_assert(eq(sz, strlen(line), HOST_LINE_MAX));
	send_text(part);
	send_text(part);
	send_text("a");
	cr_assert(eq(int, host_stream_read_line(theirs, line, sizeof line), VD_EPEER_RANGE));
	end();
}

Test(text, a_line_with_a_nul_is_no_text)
{
	char line[LINE];

	begin();
	cr_assert(eq(int, host_stream_send(ours, vd_bytes("a\0b\n", 4)), VD_OK));
	UNTIL(host_stream_read(theirs).len == 4);
	cr_assert(eq(int, read_line(line), VD_EPEER_FORMAT));
	end();
}

Test(text, a_line_that_is_cut_by_the_end_is_told)
{
	char line[LINE];

	begin();
	send_text("half");
	cr_assert(eq(int, read_line(line), VD_AGAIN));
	readable = 0;
	host_stream_close(ours);
	UNTIL(readable); /* the end calls */
	cr_assert(eq(int, read_line(line), VD_EPEER_TRUNC));
	host_stream_taken(theirs, 4);
	cr_assert(host_stream_ended(theirs));
	cr_assert(eq(int, read_line(line), VD_EPEER_TRUNC));
	end();
}

/* ---- messages ---- */

Test(text, a_message_is_sent_whole_or_not_at_all)
{
	static const uint8_t message[HOST_SEND_MAX + 1];
	size_t sent = 0;

	begin();
	cr_assert(eq(int, host_stream_send(ours, vd_bytes(message, sizeof message)), VD_EBUG_ROOM));
	for (enum vd_err err = VD_OK; !err; sent += err ? 0 : HOST_SEND_MAX)
		err = host_stream_send(ours, vd_bytes(message, HOST_SEND_MAX));
	cr_assert(gt(sz, sent, 0));
	UNTIL(writable);
	cr_assert(eq(int, host_stream_send(ours, vd_bytes(message, HOST_SEND_MAX)), VD_OK));
	sent += HOST_SEND_MAX;
	for (unsigned turn = 0; sent && turn < TURNS; turn++) {
		size_t len = host_stream_read(theirs).len;

		cr_assert(le(sz, len, sent));
		host_stream_taken(theirs, len);
		sent -= len;
		uv_run(host_loop(a), UV_RUN_ONCE);
	}
	cr_assert(eq(sz, sent, 0));
	end();
}

Test(text, a_stream_that_was_reset_is_told_closed)
{
	begin();
	host_stream_reset(theirs);
	UNTIL(ours == NULL);
	end();
}

Test(text, what_was_written_goes_out_before_a_connection_is_closed)
{
	begin();
	hearing = true;
	cr_assert(eq(int, host_stream_send(ours, vd_bytes_of_text("bye\n")), VD_OK));
	host_disconnect(host_stream_conn(ours));
	cr_assert(ours == NULL);
	UNTIL(theirs == NULL);
	cr_assert(eq(str, heard, (char *)"bye"));
	end();
}

/* ---- addresses ---- */

Test(text, addresses_that_are_none_are_told_with_the_cure)
{
	struct host_config config = { 0 };
	char why[HOST_WHY] = "";

	cr_assert(eq(int, host_new(&config, &a), VD_OK));
	cr_assert(eq(int, host_listen_text(a, "127.0.0.1:4001", why), VD_EUSER));
	cr_assert(strstr(why, "/ip4/") != NULL);
	cr_assert(eq(int, host_dial_text(a, "localhost", on_dialled, NULL), VD_EUSER));
	cr_assert(eq(int, host_dial_text(a, "", on_dialled, NULL), VD_EUSER));
	host_free(a);
}

/* ---- protocols without accept ---- */

static void count_and_stop(struct host_stream *stream)
{
	(*(unsigned *)host_stream_user(stream))++;
	host_stream_reset(stream);
}

Test(text, a_protocol_without_accept_gives_its_calls)
{
	static const struct host_stream_class counting = { .readable = count_and_stop };
	static const char *const other[] = { "/other/1", NULL };
	unsigned count = 0;
	struct host_protocol protocol = { .id = other[0], .calls = &counting, .context = &count };
	struct host_conn *conn;
	struct host_stream *stream;

	begin();
	cr_assert(eq(int, host_handle(b, &protocol), VD_OK));
	conn = host_stream_conn(ours);
	cr_assert(eq(int, host_open(conn, other, &calls, NULL, &stream), VD_OK));
	cr_assert(eq(int, host_stream_send(stream, vd_bytes_of_text("x")), VD_OK));
	UNTIL(count);
	end();
}
