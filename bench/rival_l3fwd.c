/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "bench/rival_l3fwd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/time.h"
#include "bench/machine.h"

enum {
	CAPTURE_PACKETS = 4096, /* at least; every flow is in it */
	FRAME_MAX = 1600,
	ANSWER_MAX = 16384,
	START_S = 60,
};

/* The one rival. */
static struct {
	pid_t pid; /* 0: none */
	int telemetry;
	char folder[64]; /* rules and capture */
	char version[32];
} rival = { .telemetry = -1 };

static bool fail(char why[BENCH_WHY], const char *what)
{
	snprintf(why, BENCH_WHY, "l3fwd: %s", what);
	return false;
}

/* ---- what it is given: rules and a capture ---- */

/* Flow `i`: from 198.18.x.y, port 1024 and up, to 198.19.0.1 port 4001. */
static uint32_t flow_source(uint32_t flow)
{
	return 0xC6120000 + flow % 65536;
}

static uint16_t flow_port(uint32_t flow)
{
	return (uint16_t)(1024 + flow / 65536);
}

static FILE *create(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", rival.folder, name);
	return fopen(path, "w");
}

/* l3fwd reads rule files only if it is given one for each family. */
static bool write_rules(uint32_t flows)
{
	FILE *v4 = create("v4"), *v6 = create("v6");
	bool ok = v4 && v6;

	for (uint32_t i = 0; ok && i < flows; i++) {
		uint32_t ip = flow_source(i);
		ok = fprintf(v4, "R198.19.0.1 %u.%u.%u.%u 4001 %u 17 1\n", ip >> 24, ip >> 16 & 255,
			     ip >> 8 & 255, ip & 255, flow_port(i)) > 0;
	}
	ok = ok && fprintf(v6, "R2001:200::1 2001:200::2 9 9 17 1\n") > 0;
	if (v4)
		ok = fclose(v4) == 0 && ok;
	if (v6)
		ok = fclose(v6) == 0 && ok;
	return ok;
}

/* An Ethernet frame of `len` bytes with a correct IPv4 header, zero payload. */
static void make_frame(uint8_t *frame, uint16_t len, uint32_t flow)
{
	uint8_t *ip = frame + 14, *udp = ip + 20;
	uint32_t sum = 0;

	memset(frame, 0, len);
	frame[0] = frame[6] = 2;
	vd_be16_store(frame + 12, 0x0800);
	ip[0] = 0x45;
	vd_be16_store(ip + 2, (uint16_t)(len - 14));
	ip[8] = 64;
	ip[9] = 17;
	vd_be32_store(ip + 12, flow_source(flow));
	vd_be32_store(ip + 16, 0xC6130001);
	for (int i = 0; i < 20; i += 2)
		sum += vd_be16_load(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	vd_be16_store(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
	vd_be16_store(udp, flow_port(flow));
	vd_be16_store(udp + 2, 4001);
	vd_be16_store(udp + 4, (uint16_t)(len - 34));
}

/* The next index of a series of shuffles of 0 … count - 1. */
static uint32_t next_shuffled(uint32_t *order, uint32_t count, uint32_t at, unsigned short seed[3])
{
	uint32_t i = at % count;
	uint32_t j = i + (uint32_t)(erand48(seed) * (count - i));
	uint32_t picked = order[j];

	order[j] = order[i];
	order[i] = picked;
	return picked;
}

static bool write_packets(FILE *file, uint32_t *order, const struct rival_l3fwd_config *config)
{
	static const uint32_t header[6] = { 0xa1b2c3d4, 2 | 4u << 16, 0, 0, 65535, 1 };
	uint32_t record[4] = { 0, 0, config->frame_bytes, config->frame_bytes };
	uint32_t packets = config->flows > CAPTURE_PACKETS ? config->flows : CAPTURE_PACKETS;
	unsigned short seed[3] = { 1, 2, 3 };
	uint8_t frame[FRAME_MAX];
	bool ok = fwrite(header, sizeof header, 1, file) == 1;

	for (uint32_t i = 0; ok && i < packets; i++) {
		make_frame(frame, config->frame_bytes,
			   next_shuffled(order, config->flows, i, seed));
		ok = fwrite(record, sizeof record, 1, file) == 1 &&
		     fwrite(frame, config->frame_bytes, 1, file) == 1;
	}
	return ok;
}

static bool write_capture(const struct rival_l3fwd_config *config)
{
	uint32_t *order = calloc(config->flows, sizeof *order);
	FILE *file = create("flows.pcap");
	bool ok = order && file;

	for (uint32_t i = 0; order && i < config->flows; i++)
		order[i] = i;
	ok = ok && write_packets(file, order, config);
	if (file)
		ok = fclose(file) == 0 && ok;
	free(order);
	return ok;
}

/* ---- the process ---- */

/* Runs build_l3fwd.sh; the path it prints goes to `path_out`. */
static bool build(char *path_out, int cap, char why[BENCH_WHY])
{
	FILE *pipe = popen(BENCH_FOLDER "/build_l3fwd.sh 2>&1", "r");
	char line[256] = "", *got = NULL;

	while (pipe && fgets(line, sizeof line, pipe))
		got = line;
	if (!pipe || pclose(pipe) != 0 || !got)
		return fail(why, got ? got : "cannot run build_l3fwd.sh");
	line[strcspn(line, "\n")] = '\0';
	snprintf(path_out, (size_t)cap, "%s", line);
	return true;
}

/* Its pool grows with its rings, and the capture lies in the pool. */
static unsigned ring_of(uint32_t flows)
{
	return flows > CAPTURE_PACKETS ? UINT16_MAX : 1024;
}

unsigned rival_l3fwd_pages(uint32_t flows)
{
	return flows > CAPTURE_PACKETS ? 480 : 300;
}

/* In the child: becomes l3fwd. The EAL's and l3fwd's own talk is not for our stdout. */
static void become(const char *path, const struct rival_l3fwd_config *config)
{
	char core[16], queue[32], prefix[48], descriptors[32];
	unsigned ring = ring_of(config->flows);
	int log = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	const char *common[] = { "--no-pci",
				 prefix,
				 "-l",
				 core,
				 "--vdev=net_pcap0,rx_pcap=flows.pcap,infinite_rx=1",
				 "--vdev=net_null0,no-rx=1",
				 "--",
				 "-p",
				 "3",
				 "-P",
				 "--lookup=em",
				 "--parse-ptype",
				 "--rule_ipv4=v4",
				 "--rule_ipv6=v6",
				 queue,
				 descriptors };
	const char *argv[32] = { "l3fwd" };
	size_t argc = 1;

	argv[argc++] = config->huge ? "--in-memory" : "--no-huge";
	if (!config->huge) {
		argv[argc++] = "--no-shconf";
		argv[argc++] = "-m";
		argv[argc++] = "1500";
	}
	snprintf(core, sizeof core, "%u", config->core);
	snprintf(queue, sizeof queue, "--config=(0,0,%u)", config->core);
	snprintf(prefix, sizeof prefix, "--file-prefix=viaduct-l3fwd-%d", (int)getppid());
	snprintf(descriptors, sizeof descriptors, "--rx-queue-size=%u", ring);
	machine_unpin(); /* so that its telemetry does not run on its own core */
	dup2(log, 1);
	dup2(log, 2);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
		argv[argc++] = common[i];
	execv(path, (char *const *)argv);
	_exit(127);
}

static void nap(unsigned ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

static bool is_alive(void)
{
	return rival.pid > 0 && waitpid(rival.pid, NULL, WNOHANG) == 0;
}

/* ---- its telemetry ---- */

/* Where EAL puts its sockets (DPDK programmer's guide, "Telemetry Library"). */
static void telemetry_address(struct sockaddr_un *address)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *base = getuid() == 0 ? "/var/run" : runtime ? runtime : "/tmp";

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof address->sun_path,
		 "%.60s/dpdk/viaduct-l3fwd-%d/dpdk_telemetry.v2", base, (int)getpid());
}

/* The answer to `command`, or NULL; without a command: the greeting. */
static json_t *telemetry_ask(const char *command)
{
	char *answer = malloc(ANSWER_MAX);
	json_t *parsed = NULL;
	ssize_t len;

	if (answer && (!command || send(rival.telemetry, command, strlen(command), 0) > 0)) {
		len = recv(rival.telemetry, answer, ANSWER_MAX, 0);
		if (len > 0)
			parsed = json_loadb(answer, (size_t)len, JSON_DISABLE_EOF_CHECK, NULL);
	}
	free(answer);
	return parsed;
}

static bool telemetry_open(void)
{
	struct timeval patience = { .tv_sec = 5 };
	struct sockaddr_un address;
	json_t *greeting;

	telemetry_address(&address);
	rival.telemetry = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (rival.telemetry < 0)
		return false;
	setsockopt(rival.telemetry, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(rival.telemetry, (struct sockaddr *)&address, sizeof address) != 0) {
		close(rival.telemetry);
		rival.telemetry = -1;
		return false;
	}
	greeting = telemetry_ask(NULL);
	snprintf(rival.version, sizeof rival.version, "%s",
		 greeting ? json_string_value(json_object_get(greeting, "version")) : "");
	json_decref(greeting);
	return true;
}

/* Packets that left by net_null, and the process's own time when that was read. */
static bool read_counters(uint64_t *packets_out, double *cpu_s_out)
{
	json_t *answer = telemetry_ask("/ethdev/stats,1");
	json_t *stats = json_object_get(answer, "/ethdev/stats");
	json_t *sent = json_object_get(stats, "opackets");
	bool ok = json_is_integer(sent);
	struct timespec time;
	clockid_t clock;

	ok = ok && clock_getcpuclockid(rival.pid, &clock) == 0 && clock_gettime(clock, &time) == 0;
	if (ok) {
		*packets_out = (uint64_t)json_integer_value(sent);
		*cpu_s_out = (double)time.tv_sec + (double)time.tv_nsec / 1e9;
	}
	json_decref(answer);
	return ok;
}

static bool wait_until_it_forwards(char why[BENCH_WHY])
{
	uint64_t packets = 0;
	double cpu_s;

	for (unsigned i = 0; i < START_S * 10; i++, nap(100)) {
		if (!is_alive()) {
			rival.pid = 0;
			snprintf(why, BENCH_WHY, "l3fwd: ended while starting; see %s/log",
				 rival.folder);
			rival.folder[0] = '\0'; /* kept, to be looked at */
			return false;
		}
		if (rival.telemetry < 0 && !telemetry_open())
			continue;
		if (read_counters(&packets, &cpu_s) && packets > 100000)
			return true;
	}
	return fail(why, "forwards nothing");
}

bool rival_l3fwd_start(const struct rival_l3fwd_config *config, char why[BENCH_WHY])
{
	char path[256];

	if (config->flows > RIVAL_L3FWD_FLOWS_MAX || config->frame_bytes > FRAME_MAX)
		return fail(why, "more flows than a capture in memory can hold");
	if (!build(path, sizeof path, why))
		return false;
	snprintf(rival.folder, sizeof rival.folder, "/tmp/viaduct-l3fwd-XXXXXX");
	if (!mkdtemp(rival.folder) || !write_rules(config->flows) || !write_capture(config))
		return fail(why, strerror(errno));
	rival.pid = fork();
	if (rival.pid == 0) {
		if (chdir(rival.folder) == 0)
			become(path, config);
		_exit(127);
	}
	machine_rival(rival.pid);
	if (rival.pid < 0 || !wait_until_it_forwards(why)) {
		rival_l3fwd_end();
		return false;
	}
	kill(rival.pid, SIGSTOP);
	return true;
}

bool rival_l3fwd_measure(double seconds, double *per_s_out, char why[BENCH_WHY])
{
	uint64_t before = 0, after = 0;
	double from = 0, to = 0;
	bool ok;

	kill(rival.pid, SIGCONT);
	nap(100); /* its caches are ours until now */
	ok = read_counters(&before, &from);
	nap((unsigned)(seconds * 1000));
	ok = read_counters(&after, &to) && ok;
	kill(rival.pid, SIGSTOP);
	if (!ok || to <= from)
		return fail(why, "its telemetry does not answer");
	*per_s_out = (double)(after - before) / (to - from);
	return true;
}

/* Its own folder, and the one that EAL leaves behind. */
static void remove_folders(void)
{
	static const char *const names[] = { "v4", "v6", "flows.pcap", "log" };
	struct sockaddr_un address;
	char path[128];

	telemetry_address(&address);
	unlink(address.sun_path);
	*strrchr(address.sun_path, '/') = '\0';
	rmdir(address.sun_path);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", rival.folder, names[i]);
		unlink(path);
	}
	rmdir(rival.folder);
}

void rival_l3fwd_end(void)
{
	if (rival.telemetry >= 0)
		close(rival.telemetry);
	rival.telemetry = -1;
	if (rival.pid > 0) {
		kill(rival.pid, SIGKILL);
		waitpid(rival.pid, NULL, 0);
	}
	rival.pid = 0;
	machine_rival(0);
	if (rival.folder[0])
		remove_folders();
	rival.folder[0] = '\0';
}

const char *rival_l3fwd_version(void)
{
	return rival.version;
}
