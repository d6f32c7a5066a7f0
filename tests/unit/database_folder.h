/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* database_folder: a folder for one LMDB file, and a loop; each test has its own. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "controlplane/loop/loop.h"

static char folder[] = "/tmp/viaduct-test-XXXXXX", path[64]; /* of the file, not made yet */
static struct cp_loop *loop;

static inline void make_folder(void)
{
	cr_assert(ne(ptr, mkdtemp(folder), NULL));
	snprintf(path, sizeof path, "%s/file", folder);
	cr_assert(eq(int, (int)cp_loop_new(&loop), VD_OK));
}

static inline void remove_folder(void)
{
	char lock[80];

	snprintf(lock, sizeof lock, "%s-lock", path);
	cp_loop_free(loop);
	(void)unlink(path);
	(void)unlink(lock);
	(void)rmdir(folder);
}
