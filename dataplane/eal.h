/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * eal: DPDK's environment, brought up once in a process, in a way that lets several
 * daemons run on one machine and explains why it does not come up.
 *
 * Threads: control thread, which becomes EAL's main lcore (not pinned).
 */
#include <stdbool.h>

#include "base/thread.h"
#include "dataplane/dataplane.h"

/*
 * Brings EAL up, or does nothing when it is up already. `memory_mb` is what is
 * needed with normal pages. VD_ESYS, VD_EUSER with `why`.
 */
enum vd_err dp_eal_open(const struct dp_config *config, unsigned memory_mb,
			char why[DP_WHY]) ON_CONTROL;

/* Forgets what DPDK logged, so that dp_eal_why tells about what comes now. */
void dp_eal_listen(void) ON_CONTROL;

/*
 * Writes to `why`: `what`, the cause as far as DPDK's log of late tells it, and the
 * cure where one is known.
 */
void dp_eal_why(const char *what, char why[DP_WHY]) ON_CONTROL;
