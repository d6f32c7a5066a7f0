/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/echo.h"

#include "base/bytes.h"

/* Entry: milliseconds, and in the low 24 bits the ciphertext's first bytes. */
enum { CIPHER_BITS = 24, COUNTER_BITS = 40, MS_OF_S = 1000 };

#define CIPHER_MASK  ((UINT64_C(1) << CIPHER_BITS) - 1)
#define COUNTER_MASK ((UINT64_C(1) << COUNTER_BITS) - 1)

static_assert(SW_ECHO_AT + SW_ECHO_BYTES == SW_SEAL_HEADER + CIPHER_BITS / 8);

static _Atomic uint64_t *entry_of(const struct sw_session_table *table, size_t slot,
				  uint64_t counter)
{
	return &table->echoes[slot * SW_ECHOES + counter % SW_ECHOES];
}

void sw_echo_note(struct sw_session_table *table, const struct sw_session *session,
		  const uint8_t *frame, vd_ns now)
{
	uint64_t counter = vd_be64_load(frame + SW_SEAL_HEADER - 8);
	uint64_t echo = vd_be64_load(frame + SW_ECHO_AT);
	uint64_t ms = now / (VD_NS_PER_S / MS_OF_S);

	atomic_store_explicit(entry_of(table, (size_t)(session - table->sessions), counter),
			      ms << CIPHER_BITS | (echo & CIPHER_MASK), memory_order_relaxed);
}

static bool was_sent(const struct sw_session_table *table, size_t slot, uint64_t echo, uint64_t ms)
{
	const struct sw_session *session = &table->sessions[slot];
	uint64_t sent = atomic_load_explicit(&session->tx_counter, memory_order_relaxed);
	uint64_t back = (sent - (echo >> CIPHER_BITS)) & COUNTER_MASK;
	uint64_t entry;

	if (back >= SW_ECHOES || back >= sent)
		return false;
	entry = atomic_load_explicit(entry_of(table, slot, sent - back), memory_order_relaxed);
	return ((entry ^ echo) & CIPHER_MASK) == 0 &&
	       ms - (entry >> CIPHER_BITS) <= SW_ECHO_S * MS_OF_S;
}

uint32_t sw_echo_find(const struct sw_session_table *table, const uint8_t bytes[SW_ECHO_BYTES],
		      vd_ns now)
{
	uint64_t echo = vd_be64_load(bytes);
	uint64_t ms = now / (VD_NS_PER_S / MS_OF_S);
	uint32_t high = atomic_load_explicit(&table->high, memory_order_relaxed);

	for (uint32_t slot = 0; echo && slot < high; slot++) {
		/* pairs with the release in sw_session_publish */
		uint32_t index =
		    atomic_load_explicit(&table->sessions[slot].index, memory_order_acquire);

		if (index && was_sent(table, slot, echo, ms))
			return index;
	}
	return 0;
}
