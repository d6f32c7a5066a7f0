/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Peers that tell each other their link addresses; each test without and with threads. */
#include "controlplane/host/link_tell.h"
#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/link_addresses.h"
#include "tests/unit/host/swarm_rig.h"

/* ---- what was said ---- */

static struct heard {
	unsigned count, identified;
	struct link_addresses addresses;
	bool advertised;
} heard[2]; /* by a, by b */

static void on_said(void *context, const struct swarm_conn *conn, const char *protocol,
		    struct vd_bytes bytes)
{
	struct heard *to = context;

	cr_assert(eq(str, (char *)protocol, (char *)LINK_ADDRESSES_ID));
	cr_assert(eq(int,
		     link_addresses_read(bytes, &conn->info.peer, ip_scope_of(&conn->info.remote),
					 &to->addresses),
		     VD_OK));
	to->count++;
}

/* No link address in any of it. */
static void on_identified(void *context, const struct swarm_conn *conn, struct vd_bytes told)
{
	static const uint8_t viaduct[] = { 0xf6, 0x80, 0xc0, 0x01 }; /* the code, as a varint */
	struct heard *to = context;
	struct identify message;

	(void)conn;
	cr_assert(eq(int, identify_stream_read(told, &message), VD_OK));
	cr_assert(memmem(told.at, told.len, viaduct, sizeof viaduct) == NULL);
	to->advertised = false;
	for (size_t i = 0; i < message.protocols_count; i++)
		to->advertised |=
		    vd_bytes_equal(message.protocols[i], vd_bytes_of_text(LINK_ADDRESSES_ID));
	to->identified++;
}

static void say(struct host_conn *conn, struct vd_bytes told)
{
	(void)swarm_say(conn, LINK_ADDRESSES_ID, told);
}

/* ---- serving ---- */

struct message {
	size_t len;
	uint8_t bytes[2 * LINK_ADDRESSES_BYTES];
};

static void serve(struct host *host, const void *argument)
{
	const struct message *message = argument;

	cr_assert(
	    eq(int, host_link_serve(host, vd_bytes(message->bytes, message->len), say), VD_OK));
}

static struct message message_of(const struct side *side, uint16_t port)
{
	struct link_addresses addresses = { .count = port != 0 };
	struct message message = { 0 };
	struct vd_write w = vd_write_to(message.bytes, sizeof message.bytes);

	addresses.at[0] = (struct vd_udp_addr){ .port = port };
	memcpy(addresses.at[0].ip, (uint8_t[]){ [10] = 0xff, 0xff, 127, 0, 0, 1 }, 16);
	cr_assert(eq(int, link_addresses_write(&addresses, &side->identity.id, &w), VD_OK));
	message.len = vd_write_len(&w);
	return message;
}

static void open_both(unsigned threads)
{
	begin(threads);
	for (unsigned i = 0; i < 2; i++) {
		const struct swarm_events events = { .identified = on_identified,
						     .said = on_said,
						     .context = &heard[i] };

		heard[i] = (struct heard){ 0 };
		cr_assert(eq(int, swarm_watch(sides[i].swarm, &events), VD_OK));
	}
}

static void tell(const struct side *side, uint16_t port)
{
	struct message message = message_of(side, port);

	cr_assert(eq(int, swarm_each_host(side->swarm, serve, &message, sizeof message), VD_OK));
}

/* ---- tests ---- */

Test(link_tell, both_sides_learn_by_one_stream)
{
	EACH_VARIANT(threads)
	{
		open_both(threads);
		tell(a, 4001);
		tell(b, 4002);
		dial_b();
		TURN_UNTIL(heard[0].count && heard[1].count);
		cr_assert(eq(u32, heard[0].addresses.count, 1));
		cr_assert(eq(u16, heard[0].addresses.at[0].port, 4002));
		cr_assert(eq(u16, heard[1].addresses.at[0].port, 4001));
		TURN_UNTIL(heard[0].identified && heard[1].identified);
		cr_assert(heard[0].advertised && heard[1].advertised);
		/* Identify both ways, and one for both. */
		TURN_UNTIL(swarm_counters(b->swarm).hosts.streams_in == 2);
		cr_assert(eq(u64, swarm_counters(b->swarm).hosts.streams_out, 1));
		cr_assert(eq(uint, heard[0].count, 1));
		cr_assert(eq(uint, heard[1].count, 1));
		end();
	}
}

Test(link_tell, who_does_not_serve_it_is_not_asked)
{
	EACH_VARIANT(threads)
	{
		open_both(threads);
		tell(a, 4001);
		dial_b();
		TURN_UNTIL(heard[0].identified && heard[1].identified);
		cr_assert(not(heard[0].advertised));
		ping_b(said.id);
		cr_assert(eq(uint, heard[0].count + heard[1].count, 0));
		cr_assert(eq(u64, swarm_counters(b->swarm).hosts.streams_refused, 0));
		end();
	}
}

Test(link_tell, what_is_served_anew_is_told_to_the_next)
{
	EACH_VARIANT(threads)
	{
		open_both(threads);
		tell(a, 0);
		tell(b, 4002);
		tell(b, 4003);
		dial_b();
		TURN_UNTIL(heard[0].count && heard[1].count);
		cr_assert(eq(u16, heard[0].addresses.at[0].port, 4003));
		cr_assert(eq(u32, heard[1].addresses.count, 0));
		end();
	}
}

/* Listens, and says nothing. */
static _Atomic size_t silent_heard;
static _Atomic bool silent_ended;

static void on_silent_readable(struct host_stream *stream)
{
	struct vd_bytes in;

	while ((in = host_stream_read(stream)).len) {
		silent_heard += in.len;
		host_stream_taken(stream, in.len);
	}
	silent_ended |= host_stream_ended(stream);
}

static void accept_silently(void *context, struct host_stream *stream)
{
	static const struct host_stream_class class = { .readable = on_silent_readable };

	(void)context;
	host_stream_use(stream, &class, NULL);
}

static void serve_silently(struct host *host, const void *argument)
{
	(void)argument;
	cr_assert(eq(
	    int,
	    host_handle(host, &(struct host_protocol){ LINK_ADDRESSES_ID, accept_silently, NULL }),
	    VD_OK));
}

Test(link_tell, one_side_says_its_own_and_ends_without_waiting_for_the_other)
{
	EACH_VARIANT(threads)
	{
		silent_heard = 0;
		silent_ended = false;
		open_both(threads);
		tell(a, 4001);
		cr_assert(eq(int, swarm_each_host(b->swarm, serve_silently, NULL, 0), VD_OK));
		dial_b();
		TURN_UNTIL(silent_ended);
		cr_assert(eq(sz, silent_heard, message_of(a, 4001).len));
		end();
	}
}

/* ---- what is wrong ---- */

static void break_off_with(struct message message)
{
	EACH_VARIANT(threads)
	{
		open_both(threads);
		cr_assert(
		    eq(int, swarm_each_host(a->swarm, serve, &message, sizeof message), VD_OK));
		tell(b, 4002);
		dial_b();
		TURN_UNTIL(swarm_counters(b->swarm).hosts.peers_broke == 1);
		ping_b(said.id); /* the connection stays */
		cr_assert(eq(uint, heard[1].count, 0));
		end();
	}
}

Test(link_tell, what_does_not_read_is_dropped_and_counted)
{
	break_off_with((struct message){ .len = 3, .bytes = { 2, 8, 7 } });
	break_off_with((struct message){ .len = 0 });
	break_off_with((struct message){ .len = 2, .bytes = { 0, 0 } });
}

/* More than there may be, and asking again at once. */
struct rude {
	struct swarm_task task;
	size_t len;
	unsigned streams;
};

static _Atomic unsigned rude_ended;

static void on_rude_closed(struct host_stream *stream, enum vd_err err)
{
	(void)stream;
	(void)err;
	rude_ended++;
}

static void run_rude(struct swarm_task *task, struct host_conn *conn)
{
	static const struct host_stream_class class = { .closed = on_rude_closed };
	static const char *const ids[] = { LINK_ADDRESSES_ID, NULL };
	static const uint8_t zeros[2 * LINK_ADDRESSES_BYTES];
	const struct rude *rude = (const struct rude *)task;

	for (unsigned i = 0; i < rude->streams; i++) {
		struct host_stream *stream;

		cr_assert(eq(int, host_open(conn, ids, &class, NULL, &stream), VD_OK));
		cr_assert(eq(int, host_stream_send(stream, vd_bytes(zeros, rude->len)), VD_OK));
		if (i + 1 < rude->streams)
			host_stream_finish(stream);
	}
	swarm_task_done(task);
}

static void rude_done(struct swarm_task *task)
{
	(void)task;
	said.count++;
}

static void be_rude(struct rude *rude)
{
	unsigned count = said.count;

	rude->task.run = run_rude;
	rude->task.done = rude_done;
	cr_assert(eq(int, swarm_submit(a->swarm, said.id, &rude->task), VD_OK));
	until(count + 1);
}

Test(link_tell, a_message_too_long_ends_the_stream_before_it_ends)
{
	EACH_VARIANT(threads)
	{
		struct rude rude = { .len = LINK_ADDRESSES_BYTES + 1, .streams = 1 };

		rude_ended = 0;
		open_both(threads);
		tell(b, 4002);
		dial_b();
		be_rude(&rude);
		TURN_UNTIL(rude_ended == 1);
		TURN_UNTIL(swarm_counters(b->swarm).hosts.peers_broke == 1);
		cr_assert(eq(uint, heard[1].count, 0));
		end();
	}
}

Test(link_tell, a_peer_that_asks_again_at_once_is_turned_away)
{
	EACH_VARIANT(threads)
	{
		struct rude rude = { .len = 1, .streams = 3 };

		rude_ended = 0;
		open_both(threads);
		tell(b, 4002);
		dial_b();
		be_rude(&rude);
		TURN_UNTIL(rude_ended == 2);
		TURN_UNTIL(heard[1].count == 1);
		end();
	}
}
