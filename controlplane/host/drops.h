/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * drops: why a host drops connections and streams of peers, told once a minute for each reason.
 *
 * What is news goes to the log at info, so that an operator sees each reason; the rest at debug.
 *
 * Threads: the host's. Memory: fixed; of more reasons than there is room for, the one told longest
 * ago is forgotten, and told again when it comes again.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

enum {
	HOST_DROP_REASONS = 32,
	HOST_DROP_WHY = 48, /* of a reason, what tells it apart */
	HOST_DROP_S = 60,
};

struct host_drops { /* zeros: nothing was dropped yet */
	struct {
		char why[HOST_DROP_WHY];
		vd_ns told;
		uint64_t since;
	} rows[HOST_DROP_REASONS];
};

/* One more, for `why`: whether it is to be told now. `since_out`: how many were not since the last
 * time. */
bool host_drops_is_news(struct host_drops *drops, const char *why, vd_ns now, uint64_t *since_out);
