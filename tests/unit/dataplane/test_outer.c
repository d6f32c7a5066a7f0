/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/outer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/bytes.h"
#include "switch/outer.h"
#include "switch/packet.h"

enum { PORT = 4001, PAYLOAD = 21, ROOM = 256 };

/* An Ethernet frame at `at`, `len` bytes; payload bytes count up from 6. */
struct made {
	uint8_t room[SW_HEADROOM + ROOM];
	uint8_t *at;
	size_t len;
};

static struct vd_udp_addr ip4(uint8_t last, uint16_t port)
{
	return (struct vd_udp_addr){ .ip = { [10] = 0xff, 0xff, 198, 18, 0, last }, .port = port };
}

static struct vd_udp_addr ip6(uint8_t last, uint16_t port)
{
	return (struct vd_udp_addr){ .ip = { 0xfd, [15] = last }, .port = port };
}

static struct sw_neighbour neighbour(uint16_t type, bool vlan)
{
	struct sw_neighbour row = { .l2 = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 } };

	row.l2_len = vlan ? 18 : 14;
	if (vlan) {
		vd_be16_store(row.l2 + 12, 0x8100);
		vd_be16_store(row.l2 + 14, 7);
	}
	vd_be16_store(row.l2 + row.l2_len - 2, type);
	return row;
}

/* What dp_outer_build makes of a payload of `len` bytes, from .1 to .2, at our port. */
static void make_with_class(struct made *m, bool six, bool vlan, uint16_t len,
			    uint8_t traffic_class)
{
	struct vd_udp_addr from = six ? ip6(1, 5000) : ip4(1, 5000);
	struct vd_udp_addr to = six ? ip6(2, PORT) : ip4(2, PORT);
	struct sw_neighbour row = neighbour(six ? 0x86dd : 0x0800, vlan);
	uint8_t *frame = m->room + SW_HEADROOM;
	struct sw_template send;

	sw_template_build(&send, 0, &from, &to, 1500, 1);
	for (uint16_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(6 + i);
	m->at = dp_outer_build(frame, len, traffic_class, &send, &row);
	m->len = (size_t)(frame + len - m->at);
}

static void make_of(struct made *m, bool six, bool vlan, uint16_t len)
{
	make_with_class(m, six, vlan, len, 0);
}

static void make(struct made *m, bool six, bool vlan)
{
	make_of(m, six, vlan, PAYLOAD);
}

static unsigned parse(const struct made *m, struct dp_outer *outer)
{
	return dp_outer_parse(m->at, m->len, PORT, outer);
}

/* The rows of {IPv4, IPv6} x {untagged, tagged}. */
#define EACH(six, vlan)                                                                            \
	for (int row_ = 0, six = 0, vlan = 0; row_ < 4; row_++, six = row_ & 1, vlan = row_ >> 1)

Test(outer, what_is_built_is_parsed_back)
{
	EACH(six, vlan)
	{
		struct made m;
		struct dp_outer outer = { 0 };

		make(&m, six, vlan);
		cr_assert(eq(uint, parse(&m, &outer), DP_OUTER_OK));
		cr_assert(eq(uint, outer.len, PAYLOAD));
		cr_assert(eq(uint, m.at[outer.at], 6));
		cr_assert(eq(uint, outer.version, six ? 6 : 4));
		struct vd_udp_addr local = dp_outer_local(m.at, &outer);
		struct vd_udp_addr remote = dp_outer_remote(m.at, &outer);
		cr_assert(eq(uint, local.port, PORT));
		cr_assert(eq(uint, remote.port, 5000));
		cr_assert(eq(uint, local.ip[15], 2));
		cr_assert(eq(uint, remote.ip[15], 1));
		cr_assert(eq(int, vd_udp_addr_is_ip4(&local), !six));
	}
}

Test(outer, every_truncation_is_refused)
{
	EACH(six, vlan)
	{
		struct made m;
		struct dp_outer outer;

		make(&m, six, vlan);
		for (size_t len = m.len; len-- > 0;) {
			uint8_t *exact = malloc(len ? len : 1); /* so that sanitizers see the end */
			memcpy(exact, m.at, len);
			cr_assert(ne(uint, dp_outer_parse(exact, len, PORT, &outer), DP_OUTER_OK));
			free(exact);
		}
	}
}

Test(outer, padding_behind_the_datagram_is_ignored)
{
	EACH(six, vlan)
	{
		struct made m;
		struct dp_outer outer = { 0 };

		make(&m, six, vlan);
		m.len += 9;
		cr_assert(eq(uint, parse(&m, &outer), DP_OUTER_OK));
		cr_assert(eq(uint, outer.len, PAYLOAD));
	}
}

Test(outer, the_traffic_class_is_written_and_its_ecn_read)
{
	EACH(six, vlan)
	for (unsigned class = 0; class < 256; class ++) {
		struct made m;
		struct dp_outer outer = { 0 };

		make_with_class(&m, six, vlan, PAYLOAD, (uint8_t) class);
		cr_assert(eq(uint, parse(&m, &outer), DP_OUTER_OK)); /* the sum is right, too */
		const uint8_t *ip = m.at + outer.l3;
		cr_assert(eq(uint, six ? (ip[0] & 15u) << 4 | ip[1] >> 4 : ip[1], class));
		cr_assert(eq(uint, outer.ecn, class & 3));
		cr_assert(eq(uint, six ? ip[0] >> 4 : ip[0], six ? 6 : 0x45));
	}
}

Test(outer, another_port_or_protocol_is_not_ours)
{
	struct made m;
	struct dp_outer outer;

	make(&m, false, false);
	cr_assert(eq(uint, dp_outer_parse(m.at, m.len, PORT + 1, &outer), SW_DROP_NOT_OURS));
	m.at[14 + 9] = 6; /* TCP */
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_NOT_OURS));
	make(&m, true, false);
	m.at[14 + 6] = 0; /* hop-by-hop options */
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_NOT_OURS));
	vd_be16_store(m.at + 12, 0x0806); /* ARP */
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_NOT_OURS));
}

Test(outer, two_vlan_tags_are_not_ours)
{
	struct made m;
	struct dp_outer outer;

	make(&m, false, true);
	vd_be16_store(m.at + 16, 0x8100);
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_NOT_OURS));
}

Test(outer, fragments_are_named)
{
	struct made m;
	struct dp_outer outer;

	make(&m, false, false);
	vd_be16_store(m.at + 14 + 6, 0x2000); /* more fragments */
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_FRAGMENT));
	vd_be16_store(m.at + 14 + 6, 0x0001); /* a later one */
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_FRAGMENT));
	make(&m, true, false);
	m.at[14 + 6] = 44;
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_FRAGMENT));
}

Test(outer, a_damaged_ip4_header_fails_its_checksum)
{
	struct made m;
	struct dp_outer outer;

	make(&m, false, false);
	m.at[14 + 8] ^= 1; /* TTL */
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_BAD_CHECKSUM));
}

Test(outer, ip6_without_udp_checksum_is_refused)
{
	struct made m;
	struct dp_outer outer;

	make(&m, true, false);
	vd_be16_store(m.at + 14 + SW_IP6_BYTES + 6, 0);
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_BAD_CHECKSUM));
}

Test(outer, ip6_with_a_mapped_source_is_refused)
{
	struct made m;
	struct dp_outer outer;
	const struct vd_udp_addr mapped = ip4(1, 0);

	make(&m, true, false);
	memcpy(m.at + 14 + 8, mapped.ip, 16);
	cr_assert(eq(uint, parse(&m, &outer), SW_DROP_BAD_HEADER));
}

Test(outer, ip4_options_are_skipped)
{
	struct made m;
	struct dp_outer outer = { 0 };
	uint8_t *ip;

	make(&m, false, false);
	/* move Ethernet and IP four bytes forward in memory and fill the gap with NOPs */
	memmove(m.at - 4, m.at, 14 + SW_IP4_BYTES);
	m.at -= 4;
	m.len += 4;
	ip = m.at + 14;
	memset(ip + SW_IP4_BYTES, 1, 4);
	ip[0] = 0x46;
	vd_be16_store(ip + 2, (uint16_t)(SW_IP4_BYTES + 4 + SW_UDP_BYTES + PAYLOAD));
	vd_be16_store(ip + 10, 0);
	vd_be16_store(ip + 10, (uint16_t)~sw_ones_sum(0, ip, SW_IP4_BYTES + 4));
	cr_assert(eq(uint, parse(&m, &outer), DP_OUTER_OK));
	cr_assert(eq(uint, outer.len, PAYLOAD));
	cr_assert(eq(uint, m.at[outer.at], 6));
}

/* Each row: an offset from the IP header, the 16-bit value put there, what is said to it. */
Test(outer, inconsistent_lengths_are_refused)
{
	static const struct {
		bool six;
		unsigned at;
		uint16_t value;
		unsigned result;
	} rows[] = {
		{ false, 2, 19, SW_DROP_BAD_HEADER },     /* total below the header */
		{ false, 2, 20, SW_DROP_BAD_HEADER },     /* no room for UDP */
		{ false, 2, 0xffff, SW_DROP_BAD_HEADER }, /* beyond the frame */
		{ false, 0, 0x4400, SW_DROP_BAD_HEADER }, /* header of 16 bytes */
		{ false, 0, 0x4f00, SW_DROP_BAD_HEADER }, /* header longer than the packet */
		{ false, 0, 0x6500, SW_DROP_BAD_HEADER }, /* version of the other kind */
		{ false, 24, 7, SW_DROP_BAD_HEADER },     /* UDP length below its header */
		{ false, 24, 8, SW_DROP_TRUNCATED },      /* no byte of payload */
		{ false, 24, 30, SW_DROP_BAD_HEADER },    /* UDP length beyond the packet */
		{ true, 4, 7, SW_DROP_BAD_HEADER },       /* no room for UDP */
		{ true, 4, 0xffff, SW_DROP_BAD_HEADER },  /* beyond the frame */
		{ true, 0, 0x4000, SW_DROP_BAD_HEADER },  /* version */
		{ true, 44, 7, SW_DROP_BAD_HEADER },      /* UDP length */
		{ true, 44, 0, SW_DROP_BAD_HEADER },      /* jumbogram */
		{ true, 44, 8, SW_DROP_TRUNCATED },       /* no byte of payload */
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made m;
		struct dp_outer outer;

		make(&m, rows[i].six, false);
		vd_be16_store(m.at + 14 + rows[i].at, rows[i].value);
		cr_assert(eq(uint, parse(&m, &outer), rows[i].result), "row %zu", i);
	}
}

/* RFC 8200, 8.1: the whole sum, done the slow way. */
static uint16_t slow_checksum6(const uint8_t *ip)
{
	uint16_t len = vd_be16_load(ip + 4);
	uint32_t sum = 17u + len;

	for (unsigned i = 8; i < 40; i += 2)
		sum += vd_be16_load(ip + i);
	for (unsigned i = 0; i < len; i++)
		sum += (uint32_t)ip[40 + i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

Test(outer, ip6_checksums_are_right_for_every_length)
{
	for (uint16_t len = 1; len < ROOM; len++) {
		struct made m;

		make_of(&m, true, false, len);
		cr_assert(eq(uint, slow_checksum6(m.at + 14), 0xffff), "length %u", len);
		cr_assert(eq(uint, vd_be16_load(m.at + 14 + 4), 8u + len));
	}
}

Test(outer, ip4_checksums_are_right_for_every_length)
{
	for (uint16_t len = 1; len < ROOM; len++) {
		struct made m;

		make_of(&m, false, false, len);
		cr_assert(eq(uint, sw_ones_sum(0, m.at + 14, SW_IP4_BYTES), 0xffff), "length %u",
			  len);
		struct dp_outer outer = { 0 };
		cr_assert(eq(uint, parse(&m, &outer), DP_OUTER_OK), "length %u", len);
	}
}

Test(outer, ip4_headers_say_do_not_fragment)
{
	struct vd_udp_addr from = ip4(1, 7), to = ip4(2, 8);
	struct sw_template send;

	sw_template_build(&send, 3, &from, &to, 1500, 9);
	cr_assert(eq(uint, vd_be16_load(send.outer + 6), 0x4000), "DF, and no fragment offset");
}

Test(outer, templates_name_their_ends_and_room)
{
	struct vd_udp_addr from4 = ip4(1, 7), to4 = ip4(2, 8), from6 = ip6(1, 7), to6 = ip6(2, 8);
	struct vd_udp_addr local, remote;
	struct sw_template send;

	sw_template_build(&send, 3, &from4, &to4, 1500, 9);
	sw_template_ends(&send, &local, &remote);
	cr_assert(zero(int, memcmp(&local, &from4, sizeof local)));
	cr_assert(zero(int, memcmp(&remote, &to4, sizeof remote)));
	cr_assert(eq(uint, send.payload_max, 1500 - 20 - 8 - 33));
	cr_assert(eq(uint, send.port, 3));
	cr_assert(eq(uint, send.neighbour, 9));
	sw_template_build(&send, 3, &from6, &to6, 1280, 9);
	sw_template_ends(&send, &local, &remote);
	cr_assert(zero(int, memcmp(&local, &from6, sizeof local)));
	cr_assert(zero(int, memcmp(&remote, &to6, sizeof remote)));
	cr_assert(eq(uint, send.payload_max, 1280 - 40 - 8 - 33));
	cr_assert(eq(uint, sw_payload_max(&to4, 61), 0));
	cr_assert(eq(uint, sw_payload_max(&to4, 62), 1));
}

Test(outer, the_ends_of_a_refused_packet_are_guessed_as_far_as_they_are_there)
{
	EACH(six, vlan)
	{
		struct made m;
		struct vd_udp_addr remote, local;
		size_t l3 = vlan ? 18 : 14, ip = six ? 40 : 20;

		make(&m, six, vlan);
		for (size_t len = m.len; len-- > 0;) {
			uint8_t *exact = malloc(len ? len : 1);
			size_t at;

			memcpy(exact, m.at, len);
			at = dp_outer_guess(exact, len, &remote, &local);
			cr_assert(eq(sz, at, len < l3 + ip ? 0 : l3), "%zu", len);
			if (at)
				cr_assert(eq(uint, remote.ip[15], 1));
			if (at && len >= l3 + ip + 4) {
				cr_assert(eq(uint, remote.port, 5000));
				cr_assert(eq(uint, local.port, PORT));
			}
			free(exact);
		}
	}
}

Test(outer, a_later_fragment_has_no_ports_to_guess)
{
	struct vd_udp_addr remote, local;
	struct made m;

	make(&m, false, false);
	vd_be16_store(m.at + 14 + 6, 100); /* its offset */
	cr_assert(eq(sz, dp_outer_guess(m.at, m.len, &remote, &local), 14));
	cr_assert(eq(uint, remote.port, 0));
}
