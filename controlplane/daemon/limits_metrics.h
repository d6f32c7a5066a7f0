/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * limits_metrics: metrics of the limits of libp2p hosts, under the names and labels of go-libp2p's
 * resource manager (p2p/host/resource-manager, stats.go), so that its dashboards read ours. What
 * it calls transient is a connection that still negotiates.
 *
 * Threads: control.
 */
#include "base/thread.h"

struct host_limits;
struct metrics;

void node_limits_metrics(const struct host_limits *limits, struct metrics *m) ON_CONTROL;
