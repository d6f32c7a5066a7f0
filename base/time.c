/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/time.h"

#include <time.h>

static vd_ns read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (vd_ns)ts.tv_sec * VD_NS_PER_S + (vd_ns)ts.tv_nsec;
}

vd_ns vd_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t vd_unix_ms(void)
{
	return read_clock(CLOCK_REALTIME) / VD_NS_PER_MS;
}
