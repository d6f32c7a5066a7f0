/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/name_walk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define PEER  "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
#define OTHER "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"

static struct name_walk walk;
static struct vd_multiaddr found;
static unsigned step;

static enum vd_err begin(const char *text)
{
	struct vd_multiaddr address;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK), "%s", text);
	return name_walk_init(&walk, &address);
}

static void next_is(enum name_kind kind, const char *name)
{
	struct name_lookup lookup;

	cr_assert(name_walk_next(&walk, &step, &lookup), "%s", name);
	cr_assert(eq(int, lookup.kind, kind));
	cr_assert(eq(str, lookup.name, (char *)name));
}

static void none_is_next(void)
{
	struct name_lookup lookup;

	cr_assert(not(name_walk_next(&walk, &step, &lookup)));
}

static bool ip(const void *bytes, size_t len)
{
	return name_walk_ip(&walk, step, vd_bytes(bytes, len), &found);
}

static bool txt(const char *record)
{
	return name_walk_txt(&walk, step, vd_bytes_of_text(record), &found);
}

static void found_is(const char *text)
{
	char got[VD_MULTIADDR_TEXT];

	cr_assert(eq(str, (char *)vd_multiaddr_text(&found, got), (char *)text));
}

static void why_is(enum vd_err err, const char *text)
{
	char why[NAME_WALK_WHY];

	cr_assert(name_walk_ended(&walk));
	cr_assert(eq(int, name_walk_err(&walk), err));
	cr_assert(eq(str, (char *)name_walk_why(&walk, why), (char *)text));
}

static const uint8_t ip4[4] = { 192, 0, 2, 1 }, ip6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };

Test(name_walk, dns4_is_an_a_lookup)
{
	cr_assert(eq(int, begin("/dns4/example.org/tcp/4001/p2p/" PEER), VD_OK));
	next_is(NAME_A, "example.org");
	none_is_next();
	cr_assert(ip(ip4, 4));
	found_is("/ip4/192.0.2.1/tcp/4001/p2p/" PEER);
	cr_assert(not(ip(ip6, 16)));
	cr_assert(not(name_walk_ended(&walk)));
	name_walk_done(&walk, step, VD_OK, NULL);
	cr_assert(name_walk_ended(&walk));
	cr_assert(eq(int, name_walk_err(&walk), VD_OK));
}

Test(name_walk, dns6_is_an_aaaa_lookup)
{
	cr_assert(eq(int, begin("/dns6/example.org/tcp/4001"), VD_OK));
	next_is(NAME_AAAA, "example.org");
	none_is_next();
	cr_assert(ip(ip6, 16));
	found_is("/ip6/2001:db8::1/tcp/4001");
	cr_assert(not(ip(ip4, 4)));
}

Test(name_walk, dns_is_both_and_one_is_enough)
{
	cr_assert(eq(int, begin("/dns/example.org/tcp/4001"), VD_OK));
	next_is(NAME_AAAA, "example.org");
	name_walk_done(&walk, step, VD_ENOTFOUND, "no such record");
	next_is(NAME_A, "example.org");
	cr_assert(ip(ip4, 4));
	name_walk_done(&walk, step, VD_OK, NULL);
	cr_assert(eq(int, name_walk_err(&walk), VD_OK));
}

Test(name_walk, dnsaddr_takes_the_records_that_end_as_asked)
{
	cr_assert(eq(int, begin("/dnsaddr/example.org/p2p/" PEER), VD_OK));
	next_is(NAME_TXT, "_dnsaddr.example.org");
	cr_assert(not(txt("v=spf1 -all")));
	cr_assert(not(txt("dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/" OTHER)));
	cr_assert(not(txt("dnsaddr=/ip4/192.0.2.1/tcp/1")));
	cr_assert(not(txt("dnsaddr=")));
	cr_assert(not(txt("dnsaddr=what")));
	cr_assert(
	    not(name_walk_txt(&walk, step, vd_bytes("dnsaddr=/ip4/192.0.2.1\0x", 24), &found)));
	cr_assert(txt("dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/" PEER));
	found_is("/ip4/192.0.2.1/tcp/1/p2p/" PEER);
	name_walk_done(&walk, step, VD_OK, NULL);
	cr_assert(name_walk_ended(&walk));
	cr_assert(eq(uint, walk.others, 2));
	cr_assert(eq(uint, walk.malformed, 3));
}

Test(name_walk, names_behind_names_are_looked_up)
{
	cr_assert(eq(int, begin("/dnsaddr/a.org"), VD_OK));
	next_is(NAME_TXT, "_dnsaddr.a.org");
	cr_assert(not(txt("dnsaddr=/dnsaddr/b.org/p2p/" PEER)));
	cr_assert(not(txt("dnsaddr=/dns4/c.org/tcp/2/p2p/" PEER)));
	name_walk_done(&walk, step, VD_OK, NULL);
	next_is(NAME_TXT, "_dnsaddr.b.org");
	cr_assert(not(txt("dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/" OTHER)));
	cr_assert(txt("dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/" PEER));
	name_walk_done(&walk, step, VD_OK, NULL);
	next_is(NAME_A, "c.org");
	cr_assert(ip(ip4, 4));
	found_is("/ip4/192.0.2.1/tcp/2/p2p/" PEER);
}

/* ---- who owns a name may answer with anything ---- */

Test(name_walk, a_circle_ends)
{
	cr_assert(eq(int, begin("/dnsaddr/a.org"), VD_OK));
	next_is(NAME_TXT, "_dnsaddr.a.org");
	txt("dnsaddr=/dnsaddr/b.org");
	name_walk_done(&walk, step, VD_OK, NULL);
	next_is(NAME_TXT, "_dnsaddr.b.org");
	txt("dnsaddr=/dnsaddr/a.org");
	name_walk_done(&walk, step, VD_OK, NULL);
	none_is_next();
	why_is(VD_ENOTFOUND, "the name has no address; is it the right one?");
}

Test(name_walk, a_chain_ends_at_its_depth)
{
	char record[64];
	unsigned length = 0;
	struct name_lookup lookup;

	cr_assert(eq(int, begin("/dnsaddr/n.org"), VD_OK));
	while (name_walk_next(&walk, &step, &lookup)) {
		snprintf(record, sizeof record, "dnsaddr=/dnsaddr/n%u.org", length++);
		cr_assert(not(txt(record)));
		name_walk_done(&walk, step, VD_OK, NULL);
	}
	cr_assert(eq(uint, length, 1 + NAME_WALK_DEPTH));
	why_is(VD_ENOTFOUND, "names lead to names, too many of them; ask who runs them");
}

Test(name_walk, lookups_are_bounded_in_number)
{
	char record[64];
	struct name_lookup lookup;
	unsigned lookups = 0;

	cr_assert(eq(int, begin("/dnsaddr/n.org"), VD_OK));
	while (name_walk_next(&walk, &step, &lookup)) {
		lookups++;
		for (unsigned i = 0; i < 100; i++) {
			snprintf(record, sizeof record, "dnsaddr=/dnsaddr/n%u.n%u.org", lookups, i);
			txt(record);
		}
		name_walk_done(&walk, step, VD_OK, NULL);
	}
	cr_assert(eq(uint, lookups, NAME_WALK_LOOKUPS));
}

Test(name_walk, addresses_are_bounded_in_number)
{
	char record[64];
	unsigned addresses = 0;

	cr_assert(eq(int, begin("/dnsaddr/n.org"), VD_OK));
	next_is(NAME_TXT, "_dnsaddr.n.org");
	for (unsigned i = 1; i < 200; i++) {
		snprintf(record, sizeof record, "dnsaddr=/ip4/192.0.2.1/tcp/%u", i);
		addresses += txt(record);
	}
	cr_assert(eq(uint, addresses, NAME_WALK_ADDRESSES));
	cr_assert(eq(uint, walk.too_many, 199 - NAME_WALK_ADDRESSES));
}

Test(name_walk, a_suffix_counts_from_a_part_s_border)
{
	/* The bytes of /tcp/1030 (06 04 06) end in those of /tcp/… cut amid a part. */
	cr_assert(eq(int, begin("/dnsaddr/a.org/tcp/1030"), VD_OK));
	next_is(NAME_TXT, "_dnsaddr.a.org");
	cr_assert(not(txt("dnsaddr=/ip4/1.6.4.6")));
	cr_assert(txt("dnsaddr=/ip4/1.6.4.6/tcp/1030"));
}

static const char *const no_names[] = {
	"/dns4/a..org/tcp/1",
	"/dns4/.org/tcp/1",
	"/dns4/\xc3\xbc.org/tcp/1", /* a letter, but not as DNS writes it */
	"/dns4/a b.org/tcp/1",
	"/dns4/a\\046b.org/tcp/1",
	"/dns4/0123456789012345678901234567890123456789012345678901234567890123.org/tcp/1",
};

Test(name_walk, what_is_no_name_is_refused)
{
	char text[VD_MULTIADDR_TEXT] = "/dns4/";

	for (size_t i = 0; i < sizeof no_names / sizeof no_names[0]; i++)
		cr_expect(eq(int, begin(no_names[i]), VD_EUSER), "%s", no_names[i]);
	for (unsigned i = 0; i < 130; i++)
		strcat(text, "a.");
	cr_assert(eq(int, begin(text), VD_EUSER));
	cr_assert(eq(int, begin("/ip4/192.0.2.1/tcp/1"), VD_EUSER));
}

/* ---- why ---- */

Test(name_walk, the_failure_that_tells_most_is_told)
{
	cr_assert(eq(int, begin("/dns/a.org/tcp/1"), VD_OK));
	next_is(NAME_AAAA, "a.org");
	name_walk_done(&walk, step, VD_ENOTFOUND, "no such name");
	next_is(NAME_A, "a.org");
	name_walk_done(&walk, step, VD_ELINK_TIMEOUT, "no answer");
	why_is(VD_ELINK_TIMEOUT, "A of a.org: no answer");
}

Test(name_walk, records_of_others_are_told)
{
	cr_assert(eq(int, begin("/dnsaddr/a.org/p2p/" PEER), VD_OK));
	next_is(NAME_TXT, "_dnsaddr.a.org");
	txt("dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/" OTHER);
	name_walk_done(&walk, step, VD_OK, NULL);
	why_is(VD_ENOTFOUND, "none of its addresses ends as asked for; is the peer id right?");
}

Test(name_walk, records_that_are_no_addresses_are_told)
{
	cr_assert(eq(int, begin("/dnsaddr/a.org"), VD_OK));
	next_is(NAME_TXT, "_dnsaddr.a.org");
	txt("dnsaddr=nonsense");
	txt("dnsaddr=/dns4/a..b/tcp/1");
	name_walk_done(&walk, step, VD_OK, NULL);
	why_is(VD_ENOTFOUND, "its dnsaddr records are no addresses; ask who runs it");
}
