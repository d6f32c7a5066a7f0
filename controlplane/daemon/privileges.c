/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/permits.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/why.h"

#define FAIL(why, ...) (snprintf((why), NODE_WHY, __VA_ARGS__), VD_EUSER)

static const char usual_user[] = "viaduct";

static bool needs_net_admin(const struct config *config)
{
	for (uint32_t i = 0; i < config->dataplane.port_count; i++)
		if (config->dataplane.ports[i].driver == DP_DRIVER_DPDK)
			return true;
	return config->tun.enabled;
}

/* Of `count` capabilities those that this thread has, and no others. */
static enum vd_err keep(const cap_value_t *wanted, int count)
{
	cap_t have = cap_get_proc(), next = cap_init();
	bool ok = have && next;

	for (int i = 0; i < count && ok; i++) {
		cap_flag_value_t on = CAP_CLEAR;

		ok = cap_get_flag(have, wanted[i], CAP_PERMITTED, &on) == 0 &&
		     cap_set_flag(next, CAP_PERMITTED, 1, &wanted[i], on) == 0 &&
		     cap_set_flag(next, CAP_EFFECTIVE, 1, &wanted[i], on) == 0;
	}
	ok = ok && cap_set_proc(next) == 0;
	cap_free(next);
	cap_free(have);
	return ok ? VD_OK : VD_ESYS;
}

static enum vd_err keep_needed(const struct node *node, bool until_open, char why[NODE_WHY])
{
	cap_value_t wanted[3];
	int count = 0;

	if (needs_net_admin(&node->config))
		wanted[count++] = CAP_NET_ADMIN;
	if (geteuid() == 0) /* else root could not even enter folders of the user viaduct */
		wanted[count++] = CAP_DAC_OVERRIDE;
	if (until_open)
		wanted[count++] = CAP_NET_BIND_SERVICE;
	return keep(wanted, count) ? FAIL(why, "cannot give up capabilities: %s", strerror(errno))
				   : VD_OK;
}

/* The folder of the API's socket, if there is none, for the user that will make the socket. */
static void give_folder(const char *socket, const struct passwd *user)
{
	char path[CONFIG_SOCKET];
	int fd;

	snprintf(path, sizeof path, "%s", socket);
	if (!*socket || mkdir(dirname(path), 0755))
		return;
	snprintf(path, sizeof path, "%s", socket);
	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fchown(fd, user->pw_uid, user->pw_gid); /* a failure shows at bind */
	close(fd);
}

/* All threads change, and those but this one lose their capabilities. */
static bool become(const struct passwd *user)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 &&
	       initgroups(user->pw_name, user->pw_gid) == 0 &&
	       setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	       setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0 &&
	       prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0;
}

static void warn_of_root(const struct node *node, const char *cause)
{
	if (!node->config.dev)
		vd_log(VD_LOG_WARN, VD_SUB_DAEMON,
		       "stays root; make a user for it (useradd --system --shell "
		       "/usr/sbin/nologin viaduct), or say user: root",
		       VD_STR("cause", cause));
}

/* The user to become; NULL: none, or `why` tells the error. */
static const struct passwd *find_user(const struct node *node, char why[NODE_WHY])
{
	const char *name = node->config.user;
	bool automatic = strcmp(name, "auto") == 0;
	const struct passwd *user;

	if (automatic && (geteuid() != 0 || node->config.dev))
		return NULL;
	user = getpwnam(automatic ? usual_user : name);
	if (!user && automatic)
		warn_of_root(node, "no user viaduct");
	else if (!user)
		(void)FAIL(why,
			   "user: there is no user `%s`; make it (useradd --system --shell "
			   "/usr/sbin/nologin %s), or name another",
			   name, name);
	else if (user->pw_uid == geteuid())
		return NULL;
	else if (geteuid() != 0)
		(void)FAIL(why,
			   "user: viaductd is not root, so it cannot become `%s`; start it as "
			   "root or as that user, or take the key out",
			   name);
	else
		return user;
	return NULL;
}

ON_CONTROL static enum vd_err change_user(struct node *node, const struct passwd *user,
					  char why[NODE_WHY])
{
	if (seteuid(user->pw_uid) == 0) { /* a container may not know it, or not allow it */
		(void)seteuid(0);
		give_folder(node->config.api.socket, user);
		if (node_give_listeners(node, user->pw_uid))
			return FAIL(why,
				    "cannot give the TCP listeners to user `%s`: %s; it needs "
				    "CAP_CHOWN",
				    user->pw_name, strerror(errno));
		if (!become(user))
			return FAIL(why, "cannot become user `%s`: %s", user->pw_name,
				    strerror(errno));
		snprintf(node->user, sizeof node->user, "%s", user->pw_name);
		return VD_OK;
	}
	if (strcmp(node->config.user, "auto") != 0)
		return FAIL(why, "cannot become user `%s`: %s; say user: root in a user namespace",
			    user->pw_name, strerror(errno));
	warn_of_root(node, strerror(errno));
	return VD_OK;
}

/* ---- what SIGHUP will want to read ---- */

static void warn_of_reload(const struct node *node, const char *cause)
{
	vd_log(VD_LOG_WARN, VD_SUB_CONFIG,
	       "SIGHUP will not work: this user cannot read again what was read before; let it "
	       "(chgrp, chmod 640)",
	       VD_STR("cause", cause), VD_STR("user", node->user));
}

/* With the files that it names for lists. */
static void try_config(const struct node *node)
{
	static struct config again; /* too large for the stack */
	struct config_error error;

	config_default(&again);
	if (config_read_file(node->config_path, &again, &error))
		warn_of_reload(node, error.text);
	config_fini(&again);
}

static void try_names(const struct node *node)
{
	char why[NODE_WHY];
	struct names names;

	if (node_read_names(&node->config, &names, why))
		warn_of_reload(node, why);
	else
		names_fini(&names);
}

ON_CONTROL static void try_token(struct node *node)
{
	char why[NODE_WHY];

	if (node_read_token(node, why))
		vd_log(VD_LOG_WARN, VD_SUB_CONFIG,
		       "SIGHUP will not take a new token: this user cannot read the file; give it "
		       "to it (chown)",
		       VD_STR("cause", why), VD_STR("user", node->user));
}

ON_CONTROL static void try_files(struct node *node)
{
	if (!node->config_path)
		return;
	try_config(node);
	try_names(node);
	try_token(node);
}

enum vd_err node_drop_root(struct node *node, char why[NODE_WHY])
{
	const struct passwd *user;
	enum vd_err err = VD_OK;

	why[0] = 0;
	user = find_user(node, why);
	if (why[0])
		return VD_EUSER;
	if (user)
		err = change_user(node, user, why);
	if (!err)
		err = keep_needed(node, true, why);
	if (!err)
		try_files(node);
	return err;
}

enum vd_err node_settle(struct node *node, char why[NODE_WHY])
{
	enum vd_err err = keep_needed(node, false, why);

	if (!err && node->user[0])
		vd_log(VD_LOG_INFO, VD_SUB_DAEMON, "not root any more", VD_STR("user", node->user));
	return err;
}
