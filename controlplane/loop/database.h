/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * database: one LMDB file that one process has to itself, written on libuv's pool, a
 * transaction at a time of a loop's, with a sync to the disk: no loop waits for one, and
 * disks that stall keep one thread of the pool, whatever the number of files.
 *
 * A file that cannot be used is an error with its cure; it is never replaced.
 *
 * Threads: control; `fill` runs on a thread of the pool. Memory: LMDB maps the file.
 */
#include <lmdb.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/thread.h"
#include "controlplane/loop/loop.h"

enum { CP_DATABASE_WHY = 1536 };

struct cp_database;

struct cp_database_config {
	size_t map_bytes; /* what the file may grow to: room of addresses, not on the disk */
	unsigned tables;  /* named ones */
};

/*
 * Opens the file `path`, or makes it. VD_ENOMEM; VD_EUSER: `why` tells what is wrong with it,
 * and the cure.
 */
enum vd_err cp_database_open(const char *path, const struct cp_database_config *config,
			     struct cp_database **database_out,
			     char why[CP_DATABASE_WHY]) ON_CONTROL;
/* No write may be under way. NULL is allowed. */
void cp_database_close(struct cp_database *database) ON_CONTROL;

MDB_env *cp_database_env(const struct cp_database *database);
const char *cp_database_path(const struct cp_database *database);

/* Puts and deletes; what is not 0 undoes all. */
typedef int (*cp_database_fill_fn)(void *context, MDB_txn *txn);
/* 0, or what stopped it: LMDB's number, or errno's. Nothing was written then. */
typedef void (*cp_database_written_fn)(void *context, int result);

/* A transaction on the calling thread. */
int cp_database_write(struct cp_database *database, cp_database_fill_fn fill, void *context);
/*
 * One on the pool, after those of other files that wait there; `written` is called on the control
 * thread, once: from within the call when there is no memory. `context` is borrowed until then.
 */
void cp_database_write_later(struct cp_database *database, struct cp_loop *loop,
			     cp_database_fill_fn fill, cp_database_written_fn written,
			     void *context) ON_CONTROL;

typedef void (*cp_database_row_fn)(void *context, struct vd_bytes key, struct vd_bytes value);
/* Each row of a table, borrowed until `row` returns. As cp_database_write. */
int cp_database_each(struct cp_database *database, MDB_dbi table, cp_database_row_fn row,
		     void *context);
