/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "controlplane/api/parts.h"

enum { IDLE_S = 15, BODY_MAX = 512 };
static const vd_ns full_again = VD_SECONDS(1);

/* libmicrohttpd on our loop: its epoll descriptor is watched, its timeout is a timer. */
struct api_http {
	struct api *api;
	struct MHD_Daemon *mhd;
	struct cp_watch *watch; /* NULL while the process may open no more descriptors */
	struct cp_timer *timer;
	uint16_t port;
};

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status,
				 const char *type, const char *text, size_t len)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(len, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_line(struct MHD_Connection *connection, unsigned status,
				 const char *text)
{
	char body[BODY_MAX];

	snprintf(body, sizeof body, "%s\n", text);
	return send_text(connection, status, "text/plain; charset=utf-8", body, strlen(body));
}

static void own_metrics(const struct api *api, struct metrics *m)
{
	metrics_counter(m, "viaduct_api_requests", "requests on the API socket");
	metrics_u64(m, api->counters.requests);
	metrics_counter(m, "viaduct_api_errors", "of them answered with an error");
	metrics_u64(m, api->counters.errors);
	metrics_counter(m, "viaduct_api_timeouts", "answers that did not come in time");
	metrics_u64(m, api->counters.timeouts);
	metrics_counter(m, "viaduct_api_turned_away", "API connections above the limit");
	metrics_u64(m, api->counters.turned_away);
	metrics_counter(m, "viaduct_api_http_requests", "HTTP requests");
	metrics_u64(m, api->counters.scrapes);
	metrics_gauge(m, "viaduct_api_clients", "connections to the API socket");
	metrics_u64(m, api->socket ? api_socket_clients(api->socket) : 0);
}

static enum MHD_Result send_metrics(struct api *api, struct MHD_Connection *connection)
{
	struct metrics m;
	enum MHD_Result result;

	metrics_init(&m);
	if (api->source.metrics)
		api->source.metrics(api->source.context, &m);
	own_metrics(api, &m);
	if (metrics_finish(&m))
		result = send_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	else
		result = send_text(connection, MHD_HTTP_OK, METRICS_CONTENT_TYPE, m.text, m.len);
	metrics_fini(&m);
	return result;
}

static enum MHD_Result send_ready(struct api *api, struct MHD_Connection *connection)
{
	char why[API_WHY] = "";

	if (!api->source.ready || api->source.ready(api->source.context, why))
		return send_line(connection, MHD_HTTP_OK, "ready");
	return send_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE, why);
}

static enum MHD_Result answer(struct api *api, struct MHD_Connection *connection, const char *url,
			      const char *method)
{
	api->counters.scrapes++;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD here");
	if (strcmp(url, "/metrics") == 0)
		return send_metrics(api, connection);
	if (strcmp(url, "/healthz") == 0)
		return send_line(connection, MHD_HTTP_OK, "ok");
	if (strcmp(url, "/readyz") == 0)
		return send_ready(api, connection);
	return send_line(connection, MHD_HTTP_NOT_FOUND,
			 "nothing here; there are /metrics, /healthz and /readyz");
}

/* Called at a request's headers, for each piece of its body (left unread), and at its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **seen)
{
	struct api *api = (struct api *)context;

	(void)version;
	(void)upload;
	if (!*seen) {
		*seen = api;
		return MHD_YES;
	}
	if (*upload_len) {
		*upload_len = 0;
		return MHD_YES;
	}
	return answer(api, connection, url, method);
}

/* ---- on our loop ---- */

static unsigned connections(const struct api_http *http)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(http->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info ? info->num_connections : 0;
}

/* When its limit is reached it stops listening, and looks whether to listen again at the beginning
 * of a run only: so once more when connections went. */
static void run(struct api_http *http)
{
	vd_ns at = http->watch ? VD_NEVER : vd_ns_add(vd_now(), full_again);
	MHD_UNSIGNED_LONG_LONG ms;
	unsigned before;

	do {
		before = connections(http);
		MHD_run(http->mhd);
	} while (connections(http) < before);
	if (MHD_get_timeout(http->mhd, &ms) == MHD_YES)
		at = vd_ns_min(at, vd_ns_add(vd_now(), VD_MS(ms)));
	cp_timer_at(http->timer, at);
}

/* Whether this process may open no more: a connection then stays in the queue, and wakes us. */
static bool is_full(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EMFILE;
}

static void on_activity(void *context)
{
	struct api_http *http = (struct api_http *)context;

	if (is_full()) { /* so do not look until the timer */
		cp_watch_free(http->watch);
		http->watch = NULL;
	}
	run(http);
}

static enum vd_err watch(struct api_http *http)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->mhd, MHD_DAEMON_INFO_EPOLL_FD);

	if (!info)
		return VD_ESYS;
	return cp_watch_new(http->api->loop, info->epoll_fd, on_activity, http, &http->watch);
}

static void on_timer(void *context)
{
	struct api_http *http = (struct api_http *)context;

	if (!http->watch && !is_full())
		(void)watch(http); /* else the timer comes again */
	run(http);
}

static enum vd_err fail(char why[API_WHY], const char *what, const char *cure)
{
	snprintf(why, API_WHY, "api.listen: %s; %s", what, cure);
	return VD_ESYS;
}

/* IPv4 as such, so that it works where the kernel has no IPv6. */
static socklen_t address_of(const struct vd_udp_addr *listen_at, struct sockaddr_storage *out)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(listen_at->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(listen_at->port) };

	if (vd_udp_addr_is_ip4(listen_at)) {
		memcpy(&four.sin_addr, listen_at->ip + 12, 4);
		memcpy(out, &four, sizeof four);
		return sizeof four;
	}
	memcpy(&six.sin6_addr, listen_at->ip, 16);
	memcpy(out, &six, sizeof six);
	return sizeof six;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage a = { 0 };
	struct sockaddr_in in;
	socklen_t len = sizeof a;

	(void)getsockname(fd, (struct sockaddr *)&a, &len);
	memcpy(&in, &a, sizeof in); /* the port is at the same place in IPv6's */
	return ntohs(in.sin_port);
}

static enum vd_err bind_tcp(const struct vd_udp_addr *listen_at, struct api_http *http, int *fd_out,
			    char why[API_WHY])
{
	struct sockaddr_storage a;
	socklen_t len = address_of(listen_at, &a);
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;
	enum vd_err err;

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&a, len) == 0 &&
	    listen(fd, API_HTTP_CLIENTS_MAX) == 0) {
		http->port = port_of(fd);
		*fd_out = fd;
		return VD_OK;
	}
	err = errno == EADDRINUSE ? VD_EUSER : VD_ESYS;
	(void)fail(why, strerror(errno),
		   err == VD_EUSER   ? "another program listens there; set another port"
		   : errno == EMFILE ? "raise the limit on descriptors (ulimit -n)"
				     : "set an address of this machine");
	if (fd >= 0)
		close(fd);
	return err;
}

enum vd_err api_http_open(struct api *api, const struct vd_udp_addr *listen_at,
			  struct api_http **http_out, char why[API_WHY])
{
	struct api_http *http = (struct api_http *)calloc(1, sizeof *http);
	enum vd_err err;
	int fd;

	if (!http)
		return fail(why, "no memory", "free some");
	http->api = api;
	err = bind_tcp(listen_at, http, &fd, why);
	if (err) {
		free(http);
		return err;
	}
	http->mhd = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, api,
				     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned)API_HTTP_CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned)IDLE_S, MHD_OPTION_END);
	if (!http->mhd) {
		close(fd);
		free(http);
		return fail(why, "the HTTP server does not start", "see the limits on descriptors");
	}
	err = cp_timer_new(api->loop, on_timer, http, &http->timer);
	if (!err)
		err = watch(http);
	if (err) {
		api_http_close(http);
		return fail(why, "the HTTP server cannot be watched", "free some memory");
	}
	*http_out = http;
	return VD_OK;
}

void api_http_close(struct api_http *http)
{
	cp_watch_free(http->watch);
	cp_timer_free(http->timer);
	MHD_stop_daemon(http->mhd);
	free(http);
}

uint16_t api_http_bound(const struct api_http *http)
{
	return http->port;
}
