/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/capabilities.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Permitted and effective ones of this thread. */
static uint64_t held(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	cr_assert(zero(int, (int)syscall(SYS_capget, &head, data)));
	return (uint64_t)(data[1].permitted | data[1].effective) << 32 |
	       (data[0].permitted | data[0].effective);
}

static void *drop(void *left)
{
	vd_drop_capabilities();
	*(uint64_t *)left = held();
	return NULL;
}

Test(capabilities, a_thread_gives_up_its_own_and_those_of_no_other)
{
	uint64_t before = held(), left = before;
	pthread_t thread;

	if (!before)
		cr_skip("this user has no capabilities; run it as root");
	cr_assert(zero(int, pthread_create(&thread, NULL, drop, &left)));
	cr_assert(zero(int, pthread_join(thread, NULL)));
	cr_assert(eq(u64, left, 0));
	cr_assert(eq(u64, held(), before));
}
