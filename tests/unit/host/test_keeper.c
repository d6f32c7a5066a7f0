/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/keeper.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "base/init.h"
#include "controlplane/proto/identify_stream.h"

static struct peer_book book;
static struct keeper *keeper;
static struct vd_identity peer, stranger;
static struct vd_multiaddr listening[2];
static unsigned tells;
static struct announced last;
static uint64_t last_seq;

static struct vd_multiaddr of(const char *text)
{
	struct vd_multiaddr out;

	cr_assert(eq(int, (int)vd_multiaddr_of_text(text, &out), VD_OK), "%s", text);
	return out;
}

static size_t listens(void *context, struct vd_multiaddr *out, size_t max)
{
	(void)context;
	cr_assert(ge(sz, max, 2));
	memcpy(out, listening, sizeof listening);
	return 2;
}

static void tell(void *context, const struct announced *addresses, uint64_t seq)
{
	(void)context;
	tells++;
	last = *addresses;
	cr_assert(gt(u64, seq, last_seq), "it rises");
	last_seq = seq;
}

static void setup(void)
{
	static const struct announce_rules none = { 0 };

	cr_assert(eq(int, (int)vd_init(), VD_OK));
	listening[0] = of("/ip4/10.0.0.2/tcp/4001");
	listening[1] = of("/ip4/127.0.0.1/tcp/4001");
	vd_identity_generate(&peer);
	vd_identity_generate(&stranger);
	cr_assert(eq(int, (int)peer_book_init(&book, 16), VD_OK));
	cr_assert(
	    eq(int, (int)keeper_new(&(struct keeper_config){ &book, listens, tell, NULL }, &keeper),
	       VD_OK));
	keeper_rules(keeper, &none);
}

static void teardown(void)
{
	keeper_free(keeper);
	peer_book_fini(&book);
}

TestSuite(keeper, .init = setup, .fini = teardown);

/* A connection of `peer`, from our listening port. */
static struct host_conn_info conn_at(const char *remote)
{
	return (struct host_conn_info){
		.peer = peer.id,
		.remote = of(remote),
		.local = { .ip = { [10] = 0xff, 0xff, 10, 0, 0, 2 }, .port = 4001 },
	};
}

struct told {
	const struct vd_identity *by; /* NULL: no record */
	const char *address, *signed_address, *observed, *protocol;
	struct vd_bytes key;
	uint64_t seq; /* of the record */
};

static void hear(uint64_t number, const struct host_conn_info *conn, const struct told *told)
{
	struct vd_multiaddr address, signed_address, observed;
	struct identify message = { .public_key = told->key };
	uint8_t record_bytes[1024], out[4096];
	struct vd_write r = vd_write_to(record_bytes, sizeof record_bytes);
	struct vd_write w = vd_write_to(out, sizeof out);

	if (told->address) {
		address = of(told->address);
		message.addresses[message.addresses_count++] = vd_bytes(address.bytes, address.len);
	}
	if (told->observed) {
		observed = of(told->observed);
		message.observed = vd_bytes(observed.bytes, observed.len);
	}
	if (told->protocol)
		message.protocols[message.protocols_count++] = vd_bytes_of_text(told->protocol);
	if (told->by) {
		struct peer_record record = { .peer = told->by->id,
					      .seq = told->seq,
					      .address_count = 1 };

		signed_address = of(told->signed_address);
		record.addresses[0] = vd_bytes(signed_address.bytes, signed_address.len);
		cr_assert(eq(int, (int)peer_record_write(&r, told->by, &record), VD_OK));
		message.signed_record = vd_write_done(&r);
	}
	cr_assert(eq(int, (int)identify_stream_write(&message, &w), VD_OK));
	keeper_identified(keeper, number, conn, vd_write_done(&w));
}

static const struct peer_entry *entry(void)
{
	return peer_book_find(&book, &peer.id);
}

Test(keeper, what_a_peer_signed_is_taken_in_place_of_what_it_told)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");
	struct vd_multiaddr expected = of("/ip4/8.8.8.8/tcp/4001");

	keeper_opened(keeper, 1, &conn);
	hear(1, &conn,
	     &(struct told){ .by = &peer,
			     .address = "/ip4/8.8.8.8/tcp/9",
			     .signed_address = "/ip4/8.8.8.8/tcp/4001",
			     .protocol = "/a/1" });
	cr_assert(eq(u32, entry()->address_count, 1));
	cr_assert(eq(int, (int)entry()->addresses[0].source, PEER_SIGNED));
	cr_assert(
	    vd_bytes_equal(entry()->addresses[0].bytes, vd_bytes(expected.bytes, expected.len)));
	cr_assert(peer_entry_speaks(entry(), "/a/1"));
	cr_assert(eq(u32, entry()->connections, 1));
}

Test(keeper, a_record_that_is_older_than_ours_brings_nothing_unsigned_either)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");
	struct vd_multiaddr expected = of("/ip4/8.8.8.8/tcp/4001");

	keeper_opened(keeper, 1, &conn);
	hear(1, &conn,
	     &(struct told){ .by = &peer, .seq = 2, .signed_address = "/ip4/8.8.8.8/tcp/4001" });
	hear(1, &conn,
	     &(struct told){ .by = &peer,
			     .seq = 1,
			     .address = "/ip4/8.8.8.8/tcp/9",
			     .signed_address = "/ip4/8.8.8.8/tcp/9" });
	cr_assert(eq(u64, book.counters.records_old, 1));
	cr_assert(eq(u32, entry()->address_count, 1));
	cr_assert(
	    vd_bytes_equal(entry()->addresses[0].bytes, vd_bytes(expected.bytes, expected.len)));
}

/* Others can verify what is handed on: it is the peer's own, though we may keep fewer addresses. */
Test(keeper, what_a_peer_signed_is_kept_as_it_was_signed)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");
	struct told told = { .by = &peer, .seq = 2, .signed_address = "/ip4/8.8.8.8/tcp/4001" };
	struct peer_record record;

	keeper_opened(keeper, 1, &conn);
	hear(1, &conn, &told);
	told.seq = 1;
	told.signed_address = "/ip4/8.8.8.8/tcp/9";
	hear(1, &conn, &told);
	cr_assert(eq(int, (int)peer_record_read(peer_entry_envelope(entry(), 0), &record), VD_OK));
	cr_assert(eq(u64, record.seq, 2));
	told.seq = 3;
	hear(1, &conn, &told);
	cr_assert(eq(int, (int)peer_record_read(peer_entry_envelope(entry(), 0), &record), VD_OK));
	cr_assert(eq(u64, record.seq, 3));
	cr_assert(eq(u32, record.address_count, 1));
}

Test(keeper, a_record_of_another_peer_is_refused_and_counted)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");

	keeper_opened(keeper, 1, &conn);
	hear(1, &conn,
	     &(struct told){ .by = &stranger,
			     .address = "/ip4/8.8.8.8/tcp/9",
			     .signed_address = "/ip4/9.9.9.9/tcp/4001" });
	cr_assert(eq(u64, keeper_counters(keeper)->records_bad, 1));
	cr_assert(eq(u32, entry()->address_count, 1));
	cr_assert(eq(int, (int)entry()->addresses[0].source, PEER_TOLD));
	cr_assert(eq(ptr, (void *)(uintptr_t)peer_book_find(&book, &stranger.id), NULL));
}

Test(keeper, a_key_of_another_peer_is_counted)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");

	keeper_opened(keeper, 1, &conn);
	hear(1, &conn, &(struct told){ .key = vd_bytes(stranger.public_key, VD_PUBLIC_KEY_BYTES) });
	cr_assert(eq(u64, keeper_counters(keeper)->keys_bad, 1));
	hear(1, &conn, &(struct told){ .key = vd_bytes(peer.public_key, VD_PUBLIC_KEY_BYTES) });
	cr_assert(eq(u64, keeper_counters(keeper)->keys_bad, 1));
}

struct reach {
	const char *remote, *address;
	bool kept;
};

static const struct reach reaches[] = {
	{ "/ip4/8.8.8.8/tcp/1", "/ip4/192.168.0.1/tcp/1", false },
	{ "/ip4/8.8.8.8/tcp/1", "/ip4/127.0.0.1/tcp/1", false },
	{ "/ip4/8.8.8.8/tcp/1", "/dns4/example.org/tcp/1", true },
	{ "/ip4/192.168.0.9/tcp/1", "/ip4/192.168.0.1/tcp/1", true },
	{ "/ip4/192.168.0.9/tcp/1", "/ip4/127.0.0.1/tcp/1", false },
	{ "/ip4/192.168.0.9/tcp/1", "/ip4/8.8.8.8/tcp/1", true },
	{ "/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1", true },
};

Test(keeper, addresses_that_do_not_reach_to_where_the_peer_is_are_left_out)
{
	for (size_t i = 0; i < sizeof reaches / sizeof *reaches; i++) {
		struct host_conn_info conn = conn_at(reaches[i].remote);

		keeper_opened(keeper, 1, &conn);
		hear(i, &conn, &(struct told){ .address = reaches[i].address });
		cr_assert(eq(u32, entry()->address_count, reaches[i].kept), "%s from %s",
			  reaches[i].address, reaches[i].remote);
		keeper_closed(keeper, i, &conn);
		peer_book_forget(&book, &peer.id);
	}
	cr_assert(eq(u64, keeper_counters(keeper)->out_of_reach, 3));
}

Test(keeper, a_push_without_protocols_leaves_those_that_were_told)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");

	keeper_opened(keeper, 1, &conn);
	hear(1, &conn, &(struct told){ .protocol = "/a/1" });
	hear(1, &conn, &(struct told){ .address = "/ip4/8.8.8.8/tcp/9" });
	cr_assert(peer_entry_speaks(entry(), "/a/1"));
	cr_assert(eq(u32, entry()->address_count, 1));
}

Test(keeper, four_votes_are_told_on_and_each_change_once)
{
	struct vd_multiaddr outer = of("/ip4/9.9.9.9/tcp/4001");

	cr_assert(eq(uint, tells, 1));
	cr_assert(eq(u32, last.count, 2));
	for (unsigned i = 0; i < 4; i++) {
		char remote[64];
		struct host_conn_info conn;

		snprintf(remote, sizeof remote, "/ip4/8.8.8.%u/tcp/1", i);
		conn = conn_at(remote);
		keeper_opened(keeper, 1, &conn);
		hear(i, &conn, &(struct told){ .observed = "/ip4/9.9.9.9/tcp/4001" });
		keeper_poll(keeper, vd_now());
	}
	cr_assert(eq(uint, tells, 2));
	cr_assert(eq(u32, last.count, 3));
	cr_assert(vd_multiaddr_equal(&last.at[0], &outer));
	keeper_poll(keeper, vd_now() + VD_SECONDS(60));
	cr_assert(eq(uint, tells, 2));
}

Test(keeper, a_vote_from_another_port_of_ours_does_not_count)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");

	conn.local.port = 50000;
	hear(1, &conn, &(struct told){ .observed = "/ip4/9.9.9.9/tcp/4001" });
	cr_assert(eq(u64, keeper_votes(keeper)->counters.refused_local, 1));
}

Test(keeper, listening_addresses_that_come_and_go_are_seen)
{
	listening[0] = of("/ip4/10.0.0.3/tcp/4001");
	keeper_poll(keeper, vd_now() + VD_SECONDS(60));
	cr_assert(eq(uint, tells, 2));
	cr_assert(vd_multiaddr_equal(&last.at[0], &listening[0]));
}

Test(keeper, rules_take_effect_at_once)
{
	static struct vd_multiaddr name;
	const struct announce_rules rules = { .announce = &name, .announce_count = 1 };

	name = of("/dns4/router.example.org/tcp/4001");
	keeper_rules(keeper, &rules);
	cr_assert(eq(uint, tells, 2));
	cr_assert(eq(u32, last.count, 1));
}

Test(keeper, pings_move_the_latency)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");

	keeper_opened(keeper, 1, &conn);
	keeper_pinged(keeper, &conn, VD_MS(30));
	cr_assert(eq(u64, entry()->latency, VD_MS(30)));
	keeper_closed(keeper, 1, &conn);
	cr_assert(eq(ptr, (void *)(uintptr_t)entry(), NULL), "nothing to dial it by is known");
}

Test(keeper, what_is_no_identify_changes_nothing)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1");

	keeper_opened(keeper, 1, &conn);
	keeper_identified(keeper, 1, &conn, vd_bytes("\xff\xff", 2));
	keeper_identified(keeper, 1, &conn, vd_bytes(NULL, 0));
	cr_assert(zero(u32, entry()->protocol_count));
}

Test(keeper, buckets_are_those_of_go)
{
	cr_assert(eq(uint, keeper_bucket_end(0), 1));
	cr_assert(eq(uint, keeper_bucket_end(19), 20));
	cr_assert(eq(uint, keeper_bucket_end(20), 25));
	cr_assert(eq(uint, keeper_bucket_end(35), 100));
	cr_assert(zero(uint, keeper_bucket_end(36)));
}

/* With a full book a peer's first connection finds no room, and its second one may. */
Test(keeper, a_connection_that_was_not_counted_takes_no_other_ones_count)
{
	struct host_conn_info conn = conn_at("/ip4/8.8.8.8/tcp/1"), other = conn;

	peer_book_fini(&book);
	cr_assert(eq(int, (int)peer_book_init(&book, 1), VD_OK));
	other.peer = stranger.id;
	keeper_opened(keeper, 1, &other);
	keeper_opened(keeper, 2, &conn);
	cr_assert(eq(ptr, (void *)(uintptr_t)entry(), NULL));
	keeper_closed(keeper, 1, &other);
	keeper_opened(keeper, 3, &conn);
	cr_assert(eq(u32, entry()->connections, 1));
	keeper_closed(keeper, 2, &conn);
	cr_assert(eq(u32, entry()->connections, 1));
	keeper_closed(keeper, 3, &conn);
	cr_assert(eq(ptr, (void *)(uintptr_t)entry(), NULL));
}
