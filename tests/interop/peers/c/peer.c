/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* peer: our host for the interop matrix, as ../README.md describes it. */
#include "tests/interop/peers/c/peer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/init.h"
#include "controlplane/host/perf.h"
#include "controlplane/proto/pnet.h"

struct vd_identity identity;

_Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "peer: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

struct options {
	const char *security, *listen, *psk;
	uint64_t spoil;
};

static void read_psk(const char *path, struct pnet_key *key_out)
{
	uint8_t file[PNET_FILE_MAX];
	FILE *in = fopen(path, "re");
	const char *why = "cannot be opened";
	size_t len = in ? fread(file, 1, sizeof file, in) : 0;

	if (!in || pnet_key_read(vd_bytes(file, len), key_out, &why))
		die(path, why);
	fclose(in);
}

static void say_opened(void *context, struct host_conn *conn)
{
	struct host_conn_info info;
	char id[VD_PEER_ID_TEXT], address[VD_MULTIADDR_TEXT];

	(void)context;
	host_conn_info(conn, &info);
	if (info.dialer)
		return;
	printf("connected %s security=%s muxer=%s address=%s\n", vd_peer_id_text(&info.peer, id),
	       info.security, info.muxer, vd_multiaddr_text(&info.remote, address));
	fflush(stdout);
}

static struct host *new_host(const struct options *options)
{
	struct host_config config = { .loop = uv_default_loop(),
				      .identity = &identity,
				      .agent = "viaduct-peer",
				      .events = { .opened = say_opened, .identified = told_keep } };
	struct pnet_key key;
	struct host *host;

	if (options->psk) {
		read_psk(options->psk, &key);
		config.network_key = &key;
	}
	config.no_tls = strcmp(options->security, "noise") == 0;
	config.no_noise = strcmp(options->security, "tls") == 0;
	if (host_new(&config, &host) || host_perf_serve(host))
		die("host", "cannot be made");
	echo_serve(host, options->spoil);
	return host;
}

/* ---- listen ---- */

static void on_input(uv_poll_t *poll, int status, int events)
{
	char ignored[64];

	(void)events;
	if (status < 0 || read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
		uv_stop(poll->loop);
}

static void serve(struct host *host, const char *listen)
{
	struct vd_multiaddr address, bound[HOST_LISTEN_MAX];
	char text[VD_MULTIADDR_TEXT], id[VD_PEER_ID_TEXT], why[HOST_WHY] = "";
	uv_poll_t input;

	if (vd_multiaddr_of_text(listen, &address) || host_listen(host, &address, why))
		die(listen, why);
	host_listens(host, bound);
	printf("listening %s/p2p/%s\n", vd_multiaddr_text(&bound[0], text),
	       vd_peer_id_text(&identity.id, id));
	fflush(stdout);
	uv_poll_init(uv_default_loop(), &input, STDIN_FILENO);
	uv_poll_start(&input, UV_READABLE, on_input);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&input, NULL);
}

static int parse(int argc, char **argv, struct options *options)
{
	int at = 1;

	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		if (strcmp(argv[at], "-security") == 0)
			options->security = argv[at + 1];
		else if (strcmp(argv[at], "-listen") == 0)
			options->listen = argv[at + 1];
		else if (strcmp(argv[at], "-psk") == 0)
			options->psk = argv[at + 1];
		else if (strcmp(argv[at], "-spoil") == 0)
			options->spoil = strtoull(argv[at + 1], NULL, 10);
		else
			die(argv[at], "no such option");
	}
	return at;
}

int main(int argc, char **argv)
{
	struct options options = { .security = "",
				   .listen = "/ip4/127.0.0.1/tcp/0",
				   .spoil = UINT64_MAX };
	int at = parse(argc, argv, &options);
	struct host *host;
	int failed = 0;

	signal(SIGPIPE, SIG_IGN);
	if (vd_init())
		die("libraries", "cannot be started");
	vd_identity_generate(&identity);
	host = new_host(&options);
	if (at < argc && strcmp(argv[at], "listen") == 0)
		serve(host, options.listen);
	else if (at + 2 < argc && strcmp(argv[at], "dial") == 0)
		failed = dial(host, argv[at + 1], argv + at + 2);
	else
		die("usage", "peer listen, or peer dial ADDRESS TEST...");
	host_free(host);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
