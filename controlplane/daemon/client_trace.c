/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* `viaduct ping --path`: which leg of a session's path is slow, and which loses. */
#include <stdio.h>

#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/table.h"

/* The last leg: to the peer, over the session. */
static const json_t *last_leg(const json_t *answer)
{
	const json_t *legs = json_object_get(answer, "legs");

	return json_array_get(legs, json_array_size(legs) - 1);
}

static json_int_t count_of(const json_t *leg, const char *field)
{
	return json_integer_value(json_object_get(leg, field));
}

static void print_worst(const json_t *answer)
{
	const json_t *worst = json_object_get(answer, "worst");
	const json_t *leg =
	    json_array_get(json_object_get(answer, "legs"), (size_t)json_integer_value(worst));
	char from[TABLE_CELL], to[TABLE_CELL];

	if (!json_is_integer(worst) && count_of(last_leg(answer), "sent")) {
		puts("nothing was lost");
		return;
	}
	if (!json_is_integer(worst)) {
		printf("no ping left for %s; see `viaduct sessions`\n",
		       table_cell(json_object_get(answer, "peer"), TABLE_TEXT, to));
		return;
	}
	printf("most is lost between %s and %s: %.0f %%\n",
	       table_cell(json_object_get(leg, "from"), TABLE_TEXT, from),
	       table_cell(json_object_get(leg, "to"), TABLE_TEXT, to),
	       json_number_value(json_object_get(leg, "leg_loss")) * 100);
}

int client_trace(const struct client_options *options)
{
	static const struct table_column columns[] = {
		{ "FROM", "from", TABLE_TEXT },
		{ "TO", "to", TABLE_TEXT },
		{ "NAME", "name", TABLE_TEXT },
		{ "SENT", "sent", TABLE_NUMBER },
		{ "ANSWERED", "received", TABLE_NUMBER },
		{ "RTT", "rtt_ms", TABLE_MS },
		{ "OF THIS LEG", "leg_ms", TABLE_MS },
		{ "LOST ON IT", "leg_loss", TABLE_PERCENT },
	};
	json_t *args = json_pack("[s]", options->words[1]), *answer = NULL;
	char why[CLIENT_WHY];
	int status, answered;

	if (options->count)
		json_array_append_new(args, json_integer(options->count));
	status = client_call(options->api, "trace", args, &answer, why);
	if (status)
		return client_complain(status, why);
	answered = count_of(last_leg(answer), "received") ? CLIENT_OK : CLIENT_REFUSED;
	if (options->json) {
		status = client_print(answer);
		return status ? status : answered;
	}
	table_print(stdout, json_object_get(answer, "legs"), columns, CLIENT_COUNT(columns),
		    "no legs");
	print_worst(answer);
	json_decref(answer);
	return answered;
}
