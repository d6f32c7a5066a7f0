/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Listening when this process may open no more files: who connects waits, and is served when one
 * is closed; the loop is not kept busy, the listener stays, and what is open goes on.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/resource.h>
#include <unistd.h>

#include "controlplane/host/perf.h"
#include "tests/unit/host/attacker.h"

enum { GOOD_BYTES = 4 << 20, CROWD = 8, RETRY_MS = 100 };

static struct pair pair;
static struct attacker attackers[CROWD];
static struct rlimit before;

/* A connection, a crowd that waits to be accepted, and no descriptor more; returns how many are
 * open. */
static rlim_t begin_short(void)
{
	int lowest;

	pair_begin(&pair, NULL, NULL);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
	for (unsigned i = 0; i < CROWD; i++)
		attacker_connect(&attackers[i], &pair);
	lowest = dup(STDERR_FILENO);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &before);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)lowest, before.rlim_max });
	return (rlim_t)lowest;
}

static void end_short(void)
{
	for (unsigned i = 0; i < CROWD; i++)
		attacker_end(&attackers[i]);
	pair_end(&pair);
}

static uint32_t wanted;

static bool are_open(struct pair *p)
{
	return host_connection_count(p->b) >= wanted;
}

static void assert_open(uint32_t count)
{
	wanted = count;
	pair_until(&pair, are_open);
	cr_assert(eq(u32, host_connection_count(pair.b), count));
}

static uint64_t put_off(void)
{
	return host_counters(pair.b)->accepts_put_off;
}

static bool was_put_off(struct pair *p)
{
	(void)p;
	return put_off() >= 3;
}

Test(listen, who_connects_when_no_descriptor_is_left_waits_and_is_served_later)
{
	(void)begin_short();
	cr_assert(
	    eq(int, host_perf(pair.said.conn, GOOD_BYTES, GOOD_BYTES, pair_on_perf, &pair), VD_OK));
	pair_until_said(&pair, 2); /* what is open goes on */
	cr_assert(eq(int, pair.said.err, VD_OK));
	pair_until(&pair, was_put_off);
	for (unsigned i = 0; i < CROWD; i++)
		cr_assert(not(attacker_is_cut(&attackers[i])), "%u is cut", i);
	setrlimit(RLIMIT_NOFILE, &before);
	for (unsigned i = 0; i < CROWD; i++)
		attacker_negotiate(&attackers[i], &pair);
	assert_open(1 + CROWD);
	end_short();
}

Test(listen, a_shortage_of_descriptors_keeps_nobody_busy)
{
	vd_ns since = vd_now();
	uint64_t tries;

	(void)begin_short();
	pair_until(&pair, was_put_off);
	tries = (vd_now() - since) / VD_MS(RETRY_MS) + 1;
	cr_assert(le(u64, put_off(), tries), "%zu of %zu", (size_t)put_off(), (size_t)tries);
	setrlimit(RLIMIT_NOFILE, &before);
	end_short();
}

/* With room for one more one is served, the first that came, and the rest waits on. */
Test(listen, each_descriptor_that_there_is_serves_one_more)
{
	rlim_t room = begin_short();

	pair_until(&pair, was_put_off);
	for (unsigned i = 0; i < CROWD; i++) {
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ ++room, before.rlim_max });
		attacker_negotiate(&attackers[i], &pair);
		assert_open(2 + i);
	}
	setrlimit(RLIMIT_NOFILE, &before);
	end_short();
}
