/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * init: what must be done once before cryptography is used.
 *
 * Threads: any, any number of times; the first call does the work.
 */
#include "base/err.h"

/* VD_ESYS when the system has no source of randomness: the program must not go on. */
enum vd_err vd_init(void);
