/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * conn_counts: libp2p connections by what they are, under the names, labels and buckets of
 * go-libp2p's swarm metrics (p2p/net/swarm, swarm_metrics.go), so that its dashboards read ours.
 *
 *	opened (each connection) … closed -> write
 *
 * Threads: one at a time. Memory: the caller's, zeroed. Errors: none.
 */
#include "controlplane/api/metrics.h"
#include "controlplane/host/host.h"

enum {
	CONN_COUNTS_ROWS = 16,       /* direction, security, early muxer, IP version */
	CONN_COUNTS_KEYS = 4,        /* types */
	CONN_COUNTS_DURATIONS = 25,  /* buckets, each twice as long: 1/16 s to 12 days */
	CONN_COUNTS_HANDSHAKES = 35, /* each 1.3 times as long: 1 ms to 7.5 s */
};

struct conn_histogram {
	uint64_t counts[CONN_COUNTS_HANDSHAKES + 1]; /* the last: longer than all */
	double sum_s;
};

struct conn_counts {
	struct conn_counts_row {
		uint64_t opened, closed;
		struct conn_histogram durations, handshakes;
	} rows[CONN_COUNTS_ROWS];
	uint64_t keys[2][CONN_COUNTS_KEYS]; /* of peers: by direction and vd_key_type */
};

void conn_counts_opened(struct conn_counts *counts, const struct host_conn_info *info);
/* `now`: as info->since. */
void conn_counts_closed(struct conn_counts *counts, const struct host_conn_info *info, vd_ns now);
void conn_counts_write(const struct conn_counts *counts, struct metrics *m);
