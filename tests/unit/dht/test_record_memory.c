/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dht/record_memory.h"

#include "tests/unit/dht/record_conformance.h"

static struct dht_record_store *make(const struct dht_record_rules *rules)
{
	struct dht_record_memory_config config = { RECORD_ROOM, RECORD_ROOM_BYTES };
	struct dht_record_store *store = NULL;

	return dht_record_memory_new(&config, rules, &store) ? NULL : store;
}

struct dht_record_store *(*record_make)(const struct dht_record_rules *rules) = make;

RECORD_CONFORMANCE(record_memory)
