/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * parts: what api's files share: commands, the unix socket, HTTP. Private to api.
 *
 * Threads: control.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "controlplane/api/api.h"

/* Never reset; told at /metrics. */
struct api_counters {
	uint64_t requests;    /* lines on the socket */
	uint64_t errors;      /* of them answered with an error */
	uint64_t scrapes;     /* HTTP requests */
	uint64_t turned_away; /* connections above the limit */
	uint64_t timeouts;    /* answers that did not come in time */
};

struct api_client;
struct api_http;

#define API_GOES_DOWN "the daemon goes down; ask it again once it is back"

struct api {
	struct cp_loop *loop;
	struct api_source source;
	struct api_counters counters;
	bool ending; /* requests are refused */
	struct api_socket *socket;
	struct api_http *http;
};

/* ---- replies: in the order of the requests (reply.c) ---- */

struct api_reply {
	struct api *api;           /* NULL once it is gone */
	struct api_client *client; /* NULL once it is gone, or the answer was given */
	struct api_reply *next;    /* the client's next request */
	struct cp_timer *deadline; /* only while the source has it */
	char *text;                /* the answer, ended by a newline; NULL: not yet */
	bool held;                 /* by the source: it still answers */
};

/* A reply at the end of a client's queue; NULL: no memory. Held. */
struct api_reply *api_reply_new(struct api *api, struct api_client *client);
/* The client gave it up, or has sent its text. Frees it unless held. */
void api_reply_drop(struct api_reply *reply);
/* Answers in place of the source, whose own answer will be dropped. */
void api_reply_give_up(struct api_reply *reply, const char *text);
/* Answers with a timeout if the source does not in time. VD_ENOMEM. */
enum vd_err api_reply_await(struct api_reply *reply);

/* Runs one request line; answers reply now or later. */
void api_run(struct api *api, const char *line, size_t len, struct api_reply *reply);

/* ---- the unix socket (socket.c) ---- */

struct api_socket;

enum vd_err api_socket_open(struct api *api, const char *path, struct api_socket **socket_out,
			    char why[API_WHY]);
void api_socket_close(struct api_socket *socket);
unsigned api_socket_clients(const struct api_socket *socket);
/* The reply got its text: send what is next in order. Runs no request: the loop does, once that is
 * sent. */
void api_client_flush(struct api_client *client);

/* ---- HTTP (http.c) ---- */

enum vd_err api_http_open(struct api *api, const struct vd_udp_addr *listen,
			  struct api_http **http_out, char why[API_WHY]);
void api_http_close(struct api_http *http);
uint16_t api_http_bound(const struct api_http *http);
