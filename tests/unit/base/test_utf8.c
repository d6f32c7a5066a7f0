/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/utf8.h"

#include "tests/unit/base/vectors.h"

static size_t len_of(const char *hex)
{
	struct hex in = hex_of(hex);
	return vd_utf8_len(hex_bytes(&in));
}

/* RFC 3629, section 4: the bounds of each row of its grammar. */
Test(utf8, the_first_and_last_character_of_each_length_are_characters)
{
	static const struct {
		const char *hex;
		size_t len;
	} rows[] = {
		{ "00", 1 },       { "7f", 1 },       { "c280", 2 },     { "dfbf", 2 },
		{ "e0a080", 3 },   { "ed9fbf", 3 },   { "ee8080", 3 },   { "efbfbf", 3 },
		{ "f0908080", 4 }, { "f48fbfbf", 4 }, { "c3a94141", 2 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_assert(eq(sz, len_of(rows[i].hex), rows[i].len), "%s", rows[i].hex);
}

Test(utf8, overlong_surrogate_stray_and_cut_sequences_are_not)
{
	static const char *const rows[] = { "",         "80",     "bf",      "c080",     "c1bf",
					    "e09fbf",   "eda080", "edbfbf",  "f08fbfbf", "f4908080",
					    "f5808080", "ff",     "c2",      "e0a0",     "f09080",
					    "c241",     "e0a041", "f0908041" };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_assert(zero(sz, len_of(rows[i])), "%s", rows[i]);
}

Test(utf8, plain_text_has_no_control_characters)
{
	cr_assert(vd_utf8_is_plain(vd_bytes_of_text("caf\xc3\xa9 /\xc2\xa0~")));
	cr_assert(vd_utf8_is_plain(vd_bytes(NULL, 0)));
	cr_assert(not(vd_utf8_is_plain(vd_bytes_of_text("a\x1b[31m"))));
	cr_assert(not(vd_utf8_is_plain(vd_bytes_of_text("a\x7f"))));
	cr_assert(not(vd_utf8_is_plain(vd_bytes_of_text("\xc2\x9b"
							"31m"))),
		  "CSI as one C1 character");
	cr_assert(not(vd_utf8_is_plain(vd_bytes("a\0b", 3))));
	cr_assert(not(vd_utf8_is_plain(vd_bytes_of_text("a\xff"))));
}

Test(utf8, what_is_made_plain_keeps_its_characters_and_is_plain)
{
	static const struct {
		const char *text, *plain;
	} rows[] = {
		{ "", "" },
		{ "caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x98\x80",
		  "caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x98\x80" },
		{ "a\x1b[2J\a\n\x7f", "a?[2J???" },
		{ "\xc2\x9b"
		  "31m\xc2\xa0",
		  "?31m\xc2\xa0" },
		{ "a\xff\xc3\xa9\xc0\x80", "a?\xc3\xa9??" },
		{ "cut \xe2\x80", "cut ??" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[32];

		strcpy(text, rows[i].text);
		vd_utf8_make_plain(text);
		cr_assert(eq(str, text, (char *)rows[i].plain));
		cr_assert(vd_utf8_is_plain(vd_bytes_of_text(text)));
	}
}
