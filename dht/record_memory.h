/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * record_memory: a record store in memory: a hash table of records, each one block of the heap.
 *
 * Threads and errors: record_store.h. Durable: nothing. Progress: put, get and del O(1) but for the
 * deadline, O(log n).
 */
#include "dht/record_store.h"

struct dht_record_memory_config {
	size_t records, bytes; /* limits; bytes of keys and values */
};

/* `rules` are kept by reference. VD_ENOMEM. */
enum vd_err dht_record_memory_new(const struct dht_record_memory_config *config,
				  const struct dht_record_rules *rules,
				  struct dht_record_store **store_out);
