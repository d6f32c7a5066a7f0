/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * seeds: how every simulation is called, and goes through its seeds:
 *
 *	sim_NAME [--seeds N [FIRST] | SEED]
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seeds {
	uint64_t first, count;
};

/* What the arguments ask for, `usual` seeds without any; others end the program. */
static inline struct seeds seeds_of(int argc, char **argv, uint64_t usual)
{
	bool many = argc >= 3 && argc <= 4 && strcmp(argv[1], "--seeds") == 0;
	struct seeds seeds = { .first = 1, .count = usual };

	if (many) {
		seeds.count = strtoull(argv[2], NULL, 10);
		seeds.first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	} else if (argc == 2) {
		seeds = (struct seeds){ .first = strtoull(argv[1], NULL, 10), .count = 1 };
	}
	if ((argc > 1 && !many && argc != 2) || !seeds.first || !seeds.count) {
		fprintf(stderr, "%s [--seeds N [FIRST] | SEED]: numbers from 1 on\n", argv[0]);
		exit(2);
	}
	return seeds;
}

/* `run` tells what went wrong, NULL: nothing. How many seeds failed; each is named. */
static inline uint64_t seeds_run(struct seeds seeds, const char *(*run)(uint64_t seed))
{
	uint64_t failed = 0;

	for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
		const char *wrong = run(seed);

		if (!wrong)
			continue;
		printf("seed %" PRIu64 ": %s\n", seed, wrong);
		failed++;
	}
	return failed;
}

/* The same, and its last line; what main returns. */
static inline int seeds_main(int argc, char **argv, uint64_t usual,
			     const char *(*run)(uint64_t seed))
{
	struct seeds seeds = seeds_of(argc, argv, usual);
	uint64_t failed = seeds_run(seeds, run);
	const char *slash = strrchr(argv[0], '/');

	printf("%s: %" PRIu64 " seeds, %" PRIu64 " failed\n", slash ? slash + 1 : argv[0],
	       seeds.count, failed);
	return failed != 0;
}
