/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* config_files: whether as many files may be open as the configuration asks for. */
#include <stdio.h>

#include "controlplane/daemon/keys.h"

enum {
	CONNECTIONS_MIN = 16, /* as the key has it */
	REST = 512,           /* the API's clients, files, timers, names that are looked up */
	A_WORKER = 16,        /* besides its sockets */
	A_NETWORK = 32,       /* its file of peers, listeners and DNS */
	A_THREAD = 8,         /* of a network: a loop, and the way to and from it */
};

static uint32_t networks_of(const struct config_host *host)
{
	return host->network_count + (host->listen.count != 0);
}

/* Without libp2p connections. */
static uint64_t rest_of(const struct config *config)
{
	const struct config_host *host = &config->host;
	uint32_t a_network = A_NETWORK + A_THREAD * host->threads;
	uint32_t a_worker = A_WORKER + config->dataplane.port_count;

	return REST + (uint64_t)networks_of(host) * a_network +
	       (uint64_t)config->dataplane.workers * a_worker;
}

uint64_t config_files(const struct config *config)
{
	return rest_of(config) + (networks_of(&config->host) ? config->host.connections_max : 0);
}

enum vd_err config_check_files(const struct config *config, const char *name, uint64_t files,
			       struct config_error *error)
{
	uint64_t rest = rest_of(config);
	char why[KEY_WHY], lower[48] = "";

	if (!networks_of(&config->host) || config_files(config) <= files)
		return VD_OK;
	if (files >= rest + CONNECTIONS_MIN)
		snprintf(lower, sizeof lower, "lower it to %u, or ", (unsigned)(files - rest));
	snprintf(why, sizeof why,
		 "%u connections, and %u for the rest, are more files than the %u that this "
		 "process may open; %sraise the limit (ulimit -Hn, or LimitNOFILE= of the unit)",
		 config->host.connections_max, (unsigned)rest, (unsigned)files, lower);
	return config_fail(error, VD_EUSER, name, 0, "host.connections_max", why);
}
