/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What is dropped is told at info, each reason once a minute. */
#include "controlplane/host/drops.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/host/attacker.h"

static struct host_drops drops;
static const vd_ns start = VD_SECONDS(1000);

static bool is_news(const char *why, vd_ns now, uint64_t expected)
{
	uint64_t since = UINT64_MAX;
	bool news = host_drops_is_news(&drops, why, now, &since);

	cr_assert(eq(u64, since, news ? expected : UINT64_MAX));
	return news;
}

Test(drops, each_reason_is_told_once_a_minute_with_how_many_more_there_were)
{
	cr_assert(is_news("not multistream", start, 0));
	cr_assert(not(is_news("not multistream", start, 0)));
	cr_assert(is_news("a bad length", start + VD_SECONDS(1), 0));
	cr_assert(not(is_news("not multistream", start + VD_SECONDS(59), 0)));
	cr_assert(is_news("not multistream", start + VD_SECONDS(60), 2));
	cr_assert(not(is_news("not multistream", start + VD_SECONDS(61), 0)));
}

Test(drops, of_too_many_reasons_the_one_told_longest_ago_is_forgotten)
{
	char why[16];

	for (unsigned i = 0; i <= HOST_DROP_REASONS; i++) {
		snprintf(why, sizeof why, "reason %u", i);
		cr_assert(is_news(why, start + i, 0));
	}
	cr_assert(not(is_news("reason 1", start + 100, 0)));
	cr_assert(is_news("reason 0", start + 100, 0));
}

/* ---- of a host ---- */

enum { MANY = 5 };

static struct pair pair;
static struct attacker attackers[MANY];

static bool are_cut(struct pair *p)
{
	for (unsigned i = 0; i < MANY; i++)
		if (!attacker_is_cut(&attackers[i]))
			return false;
	return host_counters(p->b)->inbound_failed == MANY;
}

Test(drops, an_operator_sees_one_line_of_many_who_do_the_same)
{
	static char log[65536];
	int fd = memfd_create("log", MFD_CLOEXEC);
	const char *first;
	ssize_t len;

	cr_assert(eq(int, vd_log_set_levels("warn,host=info"), VD_OK));
	vd_log_to(fd);
	pair_begin(&pair, NULL, NULL);
	for (unsigned i = 0; i < MANY; i++) {
		attacker_connect(&attackers[i], &pair);
		attacker_say(&attackers[i], vd_bytes_of_text("GET / HTTP/1.1\r\n\r\n"));
	}
	pair_until(&pair, are_cut);
	for (unsigned i = 0; i < MANY; i++)
		attacker_end(&attackers[i]);
	pair_end(&pair);
	vd_log_to(-1);
	len = pread(fd, log, sizeof log - 1, 0);
	cr_assert(gt(long, len, 0));
	first = strstr(log, "not multistream");
	cr_assert(ne(ptr, (void *)(uintptr_t)first, NULL));
	cr_assert(eq(ptr, (void *)(uintptr_t)strstr(first + 1, "not multistream"), NULL));
	close(fd);
}
