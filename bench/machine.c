/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "bench/machine.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/commit.h" /* made by the build: BENCH_COMMIT */

#define PAGES_PATH "/proc/sys/vm/nr_hugepages"
#define FREE_PATH  "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"

double machine_hz(void)
{
	static double hz;
	vd_ns from = vd_now(), until = from + VD_MS(50);
	uint64_t cycles = machine_cycles();

	if (hz > 0)
		return hz;
	while (vd_now() < until)
		;
	cycles = machine_cycles() - cycles;
	hz = (double)cycles / ((double)(vd_now() - from) / (double)VD_NS_PER_S);
	return hz;
}

static cpu_set_t cores_at_start;

bool machine_pin(unsigned core)
{
	cpu_set_t set;

	if (CPU_COUNT(&cores_at_start) == 0)
		sched_getaffinity(0, sizeof cores_at_start, &cores_at_start);
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	return sched_setaffinity(0, sizeof set, &set) == 0;
}

void machine_unpin(void)
{
	if (CPU_COUNT(&cores_at_start) > 0)
		sched_setaffinity(0, sizeof cores_at_start, &cores_at_start);
}

unsigned machine_last_core(void)
{
	unsigned last = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 0;
	for (unsigned core = 0; core < CPU_SETSIZE; core++)
		last = CPU_ISSET(core, &set) ? core : last;
	return last;
}

/* ---- pages ---- */

static char pages_before[32]; /* text of PAGES_PATH, to be written back; "": untouched */
static volatile sig_atomic_t rival_pid;

/* Async-signal-safe, as on_signal calls it. */
static void restore_pages(void)
{
	size_t len = strlen(pages_before);
	int fd = len ? open(PAGES_PATH, O_WRONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	if (write(fd, pages_before, len) == (ssize_t)len)
		pages_before[0] = '\0';
	close(fd);
}

static void on_signal(int number)
{
	if (rival_pid > 0)
		kill(rival_pid, SIGKILL);
	restore_pages();
	_exit(128 + number);
}

static void watch_signals(void)
{
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}

void machine_rival(int pid)
{
	rival_pid = pid;
	watch_signals();
}

/* The number in the file, -1 when there is none. */
static long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[32] = "", *end = line;
	long number = -1;

	if (!file)
		return -1;
	if (fgets(line, sizeof line, file))
		number = strtol(line, &end, 10);
	fclose(file);
	return end == line ? -1 : number;
}

static bool write_number(const char *path, long number)
{
	FILE *file = fopen(path, "w");
	bool ok;

	if (!file)
		return false;
	ok = fprintf(file, "%ld\n", number) > 0;
	return fclose(file) == 0 && ok;
}

/* Raises the number of pages by what is missing. */
static bool raise_pages(long total, long missing)
{
	if (total < 0 || !write_number(PAGES_PATH, total + missing))
		return false;
	if (!pages_before[0]) {
		snprintf(pages_before, sizeof pages_before, "%ld\n", total);
		atexit(restore_pages);
		watch_signals();
	}
	return true;
}

bool machine_pages_take(unsigned count)
{
	long total = read_number(PAGES_PATH), free_now = read_number(FREE_PATH);

	if (free_now >= (long)count)
		return true;
	if (free_now >= 0 && raise_pages(total, (long)count - free_now) &&
	    read_number(FREE_PATH) >= (long)count)
		return true;
	restore_pages();
	fprintf(stderr, "viaduct-bench: %u pages of 2 MB cannot be had; normal pages for all\n",
		count);
	return false;
}

/* ---- what it was ---- */

const char *machine_commit(void)
{
	return BENCH_COMMIT;
}

const char *machine_cpu(void)
{
	static char model[128];
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file && !model[0] && fgets(line, sizeof line, file)) {
		char *colon = strchr(line, ':');
		if (!colon || strncmp(line, "model name", 10) != 0)
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(model, sizeof model, "%.120s", colon + 2);
	}
	if (file)
		fclose(file);
	return model[0] ? model : "unknown";
}

const char *machine_flags(void)
{
	static char flags[128];

#if defined(__clang__)
	const char *compiler = "clang";
	int major = __clang_major__, minor = __clang_minor__;
#else
	const char *compiler = "gcc";
	int major = __GNUC__, minor = __GNUC_MINOR__;
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	const char *build = "sanitized";
#elif defined(__OPTIMIZE__)
	const char *build = "release";
#else
	const char *build = "debug";
#endif
	snprintf(flags, sizeof flags, "%s-%d.%d %s cpus=%ld tsc_mhz=%.0f", compiler, major, minor,
		 build, sysconf(_SC_NPROCESSORS_ONLN), machine_hz() / 1e6);
	return flags;
}
