/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * machine: the clocks, the core and the pages that a figure was measured with.
 *
 * Threads: main.
 */
#include <stdbool.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include "base/time.h"
#endif

/* TSC cycles (x86); nanoseconds elsewhere. Not core cycles: the TSC has one speed. */
static inline uint64_t machine_cycles(void)
{
#if defined(__x86_64__)
	unsigned unused;
	return __rdtscp(&unused);
#else
	return vd_now();
#endif
}

/* Cycles of machine_cycles in a second, measured once. */
double machine_hz(void);

/* Pins this thread; false when the core is not ours to use. */
bool machine_pin(unsigned core);
void machine_unpin(void);         /* back to where it could run at start */
unsigned machine_last_core(void); /* the last one that we may run on */

/*
 * Sees to it that `count` 2 MB pages are free, as root, for this program and the
 * rivals it starts; what was there before is restored at exit, also on SIGINT and
 * SIGTERM. False, and nothing changed, when that cannot be had.
 */
bool machine_pages_take(unsigned count);

/* A rival to be killed when we end by a signal; 0: none. */
void machine_rival(int pid);

/* Static storage: commit, CPU model, and compiler, build and cores as words. */
const char *machine_commit(void);
const char *machine_cpu(void);
const char *machine_flags(void);
