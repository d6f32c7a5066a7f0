/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "controlplane/proto/announce.h"
#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/peer_record.h"
#include "tests/unit/host/pair.h"

static struct pair pair;

/* What a was told last of b. */
static struct {
	unsigned count;
	bool signed_by_b;
	uint64_t seq;
	unsigned addresses, protocols, signed_addresses;
	struct vd_multiaddr first, observed;
	bool has_key;
	char version[16];
	size_t longest;
} heard;

static void on_identified(void *context, struct host_conn *conn, struct vd_bytes told)
{
	struct identify message;
	struct peer_record record;
	struct vd_read r = vd_read_of(told);

	(void)context;
	(void)conn;
	cr_assert(eq(int, (int)identify_stream_read(told, &message), VD_OK));
	heard.count++;
	heard.addresses = (unsigned)message.addresses_count;
	heard.protocols = (unsigned)message.protocols_count;
	heard.has_key = vd_bytes_equal(message.public_key,
				       vd_bytes(pair.identity_b.public_key, VD_PUBLIC_KEY_BYTES));
	heard.observed.len = 0;
	(void)vd_multiaddr_of_bytes(message.observed, &heard.observed);
	snprintf(heard.version, sizeof heard.version, "%.*s", (int)message.protocol_version.len,
		 (const char *)message.protocol_version.at);
	heard.signed_by_b = !peer_record_read(message.signed_record, &record) &&
			    vd_peer_id_equal(&record.peer, &pair.identity_b.id);
	if (heard.signed_by_b) {
		heard.seq = record.seq;
		heard.signed_addresses = record.address_count;
		(void)vd_multiaddr_of_bytes(record.addresses[0], &heard.first);
	}
	while (vd_read_left(&r)) {
		size_t len = (size_t)vd_read_uvarint(&r);

		heard.longest = len > heard.longest ? len : heard.longest;
		(void)vd_read_bytes(&r, len);
	}
}

static void begin(void)
{
	const struct host_config a = { .events = { .identified = on_identified } };

	pair_begin(&pair, &a, NULL);
}

static bool is_heard(struct pair *p)
{
	(void)p;
	return heard.count;
}

static bool is_heard_twice(struct pair *p)
{
	(void)p;
	return heard.count == 2;
}

/* Both asked, and were told. */
static bool is_settled(struct pair *p)
{
	return host_counters(p->a)->identify_out == 1 && host_counters(p->b)->identify_out == 1;
}

static void announce_text(struct host *host, uint64_t seq, const char *const *texts, size_t count)
{
	struct vd_multiaddr addresses[8];

	for (size_t i = 0; i < count; i++)
		cr_assert(eq(int, (int)vd_multiaddr_of_text(texts[i], &addresses[i]), VD_OK));
	host_announce(host, addresses, count, seq);
}

Test(identify_host, a_peer_is_told_our_addresses_signed)
{
	begin();
	pair_dial(&pair);
	pair_until(&pair, is_heard);
	cr_assert(heard.signed_by_b);
	cr_assert(eq(uint, heard.addresses, 1));
	cr_assert(eq(uint, heard.signed_addresses, 1), "loopback, as there is nothing else");
	cr_assert(eq(uint, heard.protocols, 3));
	pair_end(&pair);
}

Test(identify_host, a_peer_is_told_our_key_and_version_and_where_we_see_it)
{
	struct vd_multiaddr expected;
	struct host_conn_info info;
	char text[VD_MULTIADDR_TEXT];

	begin();
	pair_dial(&pair);
	host_conn_info(pair.said.conn, &info);
	snprintf(text, sizeof text, "/ip4/127.0.0.1/tcp/%u", info.local.port);
	cr_assert(eq(int, (int)vd_multiaddr_of_text(text, &expected), VD_OK));
	pair_until(&pair, is_heard);
	cr_assert(heard.has_key);
	cr_assert(eq(str, heard.version, "ipfs/0.1.0"));
	cr_assert(vd_multiaddr_equal(&heard.observed, &expected), "%s",
		  vd_multiaddr_text(&heard.observed, text));
	pair_end(&pair);
}

Test(identify_host, what_is_announced_is_told_in_place_of_the_listening_ones)
{
	static const char *const texts[] = { "/ip4/198.18.0.1/tcp/4001",
					     "/ip4/127.0.0.1/tcp/4001" };
	struct vd_multiaddr expected;

	begin();
	announce_text(pair.b, 77, texts, 2);
	pair_dial(&pair);
	pair_until(&pair, is_heard);
	cr_assert(eq(u64, heard.seq, 77));
	cr_assert(eq(uint, heard.addresses, 2), "over loopback both");
	cr_assert(eq(uint, heard.signed_addresses, 1));
	cr_assert(eq(int, (int)vd_multiaddr_of_text(texts[0], &expected), VD_OK));
	cr_assert(vd_multiaddr_equal(&heard.first, &expected));
	pair_end(&pair);
}

Test(identify_host, a_change_of_addresses_is_pushed_and_several_are_one)
{
	static const char *const texts[] = { "/ip4/198.18.0.1/tcp/1", "/ip4/198.18.0.1/tcp/2",
					     "/ip4/198.18.0.1/tcp/3" };

	begin();
	pair_dial(&pair);
	pair_until(&pair, is_settled);
	for (size_t i = 0; i < 3; i++)
		announce_text(pair.b, 100 + i, texts + i, 1);
	pair_until(&pair, is_heard_twice);
	cr_assert(eq(u64, heard.seq, 102));
	cr_assert(eq(u64, host_counters(pair.b)->pushes_out, 1));
	cr_assert(eq(u64, host_counters(pair.a)->pushes_in, 1));
	cr_assert(eq(u64, host_counters(pair.b)->pushes_by_addresses, 3));
	cr_assert(eq(u64, host_counters(pair.b)->push_peers, 1));
	pair_end(&pair);
}

Test(identify_host, the_same_addresses_are_no_change)
{
	static const char *const texts[] = { "/ip4/198.18.0.1/tcp/1" };

	begin();
	announce_text(pair.b, 1, texts, 1);
	pair_dial(&pair);
	pair_until(&pair, is_settled);
	announce_text(pair.b, 2, texts, 1);
	cr_assert(zero(u64, host_counters(pair.b)->pushes_by_addresses));
	pair_end(&pair);
}

static void accept_none(void *context, struct host_stream *stream)
{
	(void)context;
	host_stream_reset(stream);
}

Test(identify_host, a_new_protocol_is_pushed)
{
	begin();
	pair_dial(&pair);
	pair_until(&pair, is_settled);
	cr_assert(eq(
	    int, (int)host_handle(pair.b, &(struct host_protocol){ "/new/1", accept_none, NULL }),
	    VD_OK));
	pair_until(&pair, is_heard_twice);
	cr_assert(eq(uint, heard.protocols, 4));
	cr_assert(eq(u64, host_counters(pair.b)->pushes_by_protocols, 1));
	pair_end(&pair);
}

static bool is_pushed_to_a(struct pair *p)
{
	return host_counters(p->a)->pushes_in;
}

static bool is_pushed_to_b(struct pair *p)
{
	return host_counters(p->b)->pushes_in;
}

Test(identify_host, who_takes_no_pushes_gets_none)
{
	static const char *const texts[] = { "/ip4/198.18.0.1/tcp/1" };

	begin();
	host_unhandle(pair.a, IDENTIFY_PUSH_ID);
	pair_dial(&pair);
	pair_until(&pair, is_settled);
	announce_text(pair.b, 1, texts, 1);
	/* a's own push comes after b's would have. */
	announce_text(pair.a, 1, texts, 1);
	pair_until(&pair, is_pushed_to_b);
	cr_assert(zero(u64, host_counters(pair.b)->pushes_out));
	cr_assert(not(is_pushed_to_a(&pair)));
	cr_assert(eq(u64, host_counters(pair.b)->no_push_peers, 1));
	pair_end(&pair);
}

/* ---- a peer that pushes too much ---- */

static void drain(struct host_stream *stream)
{
	host_stream_taken(stream, host_stream_read(stream).len);
	if (host_stream_ended(stream))
		host_stream_release(stream);
}

static const struct host_stream_class draining = { .readable = drain };

static void push_once(void)
{
	static const char *const ids[] = { IDENTIFY_PUSH_ID, NULL };
	static const struct identify message = { .agent = { (const uint8_t *)"x/1", 3 } };
	struct host_stream *stream;
	uint8_t out[64];
	struct vd_write w = vd_write_to(out, sizeof out);
	size_t took;

	cr_assert(eq(int, (int)identify_stream_write(&message, &w), VD_OK));
	cr_assert(eq(int, (int)host_open(pair.said.conn, ids, &draining, NULL, &stream), VD_OK));
	cr_assert(eq(int, (int)host_stream_write(stream, vd_write_done(&w), &took), VD_OK));
	host_stream_finish(stream);
}

static uint64_t expected;

static bool is_taken_or_refused(struct pair *p)
{
	return host_counters(p->b)->pushes_in + host_counters(p->b)->pushes_refused == expected;
}

Test(identify_host, pushes_above_the_rate_are_refused_and_counted)
{
	const struct host_counters *b;

	begin();
	pair_dial(&pair);
	pair_until(&pair, is_settled);
	b = host_counters(pair.b);
	for (uint64_t i = 0; i < 12; i++) {
		push_once();
		expected = i + 1;
		pair_until(&pair, is_taken_or_refused);
	}
	cr_assert(ge(u64, b->pushes_refused, 1));
	cr_assert(ge(u64, b->pushes_in, 10));
	cr_assert(ne(ptr, host_connection(pair.b, &pair.identity_a.id), NULL),
		  "it stays connected");
	pair_end(&pair);
}

static void copy_agent(void *context, struct host_conn *conn)
{
	host_conn_info(conn, context);
}

static bool is_renamed(struct pair *p)
{
	struct host_conn_info info = { 0 };

	host_each(p->b, copy_agent, &info);
	return strcmp(info.agent, "x/1") == 0;
}

Test(identify_host, a_push_changes_what_is_in_it_and_no_more)
{
	static const char *const texts[] = { "/ip4/198.18.0.1/tcp/1" };

	begin();
	pair_dial(&pair);
	pair_until(&pair, is_settled);
	push_once();
	pair_until(&pair, is_renamed);
	announce_text(pair.b, 1, texts, 1);
	pair_until(&pair, is_pushed_to_a); /* it did not say that it takes none any more */
	pair_end(&pair);
}

Test(identify_host, no_message_is_longer_than_what_others_read)
{
	static char names[HOST_PROTOCOLS_MAX][32];
	static const char *const texts[] = { "/ip4/198.18.0.1/tcp/1" };
	static struct vd_multiaddr many[ANNOUNCE_MAX];

	begin();
	for (unsigned i = 0; i < 50; i++) {
		snprintf(names[i], sizeof names[i], "/protocol-number-%u/1.0.0", i);
		cr_assert(eq(int,
			     (int)host_handle(
				 pair.b, &(struct host_protocol){ names[i], accept_none, NULL }),
			     VD_OK));
	}
	announce_text(pair.b, 1, texts, 1);
	for (unsigned i = 0; i < ANNOUNCE_MAX; i++) {
		char text[64];

		snprintf(text, sizeof text, "/ip6/2001:db8:1234:5678:9abc:def0:0:%x/tcp/4001", i);
		cr_assert(eq(int, (int)vd_multiaddr_of_text(text, &many[i]), VD_OK));
	}
	host_announce(pair.b, many, ANNOUNCE_MAX, 2);
	pair_dial(&pair);
	pair_until(&pair, is_heard);
	cr_assert(eq(uint, heard.signed_addresses, ANNOUNCE_MAX));
	cr_assert(lt(sz, heard.longest, 4096), "rust-libp2p's limit");
	pair_end(&pair);
}
