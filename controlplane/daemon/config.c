/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "controlplane/daemon/keys.h"

enum vd_err config_fail(struct config_error *error, enum vd_err err, const char *name,
			unsigned line, const char *key, const char *why)
{
	char at[32] = "";

	if (line)
		snprintf(at, sizeof at, ":%u", line);
	error->line = line;
	snprintf(error->key, sizeof error->key, "%s", key);
	snprintf(error->text, sizeof error->text, "%s%s%s%s: %s", name ? name : "", at,
		 name ? ": " : "", key, why);
	vd_utf8_make_plain(error->text); /* it goes to a terminal */
	return err;
}

void config_default(struct config *config)
{
	memset(config, 0, sizeof *config);
	config_defaults_below("", config);
}

void config_fini(struct config *config)
{
	config_free_below("", config);
	memset(config, 0, sizeof *config);
}

/* ---- --dev ---- */

/* A directory that is ours alone; made if it is not there. */
static enum vd_err own_directory(const char *path, struct config_error *error)
{
	char why[KEY_WHY];
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST) {
		snprintf(why, sizeof why,
			 "cannot make %s: %s; set XDG_RUNTIME_DIR to a directory "
			 "of yours",
			 path, strerror(errno));
		return config_fail(error, VD_ESYS, NULL, 0, "api.socket", why);
	}
	if (lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077)) {
		snprintf(why, sizeof why,
			 "%s is not a directory of yours alone; remove it, or set "
			 "XDG_RUNTIME_DIR",
			 path);
		errno = EPERM;
		return config_fail(error, VD_ESYS, NULL, 0, "api.socket", why);
	}
	return VD_OK;
}

enum { DIRECTORY = CONFIG_SOCKET - 16 };

static void dev_directory(char out[DIRECTORY])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n = runtime && *runtime ? snprintf(out, DIRECTORY, "%s/viaduct", runtime) : DIRECTORY;

	if (n >= DIRECTORY)
		snprintf(out, DIRECTORY, "/tmp/viaduct-%u", (unsigned)geteuid());
}

void config_default_dev(struct config *config)
{
	struct config_dataplane *dataplane = &config->dataplane;
	char directory[DIRECTORY];

	dev_directory(directory);
	config_default(config);
	config->dev = true;
	config->key[0] = 0;
	dataplane->huge = CONFIG_HUGE_OFF;
	dataplane->port_count = 1;
	dataplane->ports[0] = (struct dp_port_config){ .name = "dev",
						       .driver = DP_DRIVER_UDP,
						       .bind.ip = { [10] = 0xff, [11] = 0xff } };
	snprintf(config->api.socket, sizeof config->api.socket, "%s/api.sock", directory);
}

enum vd_err config_dev(struct config *config, struct config_error *error)
{
	char directory[DIRECTORY];
	enum vd_err err;

	dev_directory(directory);
	err = own_directory(directory, error);
	if (!err)
		config_default_dev(config);
	return err;
}

/* ---- reading ---- */

static enum vd_err fail_file(const char *path, struct config_error *error)
{
	char why[KEY_WHY];
	const char *cure = errno == ENOENT   ? "give its path with --config"
			   : errno == EACCES ? "let this user read it"
					     : "give a readable file";
	int saved = errno;

	snprintf(why, sizeof why, "cannot be read: %s; %s", strerror(errno), cure);
	errno = saved;
	return config_fail(error, VD_ESYS, path, 0, "file", why);
}

/* All of a file, up to one byte above the limit. */
static enum vd_err load_file(const char *path, uint8_t **bytes_out, size_t *len_out,
			     struct config_error *error)
{
	size_t len = 0, cap = CONFIG_BYTES_MAX + 1;
	uint8_t *bytes = (uint8_t *)malloc(cap);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	enum vd_err err = VD_OK;

	while (bytes && n > 0 && len < cap) {
		n = read(fd, bytes + len, cap - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (!bytes)
		err = config_fail(error, VD_ENOMEM, path, 0, "file", "no memory to read it");
	else if (n < 0)
		err = fail_file(path, error);
	if (fd >= 0)
		close(fd);
	if (err) {
		free(bytes);
		return err;
	}
	*bytes_out = bytes;
	*len_out = len;
	return VD_OK;
}

enum vd_err config_read_file(const char *path, struct config *config, struct config_error *error)
{
	uint8_t *bytes;
	size_t len;
	enum vd_err err = load_file(path, &bytes, &len, error);

	if (err)
		return err;
	err = config_parse(vd_bytes(bytes, len), path, config, error);
	free(bytes);
	return err;
}

/* A dpdk port's `bind` is a UDP port alone (dataplane.h). */
static void zero_dpdk_addresses(struct config_dataplane *dataplane)
{
	for (uint32_t i = 0; i < dataplane->port_count; i++)
		if (dataplane->ports[i].driver == DP_DRIVER_DPDK)
			memset(dataplane->ports[i].bind.ip, 0, sizeof dataplane->ports[i].bind.ip);
}

enum vd_err config_read(const char *path, struct config *config, struct config_error *error)
{
	enum vd_err err = path ? config_read_file(path, config, error) : VD_OK;

	if (!err)
		err = config_environment(environ, config, error);
	if (!err)
		err = config_check_as(config, path, error);
	if (!err)
		zero_dpdk_addresses(&config->dataplane);
	return err;
}

static const struct config_key *key_of_variable(const char *name, size_t len)
{
	for (size_t i = 0; i < config_key_count; i++) {
		char known[CONFIG_KEY];

		if (config_key_variable(&config_keys[i], known) && strlen(known) == len &&
		    memcmp(known, name, len) == 0)
			return &config_keys[i];
	}
	return NULL;
}

static enum vd_err take_variable(const char *variable, struct config *config,
				 struct config_error *error)
{
	const char *equals = strchr(variable, '=');
	const struct config_key *key;
	char name[CONFIG_KEY];

	if (strncmp(variable, "VIADUCT_", 8) != 0 || !equals)
		return VD_OK;
	snprintf(name, sizeof name, "%.*s", (int)(equals - variable), variable);
	key = key_of_variable(variable, (size_t)(equals - variable));
	if (key)
		return config_yaml_value(equals + 1, key, name, config, error);
	/* Not an error: orchestrators set variables of this shape for services so named. */
	if (strcmp(name, "VIADUCT_API") != 0)
		vd_log(VD_LOG_WARN, VD_SUB_CONFIG,
		       "environment variable names no key, and is ignored",
		       VD_STR("variable", name));
	return VD_OK;
}

enum vd_err config_environment(char *const *variables, struct config *config,
			       struct config_error *error)
{
	for (; *variables; variables++) {
		enum vd_err err = take_variable(*variables, config, error);

		if (err)
			return err;
	}
	return VD_OK;
}

const char *config_needs_restart(const struct config *running, const struct config *next)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (!key->reload && !strchr(key->path, '[') &&
		    !config_value_equal(key, running, next))
			return key->path;
	}
	return NULL;
}

/* ---- tiers ---- */

bool tier_has(const struct tier *tier, const struct tier_claim *claim)
{
	const struct tier_cidr_list *cidrs = &tier->cidrs;

	if (!tier->peers.given && !cidrs->given && !tier->tokens.given)
		return false;
	return (!tier->peers.given || tier_peer_list_has(&tier->peers, claim->peer)) &&
	       (!cidrs->given || (claim->ip && tier_cidr_list_has(cidrs, claim->ip))) &&
	       (!tier->tokens.given ||
		(claim->token && tier_token_list_has(&tier->tokens, claim->token)));
}

const struct tier *config_tier_of(const struct config *config, const struct tier_claim *claim)
{
	for (uint32_t i = 0; i < config->link.tier_count; i++)
		if (tier_has(&config->link.tiers[i], claim))
			return &config->link.tiers[i];
	return NULL;
}
