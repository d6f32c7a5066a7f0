/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/udp_addr.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/formats/multiaddr.h"

static struct vd_udp_addr addr_of(const char *text)
{
	struct vd_multiaddr addr;
	struct vd_udp_addr out;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &addr), VD_OK));
	cr_assert(eq(int, vd_multiaddr_to_link(&addr, &out, NULL), VD_OK));
	return out;
}

Test(udp_addr, ip4_is_told_from_ip6_by_the_whole_prefix)
{
	static const struct {
		const char *text;
		bool ip4;
	} rows[] = {
		{ "/ip4/198.18.0.1/udp/1", true },        { "/ip4/0.0.0.0/udp/1", true },
		{ "/ip6/::ffff:198.18.0.1/udp/1", true }, { "/ip6/::/udp/1", false },
		{ "/ip6/::198.18.0.1/udp/1", false },     { "/ip6/::fffe:c612:1/udp/1", false },
		{ "/ip6/1::ffff:c612:1/udp/1", false },   { "/ip6/::1:ffff:c612:1/udp/1", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vd_udp_addr addr = addr_of(rows[i].text);

		cr_expect(eq(int, vd_udp_addr_is_ip4(&addr), rows[i].ip4), "%s", rows[i].text);
	}
}

Test(udp_addr, any_is_the_unspecified_address_of_either_family)
{
	static const struct {
		const char *text;
		bool any;
	} rows[] = {
		{ "/ip4/0.0.0.0/udp/0", true },    { "/ip4/0.0.0.0/udp/4001", true },
		{ "/ip6/::/udp/4001", true },      { "/ip4/0.0.0.1/udp/0", false },
		{ "/ip4/128.0.0.0/udp/0", false }, { "/ip6/::1/udp/0", false },
		{ "/ip6/8000::/udp/0", false },    { "/ip6/::1:0:0/udp/0", false },
		{ "/ip6/::1:0:0:0/udp/0", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vd_udp_addr addr = addr_of(rows[i].text);

		cr_expect(eq(int, vd_udp_addr_is_any(&addr), rows[i].any), "%s", rows[i].text);
	}
}

Test(udp_addr, equal_compares_address_and_port)
{
	struct vd_udp_addr a = addr_of("/ip4/198.18.0.1/udp/4001"), b = a;

	cr_assert(vd_udp_addr_equal(&a, &b));
	b.port++;
	cr_assert(not(vd_udp_addr_equal(&a, &b)));
	for (size_t i = 0; i < sizeof a.ip; i++) {
		b = a;
		b.ip[i] ^= 1;
		cr_assert(not(vd_udp_addr_equal(&a, &b)));
	}
}
