/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* `viaduct key`: needs no daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/formats/key.h"
#include "controlplane/daemon/client_verbs.h"

static int show_peer(const struct client_options *options, const struct vd_identity *identity)
{
	char text[VD_PEER_ID_TEXT];

	vd_peer_id_text(&identity->id, text);
	if (options->json)
		return client_print(json_pack("{s:s}", "peer", text));
	puts(text);
	return CLIENT_OK;
}

static int key_gen(const struct client_options *options, const char *path)
{
	struct vd_identity identity;
	char why[CLIENT_WHY];
	int status = CLIENT_OK;

	vd_identity_generate(&identity);
	if (vd_identity_write_file(&identity, path)) {
		snprintf(why, sizeof why, "cannot write %s: %s; %s", path, strerror(errno),
			 errno == EEXIST ? "keys are never replaced: name another file, or move "
					   "that one away"
					 : "name a file in a directory you can write to");
		status = client_complain(CLIENT_REFUSED, why);
	} else {
		status = show_peer(options, &identity);
	}
	vd_identity_fini(&identity);
	return status;
}

static int key_show(const struct client_options *options, const char *path)
{
	struct vd_identity identity;
	char why[CLIENT_WHY];
	enum vd_err err = vd_identity_read_file(path, &identity);
	int status;

	if (err) {
		snprintf(why, sizeof why, "cannot read %s: %s", path,
			 err == VD_ESYS
			     ? strerror(errno)
			     : "it is no Ed25519 libp2p private key, or others can read it; chmod "
			       "600 it, or make one with `viaduct key gen`");
		return client_complain(CLIENT_REFUSED, why);
	}
	status = show_peer(options, &identity);
	vd_identity_fini(&identity);
	return status;
}

int client_key(const struct client_options *options)
{
	if (strcmp(options->words[1], "gen") == 0)
		return key_gen(options, options->words[2]);
	if (strcmp(options->words[1], "show") == 0)
		return key_show(options, options->words[2]);
	return client_complain(CLIENT_USAGE,
			       "key gen FILE makes a key, key show FILE tells its peer id");
}
