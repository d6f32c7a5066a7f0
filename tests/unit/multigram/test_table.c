/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/table.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct mg_table table;

static struct vd_bytes text(const char *t)
{
	return vd_bytes_of_text(t);
}

static void set_up(void)
{
	mg_table_init(&table, MG_TABLE_VIADUCT);
}

TestSuite(table, .init = set_up);

/* multigram/SPEC.md, section 3. */
Test(table, fixed_entries_have_their_names_and_places)
{
	static const struct {
		uint64_t index;
		const char *name;
		uint8_t places;
	} rows[] = {
		{ 0, "/multigram-setup/0.2.0", MG_INSIDE | MG_BARE },
		{ 4, "/viaduct/handshake/1", MG_OUTSIDE },
		{ 5, "/viaduct/sealed/1", MG_OUTSIDE },
		{ 6, "/viaduct/switch/1", MG_OUTSIDE },
		{ 7, "/viaduct/report/1", MG_OUTSIDE },
		{ 8, "/viaduct/control/1", MG_INSIDE },
	};

	cr_assert(eq(sz, table.count, 6));
	for (size_t i = 0; i < 6; i++) {
		const struct mg_entry *entry = mg_table_find(&table, rows[i].index);

		cr_assert(ne(ptr, (void *)entry, NULL));
		cr_assert(eq(str, (char *)entry->name, (char *)rows[i].name));
		cr_assert(eq(u8, entry->places, rows[i].places));
	}
}

Test(table, a_bare_table_begins_with_setup_alone)
{
	mg_table_init(&table, MG_TABLE_BARE);
	cr_assert(eq(sz, table.count, 1));
	cr_assert(mg_table_valid(&table, 0, MG_BARE));
	cr_assert(eq(int, mg_table_add(&table, 16, text("/x/1")), VD_OK));
	cr_assert(mg_table_valid(&table, 16, MG_BARE));
	cr_assert(not(mg_table_valid(&table, 16, MG_INSIDE)));
}

Test(table, negotiated_entries_are_valid_inside_only)
{
	cr_assert(eq(int, mg_table_add(&table, 16, text("/viaduct/ping/1")), VD_OK));
	cr_assert(mg_table_valid(&table, 16, MG_INSIDE));
	cr_assert(not(mg_table_valid(&table, 16, MG_OUTSIDE)));
	cr_assert(not(mg_table_valid(&table, 17, MG_INSIDE)), "not in the table");
	cr_assert(not(mg_table_valid(&table, MG_SETUP, MG_OUTSIDE)));
	cr_assert(mg_table_valid(&table, MG_SWITCH, MG_OUTSIDE));
	cr_assert(not(mg_table_valid(&table, MG_SWITCH, MG_INSIDE)));
}

Test(table, an_entry_never_changes)
{
	cr_assert(eq(int, mg_table_add(&table, 16, text("/x/1")), VD_OK));
	cr_assert(eq(int, mg_table_add(&table, 16, text("/x/1")), VD_OK), "the same again");
	cr_assert(eq(int, mg_table_add(&table, 16, text("/y/1")), VD_EPEER_STATE));
	cr_assert(eq(int, mg_table_add(&table, 4, text("/y/1")), VD_EPEER_STATE));
	cr_assert(eq(int, mg_table_add(&table, 4, text("/viaduct/handshake/1")), VD_OK));
	cr_assert(eq(sz, table.count, 7));
	cr_assert(eq(str, (char *)mg_table_find(&table, 16)->name, "/x/1"));
}

Test(table, reserved_indices_are_not_given_out)
{
	static const uint64_t rows[] = { 1, 3, 9, 15 };

	for (size_t i = 0; i < 4; i++)
		cr_assert(eq(int, mg_table_add(&table, rows[i], text("/x/1")), VD_EPEER_RANGE));
}

Test(table, names_are_at_most_64_printable_characters_after_a_slash)
{
	char longest[66];

	memset(longest, 'a', sizeof longest);
	longest[0] = '/';
	cr_assert(mg_name_valid(vd_bytes(longest, 64)));
	cr_assert(not(mg_name_valid(vd_bytes(longest, 65))));
	cr_assert(mg_name_valid(text("/")));
	cr_assert(not(mg_name_valid(text(""))));
	cr_assert(not(mg_name_valid(text("ping/1"))));
	cr_assert(not(mg_name_valid(text("/pi ng"))));
	cr_assert(not(mg_name_valid(text("/ping\n"))));
	cr_assert(not(mg_name_valid(text("/ping\x7f"))));
	cr_assert(not(mg_name_valid(text("/p\xc3\xa9"))));
	cr_assert(not(mg_name_valid(vd_bytes("/a\0b", 4))));
	cr_assert(eq(int, mg_table_add(&table, 16, vd_bytes(longest, 65)), VD_EPEER_RANGE));
}

Test(table, it_holds_64_entries)
{
	for (uint64_t i = 0; table.count < MG_TABLE_ENTRIES; i++)
		cr_assert(eq(int, mg_table_add(&table, 16 + i, text("/x/1")), VD_OK));
	cr_assert(eq(sz, table.count, 64));
	cr_assert(eq(int, mg_table_add(&table, 1000, text("/x/1")), VD_ELIMIT));
	cr_assert(eq(int, mg_table_add(&table, 16, text("/x/1")), VD_OK), "there already");
}

Test(table, walks_and_names_go_by_the_lowest_index)
{
	cr_assert(eq(int, mg_table_add(&table, 300, text("/x/1")), VD_OK));
	cr_assert(eq(int, mg_table_add(&table, 17, text("/y/1")), VD_OK));
	cr_assert(eq(int, mg_table_add(&table, 16, text("/x/1")), VD_OK));
	cr_assert(eq(u64, mg_table_find_name(&table, text("/x/1"))->index, 16));
	cr_assert(eq(ptr, (void *)mg_table_find_name(&table, text("/z/1")), NULL));
	cr_assert(eq(u64, mg_table_from(&table, 9)->index, 16));
	cr_assert(eq(u64, mg_table_from(&table, 18)->index, 300));
	cr_assert(eq(ptr, (void *)mg_table_from(&table, 301), NULL));
}
