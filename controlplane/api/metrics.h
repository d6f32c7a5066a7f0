/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * metrics: writes one exposition in the OpenMetrics text format 1.0.0.
 *
 *	struct metrics m;
 *	metrics_init(&m);
 *	metrics_counter(&m, "viaduct_drops", "packets dropped, by reason");
 *	metrics_u64(&m, 7, "reason", "bad_tag");
 *	metrics_gauge(&m, "viaduct_links", "links that are up");
 *	metrics_u64(&m, 3);
 *	metrics_finish(&m);         // m.text, m.len
 *	metrics_fini(&m);
 *
 * gives
 *
 *	# HELP viaduct_drops packets dropped, by reason
 *	# TYPE viaduct_drops counter
 *	viaduct_drops_total{reason="bad_tag"} 7
 *
 * A counter's samples get `_total`, which is not part of the family's name.
 * Help and label values are escaped. All samples of a family come together.
 *
 * Threads: one at a time. Memory: grows; out of memory is sticky, and told by finish.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct metrics {
	char *text; /* NUL-terminated after finish */
	size_t len, cap;
	bool failed;
	bool counter;     /* of the family that is being written */
	const char *name; /* borrowed; of that family */
};

#define METRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

void metrics_init(struct metrics *m);
void metrics_fini(struct metrics *m);

/* Begins a family. `name` is borrowed until the next one; units are part of it (_seconds). */
void metrics_counter(struct metrics *m, const char *name, const char *help);
void metrics_gauge(struct metrics *m, const char *name, const char *help);

/*
 * A histogram: each bucket with how many values were at most `end` ("5.0", at last "+Inf"), then
 * count and sum. With labels: all of one set of labels, then all of the next.
 */
void metrics_histogram(struct metrics *m, const char *name, const char *help);
void metrics_sample_bucket(struct metrics *m, uint64_t count, const char *end,
			   const char *const *labels);
void metrics_sample_sum(struct metrics *m, uint64_t count, double sum, const char *const *labels);

/* `labels`: pairs of name and value, ended by NULL. Use the macros. */
void metrics_sample_u64(struct metrics *m, uint64_t value, const char *const *labels);
void metrics_sample_double(struct metrics *m, double value, const char *const *labels);

#define metrics_u64(m, value, ...)                                                                 \
	metrics_sample_u64((m), (value), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define metrics_double(m, value, ...)                                                              \
	metrics_sample_double((m), (value),                                                        \
			      (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

#define metrics_bucket(m, count, end, ...)                                                         \
	metrics_sample_bucket((m), (count), (end),                                                 \
			      (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define metrics_sum(m, count, sum, ...)                                                            \
	metrics_sample_sum((m), (count), (sum),                                                    \
			   (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* Writes "# EOF". VD_ENOMEM when anything did not fit into memory. */
enum vd_err metrics_finish(struct metrics *m);
