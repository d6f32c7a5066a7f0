/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * client_verbs: the commands of the program `viaduct`, one table.
 *
 * To add one: a line in CLIENT_VERBS, and `int client_NAME(const struct client_options *)` in a
 * file of its own (client_NAME.c, listed in the root's meson.build). It prints, and returns the
 * exit status.
 */
#include <stdbool.h>
#include <stdio.h>

#include "controlplane/daemon/client.h"

/* X(name, arguments, how many at least, at most, help) */
#define CLIENT_VERBS(X)                                                                            \
	X(id, "", 0, 0, "who the daemon is, and its addresses")                                    \
	X(status, "", 0, 0, "the daemon in a few lines")                                           \
	X(links, "", 0, 0, "links to neighbours, with accounting")                                 \
	X(accounts, "", 0, 0, "what each peer's links have carried, over restarts")                \
	X(peers, "", 0, 0, "libp2p peers that are connected")                                      \
	X(sessions, "", 0, 0, "end-to-end sessions")                                               \
	X(routes, "", 0, 0, "known routes to peers")                                               \
	X(stats, "", 0, 0, "packet counters, drops by reason, workers")                            \
	X(capture, "", 0, 0, "packets as on the wire, of a link or a drop reason")                 \
	X(ping, "PEER", 1, 1, "round-trip time to a peer id or an overlay address")                \
	X(connect, "ADDR…|PEER", 1, 16, "link to a router, session or connection with a peer")     \
	X(disconnect, "ADDR|PEER", 1, 1, "end a session, or a link, or connections")               \
	X(drain, "[cancel]", 0, 1, "before a stop: the edges move to other routers")               \
	X(resolve, "[WHO]", 0, 1, "names, peer ids, overlay addresses: a line as in /etc/hosts")   \
	X(key, "gen|show FILE", 2, 2, "make a key file; tell a key file's peer id")                \
	X(token, "gen|hash FILE", 2, 2, "make a token file; tell what a router keeps of it")       \
	X(version, "", 0, 0, "of this program and of the daemon")                                  \
	X(help, "", 0, 0, "this text")

/* The command line, as it was given. Borrowed from main. */
struct client_options {
	const char *api; /* path of the daemon's socket */
	bool json;
	bool all;
	bool explain;
	bool known;            /* of peers */
	bool cancel;           /* of drain */
	bool path;             /* of ping */
	unsigned count;        /* 0: not given */
	const char *network;   /* of connect: a private one's name; NULL: not given */
	const char *link;      /* of capture: peer id; NULL: any */
	const char *drop;      /* of capture: reason or "any"; NULL: no drops */
	const char *direction; /* of capture: "in", "out"; NULL: both */
	const char *file;      /* of capture: pcapng; "-": stdout; NULL: lines on stdout */
	char **words;          /* verb and arguments */
	int word_count;
};

#define X(name, arguments, least, most, help) int client_##name(const struct client_options *);
CLIENT_VERBS(X)
#undef X

#define CLIENT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* client_trace.c: `viaduct ping --path`. */
int client_trace(const struct client_options *options);

/* Says why on stderr, and returns status. */
int client_complain(int status, const char *why);

/* Asks the daemon, without arguments. CLIENT_OK and a new reference, or a status, with why told. */
int client_ask(const struct client_options *options, const char *command, json_t **answer_out);

/* A line of JSON, or several as flags (jansson's) say, that controls no terminal. False: out of
 * memory, or not written. */
bool client_write_json(FILE *out, const json_t *value, size_t flags);

/* Prints JSON. Takes value. */
int client_print(json_t *value);
