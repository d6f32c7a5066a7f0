/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "bench/measured.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/machine.h"

static bool failed(char why[BENCH_WHY], const char *program, const char *what)
{
	snprintf(why, BENCH_WHY, "%s: %s", program, what);
	return false;
}

static void stay_on(int core, unsigned cores)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = 0; i == 0 || (i < cores && i <= (unsigned)core); i++)
		CPU_SET((unsigned)core - i, &set);
	sched_setaffinity(0, sizeof set, &set);
}

/* In the child: becomes the program. */
static _Noreturn void become(const struct measured_config *config, int in, int out)
{
	char threads[16];

	machine_unpin();
	if (config->core >= 0)
		stay_on(config->core, config->cores);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	snprintf(threads, sizeof threads, "%u", config->threads);
	execl(config->program, config->program, "-security", config->security,
	      config->threads ? "-threads" : NULL, threads, (char *)NULL);
	_exit(127);
}

static bool spawn(const struct measured_config *config, struct measured *m)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		return false;
	m->pid = fork();
	if (m->pid == 0)
		become(config, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	m->in = fdopen(in[1], "w");
	m->out = fdopen(out[0], "r");
	return m->pid > 0 && m->in && m->out;
}

bool measured_start(const struct measured_config *config, struct measured *measured_out,
		    char why[BENCH_WHY])
{
	struct measured m = { 0 };
	char line[512] = "";

	fflush(NULL);
	if (!spawn(config, &m))
		return failed(why, config->program, "cannot be started");
	if (!fgets(line, sizeof line, m.out) || sscanf(line, "listening %255s", m.address) != 1) {
		measured_end(&m);
		return failed(why, config->program, "says no address");
	}
	*measured_out = m;
	return true;
}

bool measured_ask(struct measured *measured, struct measured_told *told_out, char why[BENCH_WHY])
{
	char line[256];

	fputs("tell\n", measured->in);
	fflush(measured->in);
	if (fgets(line, sizeof line, measured->out) &&
	    sscanf(line, "open=%" SCNu64 " accepted=%" SCNu64 " received=%" SCNu64, &told_out->open,
		   &told_out->accepted, &told_out->received) == 3)
		return true;
	return failed(why, measured->address, "does not tell what it did");
}

bool measured_cpu_s(const struct measured *measured, double *cpu_s_out)
{
	struct timespec time;
	clockid_t clock;

	if (clock_getcpuclockid(measured->pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
		return false;
	*cpu_s_out = (double)time.tv_sec + (double)time.tv_nsec / 1e9;
	return true;
}

bool measured_memory(const struct measured *measured, uint64_t *bytes_out)
{
	char path[64], line[256];
	uint64_t kib = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)measured->pid);
	file = fopen(path, "r");
	while (file && !kib && fgets(line, sizeof line, file))
		sscanf(line, "Anonymous: %" SCNu64, &kib);
	if (file)
		fclose(file);
	*bytes_out = kib * 1024;
	return kib > 0;
}

void measured_pause(const struct measured *measured, bool pause)
{
	if (measured->pid > 0)
		kill(measured->pid, pause ? SIGSTOP : SIGCONT);
}

void measured_end(struct measured *measured)
{
	if (measured->in)
		fclose(measured->in);
	if (measured->out)
		fclose(measured->out);
	if (measured->pid > 0) {
		kill(measured->pid, SIGKILL);
		waitpid(measured->pid, NULL, 0);
	}
	*measured = (struct measured){ 0 };
}
