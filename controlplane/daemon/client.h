/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * client: one request to the daemon's API socket, blocking. Of the program `viaduct`.
 */
#include <jansson.h>
#include <stdbool.h>

enum {
	CLIENT_WHY = 512,
	CLIENT_SOCKET = 108,
	/* exit statuses of viaduct */
	CLIENT_OK = 0,
	CLIENT_REFUSED = 1,     /* the daemon said no, or a ping got no answer */
	CLIENT_USAGE = 2,       /* the command line is wrong */
	CLIENT_UNREACHABLE = 3, /* no daemon */
};

#define CLIENT_SOCKET_DEFAULT "/run/viaduct/api.sock"

/*
 * Sends `command` with at most one argument (NULL: none), and waits for its answer.
 * CLIENT_OK and a new reference, or another status and `why`: "what; cure".
 */
int client_request(const char *path, const char *command, const char *argument, json_t **answer_out,
		   char why[CLIENT_WHY]);

/* The same with any arguments, an array. Takes args; NULL (one is not UTF-8) is CLIENT_USAGE. */
int client_call(const char *path, const char *command, json_t *args, json_t **answer_out,
		char why[CLIENT_WHY]);
