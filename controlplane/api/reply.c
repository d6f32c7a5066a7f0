/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>

#include "controlplane/api/parts.h"

static char no_memory[] = "{\"error\":\"the daemon is out of memory; try again\"}\n";

struct api_reply *api_reply_new(struct api *api, struct api_client *client)
{
	struct api_reply *reply = (struct api_reply *)calloc(1, sizeof *reply);

	if (!reply)
		return NULL;
	*reply = (struct api_reply){ .api = api, .client = client, .held = true };
	return reply;
}

static void free_if_unused(struct api_reply *reply)
{
	if (reply->held || reply->client)
		return;
	cp_timer_free(reply->deadline);
	if (reply->text != no_memory)
		free(reply->text);
	free(reply);
}

void api_reply_drop(struct api_reply *reply)
{
	reply->client = NULL;
	cp_timer_free(reply->deadline); /* not after the api is gone: its loop may be, too */
	reply->deadline = NULL;
	free_if_unused(reply);
}

/* Gives the client its answer, the first one only. Takes value. */
static void answer(struct api_reply *reply, const char *name, json_t *value)
{
	json_t *whole;
	char *text = NULL;
	size_t len;

	if (!reply->client || reply->text) {
		json_decref(value);
		return;
	}
	whole = value ? json_pack("{s:o}", name, value) : NULL;
	text = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
	json_decref(whole);
	len = text ? strlen(text) : 0;
	if (text) {
		char *longer = (char *)realloc(text, len + 2);

		if (longer)
			memcpy(longer + len, "\n", 2);
		else
			free(text);
		text = longer;
	}
	reply->text = text ? text : no_memory;
	cp_timer_free(reply->deadline);
	reply->deadline = NULL;
	api_client_flush(reply->client);
}

static void answer_and_let_go(struct api_reply *reply, const char *name, json_t *value)
{
	answer(reply, name, value); /* may drop the client's side of it */
	reply->held = false;
	free_if_unused(reply);
}

void api_reply_ok(struct api_reply *reply, json_t *value)
{
	answer_and_let_go(reply, "ok", value);
}

void api_reply_error(struct api_reply *reply, const char *text)
{
	json_t *value = json_string(text);

	if (reply->client && !reply->text)
		reply->api->counters.errors++;
	answer_and_let_go(reply, "error", value ? value : json_string("not UTF-8"));
}

void api_reply_give_up(struct api_reply *reply, const char *text)
{
	answer(reply, "error", json_string(text));
}

static void on_deadline(void *context)
{
	struct api_reply *reply = (struct api_reply *)context;

	reply->api->counters.timeouts++;
	api_reply_give_up(reply, "no answer in time; see the daemon's log");
}

enum vd_err api_reply_await(struct api_reply *reply)
{
	enum vd_err err = cp_timer_new(reply->api->loop, on_deadline, reply, &reply->deadline);

	if (!err)
		cp_timer_at(reply->deadline, vd_now() + VD_SECONDS(API_REPLY_S));
	return err;
}
