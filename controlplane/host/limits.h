/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * limits: what all libp2p hosts of this process together may hold, so that no peer and no crowd of
 * them takes it all: connections, streams, bytes. What go-libp2p's resource manager does, with the
 * few scopes that decide: the process, a remote prefix, a peer, a protocol.
 *
 *	host_limits_new, then host_config.limits of each host, … host_limits_free after the hosts
 *
 * A peer above a limit is turned away, and counted by limit; nobody inside loses for it. The one
 * exception is memory: while more than buffered_bytes wait inside, a connection that adds to it and
 * holds more than its share is closed; one through which as much flows in a second or two as it
 * holds is a transfer, no hoard, and may go on until a quarter more waits.
 *
 * A prefix is an IPv4 address, or an IPv6 /56; of a /48, eight times as many may come. Loopback is
 * exempt. Prefixes count peers that connect to us alone: whom we dial is ours to choose. So is the
 * last quarter of connections, and of those that negotiate: peers that connect to us do not get it,
 * so that a crowd of strangers does not stop our dials.
 *
 * Threads:  any; counters are atomic, the table of prefixes has a lock that is held for a look-up,
 *           once when a connection comes and once when it goes; so has that of peers.
 * Memory:   fixed but for the table, which is as large as `connections` asks for.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct host;
struct host_limits;

/* X(symbol, name): which limit turned something away. */
#define HOST_LIMITS(X)                                                                             \
	X(CONNECTIONS, "connections")                                                              \
	X(NEGOTIATING, "negotiating")                                                              \
	X(PREFIX, "prefix")                                                                        \
	X(PREFIX_RATE, "prefix_rate")                                                              \
	X(PEER_STREAMS, "peer_streams")                                                            \
	X(PROTOCOL_STREAMS, "protocol_streams")                                                    \
	X(BUFFERED, "buffered")

enum host_limit {
#define X(symbol, name) HOST_LIMIT_##symbol,
	HOST_LIMITS(X)
#undef X
	    HOST_LIMIT_COUNT
};

enum { HOST_LIMITS_OWN_SHARE = 4 }; /* one in so many connections is for dials alone */

struct host_limits_config { /* 0 selects the default, given last in each comment */
	/* Both ways; each is an open file: raise RLIMIT_NOFILE to match. 16,384. */
	uint32_t connections;
	uint32_t negotiating; /* of those, that are not open yet; both ways. 2,048 */
	uint32_t prefix;      /* connections from one prefix. 8 */
	/* That one peer opened, on all its connections, until what we wrote is out. 1,024 */
	uint32_t peer_streams;
	uint32_t protocol_streams; /* that peers opened, of one protocol. 16,384 */
	/* Unread, unsent, not whole yet, of all connections. 512 MiB. */
	uint64_t buffered_bytes;
};

/* `config` is copied; of what is 0 in it, or NULL, the usual limit holds. VD_ENOMEM. */
enum vd_err host_limits_new(const struct host_limits_config *config,
			    struct host_limits **limits_out);
void host_limits_free(struct host_limits *limits);
/* What holds. */
const struct host_limits_config *host_limits_config(const struct host_limits *limits);
/* Those that a host is under; its own, if it was given none. */
const struct host_limits *host_limits(const struct host *host);

/* ---- counting ---- */

/* How many were turned away, by limit; "connections", … */
uint64_t host_limits_blocked(const struct host_limits *limits, enum host_limit which);
const char *host_limit_name(enum host_limit which);

struct host_limits_used {
	uint32_t connections[2], negotiating[2]; /* [1]: those that we dialled */
	uint32_t streams;                        /* that peers opened and that have a protocol */
	uint64_t buffered_bytes;
};
struct host_limits_used host_limits_used(const struct host_limits *limits);
