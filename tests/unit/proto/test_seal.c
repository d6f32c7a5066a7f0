/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/seal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

static const uint8_t A[32] = { 1 }, B[32] = { 2 };

static void both(struct seal *a, struct seal *b, enum vd_cipher cipher)
{
	seal_init(a, cipher, A, B, 0x01020304);
	seal_init(b, cipher, B, A, 0x05060708);
}

static struct vd_bytes create(struct seal *seal, const char *text, uint8_t out[128])
{
	size_t len;

	cr_assert(eq(int, seal_create(seal, vd_bytes_of_text(text), out, 128, &len), VD_OK));
	return vd_bytes(out, len);
}

static enum vd_err consume(struct seal *seal, struct vd_bytes frame)
{
	uint8_t plain[128];
	size_t len;

	return seal_consume(seal, frame, plain, &len);
}

Test(seal, what_is_sealed_is_opened)
{
	struct seal a, b;
	uint8_t frame[128], plain[128];
	size_t len;

	both(&a, &b, VD_CHACHA20_POLY1305);

	struct vd_bytes sealed = create(&a, "hello", frame);

	cr_assert(eq(sz, sealed.len, 5 + SEAL_OVERHEAD));
	cr_assert(eq(int, seal_consume(&b, sealed, plain, &len), VD_OK));
	cr_assert(vd_bytes_equal(vd_bytes(plain, len), vd_bytes_of_text("hello")));
}

/* Header and nonce written out by hand (switch/SPEC.md, 5), the cipher straight from libsodium. */
Test(seal, the_frame_is_as_on_the_wire)
{
	static const uint8_t header[] = { 5, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 1 };
	static const uint8_t nonce[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	struct seal a, b;
	uint8_t frame[128], expected[64];

	both(&a, &b, VD_CHACHA20_POLY1305);

	struct vd_bytes sealed = create(&a, "x", frame);

	memcpy(expected, header, 13);
	crypto_aead_chacha20poly1305_ietf_encrypt(expected + 13, NULL, (const uint8_t *)"x", 1,
						  header, 13, NULL, nonce, A);
	cr_assert(vd_bytes_equal(sealed, vd_bytes(expected, 13 + 1 + 16)));
}

Test(seal, counters_start_at_1_and_grow)
{
	struct seal a, b;
	uint8_t frame[128];

	both(&a, &b, VD_CHACHA20_POLY1305);
	for (uint8_t i = 1; i < 5; i++)
		cr_assert(eq(u8, create(&a, "", frame).at[12], i));
}

Test(seal, a_frame_is_taken_once_and_a_replay_known_before_its_tag_is_looked_at)
{
	struct seal a, b;
	uint8_t frame[128];

	both(&a, &b, VD_CHACHA20_POLY1305);

	struct vd_bytes sealed = create(&a, "x", frame);

	cr_assert(eq(int, consume(&b, sealed), VD_OK));
	cr_assert(eq(int, consume(&b, sealed), VD_EPEER_REPLAY));
	frame[sealed.len - 1] ^= 1;
	cr_assert(eq(int, consume(&b, sealed), VD_EPEER_REPLAY));
}

Test(seal, frames_out_of_order_are_taken_within_512)
{
	struct seal a, b;
	uint8_t first[128], second[128], later[128];

	both(&a, &b, VD_CHACHA20_POLY1305);

	struct vd_bytes one = create(&a, "x", first), two = create(&a, "y", second);

	a.tx_counter = 512;
	cr_assert(eq(int, consume(&b, create(&a, "z", later)), VD_OK));
	cr_assert(eq(int, consume(&b, one), VD_EPEER_REPLAY), "513 - 512 = 1");
	cr_assert(eq(int, consume(&b, two), VD_OK));
}

Test(seal, a_frame_with_any_bit_changed_changes_nothing)
{
	struct seal a, b;
	uint8_t frame[128];

	both(&a, &b, VD_CHACHA20_POLY1305);

	struct vd_bytes sealed = create(&a, "hello", frame);
	struct seal before = b;

	for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert(ne(int, consume(&b, sealed), VD_OK), "bit %zu", bit);
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert(zero(int, memcmp(&b, &before, sizeof b)));
	}
	cr_assert(eq(int, consume(&b, sealed), VD_OK));
}

Test(seal, a_frame_cut_at_any_length_fails)
{
	struct seal a, b;
	uint8_t frame[128];
	uint32_t index;

	both(&a, &b, VD_CHACHA20_POLY1305);

	struct vd_bytes sealed = create(&a, "hello", frame);

	for (size_t len = 0; len < sealed.len; len++)
		cr_assert(eq(int, consume(&b, vd_bytes(frame, len)),
			     len < SEAL_OVERHEAD ? VD_EPEER_TRUNC : VD_EPEER_AUTH));
	cr_assert(eq(int, seal_index(sealed, &index), VD_OK));
	cr_assert(eq(u32, index, 0x01020304));
	frame[0] = 6;
	cr_assert(eq(int, seal_index(sealed, &index), VD_EPEER_FORMAT));
}

Test(seal, a_frame_without_room_is_not_made)
{
	struct seal a, b;
	uint8_t frame[SEAL_OVERHEAD + 4];
	size_t len;

	both(&a, &b, VD_CHACHA20_POLY1305);
	cr_assert(eq(int, seal_create(&a, vd_bytes_of_text("hello"), frame, sizeof frame, &len),
		     VD_EBUG_ROOM));
	cr_assert(eq(int, seal_create(&a, vd_bytes(NULL, 0), frame, 3, &len), VD_EBUG_ROOM));
	cr_assert(zero(u64, a.tx_counter), "no counter was spent");
}

Test(seal, aes_works_where_the_cpu_has_it)
{
	struct seal a, b;
	uint8_t frame[128];

	if (!vd_cipher_available(VD_AES_256_GCM))
		cr_skip_test("this CPU has no AES");
	both(&a, &b, VD_AES_256_GCM);
	cr_assert(eq(int, consume(&b, create(&a, "hello", frame)), VD_OK));
	seal_fini(&a);
	cr_assert(sodium_is_zero((uint8_t *)&a, sizeof a));
}
