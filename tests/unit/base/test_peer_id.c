/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/peer_id.h"

#include "tests/unit/base/vectors.h"

/* libp2p/specs 7740c07, peer-ids, "Test vectors" and "Decoding". */
#define ED25519_KEY   "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
#define SECP256K1_KEY "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99"
#define ECDSA_KEY                                                                                  \
	"0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d" \
	"83abab44abf3161f162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec0" \
	"34e9f77c409e62"
#define QM_TEXT  "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
#define CID_TEXT "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe"
#define ED_TEXT  "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

static struct vd_peer_id id_of(const char *text)
{
	struct vd_peer_id id = { 0 };

	cr_assert(eq(int, vd_peer_id_of_text(text, &id), VD_OK), "%s", text);
	return id;
}

static enum vd_err parse(const char *hex, struct vd_peer_id *id_out)
{
	struct hex in = hex_of(hex);
	return vd_peer_id_of_bytes(hex_bytes(&in), id_out);
}

static void assert_id_of_key(const char *key_hex, const char *text)
{
	struct hex key = hex_of(key_hex);
	struct vd_peer_id id;
	char out[VD_PEER_ID_TEXT];

	cr_assert(eq(int, vd_peer_id_of_public_key(hex_bytes(&key), &id), VD_OK));
	cr_assert(eq(str, (char *)vd_peer_id_text(&id, out), (char *)text));
}

/* The texts were computed from the specification's keys with another implementation of base58. */
Test(peer_id, short_keys_are_held_whole_and_long_ones_hashed)
{
	assert_id_of_key(ED25519_KEY, "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq");
	assert_id_of_key(SECP256K1_KEY, "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY");
	assert_id_of_key(ECDSA_KEY, "QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk");
}

Test(peer_id, both_text_forms_of_the_specification_are_the_same_peer)
{
	struct vd_peer_id by_base58 = id_of(QM_TEXT), by_cid = id_of(CID_TEXT);

	cr_assert(vd_peer_id_equal(&by_base58, &by_cid));
	cr_assert(eq(u8, by_base58.len, 34));
}

Test(peer_id, base58_text_is_given_back)
{
	static const char *const texts[] = { QM_TEXT, ED_TEXT };

	for (size_t i = 0; i < 2; i++) {
		struct vd_peer_id id = id_of(texts[i]), back;
		char out[VD_PEER_ID_TEXT];

		cr_assert(eq(str, (char *)vd_peer_id_text(&id, out), (char *)texts[i]));
		cr_assert(eq(int, vd_peer_id_of_bytes(vd_peer_id_bytes(&id), &back), VD_OK));
		cr_assert(vd_peer_id_equal(&id, &back));
	}
}

Test(peer_id, the_longest_id_has_a_text)
{
	uint8_t key[42];
	struct vd_peer_id id, back;
	char out[VD_PEER_ID_TEXT];

	memset(key, 0xff, sizeof key);
	cr_assert(eq(int, vd_peer_id_of_public_key(vd_bytes(key, 42), &id), VD_OK));
	cr_assert(eq(u8, id.len, VD_PEER_ID_MAX));
	back = id_of(vd_peer_id_text(&id, out));
	cr_assert(vd_peer_id_equal(&id, &back));
}

Test(peer_id, key_lengths_around_the_limit_of_42)
{
	uint8_t key[43] = { 8 };
	struct vd_peer_id id;

	cr_assert(eq(int, vd_peer_id_of_public_key(vd_bytes(key, 42), &id), VD_OK));
	cr_assert(eq(u8, id.bytes[0], 0x00));
	cr_assert(eq(int, vd_peer_id_of_public_key(vd_bytes(key, 43), &id), VD_OK));
	cr_assert(eq(u8, id.bytes[0], 0x12));
	cr_assert(ne(int, vd_peer_id_of_public_key(vd_bytes(key, 0), &id), VD_OK),
		  "no key, no peer");
}

Test(peer_id, malformed_bytes_are_refused_and_the_output_left_alone)
{
	static const char *const wrong[] = {
		"",
		"00",
		"0000",                                         /* no key */
		"0003aabb",                                     /* truncated */
		"0003aabbccdd",                                 /* left over */
		"1114e861e452cfd84dca9a176258c3d06e020a0c93d8", /* sha1 */
		"120affb31f07aa15348368c9",                     /* a truncated sha2-256 */
		"800003aabbcc",                                 /* a long varint */
		("002bffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		 "ffffffffffffffff"), /* 43 bytes of key */
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct vd_peer_id id = { .len = 77 };

		cr_assert(eq(int, parse(wrong[i], &id), VD_EPEER_FORMAT), "%s", wrong[i]);
		cr_assert(eq(u8, id.len, 77));
	}
}

Test(peer_id, malformed_text_is_refused)
{
	static const char *const wrong[] = {
		"",
		"1",
		"Qm",
		"x",
		"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5S",
		"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA ",
		"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SAA",
		"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5",
		/* a CID, but of content: codec dag-pb */
		"bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354",
	};
	struct vd_peer_id id;
	static char endless[100000];

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		cr_assert(eq(int, vd_peer_id_of_text(wrong[i], &id), VD_EUSER), "%s", wrong[i]);
	memset(endless, '1', sizeof endless - 1);
	cr_assert(eq(int, vd_peer_id_of_text(endless, &id), VD_EUSER));
}

Test(peer_id, order_is_that_of_byte_strings)
{
	struct vd_peer_id a, b, c;

	cr_assert(zero(int, parse("000101", &a)));
	cr_assert(zero(int, parse("000180", &b)));
	cr_assert(zero(int, parse("00020100", &c)));
	cr_assert(lt(int, vd_peer_id_compare(&a, &b), 0), "bytes are unsigned");
	cr_assert(gt(int, vd_peer_id_compare(&b, &a), 0));
	cr_assert(zero(int, vd_peer_id_compare(&a, &a)));
	cr_assert(lt(int, vd_peer_id_compare(&b, &c), 0));
	c.len = 3; /* as a prefix */
	struct vd_peer_id longer = c;
	longer.len = 4;
	cr_assert(lt(int, vd_peer_id_compare(&c, &longer), 0), "a prefix comes first");
	cr_assert(not(vd_peer_id_equal(&c, &longer)));
}
