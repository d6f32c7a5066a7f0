/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/link.h"

#include <sodium.h>
#include <string.h>

#include "switch/label.h"
#include "switch/pages.h"

/*
 * Everything but `index`, which is 0 by now and which workers still look at for stale
 * frames. Runs on liburcu's thread.
 */
static void wipe_link(struct sw_slots *slots, uint32_t slot)
{
	struct sw_link_table *table = caa_container_of(slots, struct sw_link_table, slots);
	struct sw_link *link = &table->links[slot];
	const size_t after = offsetof(struct sw_link, reverse);

	sodium_memzero(link->rx_key, sizeof link->rx_key);
	sodium_memzero((uint8_t *)link + after, sizeof *link - after);
}

static void wipe_police(struct sw_slots *slots, uint32_t slot)
{
	(void)slots; /* reserve does it */
	(void)slot;
}

enum vd_err sw_link_table_init(struct sw_link_table *table, uint32_t capacity)
{
	if (capacity == 0 || capacity > 1u << SW_SLOT_BITS)
		return VD_EUSER;
	*table = (struct sw_link_table){ .capacity = capacity };
	enum vd_err err = sw_slots_init(&table->slots, capacity, wipe_link);
	if (!err)
		err = sw_slots_init(&table->polices, capacity, wipe_police);
	if (err) {
		sw_link_table_fini(table);
		return err;
	}
	table->links = sw_pages_new(capacity * sizeof *table->links, true);
	table->police = sw_pages_new(capacity * sizeof *table->police, false);
	if (table->links && table->police)
		return VD_OK;
	sw_link_table_fini(table);
	return VD_ENOMEM;
}

void sw_link_table_fini(struct sw_link_table *table)
{
	uint32_t high = atomic_load_explicit(&table->high, memory_order_relaxed);

	if (table->links && high)
		sodium_memzero(table->links, high * sizeof *table->links);
	sw_pages_free(table->links, table->capacity * sizeof *table->links);
	sw_pages_free(table->police, table->capacity * sizeof *table->police);
	sw_slots_fini(&table->slots);
	sw_slots_fini(&table->polices);
	*table = (struct sw_link_table){ 0 };
}

enum vd_err sw_link_reserve(struct sw_link_table *table, uint32_t *index_out)
{
	return sw_slots_reserve(&table->slots, index_out);
}

void sw_link_release(struct sw_link_table *table, uint32_t index)
{
	sw_slots_release(&table->slots, index);
}

static uint8_t policed(uint64_t pps, uint64_t bps)
{
	return pps || bps ? SW_LINK_POLICED : 0;
}

static void fill_receive(struct sw_link *link, const struct sw_link_config *config,
			 uint32_t reverse)
{
	memcpy(link->rx_key, config->rx_key, sizeof link->rx_key);
	link->reverse = reverse;
	link->top = 0;
	link->window = (struct sw_window){ 0 };
	link->owner = config->owner;
	atomic_store_explicit(&link->rx_flags, policed(config->pps, config->bps),
			      memory_order_relaxed);
	atomic_store_explicit(&link->permit, config->permit, memory_order_relaxed);
	atomic_store_explicit(&link->rx_frames, 0, memory_order_relaxed);
	atomic_store_explicit(&link->rx_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&link->path, config->path, memory_order_relaxed);
}

static void fill_send(struct sw_link *link, const struct sw_link_config *config, uint32_t reverse,
		      uint32_t police, vd_ns now)
{
	memcpy(link->tx_key, config->tx_key, sizeof link->tx_key);
	link->remote_index = config->remote_index;
	link->tx_reverse = reverse;
	link->tx_owner = config->owner;
	link->police = police;
	atomic_store_explicit(&link->tx_flags, policed(config->pps, config->bps),
			      memory_order_relaxed);
	atomic_store_explicit(&link->tx_permit, config->permit, memory_order_relaxed);
	atomic_store_explicit(&link->tx_counter, 0, memory_order_relaxed);
	atomic_store_explicit(&link->tx_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&link->tx_last_ns, now, memory_order_relaxed);
	atomic_store_explicit(&link->keepalive, config->keepalive, memory_order_relaxed);
	link->send = config->send;
}

void sw_link_publish(struct sw_link_table *table, uint32_t index,
		     const struct sw_link_config *config, vd_ns now)
{
	uint32_t slot = sw_index_slot(index);

	if (!sw_slots_is(&table->slots, index, SW_SLOT_RESERVED))
		return; /* the caller's bug: nothing becomes live */
	struct sw_link *link = &table->links[slot];
	uint32_t reverse = (uint32_t)(sw_label_reverse_of(config->director) >> 32);

	uint32_t police = config->police ? sw_index_slot(config->police) : slot;

	if (!config->police)
		sw_police_init(&table->police[police], table->delivery_per_s, now);
	sw_police_set_rates(&table->police[police], config->pps, config->bps);
	fill_receive(link, config, reverse);
	fill_send(link, config, reverse, police, now);
	sw_slots_live(&table->slots, index);
	/* pairs with the acquire in find, in forwarding and in keepalives */
	atomic_store_explicit(&link->index, index, memory_order_release);
	if (slot >= atomic_load_explicit(&table->high, memory_order_relaxed))
		atomic_store_explicit(&table->high, slot + 1, memory_order_release);
}

void sw_link_retire(struct sw_link_table *table, uint32_t index)
{
	if (!sw_slots_is(&table->slots, index, SW_SLOT_LIVE))
		return;
	atomic_store_explicit(&table->links[sw_index_slot(index)].index, 0, memory_order_release);
	sw_slots_retire(&table->slots, index);
}

ON_CONTROL static struct sw_link *live_link(struct sw_link_table *table, uint32_t index)
{
	return sw_slots_is(&table->slots, index, SW_SLOT_LIVE) ? &table->links[sw_index_slot(index)]
							       : NULL;
}

enum vd_err sw_link_reserve_police(struct sw_link_table *table, vd_ns now, uint32_t *police_out)
{
	enum vd_err err = sw_slots_reserve(&table->polices, police_out);

	if (err)
		return err;
	sw_police_init(&table->police[sw_index_slot(*police_out)], table->delivery_per_s, now);
	sw_slots_live(&table->polices, *police_out);
	return VD_OK;
}

void sw_link_release_police(struct sw_link_table *table, uint32_t police)
{
	if (sw_slots_is(&table->polices, police, SW_SLOT_LIVE))
		sw_slots_retire(&table->polices, police);
}

void sw_link_set_rates(struct sw_link_table *table, uint32_t index, uint64_t pps, uint64_t bps)
{
	struct sw_link *link = live_link(table, index);

	if (!link)
		return;
	sw_police_set_rates(&table->police[link->police], pps, bps);
	atomic_store_explicit(&link->rx_flags, policed(pps, bps), memory_order_relaxed);
	atomic_store_explicit(&link->tx_flags, policed(pps, bps), memory_order_relaxed);
}

void sw_link_set_permit(struct sw_link_table *table, uint32_t index, uint64_t permit)
{
	struct sw_link *link = live_link(table, index);

	if (!link)
		return;
	atomic_store_explicit(&link->permit, permit, memory_order_relaxed);
	atomic_store_explicit(&link->tx_permit, permit, memory_order_relaxed);
}

void sw_link_set_path(struct sw_link_table *table, uint32_t index, uint32_t path)
{
	struct sw_link *link = live_link(table, index);

	if (link)
		atomic_store_explicit(&link->path, path, memory_order_relaxed);
}

void sw_link_set_keepalive(struct sw_link_table *table, uint32_t index, bool on)
{
	struct sw_link *link = live_link(table, index);

	if (link)
		atomic_store_explicit(&link->keepalive, on, memory_order_relaxed);
}

struct sw_link *sw_link_find(const struct sw_link_table *table, uint32_t index)
{
	uint32_t slot = sw_index_slot(index);

	if (index == 0 || slot >= table->capacity)
		return NULL;
	struct sw_link *link = &table->links[slot];
	/* pairs with the release in publish */
	return atomic_load_explicit(&link->index, memory_order_acquire) == index ? link : NULL;
}
