/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"

static struct sw_endpoint endpoint(const uint8_t remote[16])
{
	struct sw_endpoint endpoint = { .port = 3, .local = { .port = 4001 } };

	endpoint.local.ip[15] = 1;
	endpoint.remote.port = 5001;
	memcpy(endpoint.remote.ip, remote, 16);
	return endpoint;
}

static size_t link_prefix(const uint8_t remote[16], uint8_t out[16])
{
	struct sw_endpoint at = endpoint(remote);
	struct peering_path path = node_path_of_endpoint(&at);

	return node_link_prefix(NULL, &path, out);
}

Test(paths, an_endpoint_comes_back_as_it_was)
{
	static const uint8_t remote[16] = { 0xfd, [15] = 9 };
	struct sw_endpoint at = endpoint(remote), back;
	struct peering_path path = node_path_of_endpoint(&at);

	back = node_endpoint_of_path(&path);
	cr_assert(eq(u8, back.port, 3));
	cr_assert(eq(u16, back.local.port, 4001));
	cr_assert(eq(u16, back.remote.port, 5001));
	cr_assert(zero(int, memcmp(back.remote.ip, remote, 16)));
}

Test(paths, a_link_counts_to_its_ipv4_address)
{
	static const uint8_t remote[16] = { [10] = 0xff, 0xff, 198, 18, 1, 2 };
	uint8_t prefix[16];

	cr_assert(eq(sz, link_prefix(remote, prefix), 4));
	cr_assert(zero(int, memcmp(prefix, remote + 12, 4)));
}

Test(paths, a_link_counts_to_its_ipv6_slash_64)
{
	static const uint8_t remote[16] = { 0xfd, 0, 0, 0x18, 0, 1, 0, 2, 3, [15] = 9 };
	uint8_t prefix[16];

	cr_assert(eq(sz, link_prefix(remote, prefix), 8));
	cr_assert(zero(int, memcmp(prefix, remote, 8)));
}

Test(paths, a_session_counts_to_the_link_it_came_in_by)
{
	struct route_path one = { .link = 7, .label = 0x1234, .bits = 16 };
	struct route_path other = { .link = 7, .label = 0x4321, .bits = 32 };
	struct peering_path paths[2] = { node_path_of_route(&one), node_path_of_route(&other) };
	uint8_t prefixes[2][16];
	size_t len = node_session_prefix(NULL, &paths[0], prefixes[0]);

	cr_assert(eq(sz, node_session_prefix(NULL, &paths[1], prefixes[1]), len));
	cr_assert(zero(int, memcmp(prefixes[0], prefixes[1], len)));
	other.link = 8;
	paths[1] = node_path_of_route(&other);
	cr_assert(eq(sz, node_session_prefix(NULL, &paths[1], prefixes[1]), len));
	cr_assert(ne(int, memcmp(prefixes[0], prefixes[1], len), 0));
}
