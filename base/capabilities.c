/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not capset(2) of libcap, which would be a library for one call. */
void vd_drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	(void)syscall(SYS_capset, &head, none);
}
