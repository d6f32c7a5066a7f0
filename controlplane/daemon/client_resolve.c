/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* `viaduct resolve`: lines as of /etc/hosts, of one peer or of all that have names. */
#include <stdio.h>

#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/table.h"

/* "fd76:… name name  # 12D3…": a peer without names is a comment as a whole. */
static void print_host(const json_t *host)
{
	const json_t *names = json_object_get(host, "names"), *peer = json_object_get(host, "peer");
	char cell[TABLE_CELL];
	json_t *name;
	size_t i;

	printf("%s%s", json_array_size(names) ? "" : "# ",
	       table_cell(json_object_get(host, "overlay"), TABLE_TEXT, cell));
	json_array_foreach(names, i, name) printf(" %s", table_cell(name, TABLE_TEXT, cell));
	if (json_is_string(peer))
		printf("  # %s", table_cell(peer, TABLE_TEXT, cell));
	putchar('\n');
}

int client_resolve(const struct client_options *options)
{
	const char *who = options->word_count > 1 ? options->words[1] : NULL;
	char why[CLIENT_WHY];
	json_t *answer = NULL, *host;
	size_t i;
	int status = client_request(options->api, "resolve", who, &answer, why);

	if (status)
		return client_complain(status, why);
	if (options->json)
		return client_print(answer);
	if (who)
		print_host(answer);
	json_array_foreach(json_object_get(answer, "hosts"), i, host) print_host(host);
	json_decref(answer);
	return CLIENT_OK;
}
