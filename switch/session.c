/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/session.h"

#include <sodium.h>
#include <string.h>

#include "multigram/frame.h"
#include "switch/pages.h"

/* All but `index`, which workers may look at for stale frames. On liburcu's thread. */
static void wipe_session(struct sw_slots *slots, uint32_t slot)
{
	struct sw_session_table *table = caa_container_of(slots, struct sw_session_table, slots);
	struct sw_session *session = &table->sessions[slot];
	const size_t after = offsetof(struct sw_session, owner);

	vd_aead_fini(&session->rx_key);
	vd_aead_fini(&session->tx_key);
	sodium_memzero((uint8_t *)session + after, sizeof *session - after);
}

enum vd_err sw_session_table_init(struct sw_session_table *table, uint32_t capacity)
{
	if (capacity > 1u << SW_SLOT_BITS)
		return VD_EUSER;
	*table = (struct sw_session_table){ .capacity = capacity };
	enum vd_err err = sw_slots_init(&table->slots, capacity, wipe_session);
	if (err || capacity == 0)
		return err;
	table->sessions = sw_pages_new(capacity * sizeof *table->sessions, true);
	table->echoes = sw_pages_new((size_t)capacity * SW_ECHOES * sizeof *table->echoes, false);
	if (table->sessions && table->echoes)
		return VD_OK;
	sw_session_table_fini(table);
	return VD_ENOMEM;
}

void sw_session_table_fini(struct sw_session_table *table)
{
	if (table->sessions)
		sodium_memzero(table->sessions, table->slots.fresh * sizeof *table->sessions);
	sw_pages_free(table->sessions, table->capacity * sizeof *table->sessions);
	sw_pages_free(table->echoes, (size_t)table->capacity * SW_ECHOES * sizeof *table->echoes);
	sw_slots_fini(&table->slots);
	*table = (struct sw_session_table){ 0 };
}

enum vd_err sw_session_reserve(struct sw_session_table *table, uint32_t *index_out)
{
	return sw_slots_reserve(&table->slots, index_out);
}

void sw_session_release(struct sw_session_table *table, uint32_t index)
{
	sw_slots_release(&table->slots, index);
}

static void set_ip6(struct sw_session *session, const uint8_t ip6[SW_IP6_INDICES])
{
	uint32_t word = 0;

	static_assert(sizeof word == SW_IP6_INDICES, "a byte each");
	memcpy(&word, ip6, sizeof word);
	atomic_store_explicit(&session->ip6_rx, word, memory_order_relaxed);
	if (!atomic_load_explicit(&session->ip6_tx, memory_order_relaxed))
		atomic_store_explicit(&session->ip6_tx, ip6[0], memory_order_relaxed);
}

static void fill(struct sw_session *session, const struct sw_session_config *config)
{
	session->owner = config->owner;
	atomic_store_explicit(&session->ip6_tx, 0, memory_order_relaxed);
	set_ip6(session, config->ip6);
	session->top = 0;
	session->window = (struct sw_window){ 0 };
	memcpy(session->overlay, config->overlay, sizeof session->overlay);
	vd_aead_init(&session->rx_key, config->cipher, config->rx_key);
	vd_aead_init(&session->tx_key, config->cipher, config->tx_key);
	session->remote_index = config->remote_index;
	session->path = config->path;
	atomic_store_explicit(&session->replaced_by, 0, memory_order_relaxed);
	atomic_store_explicit(&session->rx_frames, 0, memory_order_relaxed);
	atomic_store_explicit(&session->rx_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&session->tx_counter, 0, memory_order_relaxed);
	atomic_store_explicit(&session->tx_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&session->tx_long, false, memory_order_relaxed);
}

void sw_session_publish(struct sw_session_table *table, uint32_t index,
			const struct sw_session_config *config)
{
	if (!sw_slots_is(&table->slots, index, SW_SLOT_RESERVED))
		return; /* the caller's bug: nothing becomes live */
	struct sw_session *session = &table->sessions[sw_index_slot(index)];

	fill(session, config);
	sw_slots_live(&table->slots, index);
	if (sw_index_slot(index) >= atomic_load_explicit(&table->high, memory_order_relaxed))
		atomic_store_explicit(&table->high, sw_index_slot(index) + 1, memory_order_relaxed);
	/* pairs with the acquire in find */
	atomic_store_explicit(&session->index, index, memory_order_release);
}

void sw_session_retire(struct sw_session_table *table, uint32_t index)
{
	if (!sw_slots_is(&table->slots, index, SW_SLOT_LIVE))
		return;
	atomic_store_explicit(&table->sessions[sw_index_slot(index)].index, 0,
			      memory_order_release);
	sw_slots_retire(&table->slots, index);
}

void sw_session_set_ip6(struct sw_session_table *table, uint32_t index,
			const uint8_t ip6[SW_IP6_INDICES])
{
	if (sw_slots_is(&table->slots, index, SW_SLOT_LIVE))
		set_ip6(&table->sessions[sw_index_slot(index)], ip6);
}

struct sw_session *sw_session_find(const struct sw_session_table *table, uint32_t index)
{
	uint32_t slot = sw_index_slot(index);

	if (index == 0 || slot >= table->capacity)
		return NULL;
	struct sw_session *session = &table->sessions[slot];
	/* pairs with the release in publish */
	return atomic_load_explicit(&session->index, memory_order_acquire) == index ? session
										    : NULL;
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

enum vd_err sw_session_open(struct sw_session *session, uint8_t *frame, size_t len,
			    struct vd_bytes *plain_out)
{
	if (len < SW_SEAL_OVERHEAD)
		return VD_EPEER_TRUNC;
	uint64_t counter = vd_be64_load(frame + 5);
	if (!sw_window_is_new(&session->window, session->top, counter))
		return VD_EPEER_REPLAY;
	uint8_t *plain = frame + SW_SEAL_HEADER;
	enum vd_err err = vd_aead_open(&session->rx_key, counter, vd_bytes(frame, SW_SEAL_HEADER),
				       vd_bytes(plain, len - SW_SEAL_HEADER), plain);
	if (err)
		return err;
	sw_window_mark(&session->window, &session->top, counter);
	add(&session->rx_frames, 1);
	add(&session->rx_bytes, len - SW_SEAL_OVERHEAD);
	*plain_out = vd_bytes(plain, len - SW_SEAL_OVERHEAD);
	return VD_OK;
}

void sw_session_seal(struct sw_session *session, uint8_t *plain, size_t len)
{
	uint8_t *frame = plain - SW_SEAL_HEADER;
	uint64_t counter = atomic_load_explicit(&session->tx_counter, memory_order_relaxed) + 1;

	atomic_store_explicit(&session->tx_counter, counter, memory_order_relaxed);
	add(&session->tx_bytes, len);
	if (len + SW_SEAL_OVERHEAD > SW_SEAL_SHORT)
		atomic_store_explicit(&session->tx_long, true, memory_order_relaxed);
	frame[0] = MG_SEALED;
	vd_be32_store(frame + 1, session->remote_index);
	vd_be64_store(frame + 5, counter);
	vd_aead_seal(&session->tx_key, counter, vd_bytes(frame, SW_SEAL_HEADER),
		     vd_bytes(plain, len), plain);
}
