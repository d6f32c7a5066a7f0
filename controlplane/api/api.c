/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/api/api.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "controlplane/api/parts.h"

typedef json_t *(*get_fn)(void *context);

/* Commands that only tell something; ping is beside them. */
static const struct {
	const char *name;
	size_t offset; /* of the function in the source */
} getters[] = {
	{ "id", offsetof(struct api_source, id) },
	{ "links", offsetof(struct api_source, links) },
	{ "routes", offsetof(struct api_source, routes) },
	{ "sessions", offsetof(struct api_source, sessions) },
	{ "stats", offsetof(struct api_source, stats) },
	{ "status", offsetof(struct api_source, status) },
	{ "version", offsetof(struct api_source, version) },
};

/* A request, as read. */
struct api_request {
	const char *command; /* borrowed from root */
	json_t *args;        /* borrowed; NULL: none */
	json_t *root;
};

static const char *read_request(const char *line, size_t len, struct api_request *request_out)
{
	json_t *root, *command;
	json_error_t error;

	if (len > API_REQUEST_MAX)
		return "the request is longer than 4096 bytes; shorten it";
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	*request_out = (struct api_request){ .root = root };
	if (!root)
		return "the request is not JSON; send {\"command\":\"status\"} and a newline";
	command = json_object_get(root, "command");
	if (!json_is_string(command))
		return "the request has no command; send {\"command\":\"status\"} and a newline";
	request_out->command = json_string_value(command);
	request_out->args = json_object_get(root, "args");
	if (request_out->args && !json_is_array(request_out->args))
		return "args is not an array; send \"args\":[…]";
	return NULL;
}

static void run_ping(struct api *api, const struct api_request *request, struct api_reply *reply)
{
	const char *target = json_string_value(json_array_get(request->args, 0));

	if (!target || json_array_size(request->args) != 1)
		api_reply_error(reply, "ping takes one argument; give a peer id or an overlay "
				       "address");
	else if (!api->source.ping)
		api_reply_error(reply, "this daemon does not ping");
	else if (api_reply_await(reply))
		api_reply_error(reply, "the daemon is out of memory; try again");
	else
		api->source.ping(api->source.context, target, reply);
}

static void run_capture(struct api *api, const struct api_request *request, struct api_reply *reply)
{
	if (!api->source.capture)
		api_reply_error(reply, "this daemon does not capture");
	else if (api_reply_await(reply))
		api_reply_error(reply, "the daemon is out of memory; try again");
	else
		api->source.capture(api->source.context, request->args, reply);
}

static const struct api_action *action_of(const struct api_source *source, const char *command)
{
	const struct api_action *action = source->actions;

	while (action && action->name && strcmp(action->name, command) != 0)
		action++;
	return action && action->name ? action : NULL;
}

static void run_action(struct api *api, const struct api_action *action, json_t *args,
		       struct api_reply *reply)
{
	json_t *none = json_array();
	char why[API_WHY];

	args = args ? args : none;
	if (json_array_size(args) < action->least || json_array_size(args) > action->most) {
		snprintf(why, sizeof why, "wrong number of arguments; it is `%s %s`", action->name,
			 action->arguments);
		api_reply_error(reply, why);
	} else if (!args || api_reply_await(reply)) {
		api_reply_error(reply, "the daemon is out of memory; try again");
	} else {
		action->run(api->source.context, args, reply);
	}
	json_decref(none);
}

/* "unknown command; there are …", with those of the source. */
static void refuse_unknown(const struct api *api, struct api_reply *reply)
{
	const struct api_action *action = api->source.actions;
	char why[API_WHY];
	int len = snprintf(why, sizeof why,
			   "unknown command; there are capture, id, links, ping, routes, "
			   "sessions, stats, status");

	for (; action && action->name && len < (int)sizeof why; action++)
		len += snprintf(why + len, sizeof why - (size_t)len, ", %s", action->name);
	if (len < (int)sizeof why)
		snprintf(why + len, sizeof why - (size_t)len, " and version");
	api_reply_error(reply, why);
}

static get_fn getter_of(const struct api_source *source, const char *command)
{
	get_fn get = NULL;

	for (size_t i = 0; i < sizeof getters / sizeof getters[0]; i++)
		if (strcmp(getters[i].name, command) == 0)
			memcpy(&get, (const char *)source + getters[i].offset, sizeof get);
	return get;
}

static void run_request(struct api *api, const struct api_request *request, struct api_reply *reply)
{
	const struct api_action *action = action_of(&api->source, request->command);
	get_fn get = getter_of(&api->source, request->command);

	if (strcmp(request->command, "ping") == 0)
		run_ping(api, request, reply);
	else if (strcmp(request->command, "capture") == 0)
		run_capture(api, request, reply);
	else if (action)
		run_action(api, action, request->args, reply);
	else if (get && json_array_size(request->args) > 0)
		api_reply_error(reply, "this command takes no arguments; leave args empty");
	else if (get)
		api_reply_ok(reply, get(api->source.context));
	else if (strcmp(request->command, "version") == 0)
		api_reply_ok(reply, json_pack("{s:s}", "version", VD_VERSION));
	else
		refuse_unknown(api, reply);
}

void api_run(struct api *api, const char *line, size_t len, struct api_reply *reply)
{
	struct api_request request = { 0 };
	const char *wrong = read_request(line, len, &request);

	if (wrong)
		api_reply_error(reply, wrong);
	else if (api->ending)
		api_reply_error(reply, API_GOES_DOWN);
	else
		run_request(api, &request, reply);
	json_decref(request.root);
}

enum vd_err api_new(struct cp_loop *loop, const struct api_config *config,
		    const struct api_source *source, struct api **api_out, char why[API_WHY])
{
	struct api *api = (struct api *)calloc(1, sizeof *api);
	enum vd_err err = VD_OK;

	if (!api) {
		snprintf(why, API_WHY, "API: no memory; free some");
		return VD_ENOMEM;
	}
	signal(SIGPIPE, SIG_IGN); /* libuv writes to clients that are gone */
	api->loop = loop;
	api->source = *source;
	if (config->socket && *config->socket)
		err = api_socket_open(api, config->socket, &api->socket, why);
	if (!err && config->listen)
		err = api_http_open(api, config->listen, &api->http, why);
	if (err) {
		api_free(api);
		return err;
	}
	*api_out = api;
	return VD_OK;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	api->ending = true;
	if (api->http)
		api_http_close(api->http);
	if (api->socket)
		api_socket_close(api->socket);
	free(api);
}

uint16_t api_http_port(const struct api *api)
{
	return api->http ? api_http_bound(api->http) : 0;
}
