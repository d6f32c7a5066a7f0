/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * libp2p: our host and go-libp2p's in turns, each a process of its own, against the same load:
 * bytes of one stream and handshakes, per second of the measured process's own time, and the
 * memory of an idle connection. And ours with two stream threads beside ours with one.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/init.h"
#include "base/time.h"
#include "bench/load.h"
#include "bench/machine.h"
#include "bench/measured.h"

enum {
	MEGABYTES = 1000,  /* of a stream */
	HANDSHAKES = 1000, /* of a round */
	AT_ONCE = 32,
	CONNS = 10000,
	CONNS_ROUNDS = 3,
	SIDES = 2,   /* ours, the rival */
	THREADS = 2, /* and as many connections, of one thread as of two */
	SKIP = 77,   /* what build_go_libp2p.sh ends with when there is no Go */
};

static const vd_ns IDLE = VD_SECONDS(2); /* before memory is looked at */

struct side {
	const char *program;
	unsigned core;
	unsigned threads; /* of ours; 0: all on its loop */
	struct measured measured;
	struct load *load;
	struct load *more[THREADS - 1]; /* of `threads` */
	uint64_t bytes;                 /* of a stream */
	struct bench_series values;
};

struct variant {
	const char *name;
	const char *security;
	const char *figure;
	double goal;
	bool up; /* the load sends the stream; else the measured does */
	bool (*measure)(struct side *side, const struct variant *variant, double *value_out,
			char why[BENCH_WHY]);
	uint32_t identities;
	bool memory;  /* less is better; each round in fresh processes, and fewer of them */
	bool threads; /* the rival is ours with one */
};

/* ---- one measurement ---- */

static bool failed(char why[BENCH_WHY], const char *what)
{
	snprintf(why, BENCH_WHY, "%s", what);
	return false;
}

/* Bytes a CPU-second; all arrived: the load counts what comes back, the measured what it got. */
static bool measure_stream(struct side *side, const struct variant *variant, double *value_out,
			   char why[BENCH_WHY])
{
	uint64_t up = variant->up ? side->bytes : 0, down = variant->up ? 1 : side->bytes;
	struct measured_told before, after;
	double from, to;

	if (!measured_ask(&side->measured, &before, why) ||
	    !measured_cpu_s(&side->measured, &from) || !load_transfer(side->load, up, down, why) ||
	    !measured_cpu_s(&side->measured, &to) || !measured_ask(&side->measured, &after, why))
		return false;
	if (after.received - before.received < up)
		return failed(why, "fewer bytes arrived than were sent");
	*value_out = (double)(up + down) / (to - from);
	return true;
}

/* Handshakes a CPU-second; each was counted on both sides. */
static bool measure_handshakes(struct side *side, const struct variant *variant, double *value_out,
			       char why[BENCH_WHY])
{
	struct measured_told before, after;
	double from, to;

	(void)variant;
	if (!measured_ask(&side->measured, &before, why) ||
	    !measured_cpu_s(&side->measured, &from) ||
	    !load_connect(side->load, HANDSHAKES, AT_ONCE, false, why) ||
	    !measured_cpu_s(&side->measured, &to) || !measured_ask(&side->measured, &after, why))
		return false;
	if (after.accepted - before.accepted != HANDSHAKES)
		return failed(why, "handshakes here are not handshakes there");
	*value_out = HANDSHAKES / (to - from);
	return true;
}

/* Bytes of memory a connection that is open and says nothing. */
static bool measure_memory(struct side *side, const struct variant *variant, double *value_out,
			   char why[BENCH_WHY])
{
	struct measured_told told;
	uint64_t before, after;

	(void)variant;
	if (!measured_ask(&side->measured, &told, why) ||
	    !measured_memory(&side->measured, &before) ||
	    !load_connect(side->load, CONNS, AT_ONCE, true, why) ||
	    !load_idle(side->load, IDLE, why) || !measured_ask(&side->measured, &told, why) ||
	    !measured_memory(&side->measured, &after))
		return false;
	if (told.open != CONNS)
		return failed(why, "connections here are not connections there");
	*value_out = ((double)after - (double)before) / CONNS;
	return true;
}

/*
 * Bytes a second of the clock, over THREADS connections, half of them each way. With one thread
 * that, and all load, is on one core; with two on two, the loads apart.
 */
static bool measure_threads(struct side *side, const struct variant *variant, double *value_out,
			    char why[BENCH_WHY])
{
	struct load *loads[THREADS] = { side->load, side->more[0] };
	uint64_t each_way = side->bytes / (2 * THREADS);
	vd_ns from = vd_now();

	(void)variant;
	if (!load_transfer_together(loads, THREADS, side->core, side->threads > 1, each_way,
				    each_way, why))
		return false;
	*value_out = (double)(2 * THREADS * each_way) / ((double)(vd_now() - from) / 1e9);
	return true;
}

static const struct variant variants[] = {
	{ "stream-noise-receive", "noise", "bytes_per_cpu_s", 2, true, measure_stream, 1, false },
	{ "stream-noise-send", "noise", "bytes_per_cpu_s", 2, false, measure_stream, 1, false },
	{ "stream-tls-receive", "tls", "bytes_per_cpu_s", 2, true, measure_stream, 1, false },
	{ "stream-tls-send", "tls", "bytes_per_cpu_s", 2, false, measure_stream, 1, false },
	{ "handshake-noise", "noise", "handshakes_per_cpu_s", 2, false, measure_handshakes,
	  2 * AT_ONCE, false },
	{ "handshake-tls", "tls", "handshakes_per_cpu_s", 2, false, measure_handshakes, 2 * AT_ONCE,
	  false },
	{ "conns-noise", "noise", "bytes_per_conn", 4, false, measure_memory, CONNS, true },
	{ "conns-tls", "tls", "bytes_per_conn", 4, false, measure_memory, CONNS, true },
	{ "threads-noise", "noise", "bytes_per_s", 1.7, false, measure_threads, 1,
	  .threads = true },
	{ "threads-tls", "tls", "bytes_per_s", 1.7, false, measure_threads, 1, .threads = true },
};

/* ---- rounds ---- */

static bool begin(struct side *side, const struct variant *variant, char why[BENCH_WHY])
{
	struct measured_config config = { .program = side->program,
					  .security = variant->security,
					  .core = (int)side->core,
					  .cores = side->threads,
					  .threads = side->threads };
	struct load_config load = { .target = side->measured.address,
				    .tls = strcmp(variant->security, "tls") == 0,
				    .identities = variant->identities };

	if (!measured_start(&config, &side->measured, why) || !load_new(&load, &side->load, why))
		return false;
	return !variant->threads || load_new(&load, &side->more[0], why);
}

static void end(struct side *side)
{
	measured_pause(&side->measured, false);
	measured_end(&side->measured);
	load_free(side->load);
	load_free(side->more[0]);
	side->load = side->more[0] = NULL;
}

static bool turn(struct side *side, const struct variant *variant, double *value_out,
		 char why[BENCH_WHY])
{
	bool ok;

	if (!side->load && !begin(side, variant, why))
		return false;
	measured_pause(&side->measured, false);
	ok = variant->measure(side, variant, value_out, why);
	if (variant->memory)
		end(side);
	else
		measured_pause(&side->measured, true);
	return ok;
}

static unsigned rounds_of(const struct variant *variant, const struct bench_options *options)
{
	return variant->memory && options->rounds > CONNS_ROUNDS ? CONNS_ROUNDS : options->rounds;
}

/* In turns; the first round, of which caches are to be warmed, is thrown away. */
static bool measure(struct side sides[SIDES], unsigned count, const struct variant *variant,
		    const struct bench_options *options, struct bench_series *ratio,
		    char why[BENCH_WHY])
{
	bool warm_up = !variant->memory;

	for (unsigned round = 0; round < rounds_of(variant, options) + warm_up; round++) {
		double value[SIDES];

		for (unsigned i = 0; i < count; i++)
			if (!turn(&sides[i], variant, &value[i], why))
				return false;
		if (warm_up && round == 0)
			continue;
		for (unsigned i = 0; i < count; i++)
			bench_series_add(&sides[i].values, value[i]);
		if (count == SIDES)
			bench_series_add(ratio, variant->memory ? value[1] / value[0]
								: value[0] / value[1]);
	}
	return true;
}

struct rival {
	const char *name;
	char program[512], version[64]; /* "": none */
	bool skipped;                   /* no Go here: nothing to reach, and nothing missed */
};

static bool run_variant(const struct variant *variant, const struct bench_options *options,
			const char *ours, const struct rival *rival)
{
	struct side sides[SIDES] = { { .program = ours }, { .program = rival->program } };
	struct bench_result result = bench_result("libp2p", variant->name);
	unsigned count = rival->program[0] ? SIDES : 1;
	char why[BENCH_WHY] = "?", name[64];
	bool ok;

	for (unsigned i = 0; i < SIDES; i++) {
		sides[i].core = options->core;
		sides[i].threads = variant->threads ? THREADS - i : 0;
		sides[i].bytes = (options->megabytes ? options->megabytes : MEGABYTES) * 1000000ull;
	}
	if (variant->threads && options->core + 1 < THREADS)
		ok = failed(why, "two threads need a core below that of --core");
	else
		ok = measure(sides, count, variant, options, &result.ratio, why);
	for (unsigned i = 0; i < count; i++)
		end(&sides[i]);
	if (!ok) {
		bench_cannot("libp2p", why);
		bench_result_drop(&result);
		return false;
	}
	bench_figure(&result, variant->figure, &sides[0].values);
	result.rounds = sides[0].values.count;
	result.goal = rival->skipped ? 0 : variant->goal;
	if (count == SIDES) {
		snprintf(name, sizeof name, "rival_%s", variant->figure);
		bench_figure(&result, name, &sides[1].values);
		result.rival = rival->name;
		result.rival_version = rival->version[0] ? rival->version : NULL;
	}
	bench_result_print(&result, options);
	return true;
}

/* ---- programs ---- */

/* Beside our own program. */
static bool find_ours(char out[512])
{
	char self[400];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	if (len < 0)
		return false;
	self[len] = '\0';
	snprintf(out, 512, "%s-peer", self);
	return access(out, X_OK) == 0;
}

/* Builds it if need be. */
static void find_rival(struct rival *rival)
{
	FILE *pipe = popen(BENCH_FOLDER "/build_go_libp2p.sh 2>&1", "r");
	char line[600] = "";
	int status;

	if (pipe && !fgets(line, sizeof line, pipe))
		line[0] = '\0';
	status = pipe ? pclose(pipe) : -1;
	if (status == 0 && sscanf(line, "%511s %63s", rival->program, rival->version) == 2)
		return;
	rival->program[0] = '\0';
	rival->skipped = WIFEXITED(status) && WEXITSTATUS(status) == SKIP;
	line[strcspn(line, "\n")] = '\0';
	fprintf(stderr, "libp2p: %s: %s\n", rival->skipped ? "skip: go-libp2p" : "no rival", line);
}

/* Room for CONNS sockets here and there. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool wanted(const struct variant *variant, const struct bench_options *options)
{
	return !options->variant ||
	       strncmp(variant->name, options->variant, strlen(options->variant)) == 0;
}

static bool run_libp2p(const struct bench_options *options)
{
	struct rival go = { .name = "go-libp2p" }, one_thread = { .name = "one thread" };
	char ours[512];
	bool ok = true, any = false;

	if (vd_init() || !find_ours(ours)) {
		bench_cannot("libp2p", "viaduct-bench-peer is not beside viaduct-bench");
		return false;
	}
	machine_unpin(); /* those that are measured run on the core, we beside it */
	raise_limit();
	if (options->rival) {
		find_rival(&go);
		memcpy(one_thread.program, ours, sizeof ours);
	}
	for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
		if (!wanted(&variants[i], options))
			continue;
		any = true;
		ok = run_variant(&variants[i], options, ours,
				 variants[i].threads ? &one_thread : &go) &&
		     ok;
	}
	if (!any)
		bench_cannot("libp2p", "no such variant; stream, handshake, conns or threads");
	return ok && any;
}

const struct bench bench_libp2p = {
	.name = "libp2p",
	.what =
	    "a libp2p node: bytes, handshakes, idle connections' memory, beside go-libp2p; threads",
	.run = run_libp2p,
};
