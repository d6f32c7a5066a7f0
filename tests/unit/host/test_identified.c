/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a peer told of itself, for who has the installed headers alone. */
#include "controlplane/host/identified.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/peer_record.h"
#include "tests/unit/host/pair.h"

static struct pair pair;
static unsigned heard;

static struct vd_bytes of(const char *text)
{
	static struct vd_multiaddr addresses[4];
	static size_t next;
	struct vd_multiaddr *address = &addresses[next++ % 4];

	cr_assert(eq(int, vd_multiaddr_of_text(text, address), VD_OK));
	return vd_bytes(address->bytes, address->len);
}

static bool reads_as(struct vd_bytes bytes, const char *text)
{
	return vd_bytes_equal(bytes, of(text));
}

/* ---- of a host ---- */

static void on_identified(void *context, struct host_conn *conn, struct vd_bytes told)
{
	struct host_identified peer;
	struct peer_record record;
	struct vd_multiaddr listens[HOST_LISTEN_MAX];

	(void)context;
	cr_assert(eq(int, host_identified_read(conn, told, &peer), VD_OK));
	cr_assert(vd_bytes_equal(peer.agent, vd_bytes_of_text("pair/1")));
	cr_assert(vd_bytes_equal(peer.protocol_version, vd_bytes_of_text("ipfs/0.1.0")));
	cr_assert(host_identified_speaks(&peer, "/ipfs/ping/1.0.0"));
	cr_assert(not(host_identified_speaks(&peer, "/ipfs/ping")));
	cr_assert(eq(sz, peer.address_count, host_listens(pair.b, listens)));
	cr_assert(vd_bytes_equal(peer.addresses[0], vd_bytes(listens[0].bytes, listens[0].len)));
	cr_assert(peer.is_signed);
	cr_assert(eq(int, peer_record_read(peer.envelope, &record), VD_OK));
	cr_assert(gt(sz, peer.observed.len, 0));
	heard++;
}

static bool is_heard(struct pair *p)
{
	(void)p;
	return heard > 0;
}

/* b of the pair, to a. */
static struct host_conn *connect_pair(void)
{
	const struct host_config a = { .events = { .identified = on_identified } };

	heard = 0;
	pair_begin(&pair, &a, NULL);
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
	return pair.said.conn;
}

Test(identified, a_host_tells_protocols_and_signed_addresses)
{
	connect_pair();
	pair_until(&pair, is_heard);
	pair_end(&pair);
}

/* ---- of whoever ---- */

static uint8_t out[4096];

static struct vd_bytes tell(struct identify message, const struct vd_identity *signer)
{
	static uint8_t envelope[1024];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct vd_write e = vd_write_to(envelope, sizeof envelope);

	if (signer) {
		struct peer_record record = { .peer = signer->id, .seq = 1, .address_count = 1 };

		record.addresses[0] = of("/ip4/198.18.0.1/tcp/1");
		cr_assert(eq(int, peer_record_write(&e, signer, &record), VD_OK));
		message.signed_record = vd_write_done(&e);
	}
	message.addresses[message.addresses_count++] = of("/ip4/198.18.0.2/tcp/2");
	cr_assert(eq(int, identify_stream_write(&message, &w), VD_OK));
	return vd_write_done(&w);
}

Test(identified, what_the_peer_signed_stands_in_place_of_its_list)
{
	struct host_conn *conn = connect_pair();
	struct host_identified peer;
	struct vd_bytes told = tell((struct identify){ 0 }, &pair.identity_b);

	cr_assert(eq(int, host_identified_read(conn, told, &peer), VD_OK));
	cr_assert(peer.is_signed);
	cr_assert(eq(sz, peer.address_count, 1));
	cr_assert(reads_as(peer.addresses[0], "/ip4/198.18.0.1/tcp/1"));
	cr_assert(eq(sz, peer.agent.len + peer.protocol_count + peer.observed.len, 0));
	pair_end(&pair);
}

Test(identified, what_another_signed_or_nobody_is_not_taken_for_signed)
{
	struct host_conn *conn = connect_pair();
	const struct vd_identity *const signers[] = { &pair.identity_a, NULL };

	for (size_t i = 0; i < 2; i++) {
		struct vd_bytes told = tell((struct identify){ 0 }, signers[i]);
		struct host_identified peer;

		cr_assert(eq(int, host_identified_read(conn, told, &peer), VD_OK));
		cr_assert(not(peer.is_signed));
		cr_assert(eq(sz, peer.envelope.len, 0));
		cr_assert(eq(sz, peer.address_count, 1));
		cr_assert(reads_as(peer.addresses[0], "/ip4/198.18.0.2/tcp/2"));
	}
	pair_end(&pair);
}

Test(identified, a_record_that_was_changed_is_none)
{
	struct host_conn *conn = connect_pair();
	struct vd_bytes told = tell((struct identify){ 0 }, &pair.identity_b);
	const struct vd_bytes inside = of("/ip4/198.18.0.1/tcp/1");
	struct host_identified peer;
	uint8_t *at = memmem(out, told.len, inside.at, inside.len);

	cr_assert(at != NULL);
	at[inside.len - 1]++;
	cr_assert(eq(int, host_identified_read(conn, told, &peer), VD_OK));
	cr_assert(not(peer.is_signed));
	cr_assert(reads_as(peer.addresses[0], "/ip4/198.18.0.2/tcp/2"));
	pair_end(&pair);
}

Test(identified, addresses_that_do_not_read_are_left_out_and_what_is_cut_is_an_error)
{
	struct host_conn *conn = connect_pair();
	struct identify message = { .addresses_count = 2 };
	struct host_identified peer = { .protocol_count = 7 };
	struct vd_bytes told;

	message.addresses[0] = vd_bytes("\x04\x01", 2);
	message.addresses[1] = of("/ip4/198.18.0.3/tcp/3");
	told = tell(message, NULL);
	cr_assert(eq(int, host_identified_read(conn, vd_bytes(told.at, told.len - 1), &peer),
		     VD_EPEER_TRUNC));
	cr_assert(eq(sz, peer.protocol_count, 7)); /* untouched */
	cr_assert(eq(int, host_identified_read(conn, told, &peer), VD_OK));
	cr_assert(eq(sz, peer.address_count, 2));
	cr_assert(reads_as(peer.addresses[0], "/ip4/198.18.0.3/tcp/3"));
	cr_assert(reads_as(peer.addresses[1], "/ip4/198.18.0.2/tcp/2"));
	pair_end(&pair);
}
