/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/eal.h"

#include <ctype.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "base/log.h"

enum { LOG_BYTES = 8192, ARGS_MAX = 16, LCORES_BYTES = 1024 };

/* The last lines that DPDK logged. Its threads log too, hence the lock. */
static struct {
	pthread_mutex_t lock;
	size_t len;
	char text[LOG_BYTES];
} heard = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Newer lines push out older ones by halves. */
static void keep(const char *text, size_t len)
{
	if (len > LOG_BYTES / 2)
		len = LOG_BYTES / 2;
	if (heard.len + len >= LOG_BYTES) {
		size_t kept = LOG_BYTES / 2 - 1;
		memmove(heard.text, heard.text + heard.len - kept, kept);
		heard.len = kept;
	}
	memcpy(heard.text + heard.len, text, len);
	heard.len += len;
	heard.text[heard.len] = '\0';
}

/* Where DPDK's log goes: warnings and worse are kept for dp_eal_why, all is for debugging. */
static ssize_t hear(void *cookie, const char *text, size_t len)
{
	char line[DP_WHY];

	(void)cookie;
	if (rte_log_cur_msg_loglevel() <= (int)RTE_LOG_WARNING) {
		pthread_mutex_lock(&heard.lock);
		keep(text, len);
		pthread_mutex_unlock(&heard.lock);
	}
	snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
	vd_log(VD_LOG_DEBUG, VD_SUB_DATAPLANE, "dpdk says", VD_STR("line", line));
	return (ssize_t)len;
}

void dp_eal_listen(void)
{
	pthread_mutex_lock(&heard.lock);
	heard.len = 0;
	heard.text[0] = '\0';
	pthread_mutex_unlock(&heard.lock);
}

/* What a line of DPDK's log means to an operator; the first row that is found counts. */
static const struct {
	const char *heard;
	const char *means;
} cures[] = {
	{ "Cannot get hugepage information",
	  "no huge pages are free; as root: echo 256 > /proc/sys/vm/nr_hugepages, "
	  "or set dataplane.huge: off" },
	{ "No free hugepages",
	  "no huge pages are free; as root: echo 256 > /proc/sys/vm/nr_hugepages, "
	  "or set dataplane.huge: off" },
	{ "no mounted hugetlbfs",
	  "no hugetlbfs is mounted; as root: mount -t hugetlbfs none /dev/hugepages" },
	{ "couldn't allocate memory",
	  "too few huge pages are free; raise /proc/sys/vm/nr_hugepages, "
	  "or set dataplane.huge: off" },
	{ "Cannot allocate memory", "memory is short: free some, or raise the memory limit" },
	{ "Failed to load xdp program",
	  "the XDP program was not accepted: it needs root (CAP_BPF, CAP_NET_ADMIN)" },
	{ "Failed to set xdp",
	  "another XDP program is on the interface; take it off: ip link set dev IFACE xdp off" },
	{ "ailed to create umem",
	  "no memory for packets may be locked: run as root, or raise the limit (ulimit -l "
	  "unlimited)" },
	{ "memif_connect_client", "the memif server is not there yet: start it first" },
	{ "Operation not permitted", "not permitted: run as root (CAP_NET_ADMIN, CAP_NET_RAW)" },
	{ "Permission denied", "not permitted: run as root (CAP_NET_ADMIN, CAP_NET_RAW)" },
	{ "No such device", "there is no such interface; ip link tells the names" },
	{ "failed to parse", "no driver has this name; devargs are DRIVER0,key=value,…" },
};

/* The first line: it is the driver's own, those behind it are EAL's about it. */
static void first_line(char *out, size_t cap)
{
	snprintf(out, cap, "%.*s", (int)strcspn(heard.text, "\n"), heard.text);
}

void dp_eal_why(const char *what, char why[DP_WHY])
{
	char line[DP_WHY / 2];

	pthread_mutex_lock(&heard.lock);
	first_line(line, sizeof line);
	for (size_t i = 0; i < sizeof cures / sizeof cures[0]; i++) {
		if (strstr(heard.text, cures[i].heard)) {
			snprintf(why, DP_WHY, "%s: %s", what, cures[i].means);
			pthread_mutex_unlock(&heard.lock);
			return;
		}
	}
	snprintf(why, DP_WHY, "%s%s%s", what, *line ? ": " : "", line);
	pthread_mutex_unlock(&heard.lock);
}

/* "0@(0,1,5)": the main lcore on every CPU that the process may use, so that it is not pinned. */
static void write_lcores(char *out, size_t cap)
{
	size_t len = (size_t)snprintf(out, cap, "0@(");
	const char *separator = "";
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof set, &set))
		CPU_SET(0, &set);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && cpu < RTE_MAX_LCORE; cpu++) {
		if (!CPU_ISSET(cpu, &set) || len + 8 > cap)
			continue;
		len += (size_t)snprintf(out + len, cap - len, "%s%u", separator, cpu);
		separator = ",";
	}
	snprintf(out + len, cap - len, ")");
}

/* devargs that name a PCI device: "0000:3b:00.0" or "pci:…". */
static bool names_pci(const char *devargs)
{
	return strncmp(devargs, "pci:", 4) == 0 || isxdigit((unsigned char)devargs[0])
		   ? strchr(devargs, ':') && strchr(devargs, '.')
		   : false;
}

static bool wants_pci(const struct dp_config *config)
{
	for (unsigned i = 0; i < config->port_count; i++)
		if (config->ports[i].driver == DP_DRIVER_DPDK &&
		    names_pci(config->ports[i].devargs))
			return true;
	return false;
}

static enum vd_err bring_up(const struct dp_config *config, unsigned memory_mb)
{
	char name[] = "viaductd", lcores[LCORES_BYTES], memory[16], *argv[ARGS_MAX];
	char no_telemetry[] = "--no-telemetry", option_lcores[] = "--lcores", no_pci[] = "--no-pci";
	char no_huge[] = "--no-huge", no_shconf[] = "--no-shconf", option_m[] = "-m";
	char in_memory[] = "--in-memory";
	int argc = 0;

	write_lcores(lcores, sizeof lcores);
	snprintf(memory, sizeof memory, "%u", memory_mb);
	argv[argc++] = name;
	argv[argc++] = option_lcores;
	argv[argc++] = lcores;
	argv[argc++] = no_telemetry;
	if (!wants_pci(config))
		argv[argc++] = no_pci;
	if (config->no_huge) { /* not with --in-memory: EAL 22.11 refuses the two together */
		argv[argc++] = no_huge;
		argv[argc++] = no_shconf;
		argv[argc++] = option_m;
		argv[argc++] = memory;
	} else {
		argv[argc++] = in_memory; /* no shared files: several daemons on a machine */
	}
	argv[argc] = NULL;
	return rte_eal_init(argc, argv) < 0 ? VD_ESYS : VD_OK;
}

enum vd_err dp_eal_open(const struct dp_config *config, unsigned memory_mb, char why[DP_WHY])
{
	static bool tried, up;
	cookie_io_functions_t listener = { .write = hear };
	FILE *stream;

	if (up)
		return VD_OK;
	if (tried) {
		snprintf(why, DP_WHY,
			 "EAL did not come up before and cannot be tried again; "
			 "start the program anew");
		return VD_ESYS;
	}
	tried = true;
	stream = fopencookie(NULL, "w", listener);
	if (!stream)
		return VD_ENOMEM;
	setvbuf(stream, NULL, _IOLBF, 1024);
	rte_openlog_stream(stream);
	if (bring_up(config, config->memory_mb ? config->memory_mb : memory_mb)) {
		fflush(stream);
		dp_eal_why("DPDK does not start", why);
		return VD_ESYS;
	}
	up = true;
	return VD_OK;
}
