/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* `viaduct token`: needs no daemon. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/tiers.h"

enum { RANDOM = 24, TEXT = sodium_base64_ENCODED_LEN(RANDOM, sodium_base64_VARIANT_URLSAFE) };

static int token_hash(const struct client_options *options, const char *path)
{
	uint8_t token[VD_TOKEN_MAX], hash[VD_TOKEN_HASH], len;
	char why[TIER_TOKEN_WHY], text[sizeof "sha256:" + 2 * VD_TOKEN_HASH] = "sha256:";

	if (tier_token_read(path, token, &len, why))
		return client_complain(CLIENT_REFUSED, why);
	tier_token_hash(token, len, hash);
	sodium_memzero(token, sizeof token);
	sodium_bin2hex(text + strlen(text), 2 * sizeof hash + 1, hash, sizeof hash);
	if (options->json)
		return client_print(json_pack("{s:s}", "hash", text));
	puts(text);
	return CLIENT_OK;
}

/* A new file, 0600; false with errno. */
static bool write_new(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	if (close(fd) || !done) {
		int saved = errno;

		unlink(path);
		errno = saved;
		return false;
	}
	return true;
}

static int token_gen(const struct client_options *options, const char *path)
{
	uint8_t bytes[RANDOM];
	char text[TEXT + 1], why[CLIENT_WHY];
	bool done;

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2base64(text, TEXT, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE);
	strcat(text, "\n");
	done = write_new(path, text);
	sodium_memzero(bytes, sizeof bytes);
	sodium_memzero(text, sizeof text);
	if (done)
		return token_hash(options, path);
	snprintf(why, sizeof why, "cannot write %s: %s; %s", path, strerror(errno),
		 errno == EEXIST ? "tokens are never replaced: name another file, or move that one "
				   "away"
				 : "name a file in a directory you can write to");
	return client_complain(CLIENT_REFUSED, why);
}

int client_token(const struct client_options *options)
{
	if (strcmp(options->words[1], "gen") == 0)
		return token_gen(options, options->words[2]);
	if (strcmp(options->words[1], "hash") == 0)
		return token_hash(options, options->words[2]);
	return client_complain(CLIENT_USAGE, "token gen FILE makes a token, token hash FILE tells "
					     "what its router's operator writes");
}
