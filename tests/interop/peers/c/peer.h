/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* peer: what its two files share. */
#include <unistd.h>
#include <uv.h>

#include "controlplane/host/host.h"

extern struct vd_identity identity;
extern uint64_t at_once;

_Noreturn void die(const char *what, const char *why);

/* tests.c: runs tests (NULL ends them) against an address; how many failed. */
int dial(struct host *host, const char *address, char **tests);
