/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/echo.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>
#include <string.h>

static struct sw_session_table table;
static uint32_t first, second; /* two sessions, under different keys */
static uint8_t buffer[256];
static const vd_ns start = VD_SECONDS(1000);

static uint32_t publish(uint8_t key)
{
	struct sw_session_config config = { .cipher = VD_CHACHA20_POLY1305 };
	uint32_t index = 0;

	memset(config.tx_key, key, sizeof config.tx_key);
	cr_assert(eq(int, sw_session_reserve(&table, &index), VD_OK));
	sw_session_publish(&table, index, &config);
	return index;
}

static void setup(void)
{
	cr_assert(ge(int, sodium_init(), 0));
	rcu_register_thread();
	cr_assert(eq(int, sw_session_table_init(&table, 4), VD_OK));
	first = publish(1);
	second = publish(2);
}

static void teardown(void)
{
	rcu_barrier();
	sw_session_table_fini(&table);
	rcu_unregister_thread();
}

TestSuite(echo, .init = setup, .fini = teardown);

struct echo {
	uint8_t bytes[SW_ECHO_BYTES];
};

/* Sends a frame; what a report about it would repeat. */
static struct echo sent(uint32_t index, vd_ns now)
{
	struct sw_session *session = sw_session_find(&table, index);
	uint8_t *plain = buffer + 64;
	struct echo echo;

	memset(plain, 0, 20);
	sw_session_seal(session, plain, 20);
	sw_echo_note(&table, session, plain - SW_SEAL_HEADER, now);
	memcpy(echo.bytes, plain - SW_SEAL_HEADER + SW_ECHO_AT, sizeof echo.bytes);
	return echo;
}

static uint32_t found(struct echo echo, vd_ns now)
{
	return sw_echo_find(&table, echo.bytes, now);
}

Test(echo, tells_which_session_sent_the_frame)
{
	struct echo a = sent(first, start), b = sent(second, start);

	cr_assert(eq(u32, found(a, start), first));
	cr_assert(eq(u32, found(b, start), second));
}

Test(echo, of_zeros_is_of_nothing)
{
	const struct echo zeros = { { 0 } };

	(void)sent(first, start);
	cr_assert(zero(u32, found(zeros, start)));
}

Test(echo, with_any_bit_changed_is_of_nothing)
{
	struct echo a = sent(first, start);

	for (unsigned bit = 0; bit < 64; bit++) {
		struct echo forged = a;
		forged.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_assert(zero(u32, found(forged, start)), "bit %u", bit);
	}
}

Test(echo, counts_for_10_s)
{
	struct echo a = sent(first, start);

	cr_assert(eq(u32, found(a, start + VD_SECONDS(10)), first));
	cr_assert(zero(u32, found(a, start + VD_SECONDS(10) + VD_MS(1))));
}

Test(echo, counts_among_the_last_1024)
{
	struct echo a = sent(first, start), b = sent(first, start);

	for (unsigned i = 0; i < SW_ECHOES - 2; i++)
		(void)sent(first, start);
	cr_assert(eq(u32, found(a, start), first));
	(void)sent(first, start);
	cr_assert(zero(u32, found(a, start)));
	cr_assert(eq(u32, found(b, start), first));
}

Test(echo, of_a_session_before_is_not_of_the_one_in_its_slot)
{
	struct echo a = sent(second, start);

	sw_session_retire(&table, second);
	cr_assert(zero(u32, found(a, start)));
	rcu_barrier();
	second = publish(3);
	cr_assert(zero(u32, found(a, start)));
	(void)sent(second, start);
	cr_assert(zero(u32, found(a, start)));
}
