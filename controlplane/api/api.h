/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * api: what the daemon tells and does for `viaduct`, scripts and monitoring.
 *
 * On a unix socket: one JSON object a line,
 *
 *	{"command":"links","args":[]}   ->   {"ok":{"links":[…]}}   or   {"error":"what; cure"}
 *
 * answered in order, any number of requests on a connection. On HTTP (api.listen):
 * GET /metrics, /healthz, /readyz. Both on the control thread.
 *
 * Commands: id, version, status, links, sessions, routes, stats, ping <peer id or
 * overlay address>, capture start|next|stop, and the source's actions. The JSON of each is its
 * function's below, as it is.
 *
 * Threads: control. Memory: limits below; what is above them is turned away and counted.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/udp_addr.h"
#include "controlplane/api/metrics.h"
#include "controlplane/loop/loop.h"

enum {
	API_REQUEST_MAX = 4096,    /* bytes of a line */
	API_CLIENTS_MAX = 64,      /* connections to the socket */
	API_PENDING_MAX = 16,      /* answers that one connection waits for: above, the same */
	API_BACKLOG_MAX = 1 << 20, /* bytes it has not read: above, its requests wait */
	API_HTTP_CLIENTS_MAX = 64,
	API_REPLY_S = 10, /* a reply that comes later is told as a timeout */
	API_WHY = 256,
};

/*
 * A request that waits for its answer. Answered exactly once, at once or later; also after
 * its client is gone, and after api_free (then nothing happens but freeing). Runs no other
 * request.
 */
struct api_reply;
void api_reply_ok(struct api_reply *reply, json_t *value);       /* takes value */
void api_reply_error(struct api_reply *reply, const char *text); /* "what; cure" */

/*
 * A command with arguments. `run` is called with as many as it takes; it takes reply, and
 * borrows args (always an array).
 */
struct api_action {
	const char *name;      /* NULL: the end of the list */
	const char *arguments; /* for people: "PEER|ADDR" */
	size_t least, most;    /* arguments */
	void (*run)(void *context, const json_t *args, struct api_reply *reply);
};

/*
 * Where the data comes from; each is called on the control thread. JSON functions return a new
 * reference, NULL when out of memory; fields as of the contract (docs/architecture.md).
 */
struct api_source {
	void *context;
	json_t *(*id)(void *context);       /* {"peer", "overlay", "addresses": […]} */
	json_t *(*status)(void *context);   /* {"peer", "version", "uptime_s", "workers", …} */
	json_t *(*links)(void *context);    /* {"links": […]} */
	json_t *(*sessions)(void *context); /* {"sessions": […]} */
	json_t *(*routes)(void *context);   /* {"routes": […]} */
	json_t *(*stats)(void *context);   /* {"switched", …, "drops": {…}, "workers": […]} */
	json_t *(*version)(void *context); /* {"version", …}; NULL: the build's version alone */
	/* Answers with {"peer", "rtt_ms", "via": "link" or "session"}. Takes reply. */
	void (*ping)(void *context, const char *target, struct api_reply *reply);
	/*
	 * A capture of packets: args ["start", {"peer", "drop", "direction"}] begins one: {"id",
	 * "ports": [name, …], "kept"}; ["next", id] answers with {"packets": […], "missed"} as soon
	 * as there are any, else after a second; ["stop", id]. Takes reply, borrows args.
	 */
	void (*capture)(void *context, const json_t *args, struct api_reply *reply);
	const struct api_action *actions;                  /* NULL: none */
	void (*metrics)(void *context, struct metrics *m); /* families; not finish */
	/* Whether traffic can be carried; else why not, in a sentence. NULL: always. */
	bool (*ready)(void *context, char why[API_WHY]);
};

struct api_config {
	const char *socket;               /* path; NULL or "": none */
	const struct vd_udp_addr *listen; /* TCP address for HTTP; NULL: none; port 0: a free one */
};

struct api;

/*
 * Listens. A socket file left by a dead daemon is replaced; VD_EUSER when a live one answers on
 * it, or the address is taken. VD_ESYS, VD_ENOMEM. `why` says what and the cure. The source is
 * copied, its context kept.
 */
enum vd_err api_new(struct cp_loop *loop, const struct api_config *config,
		    const struct api_source *source, struct api **api_out, char why[API_WHY]);
/* Closes all connections, removes the socket file. NULL is allowed. */
void api_free(struct api *api);

/* The port that HTTP listens on; 0: none. */
uint16_t api_http_port(const struct api *api);
