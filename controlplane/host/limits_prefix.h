/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * limits_prefix: connections by the prefix that they came from; private to limits.
 *
 * An IPv4 address is a prefix (also one mapped into IPv6); an IPv6 address is in two, its /56 and
 * its /48, which takes LIMITS_PREFIX_48 times as many. A rate is for each /32 and /56.
 *
 * Progress: O(1), the rate O(log n). Threads: one at a time. Memory: all taken at init.
 */
#include "controlplane/proto/prefix_limit.h"

struct sockaddr_storage;

enum { LIMITS_PREFIX_48 = 8 };

enum limits_prefix_verdict {
	LIMITS_PREFIX_OK,
	LIMITS_PREFIX_MANY, /* nothing is counted */
	LIMITS_PREFIX_FAST,
};

struct limits_prefix {
	uint8_t bytes[8]; /* zero-padded; the last one is its length */
	uint32_t count;
};

struct limits_prefixes {
	struct limits_prefix *at;
	struct slot_pool pool;
	struct slot_chains by_prefix;
	struct prefix_limit rate;
	uint8_t hash_key[16];
};

/* For `connections` at once. VD_ENOMEM; fini it also then. */
enum vd_err limits_prefixes_init(struct limits_prefixes *prefixes, uint32_t connections);
void limits_prefixes_fini(struct limits_prefixes *prefixes);

enum limits_prefix_verdict limits_prefix_arrive(struct limits_prefixes *prefixes,
						const struct sockaddr_storage *remote, uint32_t max,
						vd_ns now);
/* One that arrived and was OK. */
void limits_prefix_depart(struct limits_prefixes *prefixes, const struct sockaddr_storage *remote);
