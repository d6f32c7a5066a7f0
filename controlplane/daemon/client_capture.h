/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * client_capture: `viaduct capture`: packets of a running daemon, as lines or into a pcapng file.
 *
 * Ends after `count` packets, or on SIGINT and SIGTERM; then the daemon is told to stop.
 */
#include "controlplane/daemon/client.h"

struct client_capture {
	const char *api;
	const char *link;      /* peer id; NULL: any */
	const char *drop;      /* reason or "any"; NULL: no drops */
	const char *direction; /* "in", "out"; NULL: both */
	const char *file;      /* pcapng; "-": stdout; NULL: lines on stdout */
	unsigned count;        /* 0: until interrupted */
	bool json;             /* lines are JSON objects */
};

/* An exit status; 1 or 3 with `why`. */
int client_capture(const struct client_capture *options, char why[CLIENT_WHY]);
