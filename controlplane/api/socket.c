/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "controlplane/api/parts.h"

struct api_client {
	struct api_socket *socket;
	struct api_client *next;
	struct api_reply *first, *last; /* requests without an answer sent */
	unsigned pending;
	bool ended; /* no more requests: close when all are answered */
	bool closing;
	size_t len; /* of line */
	char line[API_REQUEST_MAX + 1];
	uv_pipe_t uv;
};

struct api_socket {
	struct api *api;
	struct api_client *clients;
	unsigned count;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	dev_t device; /* of the socket file that we made */
	ino_t inode;
	uv_pipe_t uv;
};

/* An answer on its way out. */
struct writing {
	uv_write_t uv;
	struct api_client *client;
	struct api_reply *reply;
};

static void run_lines(struct api_client *client);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);

/* ---- clients ---- */

static void on_client_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void close_client(struct api_client *client)
{
	struct api_client **at = &client->socket->clients;

	if (client->closing)
		return;
	client->closing = true;
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	client->socket->count--;
	while (client->first) {
		struct api_reply *reply = client->first;

		client->first = reply->next;
		api_reply_drop(reply);
	}
	uv_close((uv_handle_t *)&client->uv, on_client_closed);
}

static void on_written(uv_write_t *uv, int status)
{
	struct writing *w = (struct writing *)uv->data;
	struct api_client *client = w->client;

	api_reply_drop(w->reply);
	free(w);
	if (client->closing)
		return;
	if (status)
		close_client(client);
	else
		run_lines(client);
}

/* False: the client was closed. */
static bool send_first(struct api_client *client)
{
	struct api_reply *reply = client->first;
	struct writing *w = (struct writing *)calloc(1, sizeof *w);
	uv_buf_t buf;

	if (!w) {
		close_client(client);
		return false;
	}
	client->first = reply->next;
	client->pending--;
	*w = (struct writing){ .client = client, .reply = reply, .uv.data = w };
	buf = uv_buf_init(reply->text, (unsigned)strlen(reply->text));
	if (uv_write(&w->uv, (uv_stream_t *)&client->uv, &buf, 1, on_written)) {
		api_reply_drop(reply);
		free(w);
		close_client(client);
		return false;
	}
	return true;
}

void api_client_flush(struct api_client *client)
{
	while (!client->closing && client->first && client->first->text)
		if (!send_first(client))
			return;
}

/* Whether the client has had enough for now. */
static bool is_held_back(const struct api_client *client)
{
	return client->pending >= API_PENDING_MAX ||
	       uv_stream_get_write_queue_size((const uv_stream_t *)&client->uv) > API_BACKLOG_MAX;
}

static void run_line(struct api_client *client, const char *line, size_t len)
{
	struct api *api = client->socket->api;
	struct api_reply *reply = api_reply_new(api, client);

	if (!reply) {
		close_client(client);
		return;
	}
	if (client->first)
		client->last->next = reply;
	else
		client->first = reply;
	client->last = reply;
	client->pending++;
	api->counters.requests++;
	api_run(api, line, len, reply);
}

static void refuse_long(struct api_client *client)
{
	client->ended = true; /* where the next request starts is not known */
	client->len = 0;
	run_line(client, NULL, API_REQUEST_MAX + 1);
}

/* One line out of the buffer. False: there is none. */
static bool take_line(struct api_client *client)
{
	char *newline = (char *)memchr(client->line, '\n', client->len);
	char copy[API_REQUEST_MAX + 1];
	size_t len = newline ? (size_t)(newline - client->line) : client->len;

	if (!newline && client->len > API_REQUEST_MAX) {
		refuse_long(client);
		return true;
	}
	if (!newline && !(client->ended && client->len))
		return false;
	memcpy(copy, client->line, len);
	client->len -= len + (newline != NULL);
	memmove(client->line, client->line + len + 1, newline ? client->len : 0);
	run_line(client, copy, len);
	return true;
}

/*
 * Runs what is in the buffer, as far as the client may; then reads on, waits, or ends. From the
 * loop alone: a caller that gives an answer is in the middle of something.
 */
static void run_lines(struct api_client *client)
{
	bool more = true;

	while (more && !client->closing && !is_held_back(client))
		more = take_line(client);
	if (client->closing)
		return;
	if (client->ended || more)
		uv_read_stop((uv_stream_t *)&client->uv);
	else
		uv_read_start((uv_stream_t *)&client->uv, on_alloc, on_read);
	if (client->ended && !client->len && !client->pending &&
	    !uv_stream_get_write_queue_size((const uv_stream_t *)&client->uv))
		close_client(client);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct api_client *client = (struct api_client *)handle->data;

	(void)suggested;
	*buf =
	    uv_buf_init(client->line + client->len, (unsigned)(sizeof client->line - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct api_client *client = (struct api_client *)stream->data;

	(void)buf;
	if (n == UV_EOF)
		client->ended = true;
	else if (n < 0)
		close_client(client);
	else
		client->len += (size_t)n;
	if (n && !client->closing)
		run_lines(client);
}

static void turn_away(struct api_client *client)
{
	static const char text[] =
	    "{\"error\":\"too many clients on the daemon's socket; close some\"}\n";
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)text, sizeof text - 1);

	client->socket->api->counters.turned_away++;
	(void)uv_try_write((uv_stream_t *)&client->uv, &buf, 1);
	close_client(client);
}

static void on_connection(uv_stream_t *server, int status)
{
	struct api_socket *socket = (struct api_socket *)server->data;
	struct api_client *client = NULL;

	if (!status)
		client = (struct api_client *)calloc(1, sizeof *client);
	if (!client)
		return;
	client->socket = socket;
	uv_pipe_init(server->loop, &client->uv, 0);
	client->uv.data = client;
	client->next = socket->clients;
	socket->clients = client;
	socket->count++;
	if (uv_accept(server, (uv_stream_t *)&client->uv))
		close_client(client);
	else if (socket->count > API_CLIENTS_MAX)
		turn_away(client);
	else
		run_lines(client);
}

unsigned api_socket_clients(const struct api_socket *socket)
{
	return socket->count;
}

/* ---- the socket file ---- */

static enum vd_err fail(char why[API_WHY], enum vd_err err, const char *path, const char *what,
			const char *cure)
{
	snprintf(why, API_WHY, "API socket %s: %s; %s", path, what, cure);
	return err;
}

/* Removes the file of a dead daemon; refuses if it is anything else. */
static enum vd_err clear_path(const struct sockaddr_un *addr, char why[API_WHY])
{
	struct stat st;
	int fd, result;

	if (lstat(addr->sun_path, &st))
		return VD_OK; /* nothing there, or bind tells */
	if (!S_ISSOCK(st.st_mode))
		return fail(why, VD_EUSER, addr->sun_path, "there is a file that is no socket",
			    "remove it, or set api.socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(why, VD_ESYS, addr->sun_path, strerror(errno), "raise the limit");
	result = connect(fd, (const struct sockaddr *)addr, sizeof *addr) ? errno : 0;
	close(fd);
	if (result == ECONNREFUSED) {
		if (unlink(addr->sun_path))
			return fail(why, VD_ESYS, addr->sun_path, strerror(errno),
				    "remove what a dead daemon left there");
		return VD_OK;
	}
	if (result == 0 || result == EAGAIN) /* EAGAIN: alive, its backlog is full */
		return fail(why, VD_EUSER, addr->sun_path, "another daemon runs on it",
			    "stop that one, or set api.socket");
	return fail(why, VD_ESYS, addr->sun_path, strerror(result),
		    "run as the user it belongs to, or set api.socket");
}

/* /run/viaduct, where it was not made; its parent has to exist. */
static void make_directory(const char *path)
{
	char copy[sizeof((struct sockaddr_un *)0)->sun_path];

	snprintf(copy, sizeof copy, "%s", path);
	(void)mkdir(dirname(copy), 0755); /* a failure shows at bind */
}

static enum vd_err bind_socket(const struct sockaddr_un *addr, int *fd_out, char why[API_WHY])
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0117); /* 0660 from the start */
	bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)addr, sizeof *addr) == 0;
	int saved = errno;

	umask(mask);
	if (!ok) {
		if (fd >= 0)
			close(fd);
		return fail(why, VD_ESYS, addr->sun_path, strerror(saved),
			    saved == EMFILE
				? "raise the limit on descriptors (ulimit -n)"
				: "make its directory writable for this user, or set api.socket");
	}
	*fd_out = fd;
	return VD_OK;
}

static void on_socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static enum vd_err listen_on(struct api_socket *socket, int fd, char why[API_WHY])
{
	struct stat st;
	int err;

	uv_pipe_init(cp_loop_uv(socket->api->loop), &socket->uv, 0);
	socket->uv.data = socket;
	err = uv_pipe_open(&socket->uv, fd);
	if (!err)
		err = uv_listen((uv_stream_t *)&socket->uv, 64, on_connection);
	if (!err && lstat(socket->path, &st))
		err = -errno;
	if (err) {
		(void)fail(why, VD_ESYS, socket->path, uv_strerror(err), "see above");
		unlink(socket->path);
		uv_close((uv_handle_t *)&socket->uv, on_socket_closed);
		return VD_ESYS;
	}
	socket->device = st.st_dev;
	socket->inode = st.st_ino;
	return VD_OK;
}

enum vd_err api_socket_open(struct api *api, const char *path, struct api_socket **socket_out,
			    char why[API_WHY])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct api_socket *socket;
	enum vd_err err;
	int fd;

	if (strlen(path) >= sizeof addr.sun_path)
		return fail(why, VD_EUSER, path, "the path is too long",
			    "set a shorter api.socket");
	strcpy(addr.sun_path, path);
	make_directory(path);
	err = clear_path(&addr, why);
	if (!err)
		err = bind_socket(&addr, &fd, why);
	if (err)
		return err;
	socket = (struct api_socket *)calloc(1, sizeof *socket);
	if (!socket) {
		close(fd);
		unlink(path);
		return fail(why, VD_ENOMEM, path, "no memory", "free some");
	}
	socket->api = api;
	strcpy(socket->path, path);
	err = listen_on(socket, fd, why);
	if (!err)
		*socket_out = socket;
	return err;
}

/* Requests that wait, and those that were read and held back: in order, so that all are sent. */
static void refuse_rest(struct api_client *client)
{
	while (!client->closing && client->first)
		api_reply_give_up(client->first, API_GOES_DOWN);
	while (!client->closing && take_line(client))
		;
}

void api_socket_close(struct api_socket *socket)
{
	struct stat st;

	while (socket->clients) {
		struct api_client *client = socket->clients;

		refuse_rest(client);
		close_client(client);
	}
	/* another daemon may have taken the path over */
	if (lstat(socket->path, &st) == 0 && st.st_dev == socket->device &&
	    st.st_ino == socket->inode)
		unlink(socket->path);
	uv_close((uv_handle_t *)&socket->uv, on_socket_closed);
}
