/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a host tells of connections and streams, and callbacks that end what they are told of. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/proto/identify_stream.h"
#include "tests/unit/host/attacker.h"

static struct pair pair;
static struct host_config config_a, config_b;

static void begin(void)
{
	pair_begin(&pair, &config_a, &config_b);
}

static void ping(void)
{
	cr_assert(eq(int, host_ping(pair.said.conn, pair_on_ping, &pair), VD_OK));
}

static const unsigned *wanted;

static bool is_wanted(struct pair *of)
{
	(void)of;
	return *wanted > 0;
}

static void turn_until(const unsigned *count)
{
	wanted = count;
	pair_until(&pair, is_wanted);
}

static void never_read(struct host_stream *stream)
{
	(void)stream;
}

static const struct host_stream_class lazy = { .readable = never_read };

static void accept_lazy(void *context, struct host_stream *stream)
{
	(void)context;
	host_stream_use(stream, &lazy, NULL);
}

/* ---- what a host tells ---- */

struct heard {
	unsigned opened, identified, pinged, closed;
	bool agent;      /* identified with b's */
	bool hang_up_at; /* opened: closes at once */
	vd_ns rtt;
	enum vd_err err;
	char why[HOST_WHY];
};

static void hear_opened(void *context, struct host_conn *conn)
{
	struct heard *heard = context;

	heard->opened++;
	host_conn_use(conn, heard);
	if (heard->hang_up_at)
		host_disconnect(conn);
}

static void hear_identified(void *context, struct host_conn *conn, struct vd_bytes told)
{
	struct heard *heard = context;
	struct identify message;

	cr_assert(eq(ptr, host_conn_user(conn), heard));
	cr_assert(eq(int, identify_stream_read(told, &message), VD_OK));
	heard->identified++;
	heard->agent = vd_bytes_equal(message.agent, vd_bytes_of_text("pair/1"));
}

static void hear_pinged(void *context, struct host_conn *conn, vd_ns rtt)
{
	struct heard *heard = context;

	heard->pinged++;
	heard->rtt = rtt;
	host_disconnect(conn);
}

static void hear_closed(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct heard *heard = context;

	cr_assert(eq(ptr, host_conn_user(conn), heard));
	cr_assert(why != NULL);
	snprintf(heard->why, sizeof heard->why, "%s", why);
	heard->closed++;
	heard->err = err;
}

static struct heard heard;

static const struct host_events hearing = { .opened = hear_opened,
					    .identified = hear_identified,
					    .pinged = hear_pinged,
					    .closed = hear_closed,
					    .context = &heard };

Test(host, tells_of_a_connection_from_its_opening_to_its_end)
{
	heard = (struct heard){ .err = VD_EBUG_STATE };
	config_a.events = hearing;
	begin();
	pair_dial(&pair);
	cr_assert(eq(uint, heard.opened, 1));
	turn_until(&heard.identified);
	cr_assert(heard.agent);
	ping();
	pair_until_said(&pair, 2); /* who is told of the ping disconnects */
	cr_assert(eq(uint, heard.pinged, 1));
	cr_assert(gt(u64, heard.rtt, 0));
	cr_assert(eq(uint, heard.closed, 1));
	cr_assert(eq(int, heard.err, VD_OK));
	pair_end(&pair);
	cr_assert(eq(uint, heard.opened + heard.closed, 2));
}

static void cut_hard(struct attacker *attacker)
{
	const struct linger at_once = { .l_onoff = 1 };

	cr_assert(
	    eq(int, setsockopt(attacker->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0));
	attacker_end(attacker); /* RST */
}

/* A timer's turn comes before the socket's: the write fails, and not the read. */
Test(host, a_write_to_who_has_reset_says_why_the_connection_closed)
{
	static const char *const ids[] = { "/nobody/1", NULL };
	static struct attacker attacker;
	struct host_stream *stream;
	struct host_conn *conn;

	heard = (struct heard){ .err = VD_OK };
	config_b.events = hearing;
	begin();
	attacker_connect(&attacker, &pair);
	attacker_negotiate(&attacker, &pair);
	turn_until(&heard.opened);
	conn = host_connection(pair.b, &attacker.identity.id);
	cr_assert(conn != NULL);
	cut_hard(&attacker);
	cr_assert(eq(int, host_open(conn, ids, &lazy, NULL, &stream), VD_OK));
	turn_until(&heard.closed);
	cr_assert(eq(int, heard.err, VD_ELINK_CLOSED));
	cr_assert(strstr(heard.why, "broken pipe") || strstr(heard.why, "connection reset"), "%s",
		  heard.why);
	pair_end(&pair);
}

Test(host, a_connection_may_be_closed_as_its_opening_is_told)
{
	heard = (struct heard){ .hang_up_at = true };
	config_a.events = hearing;
	begin();
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_ELINK_CLOSED));
	cr_assert(eq(uint, heard.closed, 1));
	cr_assert(eq(u32, host_connection_count(pair.a), 0));
	pair_end(&pair);
}

/* ---- sockets accepted by one host for another ---- */

static struct host *c;

static bool has_reached_c(struct pair *of)
{
	(void)of;
	return host_connection_count(c) > 0;
}

static bool to_c(void *context, unsigned transport, int fd)
{
	(void)context;
	cr_assert(eq(int, host_adopt(c, transport, fd), VD_OK));
	return true;
}

static bool to_nobody(void *context, unsigned transport, int fd)
{
	(void)transport;
	(void)fd;
	++*(unsigned *)context;
	return false;
}

Test(host, hands_what_it_accepted_to_another_host)
{
	struct host_config config = { .loop = &pair.loop,
				      .agent = "c/1",
				      .identity = &pair.identity_b };

	config_b.events = (struct host_events){ .accepted = to_c };
	begin();
	cr_assert(eq(int, host_new(&config, &c), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(u32, host_connection_count(pair.b), 0));
	pair_until(&pair, has_reached_c);
	cr_assert(eq(u32, host_connection_count(c), 1));
	cr_assert(eq(u64, host_counters(c)->accepted, 1));
	host_free(c);
	pair_end(&pair);
}

Test(host, keeps_what_nobody_else_takes)
{
	unsigned asked = 0;

	config_b.events = (struct host_events){ .accepted = to_nobody, .context = &asked };
	begin();
	pair_dial(&pair);
	cr_assert(eq(uint, asked, 1));
	ping();
	pair_until_said(&pair, 2);
	cr_assert(eq(u32, host_connection_count(pair.b), 1));
	pair_end(&pair);
}

Test(host, refuses_a_socket_that_is_none)
{
	int fds[2];

	begin();
	cr_assert(eq(int, pipe(fds), 0));
	cr_assert(eq(int, host_adopt(pair.b, 0, fds[0]), VD_ELINK_CLOSED));
	cr_assert(eq(u64, host_counters(pair.b)->inbound_failed, 1));
	close(fds[1]);
	pair_end(&pair);
}

/* ---- callbacks that end what they are told of ---- */

static const char *const lazy_ids[] = { "/lazy/1", NULL };

/* Closes the connection, and goes on as if nothing were. */
static void hang_up_and_go_on(struct host_stream *stream)
{
	size_t took;

	host_disconnect(host_stream_conn(stream));
	cr_assert(eq(sz, host_stream_read(stream).len, 0));
	cr_assert(eq(int, host_stream_write(stream, vd_bytes("x", 1), &took), VD_ELINK_CLOSED));
	host_stream_taken(stream, 1);
	cr_assert(not(host_stream_ended(stream)));
	host_stream_until(stream, 0);
	host_stream_finish(stream);
	host_stream_release(stream);
	host_stream_reset(stream);
}

static void hang_up_again(struct host_stream *stream, enum vd_err err)
{
	(void)err;
	pair.said.count++;
	hang_up_and_go_on(stream);
}

static const struct host_stream_class ending = { .opened = hang_up_and_go_on,
						 .readable = hang_up_and_go_on,
						 .closed = hang_up_again };

static void accept_ending(void *context, struct host_stream *stream)
{
	(void)context;
	host_stream_use(stream, &ending, NULL);
	hang_up_and_go_on(stream);
}

Test(host, a_stream_may_close_its_connection_as_it_opens)
{
	struct host_stream *stream;

	begin();
	cr_assert(eq(int,
		     host_handle(pair.b, &(struct host_protocol){ "/lazy/1", accept_lazy, NULL }),
		     VD_OK));
	pair_dial(&pair);
	for (unsigned i = 0; i < 3; i++)
		cr_assert(
		    eq(int, host_open(pair.said.conn, lazy_ids, &ending, NULL, &stream), VD_OK));
	pair_until_said(&pair, 4); /* each was told once */
	pair_end(&pair);
	cr_assert(eq(uint, pair.said.count, 4));
}

Test(host, a_stream_may_close_its_connection_as_it_is_accepted)
{
	struct host_stream *stream;

	begin();
	cr_assert(eq(int,
		     host_handle(pair.b, &(struct host_protocol){ "/lazy/1", accept_ending, NULL }),
		     VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, host_open(pair.said.conn, lazy_ids, &lazy, NULL, &stream), VD_OK));
	pair_until_said(&pair, 2); /* by b */
	pair_end(&pair);
}

/* ---- deadlines of streams ---- */

static void note_end(struct host_stream *stream, enum vd_err err)
{
	(void)stream;
	pair.said.count++;
	pair.said.err = err;
}

static const struct host_stream_class timed = { .closed = note_end };

Test(host, a_stream_ends_at_its_deadline)
{
	struct host_stream *stream, *other;

	begin();
	cr_assert(eq(int,
		     host_handle(pair.b, &(struct host_protocol){ "/lazy/1", accept_lazy, NULL }),
		     VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, host_open(pair.said.conn, lazy_ids, &timed, NULL, &stream), VD_OK));
	cr_assert(eq(int, host_open(pair.said.conn, lazy_ids, &timed, NULL, &other), VD_OK));
	host_stream_until(stream, 1);
	host_stream_until(other, 1);
	host_stream_until(other, VD_NEVER);
	pair_until_said(&pair, 2);
	cr_assert(eq(int, pair.said.err, VD_ELINK_TIMEOUT));
	cr_assert(eq(u64, host_counters(pair.a)->timeouts, 1));
	cr_assert(host_connection(pair.a, &pair.identity_b.id) == pair.said.conn);
	pair_end(&pair);
	cr_assert(eq(uint, pair.said.count, 3)); /* the other one, at last */
}

static void accept_silent(void *context, struct host_stream *stream)
{
	(void)context;
	host_stream_use(stream, &lazy, NULL);
}

Test(host, a_ping_that_is_not_answered_ends)
{
	begin();
	host_unhandle(pair.b, "/ipfs/ping/1.0.0");
	cr_assert(eq(
	    int,
	    host_handle(pair.b, &(struct host_protocol){ "/ipfs/ping/1.0.0", accept_silent, NULL }),
	    VD_OK));
	pair_dial(&pair);
	ping();
	pair_until_said(&pair, 2);
	cr_assert(eq(int, pair.said.err, VD_ELINK_TIMEOUT));
	pair_end(&pair);
}

/* ---- the end of a host ---- */

static struct vd_multiaddr nowhere;
static unsigned redials;

static void dial_again(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	cr_assert(conn == NULL);
	cr_assert(why != NULL);
	cr_assert(ne(int, err, VD_OK));
	redials++;
	cr_assert(lt(uint, redials, 100), "host_free does not end");
	cr_assert(eq(int, host_dial(pair.a, &nowhere, dial_again, NULL), VD_ELINK_CLOSED));
}

static void open_again(struct host_stream *stream, enum vd_err err)
{
	static const char *const ids[] = { "/nobody/1", NULL };
	struct host_stream *next;

	(void)err;
	redials++;
	cr_assert(
	    eq(int, host_open(host_stream_conn(stream), ids, &lazy, NULL, &next), VD_ELINK_CLOSED));
}

static const struct host_stream_class opening_again = { .readable = never_read,
							.closed = open_again };

/* Nobody answers there: the dial is under way when the host ends. */
Test(host, one_that_ends_takes_no_more_dials_and_streams)
{
	static const char *const ids[] = { "/nobody/1", NULL };
	struct host_stream *stream;

	begin();
	pair_dial(&pair);
	cr_assert(eq(int, host_open(pair.said.conn, ids, &opening_again, NULL, &stream), VD_OK));
	nowhere = pair.address_b;
	nowhere.bytes[nowhere.len - 1] ^= 1; /* another peer */
	cr_assert(eq(int, host_dial(pair.a, &nowhere, dial_again, NULL), VD_OK));
	pair_end(&pair);
	cr_assert(eq(uint, redials, 2));
}

/* ---- dials that are canceled from a callback ---- */

static unsigned answers[2];

static void cancel_other(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	unsigned *answer = context, *other = &answers[answer == answers];

	(void)conn;
	(void)why;
	cr_assert(eq(int, err, VD_OK));
	++*answer;
	host_dial_cancel(pair.a, cancel_other, other);
}

static void dial_twice(void)
{
	for (unsigned i = 0; i < 2; i++) {
		answers[i] = 0;
		cr_assert(
		    eq(int, host_dial(pair.a, &pair.address_b, cancel_other, &answers[i]), VD_OK));
	}
}

static bool a_is_connected(struct pair *of)
{
	return host_connection_count(of->a) == 1;
}

Test(host, who_is_answered_may_cancel_who_is_not_yet)
{
	begin();
	dial_twice();
	pair_until(&pair, a_is_connected);
	cr_assert(eq(uint, answers[0] + answers[1], 1));
	pair_end(&pair);
	cr_assert(eq(uint, answers[0] + answers[1], 1));
}

static void cancel_all(void *context, struct host_conn *conn)
{
	(void)context;
	(void)conn;
	for (unsigned i = 0; i < 2; i++)
		host_dial_cancel(pair.a, cancel_other, &answers[i]);
}

Test(host, who_hears_of_a_connection_may_cancel_its_dials)
{
	config_a.events.opened = cancel_all;
	begin();
	dial_twice();
	pair_until(&pair, a_is_connected);
	pair_end(&pair);
	cr_assert(eq(uint, answers[0] + answers[1], 0));
}
