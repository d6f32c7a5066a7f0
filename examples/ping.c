/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ping: how long the way to a libp2p peer takes; and a timer of your own beside the host.
 *
 *	ping [-k KEY]           listens, prints its address; every host answers pings by itself
 *	ping ADDRESS            pings any libp2p peer four times: kubo, go, rust, js, …
 *
 * With KEY, a file, which is made when it is not there, the listening side keeps its peer id.
 *
 *	cc ping.c -o ping $(pkg-config --cflags --libs viaduct)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <viaduct/host.h>

enum { EVERY_MS = 100 };

static struct host *host;
static struct host_conn *peer;
static uv_timer_t timer;
static int left = 4;
static int status = EXIT_FAILURE;

static void give_up(const char *why)
{
	fprintf(stderr, "ping: %s\n", why);
	status = EXIT_FAILURE;
	host_stop(host);
}

/* ---- asking ---- */
static void send_ping(uv_timer_t *unused);

static void on_pong(void *context, enum vd_err err, vd_ns rtt)
{
	(void)context;
	if (err)
		return; /* on_closed tells why */
	printf("%.3f ms\n", (double)rtt / VD_NS_PER_MS);
	status = EXIT_SUCCESS;
	if (--left > 0) {
		uv_timer_start(&timer, send_ping, EVERY_MS, 0);
		return;
	}
	peer = NULL; /* we are done with it before it is closed */
	host_stop(host);
}

static void send_ping(uv_timer_t *unused)
{
	(void)unused;
	if (host_ping(peer, on_pong, NULL))
		give_up("the connection is gone");
}

/* A connection's pointer is good until it is closed: whoever keeps one wants to be told. */
static void on_closed(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	(void)err;
	if (conn != peer)
		return;
	uv_timer_stop(&timer);
	give_up(why);
}

static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	if (err) {
		give_up(why);
		return;
	}
	peer = conn;
	send_ping(NULL);
}

/* ---- answering ---- */

static void listen_for_others(void)
{
	char why[HOST_WHY], address[VD_MULTIADDR_TEXT];

	if (host_listen_text(host, "/ip4/127.0.0.1/tcp/0", why)) {
		give_up(why);
		return;
	}
	puts(host_address_text(host, 0, address));
	fflush(stdout);
	host_run(host);
}

int main(int argc, char **argv)
{
	struct host_config config = { .events = { .closed = on_closed } };
	struct vd_identity identity;

	if (argc > 2 && strcmp(argv[1], "-k") == 0) {
		if (vd_identity_open_file(argv[2], &identity))
			return EXIT_FAILURE;
		config.identity = &identity; /* stays ours: it must outlive the host */
	}
	if (host_new(&config, &host))
		return EXIT_FAILURE;
	uv_timer_init(host_loop(host), &timer); /* host_free closes it: the loop is the host's */
	if (argc < 2 || config.identity)
		listen_for_others();
	else if (host_dial_text(host, argv[1], on_dialled, NULL) == VD_OK)
		host_run(host);
	else
		give_up("write an address as the listening side prints it");
	host_free(host);
	return status;
}
