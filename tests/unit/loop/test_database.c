/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/database.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "controlplane/loop/work.h"

enum { FILES = 5 }; /* more than the pool has threads */

static char folder[] = "/tmp/viaduct-database-XXXXXX";
static struct cp_loop *loop;
static struct cp_database *files[FILES];
static sem_t disk; /* that stalls */
static unsigned written_count;
static bool other_done;

static const char *path_of(unsigned i, const char *more)
{
	static char path[sizeof folder + 32];

	snprintf(path, sizeof path, "%s/%u%s", folder, i, more);
	return path;
}

static void begin(void)
{
	const struct cp_database_config config = { .map_bytes = 1 << 20 };
	char why[CP_DATABASE_WHY] = "";

	cr_assert(eq(int, cp_loop_new(&loop), VD_OK));
	cr_assert(ne(ptr, mkdtemp(folder), NULL));
	cr_assert(zero(int, sem_init(&disk, 0, 0)));
	for (unsigned i = 0; i < FILES; i++)
		cr_assert(eq(int, cp_database_open(path_of(i, ""), &config, &files[i], why), VD_OK),
			  "%s", why);
}

static void end(void)
{
	for (unsigned i = 0; i < FILES; i++) {
		cp_database_close(files[i]);
		(void)unlink(path_of(i, ""));
		(void)unlink(path_of(i, "-lock"));
	}
	(void)rmdir(folder);
	cp_loop_free(loop);
	sem_destroy(&disk);
}

TestSuite(database, .init = begin, .fini = end, .timeout = 60);

static int stall(void *context, MDB_txn *txn)
{
	(void)context;
	(void)txn;
	while (sem_wait(&disk))
		;
	return 0;
}

static void on_written(void *context, int result)
{
	(void)context;
	cr_assert(zero(int, result));
	written_count++;
}

static void compute(void *context)
{
	(void)context;
}

static void on_computed(void *context)
{
	*(bool *)context = true;
}

Test(database, disks_that_stall_do_not_keep_the_pool_from_other_work)
{
	for (unsigned i = 0; i < FILES; i++)
		cp_database_write_later(files[i], loop, stall, on_written, NULL);
	cr_assert(eq(int, cp_work(loop, compute, on_computed, &other_done), VD_OK));
	while (!other_done)
		cp_loop_turn(loop, vd_now() + VD_MS(20));
	cr_assert(eq(uint, written_count, 0));
	for (unsigned i = 0; i < FILES; i++)
		sem_post(&disk);
	while (written_count < FILES)
		cp_loop_turn(loop, vd_now() + VD_MS(20));
}
