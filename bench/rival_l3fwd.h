/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * rival_l3fwd: DPDK's own l3fwd in exact-match mode, as a process beside us.
 *
 * Built once from the source in Debian's dpdk-doc into a cache outside the
 * checkout (build_l3fwd.sh). It receives from an endless capture (net_pcap, infinite_rx)
 * that holds every flow in random order, and sends to net_null. It is stopped
 * (SIGSTOP) except while it is measured, so that it can be pinned to our core.
 *
 * Packets counted are those that left by the second port, which only packets of a
 * known flow do: DPDK's own statistics, over its telemetry socket. The time is what
 * the kernel charged the process for, so a shared machine hurts it no more than us.
 *
 * Threads: main. Memory: one at a time.
 */
#include <stdbool.h>
#include <stdint.h>

#include "bench/bench.h"

struct rival_l3fwd_config {
	uint32_t flows;
	uint16_t frame_bytes; /* whole Ethernet frame */
	unsigned core;
	bool huge; /* on 2 MB pages; else on normal ones */
};

enum { RIVAL_L3FWD_FLOWS_MAX = 100000 };

/* 2 MB pages that it takes for so many flows (its table has room for 4 M anyway). */
unsigned rival_l3fwd_pages(uint32_t flows);

/* Builds it if need be, starts it, waits until it forwards, stops it. False: `why`. */
bool rival_l3fwd_start(const struct rival_l3fwd_config *config, char why[BENCH_WHY]);
/* Lets it run for about `seconds`: packets forwarded in a second of its own time. */
bool rival_l3fwd_measure(double seconds, double *per_s_out, char why[BENCH_WHY]);
void rival_l3fwd_end(void);

/* "22.11.11", as l3fwd itself says; "" before start. */
const char *rival_l3fwd_version(void);
