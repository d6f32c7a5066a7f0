/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * mtu_paths: what a session knows of how much its paths carry: a mtu_probe for each of the
 * last few, by path and whatever the keys; one of them is in use.
 *
 * Threads: control. Memory: the struct, the caller's; zeroed is valid: no path.
 */
#include "controlplane/proto/mtu_probe.h"
#include "controlplane/proto/peering.h"

enum { MTU_PATHS = 5 }; /* one in use and 4 fallbacks */

struct mtu_paths {
	struct mtu_path {
		struct peering_path path;
		struct mtu_probe probe; /* state DISABLED: free */
		vd_ns used;             /* when it began to be in use last */
		uint16_t told;          /* the user's: what was logged last */
	} at[MTU_PATHS];
	uint8_t current;
	bool any; /* at[current] is in use */
};

/* What is known of `path`; NULL: nothing. */
struct mtu_probe *mtu_paths_find(struct mtu_paths *mps, const struct peering_path *path);
/*
 * `path` is in use, its hops carry `max`. One that was not, takes the place of the one that was
 * in use longest ago. Returns its probe.
 */
struct mtu_probe *mtu_paths_use(struct mtu_paths *mps, const struct peering_path *path,
				uint32_t max, vd_ns now);
/* The one in use, or NULL. */
struct mtu_probe *mtu_paths_current(struct mtu_paths *mps);
