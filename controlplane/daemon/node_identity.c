/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/node_identity.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/daemon/node.h"
#include "controlplane/daemon/why.h"

#define FAIL(why, ...) (snprintf((why), NODE_WHY, __VA_ARGS__), VD_EUSER)

/* Root's, ours, or that of the user that we shall become: others could exchange it. */
static bool is_trusted(const struct node *node, uid_t owner)
{
	const struct passwd *user = NULL;

	if (owner == 0 || owner == geteuid())
		return true;
	if (geteuid() == 0)
		user = getpwnam(strcmp(node->config.user, "auto") == 0 ? "viaduct"
								       : node->config.user);
	return user && user->pw_uid == owner;
}

/* What makes the file unfit before it is read; NULL: nothing. */
static const char *unfit(const struct node *node, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "is a directory; name the file in it";
	if (!S_ISREG(st->st_mode))
		return "is no regular file; name one (`viaduct key gen FILE` makes it)";
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return "can be read or changed by other users, who may have done so; if they have "
		       "not: "
		       "chmod 600";
	if (!is_trusted(node, st->st_uid))
		return "belongs to another user, who can exchange it; chown it to root, or to the "
		       "user "
		       "that viaductd runs as";
	if (st->st_size == 0)
		return "is empty; put the key back from a backup, or remove the file and make a "
		       "new "
		       "key (`viaduct key gen`), which is another peer id";
	return NULL;
}

/* What it holds instead of a key of ours. */
static const char *foreign(const struct stat *st)
{
	if (st->st_size < VD_PRIVATE_KEY_BYTES)
		return "is too short for a key, as if cut off; put it back from a backup";
	if (st->st_size > VD_PRIVATE_KEY_BYTES)
		return "is longer than the 68 bytes of a libp2p Ed25519 private key, so it is "
		       "something "
		       "else (PEM, OpenSSH, an RSA key); name another file, which `viaduct key "
		       "gen` makes";
	return "is no libp2p Ed25519 private key (another type, or damaged); put it back from a "
	       "backup, "
	       "or name another file, which `viaduct key gen` makes";
}

enum vd_err node_read_identity(struct node *node, char why[NODE_WHY])
{
	const char *path = node->config.key, *problem;
	struct stat st;
	enum vd_err err;

	if (node->config.dev && !path[0]) {
		vd_identity_generate(&node->identity);
		return VD_OK;
	}
	if (stat(path, &st) && errno == ENOENT)
		return FAIL(why, "no key at %s; make one with: viaduct key gen %s", path, path);
	if (stat(path, &st))
		return FAIL(why, "cannot read the key %s: %s; let this user reach it", path,
			    strerror(errno));
	problem = unfit(node, &st);
	if (problem)
		return FAIL(why, "the key %s %s", path, problem);
	err = vd_identity_read_file(path, &node->identity);
	if (err == VD_ESYS)
		return FAIL(why, "cannot read the key %s: %s; let this user read it", path,
			    strerror(errno));
	return err ? FAIL(why, "the key %s %s", path, foreign(&st)) : VD_OK;
}
