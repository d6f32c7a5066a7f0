/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "multigram/table.h"

static const struct {
	uint64_t index;
	const char *name;
	uint8_t places;
} fixed[] = {
	{ MG_SETUP, "/multigram-setup/0.2.0", MG_INSIDE | MG_BARE },
	{ MG_HANDSHAKE, "/viaduct/handshake/1", MG_OUTSIDE },
	{ MG_SEALED, "/viaduct/sealed/1", MG_OUTSIDE },
	{ MG_SWITCH, "/viaduct/switch/1", MG_OUTSIDE },
	{ MG_REPORT, "/viaduct/report/1", MG_OUTSIDE },
	{ MG_CONTROL, "/viaduct/control/1", MG_INSIDE },
};

static void append(struct mg_table *table, uint64_t index, struct vd_bytes name, uint8_t places)
{
	struct mg_entry *entry = &table->entries[table->count++];

	*entry = (struct mg_entry){ .index = index, .places = places, .len = (uint8_t)name.len };
	memcpy(entry->name, name.at, name.len);
}

void mg_table_init(struct mg_table *table, enum mg_table_kind kind)
{
	size_t count = kind == MG_TABLE_BARE ? 1 : sizeof fixed / sizeof fixed[0];

	table->kind = kind;
	table->count = 0;
	for (size_t i = 0; i < count; i++)
		append(table, fixed[i].index, vd_bytes_of_text(fixed[i].name), fixed[i].places);
}

bool mg_name_valid(struct vd_bytes name)
{
	if (name.len == 0 || name.len > MG_NAME_BYTES || name.at[0] != '/')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~')
			return false;
	return true;
}

static struct vd_bytes name_of(const struct mg_entry *entry)
{
	return vd_bytes(entry->name, entry->len);
}

enum vd_err mg_table_add(struct mg_table *table, uint64_t index, struct vd_bytes name)
{
	const struct mg_entry *there = mg_table_find(table, index);

	if (there)
		return vd_bytes_equal(name_of(there), name) ? VD_OK : VD_EPEER_STATE;
	if (index < MG_FIRST_NEGOTIATED || !mg_name_valid(name))
		return VD_EPEER_RANGE;
	if (table->count == MG_TABLE_ENTRIES)
		return VD_ELIMIT;
	append(table, index, name, table->kind == MG_TABLE_BARE ? MG_BARE : MG_INSIDE);
	return VD_OK;
}

const struct mg_entry *mg_table_find(const struct mg_table *table, uint64_t index)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->entries[i].index == index)
			return &table->entries[i];
	return NULL;
}

const struct mg_entry *mg_table_find_name(const struct mg_table *table, struct vd_bytes name)
{
	const struct mg_entry *best = NULL;

	for (size_t i = 0; i < table->count; i++) {
		const struct mg_entry *entry = &table->entries[i];

		if (vd_bytes_equal(name_of(entry), name) && (!best || entry->index < best->index))
			best = entry;
	}
	return best;
}

const struct mg_entry *mg_table_from(const struct mg_table *table, uint64_t from)
{
	const struct mg_entry *best = NULL;

	for (size_t i = 0; i < table->count; i++) {
		const struct mg_entry *entry = &table->entries[i];

		if (entry->index >= from && (!best || entry->index < best->index))
			best = entry;
	}
	return best;
}

bool mg_table_valid(const struct mg_table *table, uint64_t index, enum mg_place place)
{
	const struct mg_entry *entry = mg_table_find(table, index);

	return entry && (entry->places & place);
}
