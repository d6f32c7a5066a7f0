/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * bench: what every benchmark here is made of: options, timed regions, rounds,
 * and one result a line.
 *
 * A bench alternates with its rival: ours, rival, ours, rival, …; the first round
 * of each is thrown away, the others become a series. A result shows the median
 * of each series and its spread; the ratio is taken per round, then the median.
 *
 * Threads: one, pinned to the core that the rival is pinned to as well.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { BENCH_ROUNDS_MAX = 64, BENCH_FLAGS = 256, BENCH_WHY = 512 };

struct bench_options {
	unsigned rounds; /* counted; one more is run and thrown away */
	uint32_t links;  /* 0: the bench's own choice, as for burst and bytes */
	uint32_t burst;
	uint32_t bytes;     /* of payload */
	uint32_t megabytes; /* of a stream; 0: the bench's own choice */
	double seconds;     /* of each measurement, about */
	unsigned core;
	bool rival; /* measure the rival too */
	bool json;
	const char *variant; /* what its variants' names begin with; NULL: all */
};

/* A benchmark: run prints its results and returns false when it could not be done. */
struct bench {
	const char *name;
	const char *what; /* one line for `list` */
	bool (*run)(const struct bench_options *options);
};

extern const struct bench bench_switch, bench_pipeline, bench_handshake, bench_libp2p;

/* ---- series ---- */

struct bench_series {
	unsigned count;
	double at[BENCH_ROUNDS_MAX];
};

void bench_series_add(struct bench_series *series, double value); /* full: dropped */
double bench_median(const struct bench_series *series);           /* 0 when empty */
double bench_min(const struct bench_series *series);
double bench_max(const struct bench_series *series);

/* ---- timed regions ---- */

/*
 * Sums TSC cycles of regions. A region in which the kernel took the core away
 * from us is left out whole, and counted: the rival is likewise charged only for
 * the time that it ran.
 */
struct bench_timer {
	uint64_t cycles;
	uint64_t units;     /* packets, handshakes, … */
	uint64_t discarded; /* regions */
	uint64_t started;
	int64_t switches; /* involuntary, before the region */
};

void bench_timer_start(struct bench_timer *timer);
void bench_timer_stop(struct bench_timer *timer, uint64_t units);
double bench_timer_mean(const struct bench_timer *timer); /* cycles a unit; 0 when empty */

/* ---- results ---- */

struct bench_result {
	const char *bench;
	const char *variant;
	json_t *figures;           /* parameters, then figures; taken by bench_result_print */
	const char *rival;         /* NULL: none */
	const char *rival_version; /* NULL: unknown */
	unsigned rounds;
	struct bench_series ratio; /* ours over the rival's, more is better */
	double goal;               /* of the ratio; 0: none */
	const char *flags;         /* of this result, beside those of the program */
};

struct bench_result bench_result(const char *bench, const char *variant);
void bench_parameter(struct bench_result *result, const char *name, uint64_t value);
/* The median under `name`, the spread under `name`_min and `name`_max. */
void bench_figure(struct bench_result *result, const char *name, const struct bench_series *series);
/* The line as an object, the caller's; the result keeps what it holds. */
json_t *bench_result_line(const struct bench_result *result);
/* Frees what the result holds, without a line. */
void bench_result_drop(struct bench_result *result);
/* One line on stdout, then drops the result. */
void bench_result_print(struct bench_result *result, const struct bench_options *options);

/* "NAME: cannot: …" on stderr. */
void bench_cannot(const char *bench, const char *why);
