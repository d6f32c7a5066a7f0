/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peer: our hosts as `libp2p` measures them; measured.h says what it is given and prints. */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/init.h"
#include "controlplane/host/perf.h"
#include "controlplane/host/swarm.h"
#include "controlplane/loop/loop.h"

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "viaduct-bench-peer: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void tell(const struct swarm *swarm) ON_CONTROL
{
	struct swarm_counters counters = swarm_counters(swarm);

	malloc_trim(0);
	printf("open=%" PRIu32 " accepted=%" PRIu64 " received=%" PRIu64 "\n",
	       swarm_connection_count(swarm), counters.hosts.accepted, counters.hosts.bytes_in);
	fflush(stdout);
}

struct peer {
	struct cp_loop *loop;
	struct swarm *swarm;
	struct vd_identity identity;
};

static void on_input(void *context)
{
	const struct peer *peer = context;
	char line[64];

	vd_role_control();
	if (read(STDIN_FILENO, line, sizeof line) <= 0)
		cp_loop_stop(peer->loop);
	else
		tell(peer->swarm);
}

static void serve_perf(struct host *host, const void *unused)
{
	(void)unused;
	if (host_perf_serve(host))
		die("perf", "cannot be served");
}

static void serve(struct peer *peer) ON_CONTROL
{
	struct vd_multiaddr address, bound[HOST_LISTEN_MAX];
	char text[VD_MULTIADDR_TEXT], id[VD_PEER_ID_TEXT], why[HOST_WHY] = "";
	struct cp_watch *input;

	if (vd_multiaddr_of_text("/ip4/127.0.0.1/tcp/0", &address) ||
	    swarm_listen(peer->swarm, &address, why) ||
	    cp_watch_new(peer->loop, STDIN_FILENO, on_input, peer, &input))
		die("listening", why);
	swarm_listens(peer->swarm, bound);
	printf("listening %s/p2p/%s\n", vd_multiaddr_text(&bound[0], text),
	       vd_peer_id_text(&peer->identity.id, id));
	fflush(stdout);
	cp_loop_run(peer->loop);
	cp_watch_free(input);
}

/* -security noise|tls [-threads N] */
static void read_arguments(int argc, char **argv, struct swarm_config *config)
{
	if (argc < 3 || strcmp(argv[1], "-security") != 0 ||
	    (argc != 3 && (argc != 5 || strcmp(argv[3], "-threads") != 0)))
		die("usage", "viaduct-bench-peer -security noise|tls [-threads N]");
	config->host.no_tls = strcmp(argv[2], "noise") == 0;
	config->host.no_noise = strcmp(argv[2], "tls") == 0;
	if (argc == 5)
		config->threads = (unsigned)strtoul(argv[4], NULL, 10);
}

int main(int argc, char **argv)
{
	struct peer peer;
	struct swarm_config config = {
		.host = { .identity = &peer.identity, .agent = "viaduct-bench" },
	};

	vd_role_control();
	read_arguments(argc, argv, &config);
	signal(SIGPIPE, SIG_IGN);
	if (vd_init() || cp_loop_new(&peer.loop))
		die("libraries", "cannot be started");
	config.host.loop = cp_loop_uv(peer.loop);
	vd_identity_generate(&peer.identity);
	if (swarm_new(&config, &peer.swarm) || swarm_each_host(peer.swarm, serve_perf, NULL, 0))
		die("swarm", "cannot be made");
	serve(&peer);
	swarm_free(peer.swarm);
	cp_loop_free(peer.loop);
	vd_identity_fini(&peer.identity);
	return EXIT_SUCCESS;
}
