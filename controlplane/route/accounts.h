/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * accounts: what each peer's links have carried, over restarts: in the store's file, a row
 * a peer.
 *
 * Every ACCOUNTS_FLUSH_S seconds what changed is written by libuv's pool, in one transaction
 * with a sync; so is all of it at the end. Rows are sums, not differences: writing one twice
 * does no harm, and a daemon that is killed loses at most what came since the last flush. What
 * cannot be written (a full disk) is logged once, counted, and written with the next flush.
 *
 * A peer that carried nothing has no row. Above ACCOUNTS_ROWS_MAX rows those that carried least are
 * forgotten, a sixteenth of all at once, so that strangers fill neither the disk nor the file,
 * which has the peers with reservations, too.
 *
 * Threads: control. Memory: a row for each link that moved, while it is written; of peers that
 * left, ACCOUNTS_GONE_MAX wait at most, and what is more is counted.
 */
#include "base/thread.h"
#include "controlplane/route/links.h"
#include "controlplane/route/store.h"

enum { ACCOUNTS_FLUSH_S = 10, ACCOUNTS_GONE_MAX = 4096, ACCOUNTS_ROWS_MAX = 65536 };

struct accounts;

/* Borrows the store, which is closed later. VD_ENOMEM; VD_ESYS: its file cannot be used. */
enum vd_err accounts_open(struct cp_loop *loop, struct route_store *store,
			  struct accounts **accounts_out) ON_CONTROL;
/* Writes what is left, of `links` (NULL: none) too; waits for that. NULL is allowed. */
void accounts_close(struct accounts *accounts, struct route_links *links) ON_CONTROL;

/* What the peer's former links carried; zeros for an unknown one. */
struct route_account accounts_find(const struct accounts *accounts,
				   const struct vd_peer_id *peer) ON_CONTROL;
/* The peer's link is over, and this is the sum. */
void accounts_gone(struct accounts *accounts, const struct vd_peer_id *peer,
		   struct route_account total) ON_CONTROL;
/* Now and then: writes what changed, when it is time. */
void accounts_flush(struct accounts *accounts, struct route_links *links, vd_ns now) ON_CONTROL;

/* Calls `row` for each peer in the file. */
typedef void (*accounts_row_fn)(void *context, const struct vd_peer_id *peer,
				struct route_account total);
void accounts_each(const struct accounts *accounts, accounts_row_fn row, void *context) ON_CONTROL;

/* What rows are compared by: bytes of both directions. */
uint64_t accounts_weight(struct route_account total);

uint64_t accounts_failed(const struct accounts *accounts) ON_CONTROL;    /* writes */
uint64_t accounts_lost(const struct accounts *accounts) ON_CONTROL;      /* rows turned away */
uint64_t accounts_forgotten(const struct accounts *accounts) ON_CONTROL; /* by the limit */
