/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/director.h"

#include <sodium.h>

#include "switch/label.h"
#include "switch/pages.h"

enum { RANDOM_TRIES = 64 };

#define TAKEN UINT32_MAX

static size_t table_bytes(unsigned width)
{
	return sizeof(uint32_t) << width;
}

enum vd_err sw_director_table_init(struct sw_director_table *table, unsigned width)
{
	if (width < SW_WIDTH_MIN || width > SW_WIDTH_MAX)
		return VD_EUSER;
	*table = (struct sw_director_table){ .width = width };
	table->words = sw_pages_new(table_bytes(width), true);
	table->rests = sw_pages_new(table_bytes(width), false);
	if (table->words && table->rests)
		return VD_OK;
	sw_director_table_fini(table);
	return VD_ENOMEM;
}

void sw_director_table_fini(struct sw_director_table *table)
{
	sw_pages_free(table->words, table_bytes(table->width));
	sw_pages_free(table->rests, table_bytes(table->width));
	*table = (struct sw_director_table){ 0 };
}

static bool is_free(const struct sw_director_table *table, uint32_t director, uint32_t now_s)
{
	return director != 0 && table->rests[director] <= now_s &&
	       atomic_load_explicit(&table->words[director], memory_order_relaxed) == 0;
}

/* The first free one from a random place on; 0: none. */
static uint32_t search(const struct sw_director_table *table, uint32_t now_s)
{
	uint32_t count = UINT32_C(1) << table->width;
	uint32_t start = randombytes_uniform(count);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t director = (start + i) & (count - 1);

		if (is_free(table, director, now_s))
			return director;
	}
	return 0;
}

enum vd_err sw_director_draw(struct sw_director_table *table, vd_ns now, uint32_t *director_out)
{
	uint32_t count = UINT32_C(1) << table->width;
	uint32_t now_s = (uint32_t)(now / VD_NS_PER_S);
	uint32_t director = 0;

	for (unsigned i = 0; i < RANDOM_TRIES && !director; i++) {
		uint32_t drawn = randombytes_uniform(count);

		if (is_free(table, drawn, now_s))
			director = drawn;
	}
	if (!director)
		director = search(table, now_s);
	if (!director)
		return VD_ELIMIT;
	table->rests[director] = TAKEN;
	table->taken++;
	*director_out = director;
	return VD_OK;
}

void sw_director_rest(struct sw_director_table *table, uint32_t director, vd_ns now)
{
	if (director == 0 || director >> table->width || table->rests[director] != TAKEN)
		return;
	sw_director_set(table, director, 0);
	/* rounded up: `now` may be late in its second */
	table->rests[director] = (uint32_t)(now / VD_NS_PER_S) + SW_DIRECTOR_REST_S + 1;
	table->taken--;
}

void sw_director_set(struct sw_director_table *table, uint32_t director, uint32_t index)
{
	if (director == 0 || director >> table->width)
		return;
	/* pairs with the acquire in forwarding: the record was published before */
	atomic_store_explicit(&table->words[director], index, memory_order_release);
}
