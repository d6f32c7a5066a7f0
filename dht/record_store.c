/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* record_store: what all stores do alike: rules, lengths, time, counting. */
#include "dht/record_store.h"

static bool is_sound(const struct dht_record *record, vd_ns now)
{
	return record->key.len && record->key.len <= DHT_RECORD_KEY &&
	       record->value.len <= DHT_RECORD_VALUE && record->expires > now;
}

/* One that holds, if it is at least as good. */
static bool is_superseded(const struct dht_record_store *store, const struct dht_record *record,
			  vd_ns now)
{
	const struct dht_record_rules *rules = store->rules;
	struct dht_record there;

	return !dht_record_get(store, record->key, now, &there) &&
	       !rules->is_better(rules->context, record->key, record->value, there.value);
}

static enum vd_err check(struct dht_record_store *store, struct dht_record *record, vd_ns now)
{
	enum vd_err err = is_sound(record, now) ? VD_OK : VD_EPEER_RANGE;

	if (!err)
		err = store->rules->check(store->rules->context, record, now);
	if (!err && record->expires <= now)
		err = VD_EPEER_RANGE;
	store->counters.refused_bad += err != VD_OK;
	return err;
}

enum vd_err dht_record_put(struct dht_record_store *store, const struct dht_record *record,
			   vd_ns now)
{
	struct dht_record checked = *record, there;
	enum vd_err err = check(store, &checked, now);
	bool replaces;

	if (err)
		return err;
	if (is_superseded(store, &checked, now)) {
		store->counters.refused_old++;
		return VD_EPEER_REPLAY;
	}
	replaces = !dht_record_get(store, checked.key, now, &there);
	err = store->class->put(store, &checked);
	store->counters.refused_full += err == VD_ELIMIT;
	store->counters.taken += !err;
	store->counters.replaced += !err && replaces;
	return err;
}

enum vd_err dht_record_get(const struct dht_record_store *store, struct vd_bytes key, vd_ns now,
			   struct dht_record *record_out)
{
	struct dht_record record;
	enum vd_err err = store->class->get(store, key, &record);

	if (err)
		return err;
	if (record.expires <= now)
		return VD_ENOTFOUND;
	*record_out = record;
	return VD_OK;
}

bool dht_record_del(struct dht_record_store *store, struct vd_bytes key)
{
	return store->class->del(store, key);
}

void dht_record_each(const struct dht_record_store *store, vd_ns now,
		     bool (*fn)(void *context, const struct dht_record *record), void *context)
{
	struct dht_record record;
	size_t at = 0;

	while (store->class->next(store, &at, &record))
		if (record.expires > now && !fn(context, &record))
			return;
}

size_t dht_record_expire(struct dht_record_store *store, vd_ns now, size_t max)
{
	size_t count = 0;

	while (count < max && store->class->drop(store, now))
		count++;
	store->counters.expired += count;
	return count;
}
