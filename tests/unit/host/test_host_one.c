/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One connection a peer, in hosts that nobody rules: two become one, and no stream is lost. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/host/host_state.h"
#include "tests/unit/host/pair.h"
#include "tests/unit/host/with_peer.h"

enum { TICKS = 50, LONG_S = 3600 };

static struct pair pair;

static struct host *host_of(unsigned end)
{
	return end ? pair.b : pair.a;
}

static const struct vd_peer_id *id_of(unsigned end)
{
	return end ? &pair.identity_b.id : &pair.identity_a.id;
}

static struct host_conn *best_of(unsigned end)
{
	return host_connection(host_of(end), id_of(!end));
}

static struct host_conn *other;

static void note_other(void *context, struct host_conn *conn)
{
	if (conn != context)
		other = conn;
}

/* The one that is not preferred. */
static struct host_conn *other_of(unsigned end)
{
	other = NULL;
	host_each(host_of(end), note_other, best_of(end));
	return other;
}

static bool have_two(struct pair *p)
{
	return host_connection_count(p->a) == 2 && host_connection_count(p->b) == 2;
}

static bool have_one(struct pair *p)
{
	return host_connection_count(p->a) == 1 && host_connection_count(p->b) == 1;
}

static bool did_both(struct pair *p)
{
	return host_counters(p->a)->dialled + host_counters(p->a)->accepted == 2 &&
	       host_counters(p->b)->dialled + host_counters(p->b)->accepted == 2;
}

static void let_time_pass(void)
{
	for (unsigned i = 0; i < TICKS; i++)
		pair_turn(&pair);
}

/* ---- dialling ---- */

static unsigned answers;

static void on_dial(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	unsigned end = context != NULL;

	cr_assert(eq(int, err, VD_OK), "%s", why);
	cr_assert(eq(ptr, conn, best_of(end))); /* what stays */
	answers++;
}

static struct vd_multiaddr listen_once_more(unsigned end)
{
	struct vd_multiaddr bound[HOST_LISTEN_MAX];
	char why[HOST_WHY];

	cr_assert(eq(int, host_listen_text(host_of(end), "/ip4/127.0.0.1/tcp/0", why), VD_OK));
	return with_peer(&bound[host_listens(host_of(end), bound) - 1], id_of(end));
}

static void dial_each_other(void)
{
	struct vd_multiaddr address_a = listen_once_more(0);

	answers = 0;
	cr_assert(eq(int, host_dial(pair.a, &pair.address_b, on_dial, NULL), VD_OK));
	cr_assert(eq(int, host_dial(pair.b, &address_a, on_dial, &pair), VD_OK));
	while (answers < 2)
		pair_turn(&pair);
}

static void begin(vd_ns retire_a, vd_ns retire_b, const struct host_events *events_a)
{
	struct host_config a = { .retire_after = retire_a }, b = { .retire_after = retire_b };

	if (events_a)
		a.events = *events_a;
	pair_begin(&pair, &a, &b);
}

Test(host_one, simultaneous_connects_become_the_one_of_the_smaller_peer_id)
{
	for (unsigned i = 0; i < 10; i++) {
		begin(VD_MS(20), VD_MS(20), NULL);
		dial_each_other();
		pair_until(&pair, did_both);
		pair_until(&pair, have_one);
		for (unsigned end = 0; end < 2; end++)
			cr_assert(eq(int, best_of(end)->machine.dialer,
				     vd_peer_id_compare(id_of(end), id_of(!end)) < 0));
		cr_assert(eq(int, host_ping(best_of(0), pair_on_ping, &pair), VD_OK));
		pair_until_said(&pair, 1);
		cr_assert(eq(int, pair.said.err, VD_OK));
		pair_end(&pair);
	}
}

Test(host_one, with_one_side_that_keeps_all_the_other_sees_to_it)
{
	for (unsigned end = 0; end < 2; end++) {
		begin(end ? VD_NEVER : VD_MS(20), end ? VD_MS(20) : VD_NEVER, NULL);
		dial_each_other();
		pair_until(&pair, did_both);
		pair_until(&pair, have_one);
		cr_assert(eq(int, best_of(0)->machine.dialer, !best_of(1)->machine.dialer));
		pair_end(&pair);
	}
}

/* A socket on which nobody answers; the address as if it were b's. */
static int listen_deaf(struct vd_multiaddr *address_out)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof to;
	char text[VD_MULTIADDR_TEXT];
	struct vd_multiaddr bare;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(eq(int, bind(fd, (struct sockaddr *)&to, len), 0));
	cr_assert(eq(int, listen(fd, 1), 0));
	cr_assert(eq(int, getsockname(fd, (struct sockaddr *)&to, &len), 0));
	snprintf(text, sizeof text, "/ip4/127.0.0.1/tcp/%u", ntohs(to.sin_port));
	cr_assert(eq(int, vd_multiaddr_of_text(text, &bare), VD_OK));
	*address_out = with_peer(&bare, id_of(1));
	return fd;
}

static bool all_are_answered(struct pair *p)
{
	(void)p;
	return answers == 2;
}

Test(host_one, a_dial_that_fails_is_answered_by_what_the_peer_dialled)
{
	struct vd_multiaddr address_a, deaf;
	int fd;

	begin(0, 0, NULL);
	answers = 0;
	fd = listen_deaf(&deaf);
	address_a = listen_once_more(0);
	cr_assert(eq(int, host_dial(pair.a, &deaf, on_dial, NULL), VD_OK));
	cr_assert(eq(int, host_dial(pair.b, &address_a, on_dial, &pair), VD_OK));
	pair_until(&pair, have_one);
	close(fd); /* it is reset */
	pair_until(&pair, all_are_answered);
	cr_assert(eq(u64, host_counters(pair.a)->dials_failed, 1));
	pair_end(&pair);
}

/* ---- of two that one side dialled ---- */

static void dial_twice(void)
{
	struct vd_multiaddr address = listen_once_more(1);

	answers = 0;
	cr_assert(eq(int, host_dial(pair.a, &pair.address_b, on_dial, NULL), VD_OK));
	cr_assert(eq(int, host_dial(pair.a, &address, on_dial, NULL), VD_OK));
	while (answers < 2)
		pair_turn(&pair);
}

Test(host_one, of_two_by_one_dialer_the_older_stays)
{
	struct host_conn *first;

	begin(VD_MS(20), VD_NEVER, NULL);
	dial_twice();
	first = best_of(0);
	pair_until(&pair, did_both);
	pair_until(&pair, have_one);
	cr_assert(eq(ptr, best_of(0), first));
	pair_end(&pair);
}

Test(host_one, of_two_that_the_peer_dialled_it_alone_closes_one)
{
	begin(VD_NEVER, 1, NULL);
	dial_twice();
	pair_until(&pair, have_two);
	let_time_pass();
	cr_assert(have_two(&pair));
	pair_end(&pair);
}

/* ---- a peer that vanished and is back ---- */

static struct host *back;
static struct host_conn *last; /* of who stayed */

static void note_last(void *context, struct host_conn *conn)
{
	(void)context;
	last = conn;
}

static struct host_conn *heard;

static void note_heard(void *context, struct host_conn *conn)
{
	(void)context;
	cr_assert(eq(ptr, heard, NULL)); /* once a doubt */
	heard = conn;
}

static bool is_back(struct pair *p)
{
	(void)p;
	return last != NULL;
}

static bool is_alone_again(struct pair *p)
{
	(void)p;
	return host_connection_count(back) == 0;
}

static void dial_from(unsigned end)
{
	struct vd_multiaddr address = listen_once_more(!end);

	answers = 0;
	cr_assert(eq(int, host_dial(host_of(end), &address, on_dial, end ? &pair : NULL), VD_OK));
	while (!answers)
		pair_turn(&pair);
	pair_until(&pair, have_one);
	let_time_pass(); /* what is told of itself */
}

static void on_back(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	cr_assert(conn != NULL && err == VD_OK, "%s", why);
}

static void come_back(unsigned end, unsigned stays)
{
	struct host_config config = { .loop = &pair.loop,
				      .identity = end ? &pair.identity_b : &pair.identity_a };
	struct vd_multiaddr address = listen_once_more(stays);

	cr_assert(eq(int, host_new(&config, &back), VD_OK));
	last = NULL;
	cr_assert(eq(int, host_dial(back, &address, on_back, NULL), VD_OK));
	pair_until(&pair, is_back);
}

/* The rule prefers what the smaller id dialled. That it dialled, and its peer hears no more. */
Test(host_one, what_the_peer_may_have_lost_is_not_preferred_and_nothing_closed_for_it)
{
	const struct host_events events = { .opened = note_last, .heard = note_heard };
	struct host_conn *first, *theirs;
	unsigned end;

	begin(1, 1, &events);
	end = vd_peer_id_compare(id_of(0), id_of(1)) > 0;
	host_of(end)->events = events;
	dial_from(end);
	first = best_of(end);
	theirs = best_of(!end);
	carrier_read(theirs->carrier, false);
	come_back(!end, end);
	let_time_pass();
	cr_assert(eq(u32, host_connection_count(host_of(end)), 2));
	cr_assert(eq(ptr, best_of(end), last));
	cr_assert(eq(ptr, heard, NULL));
	carrier_read(theirs->carrier, true); /* it was but slow */
	pair_until(&pair, is_alone_again);
	cr_assert(eq(ptr, heard, first));
	cr_assert(eq(ptr, best_of(end), first));
	host_free(back);
	pair_end(&pair);
}

/* ---- streams on the one that goes ---- */

static const char *const echo_ids[] = { "/echo/1", NULL };
static struct host_stream *streams[2]; /* of a, one on each */
static size_t stream_count;

static void answer(struct host_stream *stream)
{
	size_t took;

	if (!host_stream_write(stream, host_stream_read(stream), &took))
		host_stream_taken(stream, took);
	if (host_stream_ended(stream))
		host_stream_close(stream);
}

static const struct host_stream_class answering = { .readable = answer };
static const struct host_protocol echo = { .id = "/echo/1", .calls = &answering };

static void never_closed(struct host_stream *stream, enum vd_err err)
{
	(void)stream;
	cr_fail("a stream was lost: %s", vd_err_text(err));
}

static const struct host_stream_class asking = { .closed = never_closed };

static struct host_conn *going; /* away, at a */

static void note_going(void *context, struct host_conn *conn)
{
	(void)context;
	cr_assert(eq(ptr, going, NULL)); /* once */
	going = conn;
}

static void open_one(void *context, struct host_conn *conn)
{
	(void)context;
	cr_assert(
	    eq(int, host_open(conn, echo_ids, &asking, NULL, &streams[stream_count++]), VD_OK));
}

/* Two connections with a stream of a's on each; without one, a closes what is too much at once. */
static void begin_with_streams(void)
{
	const struct host_events events = { .opened = open_one, .going_away = note_going };

	stream_count = 0;
	going = NULL;
	begin(1, VD_SECONDS(LONG_S), &events);
	cr_assert(eq(int, host_handle(pair.b, &echo), VD_OK));
	dial_each_other();
	pair_until(&pair, have_two);
	let_time_pass();
	cr_assert(have_two(&pair));
}

static bool is_echoed(struct pair *p)
{
	(void)p;
	for (size_t i = 0; i < 2; i++)
		if (streams[i] && host_stream_read(streams[i]).len < 5)
			return false;
	return true;
}

static bool have_ended(struct pair *p)
{
	(void)p;
	for (size_t i = 0; i < 2; i++)
		if (streams[i] && !host_stream_ended(streams[i]))
			return false;
	return true;
}

/* A word there and back on each, and their ends in order. */
static void end_streams(void)
{
	const struct vd_bytes word = vd_bytes_of_text("still");

	for (size_t i = 0; i < 2; i++)
		if (streams[i])
			cr_assert(eq(int, host_stream_send(streams[i], word), VD_OK));
	pair_until(&pair, is_echoed);
	for (size_t i = 0; i < 2; i++)
		if (streams[i]) {
			cr_assert(vd_bytes_equal(host_stream_read(streams[i]), word));
			host_stream_taken(streams[i], word.len);
			host_stream_finish(streams[i]);
		}
	pair_until(&pair, have_ended);
	for (size_t i = 0; i < 2; i++)
		if (streams[i])
			host_stream_release(streams[i]);
}

/* The other stream's connection goes on purpose. */
static void forget_stream_of(const struct host_conn *conn)
{
	for (size_t i = 0; i < 2; i++)
		if (host_stream_conn(streams[i]) == conn) {
			host_stream_reset(streams[i]);
			streams[i] = NULL;
		}
}

Test(host_one, what_is_not_preferred_keeps_its_streams_to_their_ends)
{
	struct host_conn *best;

	begin_with_streams();
	best = best_of(0);
	end_streams();
	pair_until(&pair, have_one);
	cr_assert(eq(ptr, best_of(0), best));
	pair_end(&pair);
}

Test(host_one, the_other_stays_when_the_preferred_one_closes)
{
	struct host_conn *best, *rest;

	begin_with_streams();
	best = best_of(0);
	rest = other_of(0);
	forget_stream_of(best);
	host_disconnect(best);
	cr_assert(eq(ptr, best_of(0), rest));
	pair_until(&pair, have_one);
	end_streams();
	let_time_pass();
	cr_assert(have_one(&pair));
	cr_assert(eq(ptr, best_of(0), rest));
	pair_end(&pair);
}

static struct host_conn *rest_of_a;

static bool a_prefers_the_rest(struct pair *p)
{
	(void)p;
	return best_of(0) == rest_of_a;
}

Test(host_one, the_other_stays_when_the_peer_goes_away_on_the_preferred_one)
{
	struct host_conn *best, *of_b;

	begin_with_streams();
	best = best_of(0);
	rest_of_a = other_of(0);
	of_b = best_of(1);
	muxer_go_away(of_b->machine.muxer);
	host_conn_due(of_b);
	pair_until(&pair, a_prefers_the_rest);
	cr_assert(eq(ptr, going, best));
	end_streams();
	pair_until(&pair, have_one);
	let_time_pass();
	cr_assert(eq(ptr, best_of(0), rest_of_a));
	pair_end(&pair);
}
