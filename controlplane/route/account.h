/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* account: traffic of one peer over its key generations, which links and sessions share. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROUTE_GENERATIONS = 4 };

/* Frames and bytes each way. */
struct route_account {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
};

struct route_generation {
	uint32_t index;            /* 0: free */
	struct route_account seen; /* at the last poll */
};

/* Called for each generation; `received`, `sent`: since the last poll. */
typedef void (*route_traffic_fn)(void *context, uint32_t index, bool received, bool sent);

/* What a record of the data plane counts; each field has one writer, its owner. */
static inline struct route_account route_account_read(const _Atomic uint64_t *rx_frames,
						      const _Atomic uint64_t *rx_bytes,
						      const _Atomic uint64_t *tx_frames,
						      const _Atomic uint64_t *tx_bytes)
{
	return (struct route_account){
		.rx_frames = atomic_load_explicit(rx_frames, memory_order_relaxed),
		.rx_bytes = atomic_load_explicit(rx_bytes, memory_order_relaxed),
		.tx_frames = atomic_load_explicit(tx_frames, memory_order_relaxed),
		.tx_bytes = atomic_load_explicit(tx_bytes, memory_order_relaxed),
	};
}

static inline void route_account_add(struct route_account *sum, struct route_account more)
{
	sum->rx_frames += more.rx_frames;
	sum->rx_bytes += more.rx_bytes;
	sum->tx_frames += more.tx_frames;
	sum->tx_bytes += more.tx_bytes;
}

/* The generation with `index` (0: a free one), or NULL. */
static inline struct route_generation *route_generation_of(
    struct route_generation generations[ROUTE_GENERATIONS], uint32_t index)
{
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (generations[i].index == index)
			return &generations[i];
	return NULL;
}

/* Takes note of `now`, and tells `traffic` what changed. */
static inline void route_generation_poll(struct route_generation *generation,
					 struct route_account now, route_traffic_fn traffic,
					 void *context)
{
	struct route_account before = generation->seen;

	generation->seen = now;
	traffic(context, generation->index, now.rx_frames != before.rx_frames,
		now.tx_frames != before.tx_frames);
}
