/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * viaduct-bench: `list`, or the name of a bench and its options.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/machine.h"

static const struct bench *const benches[] = {
	&bench_switch, &bench_pipeline, &bench_handshake, &bench_libp2p, NULL,
};

static const char usage[] =
    "usage: viaduct-bench list\n"
    "       viaduct-bench NAME [VARIANT] [options]\n"
    "  VARIANT        only those whose names begin so (libp2p: stream, handshake, conns, threads)\n"
    "  --json         one JSON object a line\n"
    "  --links N      links (default: the bench's own list)\n"
    "  --burst N      packets a burst (default: the bench's own list)\n"
    "  --bytes N      payload of a frame (default 64)\n"
    "  --megabytes N  of a stream (default 1000)\n"
    "  --rounds N     counted rounds (default 7), after one that is thrown away\n"
    "  --seconds S    length of one measurement (default 0.5)\n"
    "  --core N       the core to run on (default: the last one)\n"
    "  --no-rival     leave the rival out\n";

static int list(void)
{
	for (size_t i = 0; benches[i]; i++)
		printf("%-10s %s\n", benches[i]->name, benches[i]->what);
	return 0;
}

static const struct bench *find(const char *name)
{
	for (size_t i = 0; benches[i]; i++)
		if (strcmp(benches[i]->name, name) == 0)
			return benches[i];
	return NULL;
}

/* A whole number from `least` to `most`; exits with what is wrong. */
static uint32_t number(const char *option, const char *text, unsigned long least,
		       unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end && value >= least && value <= most)
		return (uint32_t)value;
	fprintf(stderr, "viaduct-bench: --%s is %s; give a number from %lu to %lu\n", option, text,
		least, most);
	exit(2);
}

static double seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (!*end && value >= 0.01 && value <= 60)
		return value;
	fprintf(stderr, "viaduct-bench: --seconds is %s; give 0.01 to 60\n", text);
	exit(2);
}

enum {
	OPT_JSON = 1,
	OPT_LINKS,
	OPT_BURST,
	OPT_BYTES,
	OPT_MEGABYTES,
	OPT_ROUNDS,
	OPT_SECONDS,
	OPT_CORE,
	OPT_ALONE
};

static const struct option long_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "links", required_argument, NULL, OPT_LINKS },
	{ "burst", required_argument, NULL, OPT_BURST },
	{ "bytes", required_argument, NULL, OPT_BYTES },
	{ "megabytes", required_argument, NULL, OPT_MEGABYTES },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "core", required_argument, NULL, OPT_CORE },
	{ "no-rival", no_argument, NULL, OPT_ALONE },
	{ NULL, 0, NULL, 0 },
};

static struct bench_options options_of(int argc, char **argv)
{
	struct bench_options options = {
		.rounds = 7, .seconds = 0.5, .core = machine_last_core(), .rival = true
	};

	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		switch (c) {
		case OPT_JSON: options.json = true; break;
		case OPT_LINKS: options.links = number("links", optarg, 1, 1u << 22); break;
		case OPT_BURST: options.burst = number("burst", optarg, 1, 256); break;
		case OPT_BYTES: options.bytes = number("bytes", optarg, 16, 1400); break;
		case OPT_MEGABYTES:
			options.megabytes = number("megabytes", optarg, 1, 1000000);
			break;
		case OPT_ROUNDS:
			options.rounds = number("rounds", optarg, 1, BENCH_ROUNDS_MAX);
			break;
		case OPT_SECONDS: options.seconds = seconds(optarg); break;
		case OPT_CORE: options.core = number("core", optarg, 0, 1023); break;
		case OPT_ALONE: options.rival = false; break;
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (optind < argc)
		options.variant = argv[optind++];
	if (optind != argc) {
		fprintf(stderr, "viaduct-bench: %s: not an option\n%s", argv[optind], usage);
		exit(2);
	}
	return options;
}

int main(int argc, char **argv)
{
	const struct bench *bench;
	struct bench_options options;

	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		fputs(usage, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (strcmp(argv[1], "list") == 0)
		return list();
	bench = find(argv[1]);
	if (!bench) {
		fprintf(stderr, "viaduct-bench: no bench %s; `viaduct-bench list`\n", argv[1]);
		return 2;
	}
	options = options_of(argc - 1, argv + 1);
	if (options.variant && bench != &bench_libp2p) {
		fprintf(stderr, "viaduct-bench: %s has no variants to choose from\n", bench->name);
		return 2;
	}
	if (!machine_pin(options.core)) {
		fprintf(stderr, "viaduct-bench: cannot run on core %u; --core N\n", options.core);
		return 1;
	}
	return bench->run(&options) ? 0 : 1;
}
