/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * record_store: records by key, as a DHT node keeps them for others (libp2p/specs, kad-dht,
 * "Entity records"): IPNS names, public keys. In memory (record_memory.h), and what may come, on
 * a disk.
 *
 *	dht_record_put     checked, and better than what is there: kept
 *	dht_record_get     while it holds
 *	dht_record_each    all that hold: to republish them
 *	dht_record_expire, dht_record_deadline
 *
 * What a value has to be is its namespace's business ("/ipns/", "/pk/"), and the same for every
 * store: dht_record_put asks the rules, the store only keeps. A record that is not better than the
 * one there is refused, so that nobody puts an older name over a newer one.
 *
 * Threads:  one at a time.
 * Memory:   a store is on the heap from x_new to dht_record_store_free. Ranges given in are
 *           borrowed until return; ranges handed out until the next call that changes the store.
 * Time:     `now` and `expires` are nanoseconds since 1970: records outlive the process.
 * Bounds:   DHT_RECORD_KEY and DHT_RECORD_VALUE bytes; each store has a limit of records and of
 *           bytes. A full one refuses (VD_ELIMIT, counted): it knows no distance, so which record
 *           should go is its caller's to say, by dht_record_del.
 * Durable:  what put took is seen by get at once, whatever the store. What a crash leaves is each
 *           store's to say; memory leaves nothing.
 * Errors:   as each says; what failed changed nothing.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"

enum {
	DHT_RECORD_KEY = 128,     /* bytes; "/ipns/" and a multihash are less than half of it */
	DHT_RECORD_VALUE = 10240, /* bytes; the limit of IPNS (ipfs/specs, ipns-record) */
};

struct dht_record {
	struct vd_bytes key, value;
	vd_ns expires; /* not there from then on */
};

/* What records have to be. Pure functions: of their arguments and `context` alone. */
struct dht_record_rules {
	/* VD_EPEER_*: it is none, is forged, or holds no more. It may shorten `expires`. */
	enum vd_err (*check)(void *context, struct dht_record *record, vd_ns now);
	/* Whether `a` is to replace `b`, both checked, of one key. */
	bool (*is_better)(void *context, struct vd_bytes key, struct vd_bytes a, struct vd_bytes b);
	void *context;
};

struct dht_record_store;

struct dht_record_store_class {
	/* In the place of what has that key. VD_ELIMIT, VD_ENOMEM. */
	enum vd_err (*put)(struct dht_record_store *store, const struct dht_record *record);
	/* Whether it holds or not. VD_ENOTFOUND. */
	enum vd_err (*get)(const struct dht_record_store *store, struct vd_bytes key,
			   struct dht_record *record_out);
	bool (*del)(struct dht_record_store *store, struct vd_bytes key);
	/* The record after `at` of an order that holds while nothing changes; 0 is before the
	 * first. False: there is none. */
	bool (*next)(const struct dht_record_store *store, size_t *at,
		     struct dht_record *record_out);
	/* Drops one that ends at `now` or before. False: there is none. */
	bool (*drop)(struct dht_record_store *store, vd_ns now);
	/* When the first one ends; VD_NEVER without any. */
	vd_ns (*deadline)(const struct dht_record_store *store);
	void (*free)(struct dht_record_store *store);
};

struct dht_record_counters {
	uint64_t taken, replaced; /* replaced: of those taken, in the place of a worse one */
	uint64_t refused_bad;     /* the rules said so, or too long */
	uint64_t refused_old;     /* one that is as good is there */
	uint64_t refused_full;    /* no room */
	uint64_t expired;
};

/* First member of every store; read it. */
struct dht_record_store {
	const struct dht_record_store_class *class;
	const struct dht_record_rules *rules; /* kept by reference */
	size_t count, bytes;                  /* of keys and values; the store's to write */
	struct dht_record_counters counters;
};

/*
 * VD_EPEER_RANGE: too long, no key, or it has ended; VD_EPEER_*: the rules' check; VD_EPEER_REPLAY:
 * one that is at least as good is there; VD_ELIMIT, VD_ENOMEM.
 */
enum vd_err dht_record_put(struct dht_record_store *store, const struct dht_record *record,
			   vd_ns now);
/* VD_ENOTFOUND, also when it has ended. */
enum vd_err dht_record_get(const struct dht_record_store *store, struct vd_bytes key, vd_ns now,
			   struct dht_record *record_out);
/* Whether it was there. */
bool dht_record_del(struct dht_record_store *store, struct vd_bytes key);

/* Each that holds, in no order, until `fn` says false; it may not change the store. */
void dht_record_each(const struct dht_record_store *store, vd_ns now,
		     bool (*fn)(void *context, const struct dht_record *record), void *context);

/* Drops what has ended; returns how many. At most `max`, so that a turn stays short. */
size_t dht_record_expire(struct dht_record_store *store, vd_ns now, size_t max);

static inline vd_ns dht_record_deadline(const struct dht_record_store *store)
{
	return store->class->deadline(store);
}

/* NULL is allowed. */
static inline void dht_record_store_free(struct dht_record_store *store)
{
	if (store)
		store->class->free(store);
}
