/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/err.h"

#include "tests/unit/base/vectors.h"

Test(err, every_code_has_its_own_text)
{
	static const enum vd_err all[] = {
		VD_OK,
		VD_AGAIN,
		VD_ENOMEM,
		VD_ELIMIT,
		VD_ESYS,
		VD_ENOTFOUND,
		VD_EPEER_TRUNC,
		VD_EPEER_FORMAT,
		VD_EPEER_RANGE,
		VD_EPEER_AUTH,
		VD_EPEER_REPLAY,
		VD_EPEER_STATE,
		VD_EPEER_REFUSED,
		VD_ELINK_CLOSED,
		VD_ELINK_TIMEOUT,
		VD_EUSER,
		VD_EBUG_STATE,
		VD_EBUG_ROOM,
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		for (size_t j = 0; j < sizeof all / sizeof all[0]; j++)
			cr_assert(
			    eq(int, strcmp(vd_err_text(all[i]), vd_err_text(all[j])) == 0, i == j));
	cr_assert(eq(str, (char *)vd_err_text((enum vd_err)0x7777), "unknown error"));
}

Test(err, the_class_says_who_must_act)
{
	cr_assert(eq(int, vd_err_class(VD_OK), VD_CLASS_NONE));
	cr_assert(eq(int, vd_err_class(VD_AGAIN), VD_CLASS_NONE));
	cr_assert(eq(int, vd_err_class(VD_ENOTFOUND), VD_CLASS_LOCAL));
	cr_assert(eq(int, vd_err_class(VD_EPEER_REFUSED), VD_CLASS_PEER));
	cr_assert(eq(int, vd_err_class(VD_ELINK_TIMEOUT), VD_CLASS_LINK));
	cr_assert(eq(int, vd_err_class(VD_EUSER), VD_CLASS_USER));
	cr_assert(eq(int, vd_err_class(VD_EBUG_ROOM), VD_CLASS_BUG));
}
