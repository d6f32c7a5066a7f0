/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * load: the other end of `libp2p`: many libp2p connections from one thread, made of the machines
 * of proto/ alone on one epoll, so that it is the same for everything measured.
 *
 *	load_new, then load_transfer or load_connect any number of times, load_free
 *
 * Each connection has an identity of its own (taken in turn), and a source address of its own for
 * every 8,192. It asks for identify, and answers it, as every node does; other protocols it has
 * not.
 *
 * Threads: one. Memory: the heap. Errors: false, and `why` (BENCH_WHY) says what went wrong.
 */
#include "base/time.h"
#include "bench/bench.h"

struct load;

struct load_config {
	const char *target; /* /ip4/127.0.0.1/tcp/PORT/p2p/PEER */
	bool tls;           /* else Noise */
	uint32_t identities;
};

bool load_new(const struct load_config *config, struct load **load_out, char why[BENCH_WHY]);
void load_free(struct load *load); /* NULL is allowed */

/*
 * One connection, one stream of /perf/1.0.0: sends `up` bytes and an end, and must be sent exactly
 * `down` bytes and an end.
 */
bool load_transfer(struct load *load, uint64_t up, uint64_t down, char why[BENCH_WHY]);

/*
 * As load_transfer, by `count` (LOAD_TOGETHER_MAX at most) at once: each on a thread of its own
 * that stays on a core of its own, `core` and down from it, or all on `core` (`apart` false).
 */
enum { LOAD_TOGETHER_MAX = 8 };
bool load_transfer_together(struct load *const loads[], unsigned count, unsigned core, bool apart,
			    uint64_t up, uint64_t down, char why[BENCH_WHY]);

/*
 * `count` connections, `at_once` of them under way: secured, with the peer that was dialled,
 * multiplexed, and identified both ways. Then each is closed, or kept open (`keep`) until
 * load_free.
 */
bool load_connect(struct load *load, uint32_t count, uint32_t at_once, bool keep,
		  char why[BENCH_WHY]);

/* Serves what is open for so long. */
bool load_idle(struct load *load, vd_ns time, char why[BENCH_WHY]);
