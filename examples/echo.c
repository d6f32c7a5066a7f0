/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * echo: a protocol of your own, both sides of it.
 *
 *	echo                  listens, prints its address, and sends back whatever comes
 *	echo ADDRESS TEXT     sends TEXT there, and prints what comes back
 *
 *	cc echo.c -o echo $(pkg-config --cflags --libs viaduct)
 */
#include <stdio.h>
#include <stdlib.h>
#include <viaduct/host.h>

/* A protocol is a name; by custom with a version at its end. */
static const char *const echo_ids[] = { "/example/echo/1.0.0", NULL };

static struct host *host;
static int status = EXIT_FAILURE;

/* ---- the side that answers ---- */

/*
 * Called when there is something to read, and when there is room to write again. What we do not
 * take stays where it is, and once enough waits, the other side has to wait, too: so an echo holds
 * no buffer, and no peer can fill our memory.
 */
static void answer(struct host_stream *stream)
{
	struct vd_bytes in = host_stream_read(stream);
	size_t took = 0;
	enum vd_err err = host_stream_write(stream, in, &took);

	host_stream_taken(stream, took);
	if (err && err != VD_AGAIN)
		host_stream_reset(stream);
	else if (host_stream_ended(stream)) /* the other side's last byte is taken */
		host_stream_close(stream);
}

static const struct host_stream_class answering = { .readable = answer, .writable = answer };

static void listen_for_others(void)
{
	struct host_protocol echo = { .id = echo_ids[0], .calls = &answering };
	char why[HOST_WHY], address[VD_MULTIADDR_TEXT];

	if (host_handle(host, &echo) || host_listen_text(host, "/ip4/127.0.0.1/tcp/0", why))
		return;
	puts(host_address_text(host, 0, address));
	host_run(host); /* until somebody ends the program */
}

/* ---- the side that asks ---- */

static void print_answer(struct host_stream *stream)
{
	struct vd_bytes in = host_stream_read(stream);

	fwrite(in.at, 1, in.len, stdout);
	host_stream_taken(stream, in.len);
	if (!host_stream_ended(stream))
		return; /* called again when more came */
	puts("");
	host_stream_release(stream);
	status = EXIT_SUCCESS;
	host_stop(host);
}

static void lost(struct host_stream *stream, enum vd_err err)
{
	(void)stream; /* gone after this */
	fprintf(stderr, "echo: %s\n", vd_err_text(err));
	host_stop(host);
}

static const struct host_stream_class asking = { .readable = print_answer, .closed = lost };

/* The connection is there, encrypted, and the other side is who the address says. */
static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct vd_bytes text = vd_bytes_of_text(context);
	struct host_stream *stream;

	if (!err)
		err = host_open(conn, echo_ids, &asking, NULL, &stream);
	if (!err)
		err = host_stream_send(stream, text);
	if (!err) {
		host_stream_finish(stream); /* we write no more; the answer still comes */
		return;
	}
	fprintf(stderr, "echo: %s\n", why ? why : vd_err_text(err));
	host_stop(host);
}

int main(int argc, char **argv)
{
	struct host_config config = { 0 }; /* a loop and an identity of its own */

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (host_new(&config, &host))
		return EXIT_FAILURE;
	if (argc < 3)
		listen_for_others();
	else if (host_dial_text(host, argv[1], on_dialled, argv[2]) == VD_OK)
		host_run(host);
	else
		fputs("echo: write an address as the listening side prints it\n", stderr);
	host_free(host);
	return status;
}
