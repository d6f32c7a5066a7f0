/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * limits: what all libp2p hosts of this process together may hold, so that no peer and no crowd of
 * them takes it all: connections, streams, bytes. What go-libp2p's resource manager does, with the
 * few scopes that decide: the process, a remote prefix, a peer, a protocol.
 *
 *	host_limits_new, then host_config.limits of each host, … host_limits_free after the hosts
 *
 * Who is above a limit is turned away, and counted by limit; nobody who is in loses for it. The one
 * exception is memory: while more than buffered_bytes wait inside, a connection that adds to it and
 * holds more than its share is closed; one through which as much flows in a second or two as it
 * holds is a transfer, no hoard, and may go on until a quarter more waits.
 *
 * A prefix is an IPv4 address, or an IPv6 /56; of a /48, eight times as many may come. Loopback is
 * exempt. Prefixes count who connects to us alone: whom we dial is ours to choose. So is the last
 * quarter of connections, and of those that negotiate: who connects to us does not get it, so that
 * a crowd of strangers does not stop our dials.
 *
 * Threads:  any; counters are atomic, the table of prefixes has a lock that is held for a look-up,
 *           once when a connection comes and once when it goes; so has that of peers.
 * Memory:   fixed but for the table, which is as large as connections_max asks for.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/time.h"

struct sockaddr_storage;
struct host;
struct host_limits;
struct vd_peer_id;

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

struct host_limits_config {
	uint32_t connections;  /* both ways; each is an open file: raise RLIMIT_NOFILE to match */
	uint32_t negotiating;  /* of those, that are not open yet; both ways */
	uint32_t prefix;       /* connections from one prefix */
	uint32_t peer_streams; /* that one peer opened, on all its connections */
	uint32_t protocol_streams; /* that peers opened, of one protocol */
	uint64_t buffered_bytes;   /* unread, unsent, not whole yet, of all connections */
};

extern const struct host_limits_config host_limits_defaults;

/* `config` is copied; NULL: the defaults. VD_ENOMEM. */
enum vd_err host_limits_new(const struct host_limits_config *config,
			    struct host_limits **limits_out);
void host_limits_free(struct host_limits *limits);
const struct host_limits_config *host_limits_config(const struct host_limits *limits);
/* Those that a host is under. */
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

/* ---- of hosts: each enter or add that succeeds is undone once ---- */

/* A connection begins. VD_ELIMIT. */
enum vd_err host_limits_enter(struct host_limits *limits, bool dialer);
void host_limits_opened(struct host_limits *limits, bool dialer); /* negotiates no more */
void host_limits_leave(struct host_limits *limits, bool dialer, bool opened);

/* Somebody connected from `remote`. VD_ELIMIT: too many, or too fast; `why_out` says which. */
enum vd_err host_limits_arrive(struct host_limits *limits, const struct sockaddr_storage *remote,
			       vd_ns now, const char **why_out);
void host_limits_depart(struct host_limits *limits, const struct sockaddr_storage *remote);

/* A connection to this peer is open: what counts its streams with those on other connections, of
 * whichever host. Each is left once, after its last stream has ended. NULL: no memory. */
struct host_limits_peer;
struct host_limits_peer *host_limits_peer(struct host_limits *limits, const struct vd_peer_id *id);
void host_limits_peer_left(struct host_limits *limits, struct host_limits_peer *peer);
/* One more stream that it opened. VD_ELIMIT. */
enum vd_err host_limits_peer_stream(struct host_limits *limits, struct host_limits_peer *peer);
void host_limits_peer_stream_ended(struct host_limits_peer *peer);

/* The counter of a protocol's streams, made at its first use; NULL: there are too many. */
struct host_limits_protocol;
struct host_limits_protocol *host_limits_protocol(struct host_limits *limits, const char *id);
enum vd_err host_limits_add_stream(struct host_limits *limits,
				   struct host_limits_protocol *protocol);
void host_limits_del_stream(struct host_limits *limits, struct host_limits_protocol *protocol);

/*
 * A connection holds `now` bytes after `before`; `flows`: they are on their way. VD_ELIMIT: all
 * together hold too much, this one grew, and has more than its share: it is to be closed. `now`
 * counts in any case.
 */
enum vd_err host_limits_buffer(struct host_limits *limits, uint64_t before, uint64_t now,
			       bool flows);
