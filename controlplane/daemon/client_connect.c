/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* `viaduct connect`, `viaduct disconnect`. */
#include <stdio.h>

#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/table.h"

/* "link to 12D3… is up", or the JSON. */
static int show(const struct client_options *options, const char *command, json_t *args)
{
	char why[CLIENT_WHY], kind[TABLE_CELL], peer[TABLE_CELL], state[TABLE_CELL];
	json_t *answer = NULL;
	int status = client_call(options->api, command, args, &answer, why);

	if (status)
		return client_complain(status, why);
	if (options->json)
		return client_print(answer);
	printf("%s with %s is %s%s\n",
	       table_cell(json_object_get(answer, "kind"), TABLE_TEXT, kind),
	       table_cell(json_object_get(answer, "peer"), TABLE_TEXT, peer),
	       json_is_true(json_object_get(answer, "already")) ? "already " : "",
	       table_cell(json_object_get(answer, "state"), TABLE_TEXT, state));
	json_decref(answer);
	return CLIENT_OK;
}

int client_connect(const struct client_options *options)
{
	json_t *args;

	for (int i = 1; options->word_count > 2 && i < options->word_count; i++)
		if (options->words[i][0] != '/')
			return client_complain(CLIENT_USAGE, "several words are addresses of one "
							     "peer; connect to one peer at a time");
	args = json_pack("[s, s?]", options->words[1], options->network);
	for (int i = 2; i < options->word_count; i++)
		if (json_array_append_new(args, json_string(options->words[i]))) {
			json_decref(args);
			args = NULL; /* as json_pack's, when a word is not UTF-8 */
		}
	return show(options, "connect", args);
}

int client_disconnect(const struct client_options *options)
{
	return show(options, "disconnect", json_pack("[s]", options->words[1]));
}
