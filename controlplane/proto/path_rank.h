/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * path_rank: which of a session's paths is best, by the round-trip time and loss of pings over each
 * (switch/SPEC.md, section Path). All are answered over the way back that the peer uses, so that
 * two paths differ by our way out alone: each side chooses its own.
 *
 * Every second, while the session has traffic and more than one path, each path is pinged; a ping
 * that is not answered by the next one is lost. A path's cost is its smoothed round-trip time, and
 * 2 ms for each percent lost. Another path is better when it costs less by a fifth of the one in
 * use, and by 4 ms at least, in 3 rounds one after the other: so two like paths stay as they are.
 *
 * Sans-IO. Threads: control. Memory: the struct, the caller's; zeroed is valid.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "controlplane/proto/session_path.h"

enum { RANK_PATHS = SESSION_FALLBACKS + 1 };

struct rank_path {
	struct peering_path path;
	uint64_t id; /* of the ping that is out; 0: none */
	vd_ns sent;
	vd_ns rtt;        /* smoothed; 0: never answered */
	uint32_t loss;    /* smoothed, in 1/1024 */
	uint32_t samples; /* pings that were answered or lost */
	bool due;         /* to be sent this round */
};

struct path_rank {
	struct rank_path at[RANK_PATHS]; /* [0]: the path in use; then the others */
	uint8_t count;
	uint8_t wins; /* rounds that `best` was better */
	bool tell;    /* BETTER is to be said */
	struct peering_path best;
	vd_ns next; /* round */
};

enum path_rank_kind {
	PATH_RANK_NONE,
	PATH_RANK_PING,   /* a ping with `id` over `path` */
	PATH_RANK_BETTER, /* challenge `path`, to move there */
};

struct path_rank_event {
	enum path_rank_kind kind;
	struct peering_path path;
	uint64_t id;
};

/* The session's paths, and when its host last sent something (0: never): call often. */
void path_rank_look(struct path_rank *rank, const struct session_path *paths, vd_ns sent,
		    vd_ns now);
/* A ping was answered; false: none of ours. */
bool path_rank_answered(struct path_rank *rank, uint64_t id, vd_ns now);
/* Drain after look. */
struct path_rank_event path_rank_next(struct path_rank *rank, vd_ns now);
/* What is known of a path; NULL: nothing. */
const struct rank_path *path_rank_find(const struct path_rank *rank,
				       const struct peering_path *path);
