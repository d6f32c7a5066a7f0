/* Targets: controlplane/daemon/names.c, the file of names */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>

#include "controlplane/daemon/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* Rows are sorted, their names are texts, each of one peer. */
static void check(const struct names *names)
{
	expect(names->count <= NAMES_MAX);
	for (size_t i = 0; i < names->count; i++) {
		const struct names_row *row = &names->rows[i];
		size_t len = strnlen(row->name, NAMES_TEXT);

		expect(len > 0 && len < NAMES_TEXT);
		expect(i == 0 || memcmp(row[-1].overlay, row->overlay, 16) <= 0);
		expect(names_find(names, row->name) == row);
		expect(memcmp(names_of(names, row->overlay)->overlay, row->overlay, 16) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names names = { 0 };
	char why[NAMES_WHY] = "";

	if (names_parse(vd_bytes(data, size), "names", 0xfd76, &names, why)) {
		expect(strncmp(why, "names", 5) == 0 && strlen(why) < sizeof why);
		expect(names.rows == NULL && names.count == 0);
		return 0;
	}
	check(&names);
	names_fini(&names);
	return 0;
}
