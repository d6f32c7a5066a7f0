/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * buffer: the one pool of packet buffers, and how a packet lies in one.
 *
 * The private area holds what travels with a packet but is not in its bytes: for
 * a datagram from a socket the way it came, for an injected one its send template,
 * for a plaintext the path it is to take and its traffic class.
 *
 *	| mbuf 128 | private 64 | headroom 128 | data 2048 or 9216 (room.h) |
 *	                                       ^ first byte received
 *
 * Threads: any registered thread (a cache for each lcore id).
 */
#include <rte_mbuf.h>

#include "dataplane/dataplane.h"
#include "switch/exchange.h"
#include "switch/link.h"
#include "switch/plane.h"
#include "switch/session.h"

enum {
	DP_BURST = 32,          /* packets taken from an ethdev at once */
	DP_BUFFERS_CACHE = 128, /* kept by each worker */
};

/* A plaintext on its way to its seal. */
struct dp_plain {
	struct sw_path path;   /* it is to take; link 0: the session's own */
	uint8_t traffic_class; /* for the switch header */
	uint8_t packet_at;     /* of a TUN's packet, where it starts; 0: no such */
};

union dp_private {
	struct dp_plain plain;
	struct sw_endpoint from;
	struct sw_template send;
};
static_assert(RTE_PKTMBUF_HEADROOM >= SW_HEADROOM);

static inline union dp_private *dp_buffer_private(struct rte_mbuf *buffer)
{
	return (union dp_private *)rte_mbuf_to_priv(buffer);
}

/* Buffers that the ports, lanes and caches of `config` hold at most, and some to work with. */
unsigned dp_buffers_needed(const struct dp_config *config);

/* Memory that so many take, in MB, rounded up. */
unsigned dp_buffers_mb(unsigned count, uint16_t room);

/* A pool of `count`, or NULL. `name` is unique in the process. */
struct rte_mempool *dp_buffers_new(const char *name, unsigned count, uint16_t room);

/* What each holds behind its headroom. */
static inline uint16_t dp_buffers_room(struct rte_mempool *pool)
{
	return (uint16_t)(rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM);
}

/* Counts one drop and frees the buffer. */
static inline void dp_drop(struct sw_counters *counters, unsigned drop, struct rte_mbuf *buffer)
{
	sw_count(&counters->drops[drop], 1);
	rte_pktmbuf_free(buffer);
}
