/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* 1234567 -> "1.23M": three digits that count. */
static void scaled(char out[TABLE_CELL], double v, const char *gap, const char *unit)
{
	static const char steps[] = " kMGTP";
	size_t step = 0;
	int decimals;

	while (v >= 999.5 && steps[step + 1]) {
		v /= 1000;
		step++;
	}
	decimals = step == 0 || v >= 100 ? 0 : v >= 10 ? 1 : 2;
	snprintf(out, TABLE_CELL, "%.*f%s%.*s%s", decimals, v, gap, step != 0, steps + step, unit);
}

static void duration(char out[TABLE_CELL], double seconds)
{
	uint64_t s = seconds > 0 ? (uint64_t)seconds : 0;

	if (s < 60)
		snprintf(out, TABLE_CELL, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(out, TABLE_CELL, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, TABLE_CELL, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(out, TABLE_CELL, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
}

static void text(char out[TABLE_CELL], const json_t *value)
{
	char *dumped = NULL;
	const char *from = json_string_value(value);

	if (!from)
		from = dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	snprintf(out, TABLE_CELL, "%s", from && *from ? from : "-");
	free(dumped);
	vd_utf8_make_plain(out);
}

const char *table_cell(const json_t *value, enum table_kind kind, char out[TABLE_CELL])
{
	double v = json_number_value(value);

	if (!value || json_is_null(value)) {
		strcpy(out, "-");
		return out;
	}
	if (!json_is_number(value))
		kind = TABLE_TEXT;
	switch (kind) {
	case TABLE_TEXT:
	case TABLE_NUMBER: text(out, value); break;
	case TABLE_COUNT: scaled(out, v, "", ""); break;
	case TABLE_BYTES: scaled(out, v, " ", "B"); break;
	case TABLE_MS: snprintf(out, TABLE_CELL, "%.*f ms", v < 10 ? 2 : 1, v); break;
	case TABLE_SECONDS: duration(out, v); break;
	case TABLE_PERCENT: snprintf(out, TABLE_CELL, "%.1f %%", v * 100); break;
	}
	return out;
}

/* Columns on a terminal: UTF-8 continuation bytes take none. */
size_t table_width(const char *cell)
{
	size_t n = 0;

	for (; *cell; cell++)
		n += ((unsigned char)*cell & 0xc0) != 0x80;
	return n;
}

static void put_cell(FILE *out, const char *cell, size_t width, bool right, bool last)
{
	int gap = (int)(width - table_width(cell));

	if (right)
		fprintf(out, "%*s%s", gap, "", cell);
	else
		fprintf(out, "%s%*s", cell, last ? 0 : gap, "");
	fputs(last ? "\n" : "  ", out);
}

static void measure(const json_t *rows, const struct table_column *columns, size_t count,
		    size_t *widths)
{
	char cell[TABLE_CELL];
	size_t i;
	json_t *row;

	for (size_t c = 0; c < count; c++)
		widths[c] = strlen(columns[c].title);
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < count; c++) {
			size_t width = table_width(table_cell(
			    json_object_get(row, columns[c].field), columns[c].kind, cell));

			if (width > widths[c])
				widths[c] = width;
		}
	}
}

void table_print(FILE *out, const json_t *rows, const struct table_column *columns, size_t count,
		 const char *none)
{
	size_t widths[TABLE_COLUMNS], i;
	char cell[TABLE_CELL];
	json_t *row;

	if (json_array_size(rows) == 0) {
		fprintf(out, "%s\n", none);
		return;
	}
	measure(rows, columns, count, widths);
	for (size_t c = 0; c < count; c++)
		put_cell(out, columns[c].title, widths[c], columns[c].kind != TABLE_TEXT,
			 c + 1 == count);
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < count; c++)
			put_cell(out,
				 table_cell(json_object_get(row, columns[c].field), columns[c].kind,
					    cell),
				 widths[c], columns[c].kind != TABLE_TEXT, c + 1 == count);
	}
}

void table_print_object(FILE *out, const json_t *object, const struct table_column *columns,
			size_t count)
{
	char cell[TABLE_CELL];

	for (size_t c = 0; c < count; c++) {
		const json_t *value = json_object_get(object, columns[c].field);

		if (value)
			fprintf(out, "%-12s  %s\n", columns[c].title,
				table_cell(value, columns[c].kind, cell));
	}
}
