/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * pair: two hosts on one loop over loopback, of which `a` dials `b`; for tests with Criterion.
 *
 *	struct pair pair;
 *	pair_begin(&pair, NULL, NULL);
 *	pair_dial(&pair);            // pair.said tells how it went
 *	pair_end(&pair);             // nothing is left open
 */
#include <uv.h>

#include "controlplane/host/host.h"

enum { PAIR_WAIT_S = 60 };

/* What the last dial, ping or perf said. */
struct pair_said {
	unsigned count;
	enum vd_err err;
	struct host_conn *conn;
	char why[HOST_WHY];
};

struct pair {
	uv_loop_t loop;
	uv_timer_t tick; /* bounds a turn without events */
	struct vd_identity identity_a, identity_b;
	struct host *a, *b;
	struct vd_multiaddr address_b; /* with its peer id */
	unsigned port_b;
	struct pair_said said;
};

/* Of the configurations, NULL or what differs from the defaults, loop and identity are set here. */
void pair_begin(struct pair *pair, const struct host_config *a, const struct host_config *b);
void pair_end(struct pair *pair);

/* Turns until `met` says so; the test fails when it does not within PAIR_WAIT_S. */
void pair_until(struct pair *pair, bool (*met)(struct pair *pair));
void pair_turn(struct pair *pair);
/* Until `count` answers came in all. */
void pair_until_said(struct pair *pair, unsigned count);

/* Dials b, and waits for what is said. */
void pair_dial(struct pair *pair);
/* For host_perf: context is the pair. */
void pair_on_perf(void *context, enum vd_err err);
void pair_on_ping(void *context, enum vd_err err, vd_ns rtt);
