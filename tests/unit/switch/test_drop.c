/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/advice.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

Test(drop, every_reason_has_a_name_of_its_own_and_a_text)
{
	for (int i = 0; i < SW_DROP_COUNT; i++) {
		cr_assert(gt(sz, strlen(sw_drop_text((enum sw_drop)i)), 10));
		for (int j = 0; j < i; j++)
			cr_assert(ne(str, (char *)sw_drop_name((enum sw_drop)i),
				     (char *)sw_drop_name((enum sw_drop)j)));
	}
	cr_assert(eq(str, (char *)sw_drop_name(SW_DROP_BAD_TAG), "bad_tag"));
	cr_assert(eq(str, (char *)sw_drop_name(SW_DROP_COUNT), "unknown"));
}

Test(drop, every_reason_has_one_paragraph_of_advice)
{
	static const enum sw_drop advised[] = {
#define X(symbol, paragraph) SW_DROP_##symbol,
		SW_ADVICE(X)
#undef X
	};

	cr_assert(eq(sz, sizeof advised / sizeof advised[0], SW_DROP_COUNT));
	for (unsigned i = 0; i < SW_DROP_COUNT; i++)
		cr_assert(eq(int, (int)advised[i], (int)i), "in the order of switch/drop.h");
}
