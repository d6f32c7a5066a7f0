/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/announce.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

enum { MAX = 64 };

struct given {
	struct vd_multiaddr at[MAX];
	size_t count;
};

static struct given listens, observed, replaced, also, filters;
static struct announced out;

static void give(struct given *to, const char *text)
{
	cr_assert(eq(int, (int)vd_multiaddr_of_text(text, &to->at[to->count++]), VD_OK), "%s",
		  text);
}

static void filter(const char *text)
{
	cr_assert(eq(int, (int)announce_filter_of_text(text, &filters.at[filters.count++]), VD_OK),
		  "%s", text);
}

/* All that is told, as text. */
static const char *told(void)
{
	static char text[4096];
	char one[VD_MULTIADDR_TEXT];
	struct announce_rules rules = { replaced.at,    also.at,    filters.at,
					replaced.count, also.count, filters.count };
	size_t len = 0;

	announce(&rules, listens.at, listens.count, observed.at, observed.count, &out);
	text[0] = '\0';
	for (uint32_t i = 0; i < out.count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? " " : "",
					vd_multiaddr_text(&out.at[i], one));
	return text;
}

static void is_told(const char *expected)
{
	cr_assert(eq(str, (char *)(uintptr_t)told(), (char *)(uintptr_t)expected));
}

Test(announce, nothing_is_told_of_nothing)
{
	is_told("");
}

Test(announce, those_that_reach_furthest_come_first_and_each_once)
{
	give(&listens, "/ip4/127.0.0.1/tcp/4001");
	give(&listens, "/ip4/192.168.1.2/tcp/4001");
	give(&listens, "/ip4/9.9.9.9/tcp/4001");
	give(&observed, "/ip4/9.9.9.9/tcp/4001");
	give(&observed, "/ip4/8.8.8.8/tcp/4001");
	is_told("/ip4/8.8.8.8/tcp/4001 /ip4/9.9.9.9/tcp/4001 /ip4/192.168.1.2/tcp/4001 "
		"/ip4/127.0.0.1/tcp/4001");
	cr_assert(eq(u32, announced_to(&out, true), 4));
	cr_assert(eq(u32, announced_to(&out, false), 3));
	cr_assert(eq(u32, announced_signed(&out), 3));
}

Test(announce, a_host_on_loopback_alone_signs_that)
{
	give(&listens, "/ip4/127.0.0.1/tcp/4001");
	is_told("/ip4/127.0.0.1/tcp/4001");
	cr_assert(eq(u32, announced_signed(&out), 1));
	cr_assert(zero(u32, announced_to(&out, false)));
}

Test(announce, what_the_operator_announces_replaces_the_rest)
{
	give(&listens, "/ip4/192.168.1.2/tcp/4001");
	give(&observed, "/ip4/8.8.8.8/tcp/4001");
	give(&replaced, "/dns4/example.org/tcp/4001");
	is_told("/dns4/example.org/tcp/4001");
	give(&also, "/ip4/9.9.9.9/tcp/1");
	is_told("/ip4/9.9.9.9/tcp/1 /dns4/example.org/tcp/4001");
}

Test(announce, filters_hold_for_all)
{
	give(&listens, "/ip4/192.168.1.2/tcp/4001");
	give(&listens, "/ip4/192.169.1.2/tcp/4001");
	give(&listens, "/ip6/fd00::1/tcp/4001");
	give(&listens, "/ip6/2a00::1/tcp/4001");
	give(&also, "/ip4/9.9.9.9/tcp/1");
	give(&also, "/ip4/9.9.9.9/tcp/2");
	filter("192.168.0.0/16");
	filter("fd00::/8");
	filter("/ip4/9.9.9.9/tcp/1");
	filter("/ip6/2a00::/ipcidr/12");
	is_told("/ip4/9.9.9.9/tcp/2 /ip4/192.169.1.2/tcp/4001");
}

Test(announce, a_network_of_odd_length_holds_to_the_bit)
{
	give(&also, "/ip4/100.64.0.1/tcp/1");
	give(&also, "/ip4/100.127.255.255/tcp/1");
	give(&also, "/ip4/100.128.0.0/tcp/1");
	give(&also, "/ip4/100.63.0.1/tcp/1");
	filter("100.64.0.0/10");
	is_told("/ip4/100.63.0.1/tcp/1 /ip4/100.128.0.0/tcp/1");
}

Test(announce, everything_can_be_filtered)
{
	give(&also, "/ip4/9.9.9.9/tcp/1");
	filter("0.0.0.0/0");
	is_told("");
}

Test(announce, what_nobody_can_dial_is_left_out)
{
	give(&also, "/ip4/0.0.0.0/tcp/4001");
	give(&also, "/ip6/::/tcp/4001");
	give(&also, "/ip6/fe80::1/tcp/4001");
	give(&also, "/ip4/9.9.9.9/tcp/0");
	give(&also, "/ip4/224.0.0.1/tcp/4001");
	is_told("");
}

Test(announce, a_links_address_is_never_told)
{
	give(&also, "/ip4/9.9.9.9/udp/4001/viaduct");
	give(&replaced, "/ip4/9.9.9.9/udp/4001/viaduct");
	is_told("");
}

Test(announce, too_many_are_cut_at_the_near_end)
{
	give(&listens, "/ip4/127.0.0.1/tcp/4001");
	for (unsigned i = 0; i < ANNOUNCE_MAX; i++) {
		char text[64];

		snprintf(text, sizeof text, "/ip4/9.9.9.9/tcp/%u", i + 1);
		give(&listens, text);
	}
	(void)told();
	cr_assert(eq(u32, out.count, ANNOUNCE_MAX));
	cr_assert(eq(u32, out.local, ANNOUNCE_MAX));
}

Test(announce, their_bytes_have_a_limit)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < ANNOUNCE_MAX; i++) {
		char text[256];

		snprintf(text, sizeof text, "/dns4/%0100u.example.org/tcp/%u", i, i + 1);
		give(&also, text);
	}
	(void)told();
	for (uint32_t i = 0; i < out.count; i++)
		bytes += out.at[i].len;
	cr_assert(le(sz, bytes, ANNOUNCE_BYTES));
	cr_assert(gt(u32, out.count, 8));
}

Test(announce, equal_is_the_same_in_the_same_order)
{
	struct announced before;

	give(&also, "/ip4/9.9.9.9/tcp/1");
	(void)told();
	before = out;
	(void)told();
	cr_assert(announced_equal(&before, &out));
	give(&also, "/ip4/9.9.9.9/tcp/2");
	(void)told();
	cr_assert(not(announced_equal(&before, &out)));
}

Test(announce, what_is_no_filter_is_refused)
{
	struct vd_multiaddr f;

	cr_assert(eq(int, (int)announce_filter_of_text("10.0.0.0", &f), VD_EUSER));
	cr_assert(eq(int, (int)announce_filter_of_text("10.0.0.0/33", &f), VD_EUSER));
	cr_assert(eq(int, (int)announce_filter_of_text("10.0.0.0/8/tcp", &f), VD_EUSER));
	cr_assert(eq(int, (int)announce_filter_of_text("example.org/8", &f), VD_EUSER));
	cr_assert(eq(int, (int)announce_filter_of_text("/ip4/10.0.0.0/ipcidr/33", &f), VD_EUSER));
	cr_assert(eq(int, (int)announce_filter_of_text("fd00::/129", &f), VD_EUSER));
	cr_assert(eq(int, (int)announce_filter_of_text("", &f), VD_EUSER));
}
