/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/listen_expand.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct listen_ip ips[] = {
	{ 4, { 127, 0, 0, 1 } },
	{ 4, { 192, 0, 2, 1 } },
	{ 16, { [15] = 1 } },
	{ 16, { 0x20, 1, 0xd, 0xb8, [15] = 7 } },
};

static struct vd_multiaddr of(const char *text)
{
	struct vd_multiaddr address;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK), "%s", text);
	return address;
}

/* All of them, in lines. */
static const char *expand(const struct vd_multiaddr *listens, size_t count, size_t max)
{
	static char lines[4096];
	struct vd_multiaddr out[LISTEN_EXPAND_MAX];
	char text[VD_MULTIADDR_TEXT];
	size_t got = listen_expand_to(listens, count, ips, sizeof ips / sizeof ips[0], out, max);

	lines[0] = 0;
	for (size_t i = 0; i < got; i++) {
		strcat(lines, vd_multiaddr_text(&out[i], text));
		strcat(lines, "\n");
	}
	return lines;
}

Test(listen_expand, a_wildcard_is_each_address_of_its_family)
{
	struct vd_multiaddr listens[] = { of("/ip4/0.0.0.0/tcp/4001"), of("/ip6/::/tcp/4002") };

	cr_assert(eq(str, (char *)expand(listens, 2, 64),
		     "/ip4/127.0.0.1/tcp/4001\n/ip4/192.0.2.1/tcp/4001\n"
		     "/ip6/::1/tcp/4002\n/ip6/2001:db8::7/tcp/4002\n"));
}

Test(listen_expand, other_addresses_stay_and_none_comes_twice)
{
	struct vd_multiaddr listens[] = { of("/ip4/192.0.2.1/tcp/1"), of("/ip4/192.0.2.9/tcp/1"),
					  of("/ip4/0.0.0.0/tcp/1") };

	cr_assert(eq(str, (char *)expand(listens, 3, 64),
		     "/ip4/192.0.2.1/tcp/1\n/ip4/192.0.2.9/tcp/1\n/ip4/127.0.0.1/tcp/1\n"));
}

Test(listen_expand, there_are_no_more_than_there_is_room)
{
	struct vd_multiaddr listens[] = { of("/ip4/0.0.0.0/tcp/1"), of("/ip6/::/tcp/1") };

	cr_assert(eq(str, (char *)expand(listens, 2, 3),
		     "/ip4/127.0.0.1/tcp/1\n/ip4/192.0.2.1/tcp/1\n/ip6/::1/tcp/1\n"));
}

Test(listen_expand, this_machine_has_an_address)
{
	struct vd_multiaddr listen = of("/ip4/0.0.0.0/tcp/1"), out[LISTEN_EXPAND_MAX];
	size_t count = listen_expand(&listen, 1, out, LISTEN_EXPAND_MAX);
	bool loopback = false;

	for (size_t i = 0; i < count; i++) {
		char text[VD_MULTIADDR_TEXT];

		loopback |= strcmp(vd_multiaddr_text(&out[i], text), "/ip4/127.0.0.1/tcp/1") == 0;
		cr_assert(ne(str, text, "/ip4/0.0.0.0/tcp/1"));
	}
	cr_assert(loopback);
}
