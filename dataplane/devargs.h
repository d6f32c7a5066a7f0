/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * devargs: how DPDK's devices are described: "name,key=value,…".
 *
 * Pure; any thread.
 */
#include <stdbool.h>
#include <stddef.h>

/* The value of `key`; false when it is not there, or does not fit. */
bool dp_devargs_find(const char *devargs, const char *key, char *out, size_t cap);
