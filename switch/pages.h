/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * pages: memory for the tables of the plane (internal to switch/).
 *
 * Threads: any.
 */
#include <stdbool.h>
#include <stddef.h>

/*
 * Zeroed memory for a table; what each packet looks at (hot) lies on huge pages where
 * there are any. NULL: no memory.
 */
void *sw_pages_new(size_t bytes, bool hot);
void sw_pages_free(void *at, size_t bytes);
