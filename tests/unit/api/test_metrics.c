/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/api/metrics.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct metrics m;

static void begin(void)
{
	metrics_init(&m);
}

static void end(void)
{
	metrics_fini(&m);
}

TestSuite(metrics, .init = begin, .fini = end);

static const char *finished(void)
{
	cr_assert(eq(int, metrics_finish(&m), VD_OK));
	cr_assert(eq(sz, m.len, strlen(m.text)));
	return m.text;
}

#define text_eq(expected) cr_assert(eq(str, (char *)finished(), (char *)(expected)))

/* OpenMetrics 1.0.0, section 2.3.3.1: the exposition ends with EOF. */
Test(metrics, an_empty_exposition_is_its_end)
{
	text_eq("# EOF\n");
}

Test(metrics, counters_get_total_which_is_not_in_the_family)
{
	metrics_counter(&m, "viaduct_drops", "packets dropped");
	metrics_u64(&m, 7, "reason", "bad_tag");
	metrics_u64(&m, UINT64_MAX, "reason", "replayed", "worker", "1");
	text_eq("# HELP viaduct_drops packets dropped\n"
		"# TYPE viaduct_drops counter\n"
		"viaduct_drops_total{reason=\"bad_tag\"} 7\n"
		"viaduct_drops_total{reason=\"replayed\",worker=\"1\"} 18446744073709551615\n"
		"# EOF\n");
}

Test(metrics, gauges_keep_their_name_and_may_have_no_labels)
{
	metrics_gauge(&m, "viaduct_links", "links that are up");
	metrics_u64(&m, 3);
	metrics_gauge(&m, "viaduct_rtt_seconds", "x");
	metrics_double(&m, 0.25);
	text_eq("# HELP viaduct_links links that are up\n"
		"# TYPE viaduct_links gauge\n"
		"viaduct_links 3\n"
		"# HELP viaduct_rtt_seconds x\n"
		"# TYPE viaduct_rtt_seconds gauge\n"
		"viaduct_rtt_seconds 0.25\n"
		"# EOF\n");
}

Test(metrics, label_values_and_help_are_escaped)
{
	metrics_gauge(&m, "a", "one\ntwo \\ \"three\"");
	metrics_u64(&m, 1, "tier", "a\"b\\c\nd");
	text_eq("# HELP a one\\ntwo \\\\ \\\"three\\\"\n"
		"# TYPE a gauge\n"
		"a{tier=\"a\\\"b\\\\c\\nd\"} 1\n"
		"# EOF\n");
}

Test(metrics, infinities_and_not_a_number_have_their_own_words)
{
	metrics_gauge(&m, "a", "b");
	metrics_double(&m, INFINITY);
	metrics_double(&m, -INFINITY);
	metrics_double(&m, NAN);
	text_eq("# HELP a b\n# TYPE a gauge\na +Inf\na -Inf\na NaN\n# EOF\n");
}

Test(metrics, it_grows_as_needed)
{
	char value[16];

	metrics_gauge(&m, "a", "b");
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(value, sizeof value, "%u", i);
		metrics_u64(&m, i, "peer", value);
	}
	cr_assert(strstr(finished(), "a{peer=\"99999\"} 99999\n# EOF\n") != NULL);
}

Test(metrics, a_histogram_has_its_labels_before_the_bucket)
{
	metrics_init(&m);
	metrics_histogram(&m, "time_seconds", "how long");
	metrics_bucket(&m, 1, "0.5", "dir", "in");
	metrics_bucket(&m, 2, "+Inf", "dir", "in");
	metrics_sum(&m, 2, 1.5, "dir", "in");
	cr_assert(eq(int, (int)metrics_finish(&m), VD_OK));
	cr_assert(
	    eq(str, m.text,
	       "# HELP time_seconds how long\n# TYPE time_seconds histogram\n"
	       "time_seconds_bucket{dir=\"in\",le=\"0.5\"} 1\n"
	       "time_seconds_bucket{dir=\"in\",le=\"+Inf\"} 2\n"
	       "time_seconds_count{dir=\"in\"} 2\ntime_seconds_sum{dir=\"in\"} 1.5\n# EOF\n"));
	metrics_fini(&m);
}

Test(metrics, a_histogram_has_buckets_count_and_sum)
{
	metrics_init(&m);
	metrics_histogram(&m, "peers", "told");
	metrics_bucket(&m, 2, "1.0");
	metrics_bucket(&m, 3, "+Inf");
	metrics_sum(&m, 3, 17);
	cr_assert(eq(int, (int)metrics_finish(&m), VD_OK));
	cr_assert(eq(str, m.text,
		     "# HELP peers told\n# TYPE peers histogram\npeers_bucket{le=\"1.0\"} 2\n"
		     "peers_bucket{le=\"+Inf\"} 3\npeers_count 3\npeers_sum 17\n# EOF\n"));
	metrics_fini(&m);
}
