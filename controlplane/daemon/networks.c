/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/networks.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/why.h"
#include "controlplane/proto/pnet.h"

#define FAIL(why, ...) (snprintf((why), NODE_WHY, __VA_ARGS__), VD_EUSER)

/* What makes the file unfit before it is read; NULL: nothing. */
static const char *unfit(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no file; name the one with the key";
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return "can be read or changed by other users; chmod 600 it, and if they are not "
		       "trusted take a new key";
	return NULL;
}

/* One byte more than a key file has shows one that is too long. */
static enum vd_err read_key(int fd, struct pnet_key *key_out, const char **reason_out)
{
	uint8_t file[PNET_FILE_MAX + 1];
	ssize_t len = read(fd, file, sizeof file);
	enum vd_err err = VD_EUSER;

	*reason_out = "cannot be read";
	if (len >= 0)
		err = pnet_key_read(vd_bytes(file, (size_t)len), key_out, reason_out);
	sodium_memzero(file, sizeof file);
	return err;
}

static void log_fingerprint(const struct config_network *network, const struct pnet_key *key)
{
	uint8_t fingerprint[PNET_FINGERPRINT];

	if (!pnet_key_fingerprint(key, fingerprint))
		vd_log(VD_LOG_INFO, VD_SUB_HOST, "private network",
		       VD_STR("network", network->name),
		       VD_HEX("fingerprint", vd_bytes(fingerprint, sizeof fingerprint)));
}

enum vd_err node_read_network_key(const struct config_network *network, struct pnet_key *key_out,
				  char why[NODE_WHY])
{
	int fd = open(network->key, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *problem;
	struct stat st;

	if (fd < 0)
		return FAIL(
		    why,
		    "host.networks %s: cannot read the key %.200s: %s; name a key file that "
		    "this user can read",
		    network->name, network->key, strerror(errno));
	problem = fstat(fd, &st) ? "cannot be looked at" : unfit(&st);
	if (problem) {
		close(fd);
		return FAIL(why, "host.networks %s: the key %.200s %s", network->name, network->key,
			    problem);
	}
	if (read_key(fd, key_out, &problem)) {
		close(fd);
		return FAIL(
		    why,
		    "host.networks %s: the key %.200s %s; copy the file from a node of that "
		    "network, where kubo has it as swarm.key",
		    network->name, network->key, problem);
	}
	close(fd);
	log_fingerprint(network, key_out);
	return VD_OK;
}
