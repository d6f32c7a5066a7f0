/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * viaduct-interop: our host as the libp2p project's own transport tests want a program, of
 * unified-testing and of test-plans before it; environment.h has what it is told.
 *
 * As the dialer it connects to the listener, pings it once, prints how long that took on
 * standard output, YAML in the newer test, JSON in the older, and exits with 0. As the listener
 * it answers until it is killed; unkilled at the time-out it exits with 1. All else is said on
 * standard error.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/init.h"
#include "base/log.h"
#include "controlplane/host/host.h"
#include "tests/interop/contract/environment.h"
#include "tests/interop/contract/rendezvous.h"

struct run {
	struct environment environment;
	struct vd_identity identity;
	struct host *host;
	vd_ns started; /* dialling */
	int status;    /* of the program */
	uv_timer_t timer;
};

static struct run run = { .status = EXIT_FAILURE };

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "viaduct-interop: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

static void stop(int status)
{
	run.status = status;
	uv_stop(uv_default_loop());
}

static void on_late(uv_timer_t *timer)
{
	(void)timer;
	stop(failed("time-out",
		    run.environment.dialer ? "no answer" : "nobody ended this listener"));
}

static int run_loop(void)
{
	uv_timer_init(uv_default_loop(), &run.timer);
	uv_timer_start(&run.timer, on_late, (uint64_t)run.environment.timeout_s * 1000, 0);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&run.timer, NULL);
	return run.status;
}

/* ---- the listener ---- */

/* An address of this machine that others reach, of the family; the loopback's when it has no other.
 */
static void own_ip(int family, char out[64])
{
	uv_interface_address_t *all;
	int count;
	bool found = false;

	snprintf(out, 64, family == AF_INET6 ? "::1" : "127.0.0.1");
	if (uv_interface_addresses(&all, &count))
		return;
	for (int i = 0; i < count && !found; i++) {
		const struct sockaddr_in6 *ip6 = &all[i].address.address6;

		if (all[i].is_internal || ip6->sin6_family != family ||
		    (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&ip6->sin6_addr)))
			continue;
		found = true;
		if (family == AF_INET6)
			uv_ip6_name(ip6, out, 64);
		else
			uv_ip4_name(&all[i].address.address4, out, 64);
	}
	uv_free_interface_addresses(all, count);
}

static uint16_t port_of(const struct vd_multiaddr *address)
{
	struct vd_multiaddr_part part;
	size_t at = 0;

	while (vd_multiaddr_next(address, &at, &part))
		if (part.code == VD_MA_TCP)
			return (uint16_t)(part.value.at[0] << 8 | part.value.at[1]);
	return 0;
}

/* Listens on a port that is free; `address_out` is where a dialer finds it. */
static bool listen_there(char *address_out, size_t cap)
{
	const char *ip = run.environment.listen_ip;
	bool is6 = strchr(ip, ':') != NULL;
	struct vd_multiaddr wanted, bound[HOST_LISTEN_MAX];
	char text[128], own[64], id[VD_PEER_ID_TEXT], why[HOST_WHY] = "no address";

	snprintf(text, sizeof text, "/%s/%s/tcp/0", is6 ? "ip6" : "ip4", ip);
	if (vd_multiaddr_of_text(text, &wanted) || host_listen(run.host, &wanted, why) ||
	    !host_listens(run.host, bound)) {
		failed(text, why);
		return false;
	}
	snprintf(own, sizeof own, "%s", ip);
	if (strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0)
		own_ip(is6 ? AF_INET6 : AF_INET, own);
	snprintf(address_out, cap, "/%s/%s/tcp/%u/p2p/%s", is6 ? "ip6" : "ip4", own,
		 port_of(&bound[0]), vd_peer_id_text(&run.identity.id, id));
	return true;
}

static int listen_and_serve(void)
{
	char address[VD_MULTIADDR_TEXT];

	if (!listen_there(address, sizeof address))
		return EXIT_FAILURE;
	fprintf(stderr, "viaduct-interop: listening on %s\n", address);
	if (!rendezvous_push(&run.environment, address))
		return EXIT_FAILURE;
	return run_loop();
}

/* ---- the dialer ---- */

static double ms(vd_ns span)
{
	return (double)span / (double)VD_NS_PER_MS;
}

/* "Milllis" is theirs: test-plans transport-interop/README.md, Dialer, 8. */
static void print_result(vd_ns whole, vd_ns rtt)
{
	if (run.environment.older)
		printf("{\"handshakePlusOneRTTMillis\": %.3f, \"pingRTTMilllis\": %.3f}\n",
		       ms(whole), ms(rtt));
	else
		printf("latency:\n  handshake_plus_one_rtt: %.3f\n  ping_rtt: %.3f\n  unit: ms\n",
		       ms(whole), ms(rtt));
	fflush(stdout);
}

static void on_ping(void *context, enum vd_err err, vd_ns rtt)
{
	(void)context;
	if (err) {
		stop(failed("ping", vd_err_text(err)));
		return;
	}
	print_result(vd_now() - run.started, rtt);
	stop(EXIT_SUCCESS);
}

static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	if (!err) {
		why = "cannot be opened";
		err = host_ping(conn, on_ping, NULL);
	}
	if (err)
		stop(failed("connecting", why));
}

static int dial_and_ping(void)
{
	char address[VD_MULTIADDR_TEXT];
	struct vd_multiaddr to;

	if (!rendezvous_pop(&run.environment, address, sizeof address))
		return EXIT_FAILURE;
	fprintf(stderr, "viaduct-interop: dialling %s\n", address);
	run.started = vd_now();
	if (vd_multiaddr_of_text(address, &to) || host_dial(run.host, &to, on_dialled, NULL))
		return failed(address, "cannot be dialled");
	return run_loop();
}

static bool make_host(void)
{
	struct host_config config = { .loop = uv_default_loop(),
				      .identity = &run.identity,
				      .agent = "viaduct-interop" };

	config.no_tls = strcmp(run.environment.security, "noise") == 0;
	config.no_noise = !config.no_tls;
	vd_identity_generate(&run.identity);
	return host_new(&config, &run.host) == VD_OK;
}

int main(void)
{
	char why[ENVIRONMENT_WHY];
	int status;

	signal(SIGPIPE, SIG_IGN);
	if (!environment_read(&run.environment, why))
		return failed("environment", why);
	vd_log_set_level_all(run.environment.debug ? VD_LOG_DEBUG : VD_LOG_WARN);
	if (vd_init() || !make_host())
		return failed("host", "cannot be made");
	status = run.environment.dialer ? dial_and_ping() : listen_and_serve();
	host_free(run.host);
	return status;
}
