/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/client_verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/utf8.h"

enum { WAIT_S = 15, ANSWER_MAX = 64 << 20 };

/* The socket of a daemon that was started with --dev. */
static void dev_socket(char out[CLIENT_SOCKET])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (!runtime || !*runtime ||
	    snprintf(out, CLIENT_SOCKET, "%s/viaduct/api.sock", runtime) >= CLIENT_SOCKET)
		snprintf(out, CLIENT_SOCKET, "/tmp/viaduct-%u/api.sock", (unsigned)geteuid());
}

static void explain_connect(const char *path, int cause, char why[CLIENT_WHY])
{
	char dev[CLIENT_SOCKET];

	dev_socket(dev);
	if (cause == EACCES)
		snprintf(why, CLIENT_WHY,
			 "may not use %s; run as root, or as a member of the socket's group", path);
	else if (strcmp(path, dev) != 0 && access(dev, F_OK) == 0)
		snprintf(why, CLIENT_WHY,
			 "no daemon at %s (%s), but there is one of --dev; add --api %s", path,
			 strerror(cause), dev);
	else
		snprintf(why, CLIENT_WHY,
			 "no daemon at %s (%s); start viaductd, or name its socket with --api or "
			 "VIADUCT_API",
			 path, strerror(cause));
}

static int connect_to(const char *path, char why[CLIENT_WHY])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = WAIT_S };
	int fd;

	if (strlen(path) >= sizeof addr.sun_path) {
		snprintf(why, CLIENT_WHY, "the socket's path is too long; name a shorter one");
		return -1;
	}
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof addr) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		return fd;
	}
	explain_connect(path, errno, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Takes args. */
static bool send_request(int fd, const char *command, json_t *args)
{
	json_t *request = json_pack("{s:s, s:o}", "command", command, "args", args);
	char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
	bool ok = line != NULL;

	for (size_t at = 0, len = line ? strlen(line) : 0; ok && at <= len;) {
		/* the NUL's place is the newline's */
		ssize_t n = at < len ? send(fd, line + at, len - at, MSG_NOSIGNAL)
				     : send(fd, "\n", 1, MSG_NOSIGNAL);

		ok = n > 0;
		at += n > 0 ? (size_t)n : 0;
	}
	free(line);
	json_decref(request);
	return ok;
}

/* A line without its newline; NULL: why tells. */
static char *read_line(int fd, char why[CLIENT_WHY])
{
	size_t len = 0, cap = 0;
	char *line = NULL;

	for (;;) {
		ssize_t n;

		if (cap - len < 4096) {
			char *more =
			    cap < ANSWER_MAX ? (char *)realloc(line, cap * 2 + 8192) : NULL;

			if (!more) {
				snprintf(why, CLIENT_WHY, "the answer is too large");
				break;
			}
			line = more;
			cap = cap * 2 + 8192;
		}
		n = recv(fd, line + len, cap - len, 0);
		if (n <= 0) {
			snprintf(why, CLIENT_WHY,
				 n == 0 ? "the daemon closed the connection; see its log"
					: "no answer from the daemon; see its log");
			break;
		}
		len += (size_t)n;
		if (line[len - 1] == '\n') {
			line[len - 1] = 0;
			return line;
		}
	}
	free(line);
	return NULL;
}

static int read_answer(const char *line, json_t **answer_out, char why[CLIENT_WHY])
{
	json_t *root = json_loads(line, 0, NULL);
	json_t *ok = json_object_get(root, "ok");
	const char *error = json_string_value(json_object_get(root, "error"));

	if (ok) {
		*answer_out = json_incref(ok);
	} else {
		snprintf(why, CLIENT_WHY, "%s",
			 error ? error : "the answer is not understood; is it the same version?");
		vd_utf8_make_plain(why); /* a peer may have written of it */
	}
	json_decref(root);
	return ok ? CLIENT_OK : CLIENT_REFUSED;
}

int client_call(const char *path, const char *command, json_t *args, json_t **answer_out,
		char why[CLIENT_WHY])
{
	int fd, status = CLIENT_UNREACHABLE;
	char *line = NULL;

	if (!args) {
		snprintf(why, CLIENT_WHY, "an argument is not UTF-8; write it as UTF-8 text");
		return CLIENT_USAGE;
	}
	fd = connect_to(path, why);
	if (fd < 0) {
		json_decref(args);
		return CLIENT_UNREACHABLE;
	}
	if (send_request(fd, command, args))
		line = read_line(fd, why);
	else
		snprintf(why, CLIENT_WHY, "the daemon does not take the request; see its log");
	if (line)
		status = read_answer(line, answer_out, why);
	free(line);
	close(fd);
	return status;
}

int client_request(const char *path, const char *command, const char *argument, json_t **answer_out,
		   char why[CLIENT_WHY])
{
	json_t *args = argument ? json_pack("[s]", argument) : json_array();

	return client_call(path, command, args, answer_out, why);
}

/* ---- what all verbs use ---- */

int client_complain(int status, const char *why)
{
	fprintf(stderr, "viaduct: %s\n", why);
	return status;
}

/* Of what controls a terminal, jansson escapes C0 alone. */
static void put_escaped(FILE *out, struct vd_bytes text)
{
	while (text.len > 0) {
		size_t len = vd_utf8_len(text);

		len = len ? len : 1; /* jansson lets none of these pass */
		if (text.at[0] >= 0x7f && vd_utf8_is_control(text.at, len))
			fprintf(out, "\\u%04X",
				text.at[len - 1]); /* DEL, or C2 and the code point */
		else
			fwrite(text.at, 1, len, out);
		text = vd_bytes(text.at + len, text.len - len);
	}
}

bool client_write_json(FILE *out, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags);

	if (!text)
		return false;
	put_escaped(out, vd_bytes_of_text(text));
	free(text);
	return fputc('\n', out) != EOF;
}

int client_print(json_t *value)
{
	bool written = client_write_json(stdout, value, JSON_INDENT(2) | JSON_REAL_PRECISION(12));

	json_decref(value);
	return written && !fflush(stdout) ? CLIENT_OK : CLIENT_REFUSED;
}

int client_ask(const struct client_options *options, const char *command, json_t **answer_out)
{
	char why[CLIENT_WHY];
	int status = client_request(options->api, command, NULL, answer_out, why);

	return status ? client_complain(status, why) : CLIENT_OK;
}
