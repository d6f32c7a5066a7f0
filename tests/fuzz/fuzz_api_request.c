/* Targets: controlplane/api/api.c, request lines of the unix socket */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>

#include "controlplane/api/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static json_t *status(void *context)
{
	(void)context;
	return json_object();
}

static void ping(void *context, const char *target, struct api_reply *reply)
{
	(void)context;
	expect(strlen(target) <= API_REQUEST_MAX);
	api_reply_error(reply, target);
}

static void action(void *context, const json_t *args, struct api_reply *reply)
{
	(void)context;
	expect(json_is_array(args) && json_array_size(args) >= 1 && json_array_size(args) <= 2);
	api_reply_ok(reply, json_incref((json_t *)(uintptr_t)args));
}

/* Each request is answered: the reply was let go of. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct api_action actions[] = { { "connect", "PEER [ADDR]", 1, 2, action },
						     { 0 } };
	struct api api = { .source = { .status = status, .ping = ping, .actions = actions } };
	struct api_reply *reply;

	expect(cp_loop_new(&api.loop) == VD_OK);
	reply = api_reply_new(&api, NULL);
	expect(reply != NULL);
	api_run(&api, (const char *)data, size, reply); /* leaks, were it not answered */
	cp_loop_free(api.loop);
	return 0;
}
