/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "bench/machine.h"

void bench_series_add(struct bench_series *series, double value)
{
	if (series->count < BENCH_ROUNDS_MAX)
		series->at[series->count++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_median(const struct bench_series *series)
{
	struct bench_series sorted = *series;
	unsigned middle = sorted.count / 2;

	if (sorted.count == 0)
		return 0;
	qsort(sorted.at, sorted.count, sizeof sorted.at[0], compare);
	if (sorted.count % 2)
		return sorted.at[middle];
	return (sorted.at[middle - 1] + sorted.at[middle]) / 2;
}

double bench_min(const struct bench_series *series)
{
	double least = series->count ? series->at[0] : 0;

	for (unsigned i = 1; i < series->count; i++)
		least = series->at[i] < least ? series->at[i] : least;
	return least;
}

double bench_max(const struct bench_series *series)
{
	double most = series->count ? series->at[0] : 0;

	for (unsigned i = 1; i < series->count; i++)
		most = series->at[i] > most ? series->at[i] : most;
	return most;
}

/* Times the kernel took the core from this thread. */
static int64_t switches_so_far(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

void bench_timer_start(struct bench_timer *timer)
{
	timer->switches = switches_so_far();
	timer->started = machine_cycles();
}

void bench_timer_stop(struct bench_timer *timer, uint64_t units)
{
	uint64_t cycles = machine_cycles() - timer->started;

	if (switches_so_far() != timer->switches) {
		timer->discarded++;
		return;
	}
	timer->cycles += cycles;
	timer->units += units;
}

double bench_timer_mean(const struct bench_timer *timer)
{
	return timer->units ? (double)timer->cycles / (double)timer->units : 0;
}

struct bench_result bench_result(const char *bench, const char *variant)
{
	return (
	    struct bench_result){ .bench = bench, .variant = variant, .figures = json_object() };
}

void bench_parameter(struct bench_result *result, const char *name, uint64_t value)
{
	json_object_set_new(result->figures, name, json_integer((json_int_t)value));
}

void bench_figure(struct bench_result *result, const char *name, const struct bench_series *series)
{
	char spread[64];

	json_object_set_new(result->figures, name, json_real(bench_median(series)));
	snprintf(spread, sizeof spread, "%s_min", name);
	json_object_set_new(result->figures, spread, json_real(bench_min(series)));
	snprintf(spread, sizeof spread, "%s_max", name);
	json_object_set_new(result->figures, spread, json_real(bench_max(series)));
}

static void add_ratio(json_t *line, const struct bench_result *result)
{
	const struct bench_series *ratio = &result->ratio;
	bool measured = ratio->count > 0;

	json_object_set_new(line, "ratio", measured ? json_real(bench_median(ratio)) : json_null());
	json_object_set_new(line, "ratio_min",
			    measured ? json_real(bench_min(ratio)) : json_null());
	json_object_set_new(line, "ratio_max",
			    measured ? json_real(bench_max(ratio)) : json_null());
	json_object_set_new(line, "goal", result->goal > 0 ? json_real(result->goal) : json_null());
	/* A goal whose rival could not be measured is not met. */
	json_object_set_new(line, "met",
			    result->goal > 0
				? json_boolean(measured && bench_median(ratio) >= result->goal)
				: json_null());
}

json_t *bench_result_line(const struct bench_result *result)
{
	json_t *line = json_object();
	char flags[BENCH_FLAGS];

	json_object_set_new(line, "bench", json_string(result->bench));
	json_object_set_new(line, "variant", json_string(result->variant));
	json_object_update(line, result->figures);
	json_object_set_new(line, "rival",
			    result->rival ? json_string(result->rival) : json_null());
	json_object_set_new(line, "rival_version",
			    result->rival_version ? json_string(result->rival_version)
						  : json_null());
	json_object_set_new(line, "rounds", json_integer(result->rounds));
	add_ratio(line, result);
	json_object_set_new(line, "commit", json_string(machine_commit()));
	json_object_set_new(line, "cpu", json_string(machine_cpu()));
	snprintf(flags, sizeof flags, "%s%s%s", machine_flags(), result->flags ? " " : "",
		 result->flags ? result->flags : "");
	json_object_set_new(line, "flags", json_string(flags));
	return line;
}

static void print_pair(const char *name, const json_t *value)
{
	if (json_is_integer(value))
		printf(" %s=%lld", name, (long long)json_integer_value(value));
	else if (json_is_real(value))
		printf(" %s=%.4g", name, json_real_value(value));
	else if (json_is_string(value))
		printf(" %s=%s", name, json_string_value(value));
	else if (json_is_boolean(value))
		printf(" %s=%s", name, json_is_true(value) ? "yes" : "no");
}

/* For people: everything but what describes the machine, and no nulls. */
static void print_text(json_t *line)
{
	const char *name;
	json_t *value;

	printf("%s", json_string_value(json_object_get(line, "bench")));
	json_object_del(line, "bench");
	json_object_del(line, "commit");
	json_object_del(line, "cpu");
	json_object_foreach(line, name, value) print_pair(name, value);
	printf("\n");
}

void bench_result_drop(struct bench_result *result)
{
	json_decref(result->figures);
	result->figures = NULL;
}

void bench_result_print(struct bench_result *result, const struct bench_options *options)
{
	json_t *line = bench_result_line(result);

	if (options->json) {
		json_dumpf(line, stdout, JSON_REAL_PRECISION(5));
		printf("\n");
	} else {
		print_text(line);
	}
	fflush(stdout);
	json_decref(line);
	bench_result_drop(result);
}

void bench_cannot(const char *bench, const char *why)
{
	fprintf(stderr, "%s: cannot: %s\n", bench, why);
}
