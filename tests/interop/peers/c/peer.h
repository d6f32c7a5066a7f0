/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer: what its files share. tests.c runs tests against one peer, one after the other, each on
 * the same connection; echo.c, held.c and told.c have some of them, and what a peer is asked for.
 *
 * Threads: one. Memory: a test is never freed, for late callbacks come to it.
 */
#include <stdbool.h>
#include <unistd.h>
#include <uv.h>

#include "controlplane/host/host.h"

/* Of these tests alone: what one side writes the other writes back, until its end. */
#define ECHO_ID "/viaduct-interop/echo/1.0.0"

extern struct vd_identity identity;

_Noreturn void die(const char *what, const char *why);

/* tests.c: runs tests (NULL ends them) against an address; how many failed. */
int dial(struct host *host, const char *address, char **tests);

/* One test under way. */
struct test {
	uint64_t count; /* of NAME=COUNT; 1 without */
	char said[2048];
	bool done, failed;
	uv_timer_t timer;
	uint64_t opened, finished; /* streams */
	struct host_conn *conn;
};

/* tests.c: the first word on it counts. */
void end(struct test *test, bool failed, const char *said);
void fail_with(struct test *test, enum vd_err err, const char *what);

/* echo.c: answers; of each stream the byte number `spoil` comes back as another, UINT64_MAX: none.
 */
void echo_serve(struct host *host, uint64_t spoil);
/* count bytes over several streams at once. */
void echo(struct test *test);

/* held.c: count streams that are open at once. */
void held(struct test *test);

/* told.c: what the peer last told of itself is kept; the test waits for it, and says it. */
void told_keep(void *context, struct host_conn *conn, struct vd_bytes told);
void identify(struct test *test);
