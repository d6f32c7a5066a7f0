/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * limits_count: what hosts tell the limits (limits.h) of connections, streams and bytes, and are
 * told in turn. Each enter or add that succeeds is undone once.
 *
 * Threads: any, as limits.h. Memory: of the limits.
 */
#include "base/time.h"
#include "controlplane/host/limits.h"

struct sockaddr_storage;
struct vd_peer_id;

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
