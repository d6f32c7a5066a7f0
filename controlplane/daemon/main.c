/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* viaductd: the daemon. Reads what it is told, opens a node, runs it. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/init.h"
#include "base/log.h"
#include "base/version.h"
#include "controlplane/daemon/config.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/why.h"

static const char help[] =
    "usage: viaductd --config FILE\n"
    "       viaductd --dev\n"
    "\n"
    "Viaduct, an overlay router for libp2p and IPFS: a packet switch on DPDK or on\n"
    "UDP sockets, and the control plane beside it.\n"
    "\n"
    "  --config FILE        run with this configuration (docs/configuration.md)\n"
    "  --check-config       with --config: check it, and exit\n"
    "  --dev                no root, no huge pages, UDP sockets only, throw-away identity\n"
    "  --config-reference   print every configuration key, and exit\n"
    "  --version            print the version, and exit\n"
    "  --help               print this, and exit\n"
    "\n"
    "Ready: one line `ready peer=<peer id> listen=<multiaddr>[,<multiaddr>...]` on standard\n"
    "output. Logs go to standard error. SIGTERM: drains and exits 0.\n"
    "Talk to it with `viaduct` (viaduct --help).\n";

enum { EXIT_USAGE = 2 };

struct arguments {
	const char *config;
	bool check, dev;
};

/* Exits for what is answered at once. */
/* The status to end with once all is printed. */
static int printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fputs("viaductd: cannot write the output\n", stderr);
	return EXIT_FAILURE;
}

static struct arguments parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "dev", no_argument, NULL, 'd' },
		{ "config-reference", no_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct arguments arguments = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c': arguments.config = optarg; break;
		case 'k': arguments.check = true; break;
		case 'd': arguments.dev = true; break;
		case 'r': config_reference(stdout); exit(printed());
		case 'v': puts("viaductd " VD_VERSION); exit(printed());
		case 'h': fputs(help, stdout); exit(printed());
		default: fputs("viaductd: see viaductd --help\n", stderr); exit(EXIT_USAGE);
		}
	}
	if (optind < argc || (!arguments.config && !arguments.dev)) {
		fputs("viaductd: say --config FILE, or --dev to try it; see viaductd --help\n",
		      stderr);
		exit(EXIT_USAGE);
	}
	return arguments;
}

static void read_config(const struct arguments *arguments, struct config *config)
{
	struct config_error error;

	if (arguments->dev) {
		if (config_dev(config, &error))
			goto failed;
	} else {
		config_default(config);
	}
	if (!config_read(arguments->config, config, &error))
		return;
failed:
	fprintf(stderr, "viaductd: %s\n", error.text);
	exit(EXIT_FAILURE);
}

/* As many files as the configuration asks for; how many more may be open is not ours to change. */
static void allow_files(const struct arguments *arguments, const struct config *config)
{
	struct config_error error;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < limit.rlim_max && limit.rlim_cur < config_files(config)) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (!config_check_files(config, arguments->config, limit.rlim_cur, &error))
		return;
	fprintf(stderr, "viaductd: %s\n", error.text);
	exit(EXIT_FAILURE);
}

/* For --check-config. */
static void check_names(const struct config *config)
{
	struct names names;
	char why[NODE_WHY];

	if (node_read_names(config, &names, why)) {
		fprintf(stderr, "viaductd: %s\n", why);
		exit(EXIT_FAILURE);
	}
	names_fini(&names);
}

static int run(const struct config *config, const char *path)
{
	static struct node node;
	char why[NODE_WHY] = "", line[16384];

	vd_role_control();
	if (node_open(&node, config, path, why)) {
		fprintf(stderr, "viaductd: %s\n", why);
		node_close(&node);
		return EXIT_FAILURE;
	}
	node_ready_line(&node, line, sizeof line);
	puts(line);
	fflush(stdout);
	node_run(&node);
	node_close(&node);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct arguments arguments = parse_arguments(argc, argv);
	static struct config config;

	if (vd_init()) {
		fputs("viaductd: libsodium does not start\n", stderr);
		return EXIT_FAILURE;
	}
	read_config(&arguments, &config);
	allow_files(&arguments, &config);
	if (arguments.check) {
		check_names(&config);
		puts("configuration ok");
		config_fini(&config);
		return EXIT_SUCCESS;
	}
	vd_log_to(STDERR_FILENO);
	vd_log_set_format((enum vd_log_format)config.log.format);
	(void)vd_log_set_levels(config.log.level);
	signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return run(&config, arguments.config);
}
