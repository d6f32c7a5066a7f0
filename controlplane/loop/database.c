/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/loop/work.h"

enum { MODE = 0600 };

struct cp_database {
	MDB_env *env;
	int lock; /* descriptor of the file, locked; -1: none */
	char path[1024];
};

/* ---- opening ---- */

/* LMDB lets many processes in; two daemons that remember in one place would mix their peers. */
static int lock_file(struct cp_database *database)
{
	database->lock = open(database->path, O_RDWR | O_CREAT | O_CLOEXEC, MODE);
	if (database->lock < 0)
		return errno;
	return flock(database->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK ? EWOULDBLOCK : 0;
}

/*
 * A file that lost its end would kill the process where LMDB's map is read: pages of zeros are an
 * error that it reports instead. (It may also be short in good order, by pages that are free.)
 */
static int make_whole(const struct cp_database *database)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat file;
	off_t whole;

	if (mdb_env_info(database->env, &info) || mdb_env_stat(database->env, &stat) ||
	    fstat(database->lock, &file))
		return errno;
	whole = (off_t)(info.me_last_pgno + 1) * (off_t)stat.ms_psize;
	return file.st_size < whole && ftruncate(database->lock, whole) ? errno : 0;
}

static int open_env(struct cp_database *database, const struct cp_database_config *config)
{
	int err = lock_file(database);

	if (!err)
		err = mdb_env_create(&database->env);
	if (!err)
		err = mdb_env_set_mapsize(database->env, config->map_bytes);
	if (!err)
		err = mdb_env_set_maxdbs(database->env, config->tables);
	if (!err)
		err = mdb_env_open(database->env, database->path, MDB_NOSUBDIR | MDB_NOTLS, MODE);
	return err ? err : make_whole(database);
}

void cp_database_close(struct cp_database *database)
{
	if (!database)
		return;
	if (database->env)
		mdb_env_close(database->env);
	if (database->lock >= 0)
		close(database->lock);
	free(database);
}

static const char *cure_of(int err)
{
	switch (err) {
	case EWOULDBLOCK: return "stop that one, or name another file";
	case EMFILE:
	case ENFILE: return "raise the limit on descriptors (ulimit -n)";
	case ENOMEM: return "raise the limit on address space (ulimit -v)";
	case ENOSPC: return "make room on that disk";
	default:
		return "its folder has to exist and be writable, and the file, if there is one, be "
		       "made by viaductd";
	}
}

enum vd_err cp_database_open(const char *path, const struct cp_database_config *config,
			     struct cp_database **database_out, char why[CP_DATABASE_WHY])
{
	struct cp_database *database = calloc(1, sizeof *database);
	int err;

	if (!database)
		return VD_ENOMEM;
	database->lock = -1;
	snprintf(database->path, sizeof database->path, "%s", path);
	err = open_env(database, config);
	if (err) {
		snprintf(why, CP_DATABASE_WHY, "cannot use %s: %s; %s", database->path,
			 err == EWOULDBLOCK ? "another daemon does" : mdb_strerror(err),
			 cure_of(err));
		cp_database_close(database);
		return VD_EUSER;
	}
	*database_out = database;
	return VD_OK;
}

MDB_env *cp_database_env(const struct cp_database *database)
{
	return database->env;
}

const char *cp_database_path(const struct cp_database *database)
{
	return database->path;
}

/* ---- writing ---- */

int cp_database_write(struct cp_database *database, cp_database_fill_fn fill, void *context)
{
	MDB_txn *txn;
	int err = mdb_txn_begin(database->env, NULL, 0, &txn);

	if (err)
		return err;
	err = fill(context, txn);
	if (!err)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return err;
}

struct job {
	struct cp_database *database;
	cp_database_fill_fn fill;
	cp_database_written_fn written;
	void *context;
	int result; /* by the pool, read when it is done */
};

static void run(void *context)
{
	struct job *job = context;

	job->result = cp_database_write(job->database, job->fill, job->context);
}

static void done(void *context)
{
	struct job *job = context;

	job->written(job->context, job->result);
	free(job);
}

void cp_database_write_later(struct cp_database *database, struct cp_loop *loop,
			     cp_database_fill_fn fill, cp_database_written_fn written,
			     void *context)
{
	struct job *job = malloc(sizeof *job);

	if (job) {
		*job = (struct job){ database, fill, written, context, 0 };
		if (!cp_work_slow(loop, run, done, job))
			return;
	}
	free(job);
	written(context, ENOMEM);
}

/* ---- reading ---- */

int cp_database_each(struct cp_database *database, MDB_dbi table, cp_database_row_fn row,
		     void *context)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;
	int err = mdb_txn_begin(database->env, NULL, MDB_RDONLY, &txn);

	if (err)
		return err;
	err = mdb_cursor_open(txn, table, &cursor);
	if (!err) {
		while (!(err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)))
			row(context, vd_bytes(key.mv_data, key.mv_size),
			    vd_bytes(value.mv_data, value.mv_size));
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return err == MDB_NOTFOUND ? 0 : err;
}
