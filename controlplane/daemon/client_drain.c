/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* `viaduct drain [cancel]`; `viaduct drain --cancel` is the same. */
#include <stdio.h>
#include <string.h>

#include "controlplane/daemon/client_verbs.h"

int client_drain(const struct client_options *options)
{
	const char *word = options->cancel           ? "cancel"
			   : options->word_count > 1 ? options->words[1]
						     : NULL;
	char why[CLIENT_WHY];
	json_t *answer = NULL;
	int status, links;

	if (word && strcmp(word, "cancel") != 0)
		return client_complain(CLIENT_USAGE, "usage: viaduct drain [cancel]");
	status = client_request(options->api, "drain", word, &answer, why);
	links = (int)json_integer_value(json_object_get(answer, "links"));
	if (status)
		return client_complain(status, why);
	if (options->json)
		return client_print(answer);
	if (json_is_true(json_object_get(answer, "draining")))
		printf("draining: %d links told; stop the daemon when `viaduct stats` switches no "
		       "more\n",
		       links);
	else
		printf("draining no more: %d links told\n", links);
	json_decref(answer);
	return CLIENT_OK;
}
