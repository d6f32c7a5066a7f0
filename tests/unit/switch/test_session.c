/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/session.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>
#include <string.h>

static struct sw_session_table table;
static uint32_t near, far; /* the two ends of one session */
static uint8_t buffer[2048];
static uint8_t *const plain = buffer + 64;
static uint8_t *const frame = buffer + 64 - SW_SEAL_HEADER;

static uint32_t publish(const struct sw_session_config *config)
{
	uint32_t index = 0;

	cr_assert(eq(int, sw_session_reserve(&table, &index), VD_OK));
	sw_session_publish(&table, index, config);
	return index;
}

static void setup(void)
{
	struct sw_session_config config = { .cipher = VD_CHACHA20_POLY1305 };

	cr_assert(ge(int, sodium_init(), 0));
	rcu_register_thread();
	cr_assert(eq(int, sw_session_table_init(&table, 4), VD_OK));
	memset(config.rx_key, 1, sizeof config.rx_key);
	memset(config.tx_key, 2, sizeof config.tx_key);
	near = publish(&config);
	memset(config.rx_key, 2, sizeof config.rx_key);
	memset(config.tx_key, 1, sizeof config.tx_key);
	config.remote_index = near;
	far = publish(&config);
}

static void teardown(void)
{
	rcu_barrier();
	sw_session_table_fini(&table);
	rcu_unregister_thread();
}

TestSuite(session, .init = setup, .fini = teardown);

/* A frame from the far end; its length. */
static size_t sealed(const char *text)
{
	size_t len = strlen(text);

	memcpy(plain, text, len);
	sw_session_seal(sw_session_find(&table, far), plain, len);
	return len + SW_SEAL_OVERHEAD;
}

Test(session, what_one_end_seals_the_other_opens)
{
	size_t len = sealed("over the mountains");
	struct sw_session *session = sw_session_find(&table, near);
	struct vd_bytes out;

	cr_assert(eq(u8, frame[0], 5));
	cr_assert(eq(u32, vd_be32_load(frame + 1), near));
	cr_assert(eq(u64, vd_be64_load(frame + 5), 1));
	cr_assert(ne(int, memcmp(plain, "over", 4), 0));
	cr_assert(eq(int, sw_session_open(session, frame, len, &out), VD_OK));
	cr_assert(vd_bytes_equal(out, vd_bytes_of_text("over the mountains")));
	cr_assert(eq(u64, session->rx_frames, 1));
	cr_assert(eq(u64, session->rx_bytes, 18));
	cr_assert(eq(u64, sw_session_find(&table, far)->tx_bytes, 18));
}

Test(session, a_key_tells_whether_it_sealed_above_2_kib)
{
	struct sw_session *session = sw_session_find(&table, far);
	static uint8_t room[SW_SEAL_SHORT + SW_SEAL_OVERHEAD];

	for (unsigned i = 0; i < 3; i++) {
		sw_session_seal(session, room + SW_SEAL_HEADER, SW_SEAL_SHORT - SW_SEAL_OVERHEAD);
		cr_assert(not(session->tx_long), "a frame of 2,048 bytes is none");
	}
	sw_session_seal(session, room + SW_SEAL_HEADER, SW_SEAL_SHORT - SW_SEAL_OVERHEAD + 1);
	cr_assert(session->tx_long);
	sw_session_seal(session, room + SW_SEAL_HEADER, 1);
	cr_assert(session->tx_long, "it does not forget");
	sw_session_retire(&table, far);
	far = publish(&(struct sw_session_config){ .cipher = VD_CHACHA20_POLY1305 });
	cr_assert(not(sw_session_find(&table, far)->tx_long), "a new key begins anew");
}

Test(session, an_empty_plaintext_is_valid)
{
	struct vd_bytes out;
	size_t len = sealed("");

	cr_assert(eq(sz, len, 29));
	cr_assert(eq(int, sw_session_open(sw_session_find(&table, near), frame, len, &out), VD_OK));
	cr_assert(eq(sz, out.len, 0));
}

Test(session, a_replay_is_refused_and_a_forgery_marks_nothing)
{
	struct sw_session *session = sw_session_find(&table, near);
	size_t len = sealed("once");
	uint8_t copy[64];
	struct vd_bytes out;

	memcpy(copy, frame, len);
	for (size_t i = 0; i < len; i++) {
		memcpy(frame, copy, len);
		frame[i] ^= 0x10;
		enum vd_err err = sw_session_open(session, frame, len, &out);
		cr_assert(ne(int, err, VD_OK), "byte %zu", i);
	}
	cr_assert(eq(u64, session->top, 0));
	memcpy(frame, copy, len);
	cr_assert(eq(int, sw_session_open(session, frame, len, &out), VD_OK));
	memcpy(frame, copy, len);
	cr_assert(eq(int, sw_session_open(session, frame, len, &out), VD_EPEER_REPLAY));
	frame[len - 1] ^= 1;
	cr_assert(eq(int, sw_session_open(session, frame, len, &out), VD_EPEER_REPLAY),
		  "before the tag");
}

Test(session, frames_too_short_to_hold_a_tag_are_truncated)
{
	struct vd_bytes out;

	(void)sealed("");
	for (size_t len = 0; len < SW_SEAL_OVERHEAD; len++)
		cr_assert(eq(int, sw_session_open(sw_session_find(&table, near), frame, len, &out),
			     VD_EPEER_TRUNC));
}

Test(session, a_retired_session_is_not_found_and_its_keys_are_wiped)
{
	struct sw_session *session = sw_session_find(&table, near);

	sw_session_retire(&table, near);
	cr_assert(eq(ptr, sw_session_find(&table, near), NULL));
	rcu_barrier();
	cr_assert(sodium_is_zero((uint8_t *)session, sizeof *session));
	cr_assert(ne(ptr, sw_session_find(&table, far), NULL));
}

Test(session, the_table_refuses_more_than_it_holds)
{
	uint32_t index;

	for (unsigned i = 0; i < 2; i++)
		cr_assert(eq(int, sw_session_reserve(&table, &index), VD_OK));
	cr_assert(eq(int, sw_session_reserve(&table, &index), VD_ELIMIT));
	sw_session_release(&table, index);
	cr_assert(eq(int, sw_session_reserve(&table, &index), VD_OK));
}

Test(session, unknown_indices_are_not_found)
{
	cr_assert(eq(ptr, sw_session_find(&table, 0), NULL));
	cr_assert(eq(ptr, sw_session_find(&table, near ^ 1), NULL));
	cr_assert(eq(ptr, sw_session_find(&table, UINT32_MAX), NULL));
}

Test(session, more_ip6_indices_are_received_and_the_first_is_sent_with)
{
	const struct sw_session *session = sw_session_find(&table, near);

	cr_assert(zero(u8, session->ip6_tx));
	sw_session_set_ip6(&table, near, (uint8_t[SW_IP6_INDICES]){ 17 });
	cr_assert(eq(u8, session->ip6_tx, 17));
	sw_session_set_ip6(&table, near, (uint8_t[SW_IP6_INDICES]){ 16, 17, 255 });
	cr_assert(eq(u8, session->ip6_tx, 17), "which the peer is known to have");
	for (unsigned index = 0; index < 256; index++)
		cr_assert(eq(int, sw_session_is_ip6(session, (uint8_t)index),
			     index == 16 || index == 17 || index == 255));
	sw_session_retire(&table, near);
	sw_session_set_ip6(&table, near, (uint8_t[SW_IP6_INDICES]){ 18 });
}
