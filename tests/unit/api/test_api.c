/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/api/api.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- a daemon that is nothing but an api, and clients in the same thread ---- */

static struct cp_loop *loop;
static struct api *api;
static char directory[] = "/tmp/test-api-XXXXXX";
static char path[64];
static char why[API_WHY];
static struct api_reply *waiting[64];
static unsigned waiting_count;
static bool ready;

static json_t *get_status(void *context)
{
	return json_pack("{s:s, s:i}", "peer", (const char *)context, "links", 2);
}

static json_t *get_links(void *context)
{
	(void)context;
	return json_pack("{s:[]}", "links");
}

/* Large: a table of many routes. */
static json_t *get_routes(void *context)
{
	json_t *routes = json_array();

	(void)context;
	for (int i = 0; i < 20000; i++)
		json_array_append_new(routes, json_pack("{s:i, s:s}", "label", i, "peer",
							"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD1"));
	return json_pack("{s:o}", "routes", routes);
}

static void ping(void *context, const char *target, struct api_reply *reply)
{
	(void)context;
	if (strcmp(target, "now") == 0)
		api_reply_ok(reply, json_pack("{s:f}", "rtt_ms", 0.5));
	else
		waiting[waiting_count++] = reply;
}

static void greet(void *context, const json_t *args, struct api_reply *reply)
{
	(void)context;
	api_reply_ok(reply, json_pack("{s:i}", "greeted", (int)json_array_size(args)));
}

static const struct api_action actions[] = {
	{ "greet", "NAME [NAME]", 1, 2, greet },
	{ NULL, NULL, 0, 0, NULL },
};

static void get_metrics(void *context, struct metrics *m)
{
	(void)context;
	metrics_gauge(m, "viaduct_links", "links that are up");
	metrics_u64(m, 2);
}

static bool is_ready(void *context, char why_out[API_WHY])
{
	(void)context;
	snprintf(why_out, API_WHY, "no link to a router yet");
	return ready;
}

static const struct api_source source = {
	.context = (void *)"12D3",
	.status = get_status,
	.links = get_links,
	.routes = get_routes,
	.ping = ping,
	.actions = actions,
	.metrics = get_metrics,
	.ready = is_ready,
};

static void begin(void)
{
	const struct vd_udp_addr local = { .ip = { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 } };
	const struct api_config config = { .socket = path, .listen = &local };

	cr_assert(mkdtemp(directory) != NULL);
	snprintf(path, sizeof path, "%s/run/api.sock", directory);
	cr_assert(eq(int, cp_loop_new(&loop), VD_OK));
	cr_assert(eq(int, api_new(loop, &config, &source, &api, why), VD_OK), "%s", why);
}

static void end(void)
{
	char run[64];

	api_free(api);
	cp_loop_free(loop);
	snprintf(run, sizeof run, "%s/run", directory);
	rmdir(run);
	rmdir(directory);
}

TestSuite(api, .init = begin, .fini = end, .timeout = 60);

static int dial_path(const char *to)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(addr.sun_path, to);
	cr_assert(zero(int, connect(fd, (struct sockaddr *)&addr, sizeof addr)));
	return fd;
}

static int dial(void)
{
	return dial_path(path);
}

static void turn(void)
{
	cp_loop_turn(loop, vd_now() + VD_MS(20));
}

static void say(int fd, const char *text)
{
	for (size_t len = strlen(text); len;) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0) {
			cr_assert(eq(int, errno, EAGAIN));
			turn();
			continue;
		}
		text += n;
		len -= (size_t)n;
	}
}

/* A line, or what came before the connection's end; static storage. */
static const char *hear(int fd)
{
	static char line[4 << 20];
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, line + len, sizeof line - len, MSG_PEEK);
		const char *newline = n > 0 ? memchr(line + len, '\n', (size_t)n) : NULL;

		if (n == 0)
			return "(closed)";
		if (n < 0) {
			cr_assert(eq(int, errno, EAGAIN));
			turn();
			continue;
		}
		n = newline ? newline - (line + len) + 1 : n;
		cr_assert(eq(sz, (size_t)recv(fd, line + len, (size_t)n, 0), (size_t)n));
		len += (size_t)n;
		cr_assert(lt(sz, len, sizeof line));
		if (newline) {
			line[len - 1] = 0;
			return line;
		}
	}
}

#define hears(fd, expected) cr_assert(eq(str, (char *)hear(fd), (char *)(expected)))

Test(api, a_command_is_answered_with_its_json)
{
	int fd = dial();

	say(fd, "{\"command\":\"status\"}\n");
	hears(fd, "{\"ok\":{\"peer\":\"12D3\",\"links\":2}}");
	say(fd, "{\"command\":\"links\",\"args\":[]}\n");
	hears(fd, "{\"ok\":{\"links\":[]}}");
	close(fd);
}

Test(api, malformed_requests_are_told_and_the_connection_goes_on)
{
	static const char *const rows[][2] = {
		{ "hello\n", "not JSON" },
		{ "\n", "not JSON" },
		{ "{\"command\":\"status\"\n", "not JSON" },
		{ "{\"command\":\"status\",\"command\":\"links\"}\n", "not JSON" },
		{ "\xff\n", "not JSON" },
		{ "[]\n", "has no command" },
		{ "{\"command\":7}\n", "has no command" },
		{ "{\"command\":\"status\",\"args\":{}}\n", "not an array" },
		{ "{\"command\":\"status\",\"args\":[1]}\n", "no arguments" },
		{ "{\"command\":\"reboot\"}\n", "unknown command" },
		{ "{\"command\":\"reboot\"}\n", ", greet and version" },
		{ "{\"command\":\"greet\"}\n", "it is `greet NAME [NAME]`" },
		{ "{\"command\":\"greet\",\"args\":[1,2,3]}\n", "it is `greet NAME [NAME]`" },
		{ "{\"command\":\"ping\"}\n", "one argument" },
		{ "{\"command\":\"ping\",\"args\":[7]}\n", "one argument" },
	};
	int fd = dial();

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *answer;

		say(fd, rows[i][0]);
		answer = hear(fd);
		cr_assert(strstr(answer, "{\"error\":\"") == answer, "%s", answer);
		cr_assert(strstr(answer, rows[i][1]) != NULL, "%s -> %s", rows[i][0], answer);
	}
	say(fd, "{\"command\":\"links\"}\n");
	hears(fd, "{\"ok\":{\"links\":[]}}");
	close(fd);
}

Test(api, a_request_of_the_longest_length_is_read_and_a_longer_one_ends_the_connection)
{
	char line[API_REQUEST_MAX + 3];
	int fd = dial();

	memset(line, ' ', sizeof line);
	memcpy(line, "{\"command\":\"links\"}", 19);
	line[API_REQUEST_MAX] = '\n';
	line[API_REQUEST_MAX + 1] = 0;
	say(fd, line);
	hears(fd, "{\"ok\":{\"links\":[]}}");
	line[API_REQUEST_MAX] = ' ';
	line[API_REQUEST_MAX + 1] = '\n';
	line[API_REQUEST_MAX + 2] = 0;
	say(fd, line);
	hears(fd, "{\"error\":\"the request is longer than 4096 bytes; shorten it\"}");
	cr_assert(ne(sz, (size_t)recv(fd, line, 1, 0), 1));
	close(fd);
}

Test(api, a_request_may_come_in_pieces_and_several_in_one)
{
	int fd = dial();

	say(fd, "{\"comm");
	turn();
	turn();
	say(fd, "and\":\"links\"}\n{\"command\":\"links\"}\n{\"comma");
	hears(fd, "{\"ok\":{\"links\":[]}}");
	hears(fd, "{\"ok\":{\"links\":[]}}");
	say(fd, "nd\":\"links\"}\n");
	hears(fd, "{\"ok\":{\"links\":[]}}");
	close(fd);
}

Test(api, a_last_request_needs_no_newline_when_the_client_shuts_down)
{
	int fd = dial();

	say(fd, "{\"command\":\"links\"}");
	shutdown(fd, SHUT_WR);
	hears(fd, "{\"ok\":{\"links\":[]}}");
	hears(fd, "(closed)");
	close(fd);
}

Test(api, answers_keep_the_order_of_requests_also_when_one_comes_later)
{
	int fd = dial();

	say(fd, "{\"command\":\"ping\",\"args\":[\"later\"]}\n"
		"{\"command\":\"ping\",\"args\":[\"now\"]}\n{\"command\":\"links\"}\n");
	while (!waiting_count)
		turn();
	turn();
	api_reply_ok(waiting[0], json_pack("{s:i}", "rtt_ms", 3));
	hears(fd, "{\"ok\":{\"rtt_ms\":3}}");
	hears(fd, "{\"ok\":{\"rtt_ms\":0.5}}");
	hears(fd, "{\"ok\":{\"links\":[]}}");
	close(fd);
}

Test(api, an_answer_after_its_client_is_gone_does_no_harm)
{
	int fd = dial();

	say(fd, "{\"command\":\"ping\",\"args\":[\"later\"]}\n");
	while (!waiting_count)
		turn();
	close(fd);
	for (unsigned i = 0; i < 5; i++)
		turn();
	api_reply_error(waiting[0], "too late; no matter");
	fd = dial();
	say(fd, "{\"command\":\"links\"}\n");
	hears(fd, "{\"ok\":{\"links\":[]}}");
	close(fd);
}

static void finish_early(void)
{
	api_free(api);
	api = NULL;
}

static const char goes_down[] =
    "{\"error\":\"the daemon goes down; ask it again once it is back\"}";

Test(api, an_answer_after_the_api_is_gone_does_no_harm)
{
	int fd = dial();

	say(fd, "{\"command\":\"ping\",\"args\":[\"later\"]}\n");
	while (!waiting_count)
		turn();
	finish_early();
	turn();
	api_reply_error(waiting[0], "too late; no matter");
	hears(fd, goes_down);
	hears(fd, "(closed)");
	close(fd);
}

/* Until as many wait for an answer as may, and the others are held back. */
static void ask_more_than_may_wait(int fd, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		say(fd, "{\"command\":\"ping\",\"args\":[\"later\"]}\n");
	while (waiting_count < API_PENDING_MAX)
		turn();
	turn();
	turn();
}

Test(api, a_client_with_many_pings_out_waits_and_gets_all_its_answers)
{
	int fd = dial();
	char expected[64];

	ask_more_than_may_wait(fd, 3 * API_PENDING_MAX);
	cr_assert(eq(uint, waiting_count, API_PENDING_MAX), "the others wait");
	for (unsigned i = 0; i < 3 * API_PENDING_MAX; i++) {
		while (waiting_count <= i)
			turn();
		api_reply_ok(waiting[i], json_pack("{s:i}", "n", (int)i));
		snprintf(expected, sizeof expected, "{\"ok\":{\"n\":%u}}", i);
		hears(fd, expected);
	}
	close(fd);
}

Test(api, a_request_held_back_is_not_run_inside_the_answer_that_makes_room)
{
	int fd = dial();

	ask_more_than_may_wait(fd, API_PENDING_MAX + 1);
	api_reply_ok(waiting[0], json_pack("{s:i}", "n", 0));
	cr_assert(eq(uint, waiting_count, API_PENDING_MAX), "who answers is not done yet");
	while (waiting_count == API_PENDING_MAX)
		turn();
	for (unsigned i = 1; i < waiting_count; i++)
		api_reply_ok(waiting[i], json_pack("{s:i}", "n", (int)i));
	close(fd);
}

Test(api, a_request_held_back_is_told_when_the_api_ends)
{
	int fd = dial();

	ask_more_than_may_wait(fd, API_PENDING_MAX + 1);
	for (unsigned i = 0; i < API_PENDING_MAX; i++)
		api_reply_error(waiting[i], "going down");
	finish_early();
	turn();
	for (unsigned i = 0; i < API_PENDING_MAX; i++)
		hears(fd, "{\"error\":\"going down\"}");
	hears(fd, goes_down);
	hears(fd, "(closed)");
	cr_assert(eq(uint, waiting_count, API_PENDING_MAX), "not run");
	close(fd);
}

Test(api, requests_without_an_answer_are_told_when_the_api_ends_and_so_are_those_behind_them)
{
	int fd = dial();

	ask_more_than_may_wait(fd, API_PENDING_MAX + 3);
	finish_early();
	turn();
	for (unsigned i = 0; i < API_PENDING_MAX + 3; i++)
		hears(fd, goes_down);
	hears(fd, "(closed)");
	for (unsigned i = 0; i < waiting_count; i++)
		api_reply_error(waiting[i], "too late; no matter");
	cr_assert(eq(uint, waiting_count, API_PENDING_MAX), "not run");
	close(fd);
}

Test(api, a_client_that_does_not_read_is_held_back_and_gets_everything_once_it_does)
{
	int slow = dial(), quick = dial();

	for (unsigned i = 0; i < 20; i++)
		say(slow, "{\"command\":\"routes\"}\n");
	for (unsigned i = 0; i < 10; i++)
		turn();
	say(quick, "{\"command\":\"links\"}\n");
	hears(quick, "{\"ok\":{\"links\":[]}}");
	for (unsigned i = 0; i < 20; i++)
		cr_assert(gt(sz, strlen(hear(slow)), 1000000));
	close(slow);
	close(quick);
}

Test(api, a_client_that_goes_in_the_middle_of_an_answer_does_no_harm)
{
	int fd = dial(), other = dial();

	say(fd, "{\"command\":\"routes\"}\n");
	for (unsigned i = 0; i < 5; i++)
		turn();
	close(fd);
	say(other, "{\"command\":\"links\"}\n");
	hears(other, "{\"ok\":{\"links\":[]}}");
	close(other);
}

Test(api, many_clients_are_served_and_those_above_the_limit_turned_away)
{
	int fds[API_CLIENTS_MAX], more;

	for (unsigned i = 0; i < API_CLIENTS_MAX; i++) {
		fds[i] = dial();
		turn();
	}
	for (unsigned i = 0; i < API_CLIENTS_MAX; i++)
		say(fds[i], "{\"command\":\"links\"}\n");
	for (unsigned i = 0; i < API_CLIENTS_MAX; i++)
		hears(fds[i], "{\"ok\":{\"links\":[]}}");
	more = dial();
	cr_assert(strstr(hear(more), "too many clients") != NULL);
	hears(more, "(closed)");
	close(fds[0]);
	close(more);
	turn();
	turn();
	more = dial();
	say(more, "{\"command\":\"links\"}\n");
	hears(more, "{\"ok\":{\"links\":[]}}");
}

/* ---- the socket file ---- */

Test(api, the_socket_is_for_owner_and_group_and_goes_with_the_daemon)
{
	struct stat st;

	cr_assert(zero(int, stat(path, &st)));
	cr_assert(eq(int, st.st_mode & 0777, 0660));
	finish_early();
	cr_assert(eq(int, stat(path, &st), -1));
}

Test(api, a_second_daemon_on_a_live_socket_is_refused)
{
	const struct api_config config = { .socket = path };
	struct api *second;

	cr_assert(eq(int, api_new(loop, &config, &source, &second, why), VD_EUSER));
	cr_assert(strstr(why, "another daemon runs on it; stop that one") != NULL, "%s", why);
}

/* Leaves a socket file behind as a killed daemon does. */
static void leave_stale(const char *at)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, at);
	cr_assert(zero(int, bind(fd, (struct sockaddr *)&addr, sizeof addr)));
	close(fd);
}

Test(api, a_dead_daemons_socket_is_replaced)
{
	char other[64];
	const struct api_config config = { .socket = other };
	struct api *second;
	int fd;

	snprintf(other, sizeof other, "%s/run/other.sock", directory);
	leave_stale(other);
	cr_assert(eq(int, api_new(loop, &config, &source, &second, why), VD_OK), "%s", why);
	fd = dial_path(other);
	say(fd, "{\"command\":\"links\"}\n");
	hears(fd, "{\"ok\":{\"links\":[]}}");
	close(fd);
	api_free(second);
}

Test(api, a_file_that_is_no_socket_is_not_removed)
{
	char other[64];
	const struct api_config config = { .socket = other };
	struct api *second;

	snprintf(other, sizeof other, "%s/run/file", directory);
	close(open(other, O_CREAT | O_WRONLY, 0600));
	cr_assert(eq(int, api_new(loop, &config, &source, &second, why), VD_EUSER));
	cr_assert(zero(int, unlink(other)));
}

Test(api, a_path_that_cannot_be_is_an_error_with_cure)
{
	const struct api_config config = { .socket = "/nonexistent/deep/er/api.sock" };
	struct api *second;

	cr_assert(eq(int, api_new(loop, &config, &source, &second, why), VD_ESYS));
	cr_assert(strstr(why, "set api.socket") != NULL, "%s", why);
}

/* ---- HTTP ---- */

static int http_connection(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(api_http_port(api)),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(zero(int, connect(fd, (struct sockaddr *)&addr, sizeof addr)));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static const char *http(const char *request)
{
	static char answer[65536];
	int fd = http_connection();
	size_t len = 0;
	ssize_t n;

	say(fd, request);
	while ((n = recv(fd, answer + len, sizeof answer - 1 - len, 0)) != 0) {
		if (n < 0)
			turn();
		else
			len += (size_t)n;
	}
	answer[len] = 0;
	close(fd);
	return answer;
}

#define GET(url) "GET " url " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

Test(api, metrics_are_openmetrics_with_its_content_type)
{
	const char *answer = http(GET("/metrics"));

	cr_assert(strstr(answer, "HTTP/1.1 200") == answer, "%s", answer);
	cr_assert(strstr(answer, "Content-Type: application/openmetrics-text; version=1.0.0; "
				 "charset=utf-8\r\n") != NULL,
		  "%s", answer);
	cr_assert(strstr(answer, "\nviaduct_links 2\n") != NULL, "%s", answer);
	cr_assert(strstr(answer, "\nviaduct_api_clients 0\n") != NULL, "%s", answer);
	cr_assert(eq(str, (char *)answer + strlen(answer) - 6, "# EOF\n"));
}

Test(api, health_is_always_ok_and_readiness_says_why_not)
{
	cr_assert(strstr(http(GET("/healthz")), "\r\n\r\nok\n") != NULL);
	ready = false;
	cr_assert(strstr(http(GET("/readyz")), "503") != NULL);
	cr_assert(strstr(http(GET("/readyz")), "\r\n\r\nno link to a router yet\n") != NULL);
	ready = true;
	cr_assert(strstr(http(GET("/readyz")), "HTTP/1.1 200") != NULL);
}

Test(api, other_paths_and_methods_are_refused)
{
	cr_assert(strstr(http(GET("/")), "HTTP/1.1 404") != NULL);
	cr_assert(strstr(http("POST /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
			      "Content-Length: 3\r\n\r\nabc"),
			 "HTTP/1.1 405") != NULL);
	cr_assert(strstr(http("nonsense\r\n\r\n"), "HTTP/1.1 200") == NULL);
}

/* libmicrohttpd stops listening at its limit, and starts again only when it is run. */
Test(api, http_is_back_after_as_many_slow_clients_as_it_takes_were_there, .timeout = 10)
{
	int fds[API_HTTP_CLIENTS_MAX];

	for (unsigned i = 0; i < API_HTTP_CLIENTS_MAX; i++) {
		fds[i] = http_connection();
		say(fds[i], "GET /met");
		turn();
	}
	for (unsigned i = 0; i < API_HTTP_CLIENTS_MAX; i++)
		close(fds[i]);
	for (unsigned i = 0; i < 10; i++)
		turn();
	cr_assert(strstr(http(GET("/healthz")), "\r\n\r\nok\n") != NULL);
}

Test(api, who_connects_when_no_descriptor_is_left_waits_and_keeps_nobody_busy, .timeout = 30)
{
	struct rlimit before, none;
	int fd = http_connection(), lowest = dup(fd);
	vd_ns until = vd_now() + VD_MS(300);
	unsigned turns = 0;
	char answer[4];

	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){ .rlim_cur = (rlim_t)lowest, .rlim_max = before.rlim_max };
	close(lowest);
	setrlimit(RLIMIT_NOFILE, &none);
	for (; vd_now() < until; turns++)
		turn(); /* 20 ms each, if nothing happens */
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(lt(uint, turns, 100));
	say(fd, GET("/healthz"));
	while (recv(fd, answer, sizeof answer, 0) < 0)
		turn();
	close(fd);
}

Test(api, two_daemons_cannot_listen_on_one_port)
{
	const struct vd_udp_addr same = { .ip = { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 },
					  .port = api_http_port(api) };
	const struct api_config config = { .listen = &same };
	struct api *second;

	cr_assert(eq(int, api_new(loop, &config, &source, &second, why), VD_EUSER));
	cr_assert(strstr(why, "set another port") != NULL, "%s", why);
}
