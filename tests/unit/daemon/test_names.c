/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/names.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "controlplane/route/overlay.h"

#define PEER "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

static char why[NAMES_WHY];

static enum vd_err parse(const char *text, struct names *names)
{
	return names_parse(vd_bytes((const uint8_t *)text, strlen(text)), "names", 0xfd76, names,
			   why);
}

Test(names, lines_of_addresses_and_peer_ids_name_peers)
{
	struct names names;
	struct vd_peer_id peer;
	uint8_t overlay[16];

	cr_assert(eq(int, parse("# all\n\nfd76::2 two deux # both\n\t" PEER "\tlaptop\r\n", &names),
		     VD_OK),
		  "%s", why);
	cr_assert(eq(sz, names.count, 3));
	cr_assert(not(vd_peer_id_of_text(PEER, &peer)));
	route_overlay_address(0xfd76, &peer, overlay);
	cr_assert(eq(str, (char *)names_of(&names, overlay)->name, "laptop"));
	cr_assert(vd_peer_id_equal(&names_find(&names, "LAPTOP")->peer, &peer));
	cr_assert(eq(u8, names_find(&names, "deux")->overlay[15], 2));
	cr_assert(eq(u8, names_find(&names, "two")->peer.len, 0));
	names_fini(&names);
}

Test(names, the_first_name_of_an_address_is_the_one_shown_in_any_order_of_lines)
{
	struct names names;
	uint8_t overlay[16] = { 0xfd, 0x76, [15] = 2 };

	cr_assert(eq(int, parse("fd76::9 z\nfd76::2 b\nfd76::1 y\nfd76::2 a\n", &names), VD_OK));
	cr_assert(eq(str, (char *)names_of(&names, overlay)->name, "b"));
	cr_assert(eq(str, (char *)names_of(&names, overlay)[1].name, "a"));
	overlay[15] = 3;
	cr_assert(zero(ptr, (void *)names_of(&names, overlay)));
	names_fini(&names);
}

Test(names, an_empty_file_has_none)
{
	struct names names;

	cr_assert(eq(int, parse("", &names), VD_OK));
	cr_assert(zero(ptr, (void *)names_find(&names, "a")));
	names_fini(&names);
}

Test(names, errors_tell_the_line_and_the_cure)
{
	static const char *const rows[][2] = {
		{ "fd76::1\n", "names:1: `fd76::1` has no name; write one" },
		{ "\n#\nfd76::1 a\n127.0.0.1 localhost\n",
		  "names:4: `127.0.0.1` is neither an overlay address nor a peer id" },
		{ "fe80::1 a\n", "names:1: `fe80::1` is no overlay address" },
		{ "fd76::1 a\nfd76::2 b A\n", "names:2: `A` is the name of another peer" },
		{ "fd76::1 a/b\n", "names:1: `a/b` is no name" },
		{ "fd76::1 -a\n", "names:1: `-a` is no name" },
		{ "fd76::1 " PEER "\n", "is no name" },
		{ "fd76::1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		  "at most 63" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct names names;

		cr_assert(eq(int, parse(rows[i][0], &names), VD_EUSER), "%s", rows[i][0]);
		cr_assert(strstr(why, rows[i][1]) != NULL, "%s -> %s", rows[i][0], why);
	}
}

Test(names, bytes_that_are_no_text_are_refused)
{
	struct names names;

	cr_assert(eq(int,
		     names_parse(vd_bytes((const uint8_t *)"fd76::1 a\n\0b", 12), "names", 0xfd76,
				 &names, why),
		     VD_EUSER));
}

Test(names, a_file_that_is_not_there_is_told_with_its_cure)
{
	struct names names;

	cr_assert(eq(int, names_read("/nonexistent/names", 0xfd76, &names, why), VD_ESYS));
	cr_assert(strstr(why, "/nonexistent/names: No such file") == why, "%s", why);
}
