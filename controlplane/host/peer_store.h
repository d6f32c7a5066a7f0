/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer_store: the book of peers (proto/peer_book), and behind it an LMDB file from which it is read
 * at start. Reads are of the book and never wait. Changes are collected, and once in
 * PEER_STORE_WRITE_S written by libuv's pool, a synced transaction of at most PEER_BOOK_BATCH at a
 * time: after kill -9 all is there but what the last seconds brought. What cannot be written (a
 * full disk) is logged once, kept, and tried again.
 *
 * A file that is not a peer store, a damaged one, or one of a newer daemon is an error with its
 * cure. Single rows that do not read are passed over, and deleted with the expired ones.
 *
 * Threads: control. Memory: the book's.
 */
#include "base/err.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/loop/database.h"
#include "controlplane/proto/peer_book.h"

enum { PEER_STORE_WHY = CP_DATABASE_WHY, PEER_STORE_WRITE_S = 2 };

struct peer_store;

/*
 * At most `peers` peers, of one network: `network` is what tells it from others (a key's
 * fingerprint), empty for the public one; a file of another network is refused, so that nobody's
 * addresses get from one to the other. Without a path (NULL or empty) nothing outlives the process.
 * VD_ENOMEM; VD_EUSER: `why` tells what is wrong with the file, and the cure.
 */
enum vd_err peer_store_open(struct cp_loop *loop, const char *path, struct vd_bytes network,
			    uint32_t peers, struct peer_store **store_out,
			    char why[PEER_STORE_WHY]) ON_CONTROL;
/* Writes what is left, first; waits for that. NULL is allowed. */
void peer_store_close(struct peer_store *store) ON_CONTROL;

/* The store's for life; the caller reads and changes it. What a peer signed of itself, to hand it
 * on: peer_book_find, then peer_entry_envelope. */
struct peer_book *peer_store_book(struct peer_store *store) ON_CONTROL;

/* Once a second: what has expired goes, and what waits is written. */
void peer_store_poll(struct peer_store *store, vd_ns now) ON_CONTROL;

struct peer_store_counters {
	uint64_t writes, writes_failed; /* transactions */
	uint64_t rows_read, rows_bad;   /* at start */
};
const struct peer_store_counters *peer_store_counters(const struct peer_store *store) ON_CONTROL;
