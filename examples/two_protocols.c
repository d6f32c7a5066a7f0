/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * two_protocols: several protocols on one host and one connection; and two versions of one.
 *
 *	two_protocols               listens, prints its address; tells the time, and shouts
 *	two_protocols ADDRESS TEXT  asks for both at once, and prints two lines
 *
 *	cc two_protocols.c -o two_protocols $(pkg-config --cflags --libs viaduct)
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <viaduct/host.h>

enum { LINE = 256 };
static const char *const time_ids[] = { "/example/time/1.0.0", NULL };
/* What we like best comes first: the peer takes the first one that it has. */
static const char *const shout_ids[] = { "/example/shout/2.0.0", "/example/shout/1.0.0", NULL };
static struct host *host;
static unsigned wanted = 2; /* answers */
/* ---- who serves ---- */
/* Sends one line, and is done: what was written goes out after close, too. */
static void reply(struct host_stream *stream, const char *line)
{
	if (host_stream_send(stream, vd_bytes_of_text(line)))
		host_stream_reset(stream);
	else
		host_stream_close(stream);
}

static void accept_time(void *unused, struct host_stream *stream)
{
	time_t now = time(NULL);

	(void)unused;
	reply(stream, ctime(&now));
}

static void shout(struct host_stream *stream)
{
	char line[LINE];
	enum vd_err err = host_stream_read_line(stream, line, sizeof line - 1);

	if (err == VD_AGAIN)
		return; /* called again when more came */
	for (char *at = line; !err && *at; at++)
		*at = (char)toupper((unsigned char)*at);
	if (err)
		host_stream_reset(stream); /* no line, or too long a one */
	else
		reply(stream, strcat(line, "\n"));
}

static const struct host_stream_class shouting = { .readable = shout };

/* ---- who asks ---- */
static void print_line(struct host_stream *stream)
{
	char line[LINE];
	enum vd_err err = host_stream_read_line(stream, line, sizeof line);

	if (err == VD_AGAIN)
		return;
	printf("%s: %s\n", host_stream_protocol(stream), err ? vd_err_text(err) : line);
	host_stream_close(stream);
	if (err || --wanted == 0)
		host_stop(host);
}

static void lost(struct host_stream *stream, enum vd_err err)
{
	(void)stream; /* the pointer is void after this */
	fprintf(stderr, "two_protocols: %s\n", vd_err_text(err));
	host_stop(host);
}

/* With several ids, one writes when it is known which one it is. */
static void ask(struct host_stream *stream)
{
	const char *text = host_stream_user(stream); /* none for the time */

	if (text && (host_stream_send(stream, vd_bytes_of_text(text)) ||
		     host_stream_send(stream, vd_bytes_of_text("\n"))))
		host_stream_reset(stream);
}

static void on_dialled(void *text, struct host_conn *conn, enum vd_err err, const char *why)
{
	static const struct host_stream_class asking = { ask, print_line, NULL, lost };
	struct host_stream *stream;

	if (!err && !host_open(conn, time_ids, &asking, NULL, &stream) &&
	    !host_open(conn, shout_ids, &asking, text, &stream))
		return;
	fprintf(stderr, "two_protocols: %s\n", why ? why : "no stream is to be had");
	host_stop(host);
}

int main(int argc, char **argv)
{
	struct host_protocol clock = { .id = time_ids[0], .accept = accept_time };
	struct host_protocol shouter = { .id = shout_ids[1], .calls = &shouting };
	struct host_config config = { 0 };
	char address[VD_MULTIADDR_TEXT], why[HOST_WHY];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (host_new(&config, &host) || host_handle(host, &clock) || host_handle(host, &shouter))
		return EXIT_FAILURE;
	if (argc < 3 && host_listen_text(host, "/ip4/127.0.0.1/tcp/0", why) == VD_OK)
		puts(host_address_text(host, 0, address));
	if (argc < 3 || host_dial_text(host, argv[1], on_dialled, argv[2]) == VD_OK)
		host_run(host);
	else
		fputs("two_protocols: write an address as the other side prints it\n", stderr);
	host_free(host);
	return wanted ? EXIT_FAILURE : EXIT_SUCCESS;
}
