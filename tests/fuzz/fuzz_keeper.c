/* Targets: controlplane/host/keeper.c: identify's streams into the book and observed_addr.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/host/keeper.h"
#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/peer_record.h"

enum { LISTEN_PORT = 4001, MESSAGES_MAX = 64, PEERS = 8 };

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static size_t listens(void *context, struct vd_multiaddr *out, size_t max)
{
	(void)context;
	expect(max >= 1 && !vd_multiaddr_of_text("/ip4/10.0.0.2/tcp/4001", out));
	return 1;
}

/* What peers said may be told to others: it has to be whole addresses, and no link's. */
static void tell(void *context, const struct announced *addresses, uint64_t seq)
{
	struct vd_multiaddr again;
	struct vd_udp_addr link;

	(void)context;
	(void)seq;
	expect(addresses->count <= ANNOUNCE_MAX);
	for (size_t i = 0; i < addresses->count; i++) {
		const struct vd_multiaddr *one = &addresses->at[i];

		expect(!vd_multiaddr_of_bytes(vd_bytes(one->bytes, one->len), &again));
		expect(vd_multiaddr_to_link(one, &link, NULL) != VD_OK);
	}
}

/* From eight addresses, of which one is private and one is IPv6. */
static struct host_conn_info conn_of(const struct vd_identity *peer, unsigned number)
{
	struct host_conn_info conn = {
		.peer = peer->id,
		.local = { .ip = { [10] = 0xff, 0xff, 10, 0, 0, 2 }, .port = LISTEN_PORT },
	};
	char text[64] = "/ip6/2001:db8::1/tcp/1";

	if (number % PEERS == 1)
		strcpy(text, "/ip4/10.0.0.9/tcp/1");
	else if (number % PEERS > 1) {
		strcpy(text, "/ip4/8.8.8.8/tcp/1");
		text[5] = (char)('0' + number % PEERS);
	}
	expect(!vd_multiaddr_of_text(text, &conn.remote));
	return conn;
}

/* A message as it came, or its fields with a record that the peer signed over its addresses. */
static struct vd_bytes signed_by(const struct vd_identity *peer, struct vd_bytes in)
{
	static uint8_t record_bytes[IDENTIFY_MESSAGE_MAX], out[IDENTIFY_STREAM_MAX];
	static struct identify message;
	static struct peer_record record;
	struct vd_write r = vd_write_to(record_bytes, sizeof record_bytes);
	struct vd_write w = vd_write_to(out, sizeof out);

	if (identify_stream_read(in, &message))
		return in;
	record = (struct peer_record){ .peer = peer->id, .seq = in.len };
	for (size_t i = 0; i < message.addresses_count && i < 8; i++)
		record.addresses[record.address_count++] = message.addresses[i];
	if (!peer_record_write(&r, peer, &record))
		message.signed_record = vd_write_done(&r);
	return identify_stream_write(&message, &w) ? in : vd_write_done(&w);
}

ON_CONTROL static void check_book(const struct peer_book *book, const struct vd_peer_id *peer)
{
	static struct vd_multiaddr addresses[PEER_BOOK_ADDRESSES];
	const struct peer_entry *entry = peer_book_find(book, peer);

	expect(peer_book_count(book) <= 1 && book->bytes <= PEER_BOOK_BYTES);
	if (entry)
		(void)peer_entry_addresses(entry, 0, addresses, PEER_BOOK_ADDRESSES);
}

/* Each message: a byte that chooses, two of its length, itself. */
ON_CONTROL static void hear_all(struct keeper *keeper, const struct vd_identity *peer,
				struct vd_bytes in)
{
	struct vd_read r = vd_read_of(in);

	for (unsigned i = 0; i < MESSAGES_MAX && !r.err; i++) {
		uint8_t how = vd_read_u8(&r);
		struct vd_bytes message = vd_read_bytes(&r, vd_read_be16(&r));
		struct host_conn_info conn = conn_of(peer, how);

		if (r.err)
			return;
		if (how & 0x80)
			message = signed_by(peer, message);
		keeper_opened(keeper, i, &conn);
		keeper_identified(keeper, i, &conn, message);
		keeper_poll(keeper, VD_SECONDS(1000) * i);
		if (how & 0x40)
			keeper_closed(keeper, i, &conn);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct announce_rules none;
	static struct vd_identity peer;
	struct peer_book book;
	struct keeper *keeper;

	if (vd_init())
		return 0;
	vd_role_control();
	if (!peer.id.len)
		vd_identity_generate(&peer);
	if (peer_book_init(&book, 4))
		abort();
	if (keeper_new(&(struct keeper_config){ &book, listens, tell, NULL }, &keeper))
		abort();
	keeper_rules(keeper, &none);
	hear_all(keeper, &peer, vd_bytes(data, size));
	keeper_poll(keeper, VD_SECONDS(1000000));
	check_book(&book, &peer.id);
	keeper_free(keeper);
	peer_book_fini(&book);
	return 0;
}
