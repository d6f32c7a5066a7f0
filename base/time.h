/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * time: nanoseconds as a type, and the one place that reads the clock.
 *
 * Machines never call vd_now(): they take `now` as an argument and hand out
 * deadlines, so that they run in virtual time.
 */
#include <stdint.h>

/* Nanoseconds of a monotonic clock, or a span of it; 0 is a valid instant. */
typedef uint64_t vd_ns;

#define VD_NS_PER_US UINT64_C(1000)
#define VD_NS_PER_MS UINT64_C(1000000)
#define VD_NS_PER_S  UINT64_C(1000000000)
#define VD_NEVER     UINT64_MAX /* a deadline that does not come */

#define VD_MS(n)      ((vd_ns)(n)*VD_NS_PER_MS)
#define VD_SECONDS(n) ((vd_ns)(n)*VD_NS_PER_S)

static inline vd_ns vd_ns_min(vd_ns a, vd_ns b)
{
	return a < b ? a : b;
}

/* `a + b`, VD_NEVER on overflow. */
static inline vd_ns vd_ns_add(vd_ns a, vd_ns b)
{
	return a > VD_NEVER - b ? VD_NEVER : a + b;
}

/* CLOCK_MONOTONIC. For loops and workers only. */
vd_ns vd_now(void);

/* Milliseconds since 1970 (CLOCK_REALTIME), for logs and for people. */
uint64_t vd_unix_ms(void);
