/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/drop.h"

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
