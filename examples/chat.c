/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * chat: lines between any number of people; streams beside other descriptors in your own loop.
 *
 *	chat [ADDRESS]    prints an address of its own; what is typed goes to all who are here
 *
 *	cc chat.c -o chat $(pkg-config --cflags --libs viaduct)
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <viaduct/host.h>

enum { PEOPLE = 16, LINE = 512 };
static const char *const chat_ids[] = { "/example/chat/1.0.0", NULL };
static struct host *host;
static uv_poll_t keyboard;
static struct host_stream *people[PEOPLE]; /* NULL: nobody */

static void say(struct host_stream *stream, const char *what)
{
	struct host_conn_info info;
	char id[VD_PEER_ID_TEXT];

	host_conn_info(host_stream_conn(stream), &info); /* the handshake proved who it is */
	vd_peer_id_text(&info.peer, id);
	printf("%s: %s\n", id + strlen(id) - 6, what);
}

/* ---- people ---- */
static void leave(struct host_stream *stream, enum vd_err err)
{
	struct host_stream **seat = host_stream_user(stream);

	say(stream, err == VD_ELINK_CLOSED ? "is gone" : "has left");
	*seat = NULL;
}

/* Never print what a stranger sent as it is: terminals obey escape sequences. */
static void hear(struct host_stream *stream)
{
	char line[LINE];
	enum vd_err err;

	while ((err = host_stream_read_line(stream, line, sizeof line)) == VD_OK) {
		for (char *at = line; *at; at++)
			if (iscntrl((unsigned char)*at))
				*at = '?';
		say(stream, line);
	}
	if (err == VD_AGAIN)
		return;
	leave(stream, err);
	host_stream_close(stream);
}

static const struct host_stream_class chatting = { .readable = hear, .closed = leave };

static void welcome(void *unused, struct host_stream *stream)
{
	(void)unused;
	for (size_t i = 0; i < PEOPLE; i++)
		if (!people[i]) {
			people[i] = stream;
			host_stream_use(stream, &chatting, &people[i]);
			say(stream, "is here");
			return;
		}
	host_stream_reset(stream); /* the room is full */
}

static void on_dialled(void *unused, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct host_stream *stream;

	if (!err && !host_open(conn, chat_ids, &chatting, NULL, &stream))
		welcome(unused, stream);
	else
		fprintf(stderr, "chat: %s\n", why ? why : "no stream is to be had");
}

/* ---- the keyboard ---- */

static void on_typed(uv_poll_t *poll, int status, int events)
{
	char typed[LINE];
	ssize_t len = status < 0 || !events ? 0 : read(STDIN_FILENO, typed, sizeof typed);

	for (size_t i = 0; i < PEOPLE && len > 0; i++)
		if (people[i] && host_stream_send(people[i], vd_bytes(typed, (size_t)len)))
			say(people[i], "is too slow, and missed this");
	if (len <= 0)
		uv_stop(poll->loop);
}

int main(int argc, char **argv)
{
	struct host_config config = { .loop = uv_default_loop() };
	struct host_protocol chat = { .id = chat_ids[0], .accept = welcome };
	char address[VD_MULTIADDR_TEXT], why[HOST_WHY];

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN); /* as in every program with a libuv loop of its own */
	if (host_new(&config, &host) || host_handle(host, &chat))
		return EXIT_FAILURE;
	if (host_listen_text(host, "/ip4/127.0.0.1/tcp/0", why) == VD_OK)
		puts(host_address_text(host, 0, address));
	uv_poll_init(config.loop, &keyboard, STDIN_FILENO);
	uv_poll_start(&keyboard, UV_READABLE, on_typed);
	if (argc < 2 || host_dial_text(host, argv[1], on_dialled, NULL) == VD_OK)
		uv_run(config.loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&keyboard, NULL);
	host_free(host); /* closes all it made; the loop is ours */
	return uv_loop_close(config.loop) ? EXIT_FAILURE : EXIT_SUCCESS;
}
