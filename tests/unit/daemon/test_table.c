/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/table.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

static const struct {
	double value;
	enum table_kind kind;
	const char *text;
} rows[] = {
	{ 0, TABLE_COUNT, "0" },
	{ 999, TABLE_COUNT, "999" },
	{ 1000, TABLE_COUNT, "1.00k" },
	{ 999999, TABLE_COUNT, "1.00M" },
	{ 12345678, TABLE_COUNT, "12.3M" },
	{ 1500, TABLE_BYTES, "1.50 kB" },
	{ 12, TABLE_BYTES, "12 B" },
	{ 0.4, TABLE_MS, "0.40 ms" },
	{ 12.34, TABLE_MS, "12.3 ms" },
	{ 59, TABLE_SECONDS, "59s" },
	{ 61, TABLE_SECONDS, "1m01s" },
	{ 3600 * 3 + 720, TABLE_SECONDS, "3h12m" },
	{ 86400 * 2 + 3600, TABLE_SECONDS, "2d01h" },
	{ 0.123, TABLE_PERCENT, "12.3 %" },
};

Test(table, numbers_get_units)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *value = json_real(rows[i].value);
		char cell[TABLE_CELL];

		cr_assert(
		    eq(str, (char *)table_cell(value, rows[i].kind, cell), (char *)rows[i].text));
		json_decref(value);
	}
}

Test(table, what_is_absent_is_a_dash_and_control_characters_do_not_reach_the_terminal)
{
	json_t *evil = json_string("a\x1b[2J\n\xc2\x9b\xc3\xa9");
	char cell[TABLE_CELL];

	cr_assert(eq(str, (char *)table_cell(NULL, TABLE_MS, cell), "-"));
	cr_assert(eq(str, (char *)table_cell(evil, TABLE_TEXT, cell), "a?[2J??\xc3\xa9"));
	json_decref(evil);
}

static char *printed(json_t *list)
{
	static const struct table_column columns[] = { { "PEER", "peer", TABLE_TEXT },
						       { "N", "n", TABLE_NUMBER },
						       { "VIA", "via", TABLE_TEXT } };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	table_print(out, list, columns, 3, "nothing");
	fclose(out);
	json_decref(list);
	return text;
}

Test(table, columns_are_aligned_numbers_to_the_right)
{
	char *text = printed(json_pack("[{s:s,s:i,s:s},{s:s,s:i,s:s}]", "peer", "a", "n", 1, "via",
				       "x", "peer", "12D3\u2026", "n", 1234, "via", "y"));

	cr_assert(eq(str, text,
		     "PEER      N  VIA\n"
		     "a         1  x\n"
		     "12D3\u2026  1234  y\n"),
		  "%s", text);
	free(text);
}

Test(table, an_empty_list_says_so)
{
	char *text = printed(json_array());

	cr_assert(eq(str, text, "nothing\n"));
	free(text);
}
