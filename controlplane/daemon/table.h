/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * table: JSON of the daemon as tables for people. Of the client.
 *
 * Numbers get units (kB, ms, h), are right-aligned, and control characters are
 * replaced, since a terminal reads them. No shared state but the stream.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_kind {
	TABLE_TEXT,
	TABLE_NUMBER,  /* as it is */
	TABLE_COUNT,   /* 1.2k, 3.4M */
	TABLE_BYTES,   /* 1.2 kB */
	TABLE_MS,      /* milliseconds */
	TABLE_SECONDS, /* 3h12m */
	TABLE_PERCENT, /* of a fraction */
};

struct table_column {
	const char *title, *field;
	enum table_kind kind;
};

enum { TABLE_CELL = 192, TABLE_COLUMNS = 16 };

/* One value as text; "-" for one that is absent. Returns `out`. */
const char *table_cell(const json_t *value, enum table_kind kind, char out[TABLE_CELL]);

/* Columns of a terminal that a text takes. */
size_t table_width(const char *text);

/* Titles, then a line for each object of `rows`; `none` alone when there is none. */
void table_print(FILE *out, const json_t *rows, const struct table_column *columns, size_t count,
		 const char *none);

/* A line "title  value" for each column, of one object. */
void table_print_object(FILE *out, const json_t *object, const struct table_column *columns,
			size_t count);
