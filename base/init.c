/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/init.h"

#include <sodium.h>

enum vd_err vd_init(void)
{
	return sodium_init() < 0 ? VD_ESYS : VD_OK;
}
