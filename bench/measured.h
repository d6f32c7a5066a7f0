/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * measured: a libp2p node as a process beside us, ours (peer.c) or go-libp2p's
 * (rival_go_libp2p/): its time and its memory are the kernel's account of that process alone.
 *
 *	PROGRAM -security noise|tls [-threads N]       (N stream threads; ours alone)
 *
 * prints `listening ADDRESS`, serves identify, ping and /perf/1.0.0, answers each line on its
 * standard input, after it tidied its memory up, with `open=N accepted=N received=N` (connections;
 * bytes), and ends with its input.
 *
 * Threads: main. Errors: false, and `why` says what went wrong.
 */
#include <stdio.h>
#include <sys/types.h>

#include "bench/bench.h"

struct measured {
	pid_t pid; /* 0: none */
	FILE *in, *out;
	char address[256];
};

struct measured_config {
	const char *program;
	const char *security; /* "noise", "tls" */
	int core;             /* -1: any */
	unsigned cores;       /* so many, down from `core`; 0 is 1 */
	unsigned threads;     /* of ours: stream threads; 0: it has but one thread */
};

struct measured_told {
	uint64_t open, accepted, received;
};

bool measured_start(const struct measured_config *config, struct measured *measured_out,
		    char why[BENCH_WHY]);
bool measured_ask(struct measured *measured, struct measured_told *told_out, char why[BENCH_WHY]);
/* Seconds that the kernel charged it for, user and system, all threads. */
bool measured_cpu_s(const struct measured *measured, double *cpu_s_out);
/* Memory that is its own and lies in RAM (Anonymous of /proc/PID/smaps_rollup). */
bool measured_memory(const struct measured *measured, uint64_t *bytes_out);
void measured_pause(const struct measured *measured, bool pause);
void measured_end(struct measured *measured);
