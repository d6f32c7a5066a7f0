/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/ip_scope.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static enum ip_scope of(const char *text)
{
	struct vd_multiaddr address;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK), "%s", text);
	return ip_scope_of(&address);
}

static const struct {
	const char *address;
	enum ip_scope scope;
} rows[] = {
	{ "/ip4/0.0.0.0/tcp/1", IP_UNSPECIFIED },
	{ "/ip4/0.0.0.1/tcp/1", IP_RESERVED },
	{ "/ip4/9.255.255.255/tcp/1", IP_PUBLIC },
	{ "/ip4/10.0.0.0/tcp/1", IP_PRIVATE },
	{ "/ip4/10.255.255.255", IP_PRIVATE },
	{ "/ip4/11.0.0.0", IP_PUBLIC },
	{ "/ip4/100.63.255.255", IP_PUBLIC },
	{ "/ip4/100.64.0.1", IP_PRIVATE },
	{ "/ip4/100.127.255.255", IP_PRIVATE },
	{ "/ip4/100.128.0.0", IP_PUBLIC },
	{ "/ip4/127.9.9.9", IP_LOOPBACK },
	{ "/ip4/169.254.3.4", IP_LINK_LOCAL },
	{ "/ip4/172.15.255.255", IP_PUBLIC },
	{ "/ip4/172.16.0.0", IP_PRIVATE },
	{ "/ip4/172.31.255.255", IP_PRIVATE },
	{ "/ip4/172.32.0.0", IP_PUBLIC },
	{ "/ip4/192.0.2.1", IP_RESERVED },
	{ "/ip4/192.168.7.7", IP_PRIVATE },
	{ "/ip4/198.18.0.1", IP_RESERVED },
	{ "/ip4/198.20.0.1", IP_PUBLIC },
	{ "/ip4/224.0.0.1", IP_MULTICAST },
	{ "/ip4/239.255.255.255", IP_MULTICAST },
	{ "/ip4/240.0.0.1", IP_RESERVED },
	{ "/ip4/255.255.255.255", IP_MULTICAST },
	{ "/ip4/8.8.8.8", IP_PUBLIC },
	{ "/ip6/::", IP_UNSPECIFIED },
	{ "/ip6/::1/tcp/9", IP_LOOPBACK },
	{ "/ip6/::2", IP_PUBLIC },
	{ "/ip6/fd00::1", IP_PRIVATE },
	{ "/ip6/fe80::1", IP_LINK_LOCAL },
	{ "/ip6/febf::1", IP_LINK_LOCAL },
	{ "/ip6/fec0::1", IP_PUBLIC },
	{ "/ip6/ff02::1", IP_MULTICAST },
	{ "/ip6/2001:db8::1", IP_RESERVED },
	{ "/ip6/2a00:1450::1", IP_PUBLIC },
	{ "/ip6/::ffff:10.1.2.3", IP_PRIVATE },
	{ "/ip6/::ffff:8.8.8.8", IP_PUBLIC },
	{ "/dns4/example.org/tcp/1", IP_NONE },
	{ "/tcp/1", IP_NONE },
};

Test(ip_scope, every_network_has_its_scope)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_expect(eq(int, of(rows[i].address), rows[i].scope), "%s", rows[i].address);
}

Test(ip_scope, bytes_of_other_lengths_have_none)
{
	static const uint8_t bytes[17] = { 10 };

	for (size_t len = 0; len <= sizeof bytes; len++)
		cr_expect(
		    eq(int, ip_scope(vd_bytes(bytes, len)) == IP_NONE, len != 4 && len != 16));
}

Test(ip_scope, private_is_what_stays_at_home)
{
	for (enum ip_scope scope = IP_NONE; scope <= IP_PUBLIC; scope++)
		cr_expect(
		    eq(int, ip_scope_is_private(scope),
		       scope == IP_LOOPBACK || scope == IP_LINK_LOCAL || scope == IP_PRIVATE));
}

Test(ip_scope, a_peer_in_public_is_led_to_by_public_addresses_alone)
{
	for (enum ip_scope scope = IP_UNSPECIFIED; scope <= IP_PUBLIC; scope++) {
		cr_expect(eq(int, ip_scope_leads(scope, IP_PUBLIC), scope == IP_PUBLIC));
		cr_expect(eq(int, ip_scope_leads(scope, IP_PRIVATE), scope != IP_LOOPBACK));
		cr_expect(ip_scope_leads(scope, IP_LOOPBACK));
	}
	cr_expect(ip_scope_leads(IP_NONE, IP_PUBLIC));
}
