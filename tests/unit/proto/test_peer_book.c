/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/peer_book.h"
#include "controlplane/proto/peer_value.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>
#include <stdio.h>

#include "base/pb.h"

enum { PEERS = 8 };
static const vd_ns now = VD_SECONDS(1000000), hour = VD_SECONDS(3600);
static struct peer_book book;

static void setup(void)
{
	cr_assert(ge(int, sodium_init(), 0));
	cr_assert(eq(int, (int)peer_book_init(&book, PEERS), VD_OK));
}

static void teardown(void)
{
	peer_book_fini(&book);
}

TestSuite(peer_book, .init = setup, .fini = teardown);

static struct vd_peer_id peer(unsigned number)
{
	struct vd_peer_id id = { .len = 38, .bytes = { 0, 36, 8, 1, 18, 32 } };

	memcpy(id.bytes + 6, &number, sizeof number);
	return id;
}

static struct vd_multiaddr address(unsigned port)
{
	struct vd_multiaddr out;
	char text[64];

	snprintf(text, sizeof text, "/ip4/198.18.0.1/tcp/%u", port);
	cr_assert(eq(int, (int)vd_multiaddr_of_text(text, &out), VD_OK));
	return out;
}

static struct vd_bytes bytes_of(const struct vd_multiaddr *of)
{
	return vd_bytes(of->bytes, of->len);
}

static enum vd_err add(unsigned number, unsigned port, enum peer_source source, vd_ns ttl, vd_ns at)
{
	struct vd_peer_id id = peer(number);
	struct vd_multiaddr to = address(port);

	return peer_book_add(&book, &id, bytes_of(&to), source, ttl, at);
}

static enum vd_err add_text(unsigned number, const char *text)
{
	struct vd_peer_id id = peer(number);
	struct vd_multiaddr to;

	cr_assert(eq(int, (int)vd_multiaddr_of_text(text, &to), VD_OK), "%s", text);
	return peer_book_add(&book, &id, bytes_of(&to), PEER_TOLD, hour, now);
}

static struct vd_bytes envelope; /* of what is signed next */

static enum vd_err sign(unsigned number, uint64_t seq, unsigned first_port, unsigned count)
{
	static struct vd_multiaddr to[PEER_RECORD_ADDRESSES];
	struct peer_record record = {
		.peer = peer(number), .seq = seq, .address_count = count, .envelope = envelope
	};

	for (unsigned i = 0; i < count; i++) {
		to[i] = address(first_port + i);
		record.addresses[i] = bytes_of(&to[i]);
	}
	return peer_book_add_record(&book, &record, hour, now);
}

static const struct peer_entry *find(unsigned number)
{
	struct vd_peer_id id = peer(number);

	return peer_book_find(&book, &id);
}

static void connect(unsigned number)
{
	struct vd_peer_id id = peer(number);

	cr_assert(eq(int, (int)peer_book_connected(&book, &id, now), VD_OK));
}

static void disconnect(unsigned number, vd_ns at)
{
	struct vd_peer_id id = peer(number);

	peer_book_disconnected(&book, &id, at);
}

/* The ports of what still holds, in order, as text. */
static const char *ports(unsigned number, vd_ns at)
{
	static char text[512];
	struct vd_multiaddr out[PEER_BOOK_ADDRESSES];
	const struct peer_entry *entry = find(number);
	size_t count = entry ? peer_entry_addresses(entry, at, out, PEER_BOOK_ADDRESSES) : 0;
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%u", i ? " " : "",
					vd_be16_load(out[i].bytes + 6));
	return text;
}

Test(peer_book, who_was_never_heard_of_is_not_there)
{
	cr_assert(eq(ptr, (void *)find(1), NULL));
	cr_assert(zero(u32, peer_book_count(&book)));
	cr_assert(eq(u64, peer_book_deadline(&book), VD_NEVER));
}

Test(peer_book, an_address_holds_until_it_expires)
{
	cr_assert(eq(int, (int)add(1, 4001, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(str, (char *)ports(1, now + hour - 1), "4001"));
	cr_assert(eq(str, (char *)ports(1, now + hour), ""));
	cr_assert(eq(u64, peer_book_deadline(&book), now + hour));
	peer_book_expire(&book, now + hour);
	cr_assert(eq(ptr, (void *)find(1), NULL));
	cr_assert(eq(u64, book.counters.peers_expired, 1));
	cr_assert(eq(u64, book.counters.addresses_expired, 1));
	cr_assert(zero(sz, book.bytes));
}

Test(peer_book, one_address_that_expires_leaves_the_others)
{
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(1, 2, PEER_TOLD, 2 * hour, now), VD_OK));
	peer_book_expire(&book, now + hour);
	cr_assert(eq(str, (char *)ports(1, now + hour), "2"));
	cr_assert(eq(u64, peer_book_deadline(&book), now + 2 * hour));
}

Test(peer_book, better_sources_come_first)
{
	cr_assert(eq(int, (int)add(1, 1, PEER_HEARSAY, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(1, 2, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)sign(1, 7, 3, 2), VD_OK));
	cr_assert(eq(str, (char *)ports(1, now), "3 4 2 1"));
}

Test(peer_book, an_address_rises_with_a_better_source_and_does_not_sink)
{
	cr_assert(eq(int, (int)add(1, 1, PEER_HEARSAY, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(1, 2, PEER_HEARSAY, hour, now), VD_OK));
	cr_assert(eq(int, (int)sign(1, 1, 2, 1), VD_OK));
	cr_assert(eq(str, (char *)ports(1, now), "2 1"));
	cr_assert(eq(int, (int)add(1, 2, PEER_HEARSAY, 99 * hour, now), VD_OK));
	cr_assert(eq(int, (int)find(1)->addresses[0].source, PEER_SIGNED));
	cr_assert(eq(u64, find(1)->addresses[0].expires, now + hour),
		  "hearsay makes nothing hold longer");
	cr_assert(eq(u32, find(1)->address_count, 2));
}

Test(peer_book, a_shorter_life_does_not_take_from_a_longer_one)
{
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, 2 * hour, now), VD_OK));
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(u64, find(1)->addresses[0].expires, now + 2 * hour));
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, 3 * hour, now), VD_OK));
	cr_assert(eq(u64, find(1)->addresses[0].expires, now + 3 * hour));
}

Test(peer_book, an_older_record_is_refused)
{
	cr_assert(eq(int, (int)sign(1, 10, 1, 2), VD_OK));
	cr_assert(eq(int, (int)sign(1, 9, 5, 1), VD_EPEER_REPLAY));
	cr_assert(eq(str, (char *)ports(1, now), "1 2"));
	cr_assert(eq(u64, book.counters.records_old, 1));
}

Test(peer_book, a_newer_record_replaces_what_the_older_one_said_alone)
{
	cr_assert(eq(int, (int)sign(1, 10, 1, 3), VD_OK));
	cr_assert(eq(int, (int)add(1, 9, PEER_HEARSAY, hour, now), VD_OK));
	cr_assert(eq(int, (int)sign(1, 11, 3, 2), VD_OK));
	cr_assert(eq(str, (char *)ports(1, now), "3 4 9"));
	cr_assert(eq(u64, find(1)->record_seq, 11));
}

Test(peer_book, a_record_that_comes_again_makes_it_hold_longer)
{
	struct vd_multiaddr to = address(1);
	struct peer_record record = { .peer = peer(1), .seq = 1, .address_count = 1 };

	record.addresses[0] = bytes_of(&to);
	cr_assert(eq(int, (int)peer_book_add_record(&book, &record, hour, now), VD_OK));
	cr_assert(eq(int, (int)peer_book_add_record(&book, &record, 2 * hour, now), VD_OK));
	cr_assert(eq(u64, find(1)->addresses[0].expires, now + 2 * hour));
}

static bool hands_on(unsigned number, const char *text, vd_ns at)
{
	return vd_bytes_equal(peer_entry_envelope(find(number), at), vd_bytes_of_text(text));
}

Test(peer_book, the_latest_records_envelope_is_kept_as_a_copy)
{
	char text[] = "first";

	envelope = vd_bytes_of_text(text);
	cr_assert(eq(int, (int)sign(1, 10, 1, 1), VD_OK));
	text[0] = 'x';
	cr_assert(hands_on(1, "first", now));
	envelope = vd_bytes_of_text("second");
	cr_assert(eq(int, (int)sign(1, 11, 1, 1), VD_OK));
	cr_assert(hands_on(1, "second", now));
	envelope = vd_bytes_of_text("replayed");
	cr_assert(eq(int, (int)sign(1, 10, 1, 1), VD_EPEER_REPLAY));
	cr_assert(hands_on(1, "second", now));
	envelope = vd_bytes_of_text("again");
	cr_assert(eq(int, (int)sign(1, 11, 1, 1), VD_OK));
	cr_assert(hands_on(1, "second", now));
}

Test(peer_book, an_envelope_that_is_too_long_leaves_none)
{
	static const uint8_t most[PEER_BOOK_ENVELOPE_BYTES + 1];

	envelope = vd_bytes(most, PEER_BOOK_ENVELOPE_BYTES);
	cr_assert(eq(int, (int)sign(1, 1, 1, 1), VD_OK));
	cr_assert(eq(sz, peer_entry_envelope(find(1), now).len, PEER_BOOK_ENVELOPE_BYTES));
	envelope = vd_bytes(most, sizeof most);
	cr_assert(eq(int, (int)sign(1, 2, 2, 1), VD_OK));
	cr_assert(hands_on(1, "", now));
	cr_assert(eq(u64, book.counters.envelopes_refused, 1));
	cr_assert(eq(str, (char *)ports(1, now), "2")); /* what it says holds */
}

Test(peer_book, an_envelope_is_handed_on_while_an_address_of_it_holds)
{
	struct vd_peer_id id = peer(1);

	envelope = vd_bytes_of_text("signed");
	cr_assert(eq(int, (int)add(1, 9, PEER_TOLD, 9 * hour, now), VD_OK));
	cr_assert(hands_on(1, "", now));
	cr_assert(eq(int, (int)sign(1, 1, 1, 1), VD_OK));
	cr_assert(hands_on(1, "signed", now + hour - 1));
	cr_assert(hands_on(1, "", now + hour));
	cr_assert(eq(int, (int)peer_book_connected(&book, &id, now), VD_OK));
	cr_assert(hands_on(1, "signed", now + hour));
}

Test(peer_book, an_envelope_goes_with_its_peer)
{
	struct vd_peer_id id = peer(1);

	envelope = vd_bytes_of_text("signed");
	cr_assert(eq(int, (int)sign(1, 1, 1, 1), VD_OK));
	cr_assert(ge(sz, book.bytes, envelope.len));
	peer_book_forget(&book, &id);
	cr_assert(zero(sz, book.bytes));
	envelope = vd_bytes(NULL, 0);
	cr_assert(eq(int, (int)sign(1, 1, 1, 1), VD_OK));
	cr_assert(hands_on(1, "", now));
}

Test(peer_book, signed_addresses_displace_hearsay_and_not_the_reverse)
{
	for (unsigned i = 0; i < PEER_BOOK_ADDRESSES; i++)
		cr_assert(eq(int, (int)add(1, 100 + i, PEER_HEARSAY, hour + i, now), VD_OK));
	cr_assert(eq(int, (int)sign(1, 1, 1, PEER_BOOK_ADDRESSES), VD_OK));
	cr_assert(eq(u32, find(1)->address_count, PEER_BOOK_ADDRESSES));
	for (unsigned i = 0; i < PEER_BOOK_ADDRESSES; i++)
		cr_assert(eq(int, (int)find(1)->addresses[i].source, PEER_SIGNED));
	cr_assert(eq(u64, book.counters.addresses_displaced, PEER_BOOK_ADDRESSES));
	cr_assert(eq(int, (int)add(1, 99, PEER_HEARSAY, 99 * hour, now), VD_ELIMIT));
	cr_assert(eq(int, (int)add(1, 99, PEER_TOLD, 99 * hour, now), VD_ELIMIT));
	cr_assert(eq(u64, book.counters.addresses_refused, 2));
}

Test(peer_book, among_equals_the_one_that_ends_first_makes_room)
{
	for (unsigned i = 0; i < PEER_BOOK_ADDRESSES; i++)
		cr_assert(
		    eq(int, (int)add(1, 100 + i, PEER_TOLD, i == 5 ? hour : 2 * hour, now), VD_OK));
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour / 2, now), VD_ELIMIT),
		  "it ends before all");
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, 3 * hour, now), VD_OK));
	cr_assert(eq(ptr, strstr(ports(1, now), "105"), NULL));
}

Test(peer_book, what_is_no_address_is_refused_and_counted)
{
	struct vd_peer_id id = peer(1);

	cr_assert(ne(int,
		     (int)peer_book_add(&book, &id, vd_bytes("\x04\x01", 2), PEER_TOLD, hour, now),
		     VD_OK));
	cr_assert(ne(int, (int)peer_book_add(&book, &id, vd_bytes(NULL, 0), PEER_TOLD, hour, now),
		     VD_OK));
	cr_assert(eq(u64, book.counters.addresses_refused, 2));
	cr_assert(zero(u32, peer_book_count(&book)));
}

Test(peer_book, an_address_of_a_link_is_not_a_libp2p_address)
{
	cr_assert(
	    eq(int, (int)add_text(1, "/ip4/198.18.0.1/udp/4001/viaduct"), VD_EPEER_UNSUPPORTED));
	cr_assert(zero(u32, peer_book_count(&book)));
}

Test(peer_book, an_address_loses_its_own_peer_and_may_not_have_another)
{
	struct vd_peer_id mine = peer(1), other = peer(2);
	char text[VD_MULTIADDR_TEXT], id[VD_PEER_ID_TEXT];

	snprintf(text, sizeof text, "/ip4/198.18.0.1/tcp/4001/p2p/%s", vd_peer_id_text(&mine, id));
	cr_assert(eq(int, (int)add_text(1, text), VD_OK));
	cr_assert(eq(sz, find(1)->addresses[0].bytes.len, 8));
	snprintf(text, sizeof text, "/ip4/198.18.0.1/tcp/4002/p2p/%s", vd_peer_id_text(&other, id));
	cr_assert(eq(int, (int)add_text(1, text), VD_EPEER_AUTH));
	snprintf(text, sizeof text, "/p2p/%s", vd_peer_id_text(&mine, id));
	cr_assert(eq(int, (int)add_text(1, text), VD_EPEER_RANGE));
}

/* ---- room ---- */

Test(peer_book, the_one_heard_of_longest_ago_makes_room)
{
	for (unsigned i = 0; i < PEERS; i++)
		cr_assert(eq(int, (int)add(i, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(0, 1, PEER_TOLD, hour, now), VD_OK), "there is news of it");
	cr_assert(eq(int, (int)add(100, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(u32, peer_book_count(&book), PEERS));
	cr_assert(ne(ptr, (void *)find(0), NULL));
	cr_assert(eq(ptr, (void *)find(1), NULL));
	cr_assert(eq(u64, book.counters.peers_evicted, 1));
}

Test(peer_book, those_known_by_hearsay_go_before_those_who_told)
{
	cr_assert(eq(int, (int)add(0, 1, PEER_TOLD, hour, now), VD_OK));
	for (unsigned i = 1; i < PEERS; i++)
		cr_assert(eq(int, (int)add(i, 1, PEER_HEARSAY, hour, now), VD_OK));
	for (unsigned i = 100; i < 120; i++)
		cr_assert(eq(int, (int)add(i, 1, PEER_HEARSAY, hour, now), VD_OK));
	cr_assert(ne(ptr, (void *)find(0), NULL), "a flood of hearsay moves only hearsay");
}

Test(peer_book, hearsay_gets_no_room_from_those_who_told)
{
	for (unsigned i = 0; i < PEERS; i++)
		cr_assert(eq(int, (int)add(i, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(100, 1, PEER_HEARSAY, hour, now), VD_ELIMIT));
	cr_assert(eq(u64, book.counters.peers_refused, 1));
	cr_assert(eq(int, (int)add(100, 1, PEER_TOLD, hour, now), VD_OK));
}

Test(peer_book, connected_ones_stay_whatever_comes)
{
	for (unsigned i = 0; i < PEERS; i++) {
		connect(i);
		cr_assert(eq(int, (int)add(i, 1, PEER_TOLD, hour, now), VD_OK));
	}
	cr_assert(eq(int, (int)add(100, 1, PEER_TOLD, hour, now), VD_ELIMIT));
	peer_book_expire(&book, now + 1000 * hour);
	cr_assert(eq(u32, peer_book_count(&book), PEERS));
	cr_assert(eq(str, (char *)ports(3, now + 1000 * hour), "1"),
		  "it holds while it is connected");
	disconnect(3, now + 1000 * hour);
	cr_assert(eq(int, (int)add(100, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(ptr, (void *)find(3), NULL));
}

Test(peer_book, after_a_connection_what_was_told_holds_for_a_while)
{
	vd_ns later = now + 50 * hour;

	connect(1);
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(1, 2, PEER_HEARSAY, hour, now), VD_OK));
	disconnect(1, later);
	cr_assert(eq(str, (char *)ports(1, later), "1"), "hearsay was over meanwhile");
	peer_book_expire(&book, later + PEER_TTL_SEEN - 1);
	cr_assert(eq(str, (char *)ports(1, later + PEER_TTL_SEEN - 1), "1"));
	peer_book_expire(&book, later + PEER_TTL_SEEN);
	cr_assert(zero(u32, peer_book_count(&book)));
}

Test(peer_book, two_connections_of_a_peer_end_when_both_have)
{
	connect(1);
	connect(1);
	disconnect(1, now);
	cr_assert(eq(u32, find(1)->connections, 1));
	disconnect(1, now);
	cr_assert(eq(ptr, (void *)find(1), NULL), "nothing is known of it");
	disconnect(1, now);
}

Test(peer_book, who_is_forgotten_is_gone_unless_connected)
{
	struct vd_peer_id a = peer(1), b = peer(2);

	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour, now), VD_OK));
	connect(2);
	peer_book_forget(&book, &a);
	peer_book_forget(&book, &b);
	cr_assert(eq(ptr, (void *)find(1), NULL));
	cr_assert(ne(ptr, (void *)find(2), NULL));
}

/* ---- facts ---- */

Test(peer_book, protocols_replace_those_before)
{
	struct vd_peer_id id = peer(1);
	const struct vd_bytes first[] = { vd_bytes_of_text("/a/1"), vd_bytes_of_text("/b/1") };
	const struct vd_bytes second[] = { vd_bytes_of_text("/c/1") };

	connect(1);
	cr_assert(eq(int, (int)peer_book_set_protocols(&book, &id, first, 2, now), VD_OK));
	cr_assert(peer_entry_speaks(find(1), "/b/1"));
	cr_assert(not(peer_entry_speaks(find(1), "/b")));
	cr_assert(eq(int, (int)peer_book_set_protocols(&book, &id, second, 1, now), VD_OK));
	cr_assert(not(peer_entry_speaks(find(1), "/b/1")));
	cr_assert(eq(u32, find(1)->protocol_count, 1));
	cr_assert(eq(str, (char *)(uintptr_t)peer_entry_next_protocol(find(1), NULL), "/c/1"));
}

Test(peer_book, protocols_that_are_no_text_or_too_many_are_passed_over)
{
	static struct vd_bytes many[PEER_BOOK_PROTOCOLS + 10];
	struct vd_peer_id id = peer(1);

	for (size_t i = 0; i < PEER_BOOK_PROTOCOLS + 10; i++)
		many[i] = vd_bytes_of_text("/p");
	many[0] = vd_bytes("/a\nb", 4);
	many[1] = vd_bytes(NULL, 0);
	connect(1);
	cr_assert(eq(int,
		     (int)peer_book_set_protocols(&book, &id, many, PEER_BOOK_PROTOCOLS + 10, now),
		     VD_OK));
	cr_assert(eq(u32, find(1)->protocol_count, PEER_BOOK_PROTOCOLS));
	cr_assert(eq(u64, book.counters.protocols_refused, 10));
}

Test(peer_book, an_agent_is_kept_as_printable_text)
{
	struct vd_peer_id id = peer(1);

	connect(1);
	cr_assert(eq(
	    int, (int)peer_book_set_agent(&book, &id, vd_bytes_of_text("kubo/0.42\x1b[31m"), now),
	    VD_OK));
	cr_assert(eq(str, (char *)(uintptr_t)find(1)->agent, "kubo/0.42[31m"));
}

Test(peer_book, a_key_has_to_be_the_peers_and_is_kept_unless_the_id_has_it)
{
	uint8_t key[100] = { 8, 2, 18, 96 }, ed[36] = { 8, 1, 18, 32 };
	struct vd_peer_id hashed, plain;

	cr_assert(
	    eq(int, (int)vd_peer_id_of_public_key(vd_bytes(key, sizeof key), &hashed), VD_OK));
	cr_assert(eq(int, (int)vd_peer_id_of_public_key(vd_bytes(ed, sizeof ed), &plain), VD_OK));
	cr_assert(eq(int, (int)peer_book_connected(&book, &hashed, now), VD_OK));
	cr_assert(eq(int, (int)peer_book_connected(&book, &plain, now), VD_OK));
	cr_assert(eq(int, (int)peer_book_set_key(&book, &hashed, vd_bytes(ed, sizeof ed), now),
		     VD_EPEER_AUTH));
	cr_assert(
	    eq(int, (int)peer_book_set_key(&book, &hashed, vd_bytes(key, sizeof key), now), VD_OK));
	cr_assert(
	    eq(int, (int)peer_book_set_key(&book, &plain, vd_bytes(ed, sizeof ed), now), VD_OK));
	cr_assert(eq(sz, peer_book_find(&book, &hashed)->key.len, sizeof key));
	cr_assert(zero(sz, peer_book_find(&book, &plain)->key.len));
}

Test(peer_book, latency_moves_a_tenth_of_the_way)
{
	struct vd_peer_id id = peer(1), other = peer(2);

	connect(1);
	peer_book_measured(&book, &id, VD_MS(100));
	cr_assert(eq(u64, find(1)->latency, VD_MS(100)));
	peer_book_measured(&book, &id, VD_MS(200));
	cr_assert(eq(u64, find(1)->latency, VD_MS(110)));
	peer_book_measured(&book, &other, VD_MS(200));
	cr_assert(eq(ptr, (void *)find(2), NULL));
}

/* ---- what a file is told ---- */

static unsigned take(unsigned *deleted_out)
{
	struct peer_change change;
	unsigned count = 0;

	*deleted_out = 0;
	while (peer_book_take_change(&book, &change)) {
		*deleted_out += !change.entry;
		count++;
	}
	return count;
}

Test(peer_book, a_change_is_told_once)
{
	unsigned deleted;

	peer_book_track(&book);
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(1, 2, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(2, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(u32, peer_book_changes(&book), 2));
	cr_assert(eq(uint, take(&deleted), 2));
	cr_assert(zero(uint, deleted));
	cr_assert(eq(int, (int)add(1, 2, PEER_TOLD, hour, now), VD_OK), "no news");
	cr_assert(zero(uint, take(&deleted)));
}

Test(peer_book, only_what_is_in_the_file_is_deleted_from_it)
{
	struct vd_peer_id a = peer(1), b = peer(2);
	unsigned deleted;

	peer_book_track(&book);
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(uint, take(&deleted), 1));
	cr_assert(eq(int, (int)add(2, 1, PEER_TOLD, hour, now), VD_OK));
	peer_book_forget(&book, &a);
	peer_book_forget(&book, &b);
	cr_assert(eq(uint, take(&deleted), 1));
	cr_assert(eq(uint, deleted, 1));
}

Test(peer_book, what_was_not_written_is_told_again)
{
	struct vd_peer_id a = peer(1), b = peer(2);
	unsigned deleted;

	peer_book_track(&book);
	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(2, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(uint, take(&deleted), 2));
	peer_book_forget(&book, &b);
	cr_assert(eq(uint, take(&deleted), 1));
	peer_book_put_back(&book, &a);
	peer_book_put_back(&book, &b);
	cr_assert(eq(uint, take(&deleted), 2));
	cr_assert(eq(uint, deleted, 1));
}

Test(peer_book, nobody_goes_while_too_many_deletions_wait)
{
	peer_book_track(&book);
	book.gone_count = PEER_BOOK_GONE;
	for (unsigned i = 0; i < PEERS; i++)
		cr_assert(eq(int, (int)add(i, 1, PEER_TOLD, hour, now), VD_OK));
	for (unsigned i = 0; i < PEERS; i++)
		book.entries[i]->stored = true;
	cr_assert(eq(int, (int)add(100, 1, PEER_TOLD, hour, now), VD_ELIMIT));
	peer_book_expire(&book, now + hour);
	cr_assert(eq(u32, peer_book_count(&book), PEERS));
	book.gone_count = 0;
	peer_book_expire(&book, now + hour);
	cr_assert(zero(u32, peer_book_count(&book)));
	cr_assert(eq(u32, book.gone_count, PEERS));
}

/* ---- as a row ---- */

static size_t encode(unsigned number, uint8_t out[PEER_VALUE_MAX])
{
	struct vd_write w = vd_write_to(out, PEER_VALUE_MAX);

	cr_assert(eq(int, (int)peer_value_encode(find(number), &w), VD_OK));
	return vd_write_len(&w);
}

Test(peer_book, a_row_brings_back_all_that_was_known)
{
	static uint8_t row[PEER_VALUE_MAX], again[PEER_VALUE_MAX];
	const struct vd_bytes protocols[] = { vd_bytes_of_text("/a/1"), vd_bytes_of_text("/b/1") };
	struct vd_peer_id id = peer(1);
	struct peer_value value;
	size_t len;

	envelope = vd_bytes_of_text("signed");
	cr_assert(eq(int, (int)sign(1, 0, 1, 2), VD_OK), "a sequence number of zero is one");
	cr_assert(eq(int, (int)add(1, 9, PEER_HEARSAY, 2 * hour, now), VD_OK));
	cr_assert(eq(int, (int)peer_book_set_protocols(&book, &id, protocols, 2, now), VD_OK));
	cr_assert(
	    eq(int, (int)peer_book_set_agent(&book, &id, vd_bytes_of_text("a/1"), now), VD_OK));
	peer_book_measured(&book, &id, VD_MS(7));
	len = encode(1, row);
	peer_book_forget(&book, &id);
	cr_assert(eq(int, (int)peer_value_decode(vd_bytes(row, len), &value), VD_OK));
	cr_assert(eq(int, (int)peer_book_load(&book, &id, &value, now + hour / 2), VD_OK));
	cr_assert(eq(sz, encode(1, again), len));
	cr_assert(zero(int, memcmp(row, again, len)));
	cr_assert(find(1)->stored && find(1)->has_record);
	cr_assert(zero(u32, peer_book_changes(&book)));
	cr_assert(eq(str, (char *)ports(1, now), "1 2 9"));
	cr_assert(hands_on(1, "signed", now + hour / 2));
	cr_assert(eq(int, (int)sign(1, 0, 3, 1), VD_OK));
}

static enum vd_err load(unsigned number, const uint8_t *row, size_t len)
{
	struct vd_peer_id id = peer(number);
	struct peer_value value;

	cr_assert(eq(int, (int)peer_value_decode(vd_bytes(row, len), &value), VD_OK));
	return peer_book_load(&book, &id, &value, now);
}

Test(peer_book, a_row_of_a_clock_that_was_ahead_was_heard_now)
{
	static uint8_t row[PEER_VALUE_MAX];
	struct vd_peer_id id = peer(1);
	size_t len;

	cr_assert(eq(int, (int)add(1, 9, PEER_TOLD, 2 * hour, now + hour), VD_OK));
	len = encode(1, row);
	peer_book_forget(&book, &id);
	cr_assert(eq(int, (int)load(1, row, len), VD_OK));
	cr_assert(eq(u64, find(1)->heard, now));
}

Test(peer_book, a_row_without_an_envelope_is_read_and_the_next_record_brings_it)
{
	static uint8_t row[PEER_VALUE_MAX];
	struct vd_peer_id id = peer(1);
	size_t len;

	cr_assert(eq(int, (int)sign(1, 7, 1, 1), VD_OK));
	len = encode(1, row);
	peer_book_forget(&book, &id);
	cr_assert(eq(int, (int)load(1, row, len), VD_OK));
	cr_assert(hands_on(1, "", now));
	peer_book_track(&book);
	envelope = vd_bytes_of_text("late");
	cr_assert(eq(int, (int)sign(1, 7, 1, 1), VD_OK));
	cr_assert(hands_on(1, "late", now));
	cr_assert(eq(u32, peer_book_changes(&book), 1));
}

Test(peer_book, an_envelope_of_a_row_that_is_too_long_or_of_no_record_is_passed_over)
{
	static const uint8_t most[PEER_BOOK_ENVELOPE_BYTES + 1];
	static uint8_t row[PEER_VALUE_MAX];
	struct vd_peer_id id = peer(1);
	struct vd_write w;
	size_t len;

	cr_assert(eq(int, (int)sign(1, 7, 1, 1), VD_OK));
	cr_assert(eq(int, (int)add(2, 1, PEER_SIGNED, hour, now), VD_OK));
	len = encode(1, row);
	w = vd_write_to(row + len, sizeof row - len);
	vd_pb_write_bytes(&w, 8, vd_bytes(most, sizeof most));
	peer_book_forget(&book, &id);
	cr_assert(eq(int, (int)load(1, row, len + vd_write_len(&w)), VD_OK));
	cr_assert(hands_on(1, "", now));
	len = encode(2, row);
	w = vd_write_to(row + len, sizeof row - len);
	vd_pb_write_bytes(&w, 8, vd_bytes_of_text("unsigned"));
	id = peer(2);
	peer_book_forget(&book, &id);
	cr_assert(eq(int, (int)load(2, row, len + vd_write_len(&w)), VD_OK));
	cr_assert(hands_on(2, "", now));
}

Test(peer_book, of_a_row_only_what_still_holds_is_loaded)
{
	static uint8_t row[PEER_VALUE_MAX];
	struct vd_peer_id id = peer(1);
	struct peer_value value;
	size_t len;

	cr_assert(eq(int, (int)add(1, 1, PEER_TOLD, hour, now), VD_OK));
	cr_assert(eq(int, (int)add(1, 2, PEER_TOLD, 3 * hour, now), VD_OK));
	len = encode(1, row);
	peer_book_forget(&book, &id);
	cr_assert(eq(int, (int)peer_value_decode(vd_bytes(row, len), &value), VD_OK));
	cr_assert(eq(int, (int)peer_book_load(&book, &id, &value, now + 2 * hour), VD_OK));
	cr_assert(eq(str, (char *)ports(1, now + 2 * hour), "2"));
	peer_book_forget(&book, &id);
	cr_assert(eq(int, (int)peer_book_load(&book, &id, &value, now + 4 * hour), VD_ELIMIT));
	cr_assert(zero(u32, peer_book_count(&book)));
}

Test(peer_book, the_largest_entry_fits_a_row)
{
	static uint8_t row[PEER_VALUE_MAX], key[PEER_BOOK_KEY_BYTES] = { 8, 0, 18, 0xf9, 15 };
	static const uint8_t most[PEER_BOOK_ENVELOPE_BYTES];
	static struct vd_bytes protocols[PEER_BOOK_PROTOCOLS];
	struct peer_record record = { .seq = UINT64_MAX, .envelope = vd_bytes(most, sizeof most) };
	char text[1024], label[64];
	struct vd_peer_id id;

	memset(label, 'a', 60);
	label[60] = '\0';
	cr_assert(eq(int, (int)vd_peer_id_of_public_key(vd_bytes(key, sizeof key), &id), VD_OK));
	record.peer = id;
	cr_assert(eq(int, (int)peer_book_connected(&book, &id, now), VD_OK));
	cr_assert(
	    eq(int, (int)peer_book_set_key(&book, &id, vd_bytes(key, sizeof key), now), VD_OK));
	for (unsigned i = 0; i < PEER_BOOK_PROTOCOLS; i++)
		protocols[i] = vd_bytes_of_text("/0123456789/0123456789/012345");
	cr_assert(eq(int,
		     (int)peer_book_set_protocols(&book, &id, protocols, PEER_BOOK_PROTOCOLS, now),
		     VD_OK));
	cr_assert(eq(int, (int)peer_book_add_record(&book, &record, hour, now), VD_OK));
	for (unsigned i = 0; i < PEER_BOOK_ADDRESSES; i++) {
		struct vd_multiaddr to;

		snprintf(text, sizeof text, "/dns4/%s.%s.%s.%s/tcp/%u", label, label, label, label,
			 i + 1000);
		cr_assert(eq(int, (int)vd_multiaddr_of_text(text, &to), VD_OK));
		cr_assert(eq(int,
			     (int)peer_book_add(&book, &id, bytes_of(&to), PEER_SIGNED, hour, now),
			     VD_OK));
	}
	cr_assert(
	    eq(int,
	       (int)peer_value_encode(peer_book_find(&book, &id),
				      &(struct vd_write){ row, row, row + sizeof row, VD_OK }),
	       VD_OK));
}

Test(peer_book, a_damaged_row_is_an_error_or_less_and_never_more)
{
	static uint8_t row[PEER_VALUE_MAX];
	struct peer_value value;
	size_t len;

	envelope = vd_bytes_of_text("signed");
	cr_assert(eq(int, (int)sign(1, 3, 1, 4), VD_OK));
	len = encode(1, row);
	for (size_t cut = 0; cut < len; cut++)
		if (!peer_value_decode(vd_bytes(row, cut), &value))
			cr_assert(le(u32, value.address_count, 4));
	cr_assert(ne(int, (int)peer_value_decode(vd_bytes("\x12\x02\x10\x03", 4), &value), VD_OK),
		  "a source that is none");
}
