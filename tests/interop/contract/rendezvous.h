/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * rendezvous: how the two programs of a test meet: the listener pushes its address on a list in
 * Redis, the dialer pops it.
 *
 * Both block, before the loop runs, no longer than the test's time-out; a Redis that is not
 * there yet is waited for. What goes wrong is told on standard error.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tests/interop/contract/environment.h"

bool rendezvous_push(const struct environment *environment, const char *address);
bool rendezvous_pop(const struct environment *environment, char *address_out, size_t cap);
