/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * why: what a step that failed at start says: what is wrong, and the cure.
 */
#include <stdio.h>

#include "base/err.h"

enum { NODE_WHY = 2304 }; /* room for two paths and a sentence */

/* The format and its values, into `why`; VD_EUSER. */
#define NODE_FAIL(why, ...) (snprintf((why), NODE_WHY, __VA_ARGS__), VD_EUSER)
