/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/unit/dht/record_conformance.h"

#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "base/init.h"

enum { SHORT_LIVED = 255 };

static const vd_ns now = VD_SECONDS(1000), minute = VD_SECONDS(60);
static struct dht_record_store *store;

/* ---- rules ---- */

static enum vd_err check(void *context, struct dht_record *record, vd_ns at)
{
	cr_assert(context == (void *)&store);
	if (!record->value.len || !record->value.at[0])
		return VD_EPEER_AUTH;
	if (record->value.at[0] == SHORT_LIVED)
		record->expires = vd_ns_min(record->expires, at + VD_SECONDS(1));
	return VD_OK;
}

static bool is_better(void *context, struct vd_bytes key, struct vd_bytes a, struct vd_bytes b)
{
	(void)context;
	(void)key;
	return a.at[0] > b.at[0];
}

static const struct dht_record_rules rules = { check, is_better, &store };

/* ---- the rig ---- */

static void begin(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	store = record_make(&rules);
	cr_assert(store != NULL);
}

static void end(void)
{
	dht_record_store_free(store);
}

static struct dht_record make(const char *key, const char *value, vd_ns expires)
{
	return (struct dht_record){ vd_bytes_of_text(key), vd_bytes_of_text(value), expires };
}

static enum vd_err put_until(const char *key, const char *value, vd_ns expires)
{
	struct dht_record record = make(key, value, expires);

	return dht_record_put(store, &record, now);
}

static enum vd_err put(const char *key, const char *value)
{
	return put_until(key, value, now + minute);
}

static void assert_put(const char *key, const char *value)
{
	cr_assert(eq(int, put(key, value), VD_OK), "%s", key);
}

static void assert_got_at(const char *key, const char *value, vd_ns at)
{
	struct dht_record got;

	cr_assert(eq(int, dht_record_get(store, vd_bytes_of_text(key), at, &got), VD_OK), "%s",
		  key);
	cr_assert(vd_bytes_equal(got.key, vd_bytes_of_text(key)));
	cr_assert(vd_bytes_equal(got.value, vd_bytes_of_text(value)), "%s", key);
	cr_assert(gt(u64, got.expires, at));
}

static void assert_got(const char *key, const char *value)
{
	assert_got_at(key, value, now);
}

static void assert_gone_at(const char *key, vd_ns at)
{
	struct dht_record got = make("untouched", "", 7);

	cr_assert(eq(int, dht_record_get(store, vd_bytes_of_text(key), at, &got), VD_ENOTFOUND),
		  "%s", key);
	cr_assert(eq(u64, got.expires, 7));
}

static void fill(void)
{
	char key[8];

	for (unsigned i = 0; i < RECORD_ROOM; i++) {
		snprintf(key, sizeof key, "k%u", i);
		assert_put(key, "5 full");
	}
}

/* ---- behaviours ---- */

void record_what_was_put_is_got(void)
{
	begin();
	assert_put("a", "1 one");
	assert_put("b", "2 two");
	assert_got("a", "1 one");
	assert_got("b", "2 two");
	cr_assert(eq(sz, store->count, 2));
	cr_assert(eq(sz, store->bytes, 12));
	cr_assert(eq(u64, store->counters.taken, 2));
	end();
}

void record_what_is_not_there_is_not_found(void)
{
	begin();
	assert_gone_at("a", now);
	assert_put("a", "1");
	assert_gone_at("ab", now);
	end();
}

void record_keys_may_be_any_bytes(void)
{
	static const uint8_t x[] = { 0, 1, 0 }, y[] = { 0, 1 };
	struct dht_record one = { vd_bytes(x, 3), vd_bytes_of_text("1x"), now + minute };
	struct dht_record other = { vd_bytes(y, 2), vd_bytes_of_text("1y"), now + minute };
	struct dht_record got;

	begin();
	cr_assert(eq(int, dht_record_put(store, &one, now), VD_OK));
	cr_assert(eq(int, dht_record_put(store, &other, now), VD_OK));
	cr_assert(eq(int, dht_record_get(store, one.key, now, &got), VD_OK));
	cr_assert(vd_bytes_equal(got.value, one.value));
	end();
}

void record_bad_records_are_refused(void)
{
	begin();
	cr_assert(eq(int, put("a", ""), VD_EPEER_AUTH));
	cr_assert(eq(int, put_until("a", "1", now), VD_EPEER_RANGE));
	assert_gone_at("a", now);
	cr_assert(eq(u64, store->counters.refused_bad, 2));
	cr_assert(eq(sz, store->count, 0));
	end();
}

void record_lengths_are_bounded(void)
{
	static uint8_t bytes[DHT_RECORD_VALUE + 1];
	struct dht_record record = { vd_bytes(bytes, DHT_RECORD_KEY), vd_bytes_of_text("1"),
				     now + minute };

	begin();
	memset(bytes, '1', sizeof bytes);
	cr_assert(eq(int, dht_record_put(store, &record, now), VD_OK));
	record.key.len++;
	cr_assert(eq(int, dht_record_put(store, &record, now), VD_EPEER_RANGE));
	record.key.len = 0;
	cr_assert(eq(int, dht_record_put(store, &record, now), VD_EPEER_RANGE));
	record.key.len = 1;
	record.value = vd_bytes(bytes, DHT_RECORD_VALUE + 1);
	cr_assert(eq(int, dht_record_put(store, &record, now), VD_EPEER_RANGE));
	cr_assert(eq(sz, store->count, 1));
	end();
}

void record_a_better_record_replaces(void)
{
	begin();
	assert_put("a", "1 old and long");
	assert_put("a", "2 new");
	assert_got("a", "2 new");
	cr_assert(eq(sz, store->count, 1));
	cr_assert(eq(sz, store->bytes, 6));
	cr_assert(eq(u64, store->counters.replaced, 1));
	end();
}

void record_one_as_good_or_worse_is_refused(void)
{
	begin();
	assert_put("a", "5 there");
	cr_assert(eq(int, put("a", "5 other"), VD_EPEER_REPLAY));
	cr_assert(eq(int, put("a", "4 older"), VD_EPEER_REPLAY));
	assert_got("a", "5 there");
	cr_assert(eq(u64, store->counters.refused_old, 2));
	end();
}

void record_any_replaces_one_that_ended(void)
{
	struct dht_record worse = make("a", "1 now", now + 2 * minute);

	begin();
	assert_put("a", "5 then");
	cr_assert(eq(int, dht_record_put(store, &worse, now + minute), VD_OK));
	assert_got_at("a", "1 now", now + minute);
	cr_assert(eq(sz, store->count, 1));
	end();
}

void record_what_ended_is_not_got(void)
{
	begin();
	assert_put("a", "1");
	assert_got_at("a", "1", now + minute - 1);
	assert_gone_at("a", now + minute);
	cr_assert(eq(u64, dht_record_deadline(store), now + minute));
	end();
}

void record_the_rules_may_shorten_its_time(void)
{
	begin();
	assert_put("a", "\xff short");
	assert_got("a", "\xff short");
	assert_gone_at("a", now + VD_SECONDS(1));
	cr_assert(eq(u64, dht_record_deadline(store), now + VD_SECONDS(1)));
	end();
}

void record_what_was_deleted_is_gone(void)
{
	begin();
	assert_put("a", "1");
	assert_put("b", "1");
	cr_assert(dht_record_del(store, vd_bytes_of_text("a")));
	cr_assert(dht_record_del(store, vd_bytes_of_text("a")) == false);
	assert_gone_at("a", now);
	assert_got("b", "1");
	cr_assert(eq(sz, store->count, 1));
	cr_assert(eq(sz, store->bytes, 2));
	end();
}

void record_a_full_store_refuses_and_keeps(void)
{
	begin();
	fill();
	cr_assert(eq(int, put("one more", "9"), VD_ELIMIT));
	assert_gone_at("one more", now);
	assert_got("k0", "5 full");
	cr_assert(eq(u64, store->counters.refused_full, 1));
	cr_assert(dht_record_del(store, vd_bytes_of_text("k3")));
	assert_put("one more", "9");
	end();
}

void record_bytes_are_bounded_too(void)
{
	static uint8_t bytes[RECORD_ROOM_BYTES];
	struct dht_record record = { vd_bytes(bytes, 1), vd_bytes(bytes, RECORD_ROOM_BYTES - 1),
				     now + minute };

	begin();
	memset(bytes, '1', sizeof bytes);
	cr_assert(eq(int, dht_record_put(store, &record, now), VD_OK));
	cr_assert(eq(int, put("b", "1"), VD_ELIMIT));
	cr_assert(eq(sz, store->bytes, RECORD_ROOM_BYTES));
	assert_put("1", "2"); /* in its place */
	assert_put("b", "1");
	end();
}

void record_a_full_store_still_replaces(void)
{
	begin();
	fill();
	assert_put("k4", "6 newer");
	assert_got("k4", "6 newer");
	cr_assert(eq(sz, store->count, RECORD_ROOM));
	end();
}

struct told {
	unsigned keys[RECORD_ROOM], count, stop_after;
};

static bool tell(void *context, const struct dht_record *record)
{
	struct told *told = context;

	cr_assert(eq(sz, record->key.len, 2));
	told->keys[record->key.at[1] - '0']++;
	return ++told->count != told->stop_after;
}

void record_all_that_hold_are_told_once(void)
{
	struct told told = { 0 };

	begin();
	cr_assert(eq(int, put_until("k0", "1", now + 1), VD_OK));
	for (const char *const *key = (const char *const[]){ "k1", "k2", "k3", NULL }; *key; key++)
		assert_put(*key, "1");
	dht_record_each(store, now + 1, tell, &told);
	cr_assert(eq(uint, told.count, 3)); /* one has ended, and is still there */
	for (unsigned i = 0; i < 4; i++)
		cr_assert(eq(uint, told.keys[i], i ? 1 : 0));
	cr_assert(eq(sz, store->count, 4));
	end();
}

void record_telling_ends_when_told_to(void)
{
	struct told told = { .stop_after = 2 };

	begin();
	fill();
	dht_record_each(store, now, tell, &told);
	cr_assert(eq(uint, told.count, 2));
	end();
}

void record_expiring_drops_what_ended_in_slices(void)
{
	char key[8];

	begin();
	cr_assert(eq(u64, dht_record_deadline(store), VD_NEVER));
	for (unsigned i = 0; i < RECORD_ROOM; i++) {
		snprintf(key, sizeof key, "k%u", i);
		cr_assert(eq(int, put_until(key, "1", now + VD_SECONDS(1 + (i * 5) % 8)), VD_OK));
	}
	cr_assert(eq(u64, dht_record_deadline(store), now + VD_SECONDS(1)));
	cr_assert(eq(sz, dht_record_expire(store, now, 100), 0));
	cr_assert(eq(sz, dht_record_expire(store, now + VD_SECONDS(5), 3), 3));
	cr_assert(eq(sz, dht_record_expire(store, now + VD_SECONDS(5), 100), 2));
	cr_assert(eq(sz, store->count, 3));
	cr_assert(eq(u64, dht_record_deadline(store), now + VD_SECONDS(6)));
	cr_assert(eq(u64, store->counters.expired, 5));
	assert_got("k1", "1"); /* ends after 6 s */
	end();
}

void record_ranges_given_are_not_kept(void)
{
	char key[] = "a", value[] = "1 mine";
	struct dht_record record = make(key, value, now + minute);

	begin();
	cr_assert(eq(int, dht_record_put(store, &record, now), VD_OK));
	memset(key, 'x', 1);
	memset(value, 'x', sizeof value - 1);
	assert_got("a", "1 mine");
	end();
}

/* ---- against a plain list, at random ---- */

struct model {
	bool there;
	uint8_t grade;
	vd_ns expires;
};

static uint32_t random_of(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

static void assert_same(const struct model *model, unsigned keys, vd_ns at)
{
	for (unsigned i = 0; i < keys; i++) {
		uint8_t key = (uint8_t)i;
		struct dht_record got;
		bool holds = model[i].there && model[i].expires > at;
		enum vd_err err = dht_record_get(store, vd_bytes(&key, 1), at, &got);

		cr_assert(eq(int, err, holds ? VD_OK : VD_ENOTFOUND));
		if (holds)
			cr_assert(got.value.at[0] == model[i].grade &&
				  got.expires == model[i].expires);
	}
}

void record_it_does_as_a_list_does(void)
{
	enum { KEYS = 12, STEPS = 4000 };
	struct model model[KEYS] = { 0 };
	uint64_t seed = 7;
	size_t count = 0;
	vd_ns at = now;

	begin();
	for (unsigned step = 0; step < STEPS; step++) {
		uint8_t key = (uint8_t)random_of(&seed, KEYS);
		uint8_t grade = (uint8_t)(1 + random_of(&seed, 9));
		struct model *of = &model[key];
		struct dht_record record = { vd_bytes(&key, 1), vd_bytes(&grade, 1),
					     at + 1 + random_of(&seed, 20) };
		uint32_t what = random_of(&seed, 8);

		at += random_of(&seed, 3);
		if (what == 0) {
			cr_assert(eq(int, dht_record_del(store, record.key), of->there));
			of->there = false;
		} else if (what == 1) {
			size_t ended = 0;

			for (unsigned i = 0; i < KEYS; i++) {
				bool ends = model[i].there && model[i].expires <= at;

				ended += ends;
				model[i].there = model[i].there && !ends;
			}
			cr_assert(eq(sz, dht_record_expire(store, at, SIZE_MAX), ended));
		} else if (record.expires > at) {
			bool old = of->there && of->expires > at && grade <= of->grade;
			enum vd_err want = old                                  ? VD_EPEER_REPLAY
					   : !of->there && count == RECORD_ROOM ? VD_ELIMIT
										: VD_OK;

			cr_assert(eq(int, dht_record_put(store, &record, at), want), "step %u",
				  step);
			if (!want)
				*of = (struct model){ true, grade, record.expires };
		}
		count = 0;
		for (unsigned i = 0; i < KEYS; i++)
			count += model[i].there;
		cr_assert(eq(sz, store->count, count));
		assert_same(model, KEYS, at);
	}
	end();
}
