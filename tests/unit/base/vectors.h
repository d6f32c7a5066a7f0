/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * vectors: what the tests of base share: hex, and the folder of published vectors.
 *
 * The vectors are not part of the project; where the folder is absent, the tests that
 * read it are skipped by name, and the known answers written into the tests remain.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { HEX_MAX = 4608 };

struct hex {
	uint8_t at[HEX_MAX];
	size_t len;
};

static inline struct vd_bytes hex_bytes(const struct hex *hex)
{
	return vd_bytes(hex->at, hex->len);
}

/* Up to the first character that is no hexadecimal digit. */
static inline struct hex hex_of(const char *text)
{
	struct hex hex = { .len = 0 };
	size_t digits = strspn(text, "0123456789abcdefABCDEF");

	cr_assert(le(sz, digits, 2 * HEX_MAX), "hex_of has no room");
	for (; hex.len < digits / 2; hex.len++) {
		const char pair[] = { text[2 * hex.len], text[2 * hex.len + 1], 0 };
		hex.at[hex.len] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return hex;
}

static inline void assert_bytes(struct vd_bytes got, struct vd_bytes want)
{
	cr_assert(eq(sz, got.len, want.len));
	cr_assert(vd_bytes_equal(got, want));
}

/* Opens VIADUCT_VECTORS/`name`, or skips the test that asks. */
static inline FILE *open_vectors(const char *name)
{
	const char *folder = getenv("VIADUCT_VECTORS");
	char path[1024];

	snprintf(path, sizeof path, "%s/%s", folder ? folder : VIADUCT_VECTORS, name);
	FILE *file = fopen(path, "r");
	if (!file)
		cr_skip("published vectors are not here: %s", path);
	return file;
}

/*
 * Next row of a CSV file in two columns, cut at the first comma and the newline, quotes
 * and spaces around them removed; false at the end.
 */
static inline bool next_row(FILE *file, char *line, int size, char **first, char **second)
{
	if (!fgets(line, size, file))
		return false;
	line[strcspn(line, "\n")] = 0;

	char *comma = strchr(line, ',');
	cr_assert(comma != NULL, "no comma in: %s", line);
	*comma = 0;
	*first = line;
	*second = comma + 1 + strspn(comma + 1, " \"");
	(*second)[strcspn(*second, "\"")] = 0;
	return true;
}
