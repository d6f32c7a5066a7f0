/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * store: what a router remembers over a restart: the last address of each peer that
 * reserved, so that it can open links to them when it starts (switch/SPEC.md, Control).
 *
 * Changes are collected and written by libuv's pool, a transaction at a time, with a sync to
 * the disk: the loop never waits for one. What cannot be written (a full disk) is logged
 * once, kept, and tried again.
 *
 * Threads: control. Memory: ROUTE_STORE_PENDING_MAX changes wait at most; what is more is counted.
 * The file has ROUTE_STORE_ROWS_MAX peers at most: later ones are not remembered, and counted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/thread.h"
#include "base/time.h"
#include "base/udp_addr.h"
#include "controlplane/loop/database.h"

enum {
	ROUTE_STORE_PENDING_MAX = 4096,
	ROUTE_STORE_ROWS_MAX = 1 << 18,
	ROUTE_STORE_WHY = CP_DATABASE_WHY,
};

struct route_store;

/*
 * Opens the file `path`, or makes it. VD_ENOMEM; VD_EUSER: `why` tells what is wrong with it,
 * and the cure.
 */
enum vd_err route_store_open(struct cp_loop *loop, const char *path, struct route_store **store_out,
			     char why[ROUTE_STORE_WHY]) ON_CONTROL;
/* Writes what is left, first; waits for that. NULL is allowed. */
void route_store_close(struct route_store *store) ON_CONTROL;

/* The peer's last address is `address`; NULL: it is to be forgotten. */
void route_store_put(struct route_store *store, const struct vd_peer_id *peer,
		     const struct vd_udp_addr *address) ON_CONTROL;
/* Once a second: has written what waits. */
void route_store_poll(struct route_store *store, vd_ns now) ON_CONTROL;

typedef void (*route_known_fn)(void *context, const struct vd_peer_id *peer,
			       const struct vd_udp_addr *address);
/* Calls `known` for each that is in the file; what does not read is passed over. */
enum vd_err route_store_each(struct route_store *store, route_known_fn known,
			     void *context) ON_CONTROL;

/* Changes that were turned away: too many waited, or the file had no room. And failed writes. */
uint64_t route_store_lost(const struct route_store *store) ON_CONTROL;
uint64_t route_store_full(const struct route_store *store) ON_CONTROL;
uint64_t route_store_failed(const struct route_store *store) ON_CONTROL;
