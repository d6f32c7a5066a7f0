/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/version.h"

const char *vd_version(void)
{
	return VD_VERSION;
}

unsigned vd_version_number(void)
{
	return VD_VERSION_NUMBER;
}
