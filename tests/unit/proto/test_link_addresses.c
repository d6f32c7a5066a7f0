/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "base/formats/key.h"
#include "base/init.h"
#include "base/pb.h"
#include "controlplane/proto/link_addresses.h"

static struct vd_identity self, other;
static uint8_t stream[4096];

static void setup(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	vd_identity_generate(&self);
	vd_identity_generate(&other);
}

TestSuite(link_addresses, .init = setup);

/* ---- helpers ---- */

static struct vd_udp_addr udp(const char *text)
{
	struct vd_multiaddr address;
	struct vd_udp_addr out;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK), "%s", text);
	cr_assert(eq(int, vd_multiaddr_to_link(&address, &out, NULL), VD_OK), "%s", text);
	return out;
}

/* A field of `text`, with /p2p of `peer` behind it unless that is NULL. */
static void put(struct vd_write *w, const char *text, const struct vd_peer_id *peer)
{
	char id[VD_PEER_ID_TEXT], full[VD_MULTIADDR_TEXT];
	struct vd_multiaddr address;

	snprintf(full, sizeof full, "%s%s%s", text, peer ? "/p2p/" : "",
		 peer ? vd_peer_id_text(peer, id) : "");
	cr_assert(eq(int, vd_multiaddr_of_text(full, &address), VD_OK), "%s", full);
	vd_pb_write_bytes(w, 1, vd_bytes(address.bytes, address.len));
}

/* A stream of one message with these bytes. */
static struct vd_bytes streamed(struct vd_bytes message)
{
	struct vd_write w = vd_write_to(stream, sizeof stream);

	vd_write_uvarint(&w, message.len);
	vd_write_bytes(&w, message);
	return vd_write_done(&w);
}

static struct link_addresses read_one(const char *text, const struct vd_peer_id *peer,
				      enum ip_scope remote)
{
	uint8_t bytes[1024];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct link_addresses out = { 0 };

	put(&w, text, peer);
	cr_assert(eq(int, link_addresses_read(streamed(vd_write_done(&w)), &self.id, remote, &out),
		     VD_OK));
	cr_assert(eq(u32, out.count + out.refused, 1));
	return out;
}

/* ---- tests ---- */

Test(link_addresses, what_is_written_is_read)
{
	struct link_addresses in = { .count = 2,
				     .at = { udp("/ip4/198.18.1.1/udp/4001"),
					     udp("/ip6/2a00:1450::1/udp/4002") } },
			      out;
	struct vd_write w = vd_write_to(stream, LINK_ADDRESSES_BYTES);

	cr_assert(eq(int, link_addresses_write(&in, &self.id, &w), VD_OK));
	cr_assert(
	    eq(int, link_addresses_read(vd_write_done(&w), &self.id, IP_RESERVED, &out), VD_OK));
	cr_assert(zero(memcmp(&in, &out, sizeof in)));
}

Test(link_addresses, none_is_a_message_too)
{
	struct link_addresses none = { 0 }, out = { .count = 1 };
	struct vd_write w = vd_write_to(stream, sizeof stream);

	cr_assert(eq(int, link_addresses_write(&none, &self.id, &w), VD_OK));
	cr_assert(eq(sz, vd_write_len(&w), 1));
	cr_assert(
	    eq(int, link_addresses_read(vd_write_done(&w), &self.id, IP_PUBLIC, &out), VD_OK));
	cr_assert(eq(u32, out.count, 0));
}

Test(link_addresses, as_many_as_there_may_be_fit_the_room)
{
	struct link_addresses all = { .count = LINK_ADDRESSES };
	struct vd_write w = vd_write_to(stream, LINK_ADDRESSES_BYTES);

	for (uint32_t i = 0; i < LINK_ADDRESSES; i++) {
		all.at[i] = udp("/ip6/2a00:1450::1/udp/65535");
		all.at[i].ip[15] = (uint8_t)i;
	}
	cr_assert(eq(int, link_addresses_write(&all, &self.id, &w), VD_OK));
	w = vd_write_to(stream, vd_write_len(&w) - 1);
	cr_assert(eq(int, link_addresses_write(&all, &self.id, &w), VD_EBUG_ROOM));
}

Test(link_addresses, only_whole_link_addresses_of_the_sender_are_taken)
{
	static const char *const others[] = {
		"/ip4/198.18.1.1/udp/4001",           "/ip4/198.18.1.1/tcp/4001",
		"/ip4/198.18.1.1/udp/4001/viaduct",   "/ip6/::ffff:198.18.1.1/udp/4001/viaduct",
		"/dns4/example.org/udp/4001/viaduct", "/viaduct",
	};

	cr_assert(
	    eq(u32, read_one("/ip4/198.18.1.1/udp/4001/viaduct", &self.id, IP_RESERVED).count, 1));
	cr_assert(
	    zero(u32, read_one("/ip4/198.18.1.1/udp/4001/viaduct", &other.id, IP_RESERVED).count));
	cr_assert(zero(u32, read_one("/ip4/198.18.1.1/udp/4001/viaduct", NULL, IP_RESERVED).count));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		cr_assert(
		    zero(u32, read_one(others[i], i == 2 ? NULL : &self.id, IP_RESERVED).count),
		    "%s", others[i]);
}

Test(link_addresses, addresses_that_lead_nowhere_are_left_out)
{
	static const char *const nowhere[] = {
		"/ip4/0.0.0.0/udp/4001/viaduct",
		"/ip6/::/udp/4001/viaduct",
		"/ip4/224.0.0.1/udp/4001/viaduct",
		"/ip4/198.18.1.1/udp/0/viaduct",
	};

	for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
		cr_assert(zero(u32, read_one(nowhere[i], &self.id, IP_LOOPBACK).count), "%s",
			  nowhere[i]);
}

Test(link_addresses, a_peer_seen_in_public_is_not_at_a_private_address)
{
	const char *home = "/ip4/10.1.2.3/udp/4001/viaduct", *here = "/ip4/127.0.0.1/udp/1/viaduct";

	cr_assert(zero(u32, read_one(home, &self.id, IP_PUBLIC).count));
	cr_assert(eq(u32, read_one(home, &self.id, IP_PRIVATE).count, 1));
	cr_assert(zero(u32, read_one(here, &self.id, IP_PRIVATE).count));
	cr_assert(eq(u32, read_one(here, &self.id, IP_LOOPBACK).count, 1));
}

Test(link_addresses, eight_are_taken_and_none_twice)
{
	static uint8_t bytes[LINK_ADDRESSES_MAX];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct link_addresses out;

	for (unsigned i = 0; i < 10; i++) {
		char text[64];

		snprintf(text, sizeof text, "/ip4/198.18.1.%u/udp/4001/viaduct", i ? i - 1 : 0);
		put(&w, text, &self.id);
	}
	cr_assert(eq(int, w.err, VD_OK));
	cr_assert(eq(int,
		     link_addresses_read(streamed(vd_write_done(&w)), &self.id, IP_RESERVED, &out),
		     VD_OK));
	cr_assert(eq(u32, out.count, 8));
	cr_assert(eq(u32, out.refused, 1));
}

Test(link_addresses, unknown_fields_are_passed_over)
{
	uint8_t bytes[1024];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct link_addresses out;

	vd_pb_write_uint(&w, 2, 7);
	put(&w, "/ip4/198.18.1.1/udp/4001/viaduct", &self.id);
	vd_pb_write_bytes(&w, 3, vd_bytes_of_text("later"));
	cr_assert(eq(int,
		     link_addresses_read(streamed(vd_write_done(&w)), &self.id, IP_RESERVED, &out),
		     VD_OK));
	cr_assert(eq(u32, out.count, 1));
	cr_assert(zero(u32, out.refused));
}

Test(link_addresses, what_is_cut_overlong_or_of_another_form_is_refused)
{
	struct link_addresses in = { .count = 1, .at = { udp("/ip4/198.18.1.1/udp/4001") } };
	struct link_addresses out = { .count = 5 };
	struct vd_write w = vd_write_to(stream, sizeof stream);
	struct vd_bytes whole;
	static uint8_t much[LINK_ADDRESSES_MAX + 1];

	cr_assert(eq(int, link_addresses_write(&in, &self.id, &w), VD_OK));
	whole = vd_write_done(&w);
	for (size_t len = 0; len < whole.len; len++)
		cr_assert(ne(
		    int, link_addresses_read(vd_bytes(whole.at, len), &self.id, IP_RESERVED, &out),
		    VD_OK));
	stream[whole.len] = 0;
	cr_assert(
	    eq(int,
	       link_addresses_read(vd_bytes(whole.at, whole.len + 1), &self.id, IP_RESERVED, &out),
	       VD_EPEER_FORMAT));
	stream[1] = 0x08; /* the address as a varint: what follows is none */
	cr_assert(ne(int, link_addresses_read(whole, &self.id, IP_RESERVED, &out), VD_OK));
	cr_assert(eq(
	    int,
	    link_addresses_read(streamed(vd_bytes(much, sizeof much)), &self.id, IP_RESERVED, &out),
	    VD_EPEER_RANGE));
	cr_assert(eq(u32, out.count, 5), "untouched");
}
