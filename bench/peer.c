/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peer: our host as `libp2p` measures it; measured.h says what it is given and prints. */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/init.h"
#include "controlplane/host/perf.h"
#include "controlplane/loop/loop.h"

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "viaduct-bench-peer: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void tell(const struct host *host)
{
	const struct host_counters *counters = host_counters(host);

	malloc_trim(0);
	printf("open=%" PRIu32 " accepted=%" PRIu64 " received=%" PRIu64 "\n",
	       host_connection_count(host), counters->accepted, counters->bytes_in);
	fflush(stdout);
}

struct peer {
	struct cp_loop *loop;
	struct host *host;
	struct vd_identity identity;
};

static void on_input(void *context)
{
	const struct peer *peer = context;
	char line[64];

	if (read(STDIN_FILENO, line, sizeof line) <= 0)
		cp_loop_stop(peer->loop);
	else
		tell(peer->host);
}

static void serve(struct peer *peer)
{
	struct vd_multiaddr address, bound[HOST_LISTEN_MAX];
	char text[VD_MULTIADDR_TEXT], id[VD_PEER_ID_TEXT], why[HOST_WHY] = "";
	struct cp_watch *input;

	if (vd_multiaddr_of_text("/ip4/127.0.0.1/tcp/0", &address) ||
	    host_listen(peer->host, &address, why) ||
	    cp_watch_new(peer->loop, STDIN_FILENO, on_input, peer, &input))
		die("listening", why);
	host_listens(peer->host, bound);
	printf("listening %s/p2p/%s\n", vd_multiaddr_text(&bound[0], text),
	       vd_peer_id_text(&peer->identity.id, id));
	fflush(stdout);
	cp_loop_run(peer->loop);
	cp_watch_free(input);
}

int main(int argc, char **argv)
{
	struct peer peer;
	struct host_config config = { .identity = &peer.identity, .agent = "viaduct-bench" };

	if (argc != 3 || strcmp(argv[1], "-security") != 0)
		die("usage", "viaduct-bench-peer -security noise|tls");
	config.no_tls = strcmp(argv[2], "noise") == 0;
	config.no_noise = strcmp(argv[2], "tls") == 0;
	signal(SIGPIPE, SIG_IGN);
	if (vd_init() || cp_loop_new(&peer.loop))
		die("libraries", "cannot be started");
	config.loop = cp_loop_uv(peer.loop);
	vd_identity_generate(&peer.identity);
	if (host_new(&config, &peer.host) || host_perf_serve(peer.host))
		die("host", "cannot be made");
	serve(&peer);
	host_free(peer.host);
	cp_loop_free(peer.loop);
	vd_identity_fini(&peer.identity);
	return EXIT_SUCCESS;
}
