/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/cid.h"

#include "base/formats/multibase.h"
#include "tests/unit/base/vectors.h"

/* The empty UnixFS directory (dag-pb block 0a020801), as kubo prints it. */
#define EMPTY_V0 "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
#define EMPTY_V1 "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
/* The raw block of no bytes. */
#define RAW_NOTHING "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

static struct vd_cid cid_of(const char *text)
{
	struct vd_cid cid = { 0 };

	cr_assert(eq(int, vd_cid_of_text(vd_bytes_of_text(text), &cid), VD_OK), "%s", text);
	return cid;
}

static bool is_refused(const char *text)
{
	struct vd_cid cid;
	return vd_cid_of_text(vd_bytes_of_text(text), &cid) == VD_EUSER;
}

static enum vd_err parse(const char *hex)
{
	struct hex in = hex_of(hex);
	struct vd_cid cid;

	return vd_cid_of_bytes(hex_bytes(&in), &cid);
}

Test(cid, both_versions_name_the_hash_of_the_block)
{
	const uint8_t block[] = { 0x0a, 0x02, 0x08, 0x01 };
	uint8_t hash[VD_MULTIHASH_MAX];
	struct vd_write w = vd_write_to(hash, sizeof hash);
	struct vd_cid v0 = cid_of(EMPTY_V0), v1 = cid_of(EMPTY_V1);

	cr_assert(eq(int, vd_multihash_make(VD_MH_SHA2_256, vd_bytes(block, 4), &w), VD_OK));
	assert_bytes(vd_cid_multihash(&v0), vd_write_done(&w));
	assert_bytes(vd_cid_multihash(&v1), vd_write_done(&w));
	cr_assert(eq(u64, v0.codec, VD_CODEC_DAG_PB));
	cr_assert(eq(u64, v1.codec, VD_CODEC_DAG_PB));
	cr_assert(not(vd_cid_equal(&v0, &v1)), "different CIDs of the same content");

	struct vd_cid made = vd_cid_make(VD_CODEC_DAG_PB, vd_write_done(&w));
	cr_assert(vd_cid_equal(&made, &v1));
}

Test(cid, a_raw_block_has_codec_raw)
{
	struct vd_cid cid = cid_of(RAW_NOTHING);

	cr_assert(eq(u8, cid.version, 1));
	cr_assert(eq(u64, cid.codec, VD_CODEC_RAW));
}

Test(cid, text_and_bytes_give_back_the_same)
{
	static const char *const texts[] = { EMPTY_V0, EMPTY_V1, RAW_NOTHING };

	for (size_t i = 0; i < 3; i++) {
		struct vd_cid cid = cid_of(texts[i]), back;
		char text[VD_CID_TEXT];
		uint8_t bytes[VD_CID_MAX];
		struct vd_write w = vd_write_to(bytes, sizeof bytes);

		cr_assert(eq(str, (char *)vd_cid_text(&cid, text), (char *)texts[i]));
		vd_cid_write(&w, &cid);
		cr_assert(eq(int, vd_cid_of_bytes(vd_write_done(&w), &back), VD_OK));
		cr_assert(vd_cid_equal(&cid, &back));
		for (size_t len = 0; len < vd_write_len(&w); len++)
			cr_assert(ne(int, vd_cid_of_bytes(vd_bytes(bytes, len), &back), VD_OK));
	}
}

Test(cid, version_1_is_read_in_any_multibase)
{
	static const char prefixes[] = "fFbBcCvtkKzZmMuU079h";
	struct vd_cid cid = cid_of(RAW_NOTHING);
	uint8_t bytes[VD_CID_MAX];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	vd_cid_write(&w, &cid);
	for (const char *p = prefixes; *p; p++) {
		char text[512];

		cr_assert(zero(int, vd_multibase_encode(*p, vd_write_done(&w), text, sizeof text)));
		struct vd_cid back = cid_of(text);
		cr_assert(vd_cid_equal(&cid, &back), "%c", *p);
	}
}

Test(cid, the_longest_cid_has_a_text)
{
	uint8_t bytes[VD_CID_MAX];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct vd_cid cid, back;
	char text[VD_CID_TEXT];

	vd_write_uvarint(&w, 1);
	vd_write_uvarint(&w, INT64_MAX);
	vd_write_uvarint(&w, INT64_MAX - 1);
	vd_write_uvarint(&w, VD_MULTIHASH_DIGEST_MAX);
	vd_write_zeros(&w, VD_MULTIHASH_DIGEST_MAX);
	cr_assert(eq(int, vd_write_end(&w), VD_OK));
	cr_assert(eq(sz, vd_write_len(&w), VD_CID_MAX));
	cr_assert(eq(int, vd_cid_of_bytes(vd_write_done(&w), &cid), VD_OK));
	back = cid_of(vd_cid_text(&cid, text));
	cr_assert(vd_cid_equal(&cid, &back));
}

/* CID specification, decoding algorithm. */
Test(cid, version_0_has_no_multibase_form)
{
	cr_assert(is_refused("z" EMPTY_V0));
}

Test(cid, texts_that_are_no_cids_are_refused)
{
	cr_assert(is_refused(""));
	cr_assert(is_refused("Qm"));
	cr_assert(is_refused("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3N"), "a character short");
	cr_assert(is_refused("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3N0"), "not base58");
	cr_assert(is_refused("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf35"));
	cr_assert(is_refused("f0155"));
}

Test(cid, malformed_bytes_are_refused)
{
	cr_assert(eq(int, parse(""), VD_EPEER_TRUNC));
	cr_assert(eq(int, parse("0155"), VD_EPEER_TRUNC));
	cr_assert(eq(int, parse("01550003aabbccdd"), VD_EPEER_FORMAT), "left over");
	cr_assert(eq(int, parse("02550003aabbcc"), VD_EPEER_FORMAT), "version 2");
	cr_assert(eq(int, parse("00550003aabbcc"), VD_EPEER_FORMAT), "version 0 by number");
	cr_assert(eq(int, parse("0155122100"), VD_EPEER_RANGE), "33 bytes of sha2-256");
	cr_assert(eq(int, parse("8100550003aabbcc"), VD_EPEER_FORMAT), "a long varint");
	cr_assert(eq(int,
		     parse("1214ffb31f07aa15348368c90c73a834dbf9f8710365ffffffffffffffffffffffff"),
		     VD_EPEER_FORMAT),
		  "a truncated hash is no version 0");
}

Test(cid, a_cid_is_read_from_a_longer_input)
{
	struct hex in = hex_of("01550003aabbccff");
	struct vd_read r = vd_read_of(hex_bytes(&in));
	struct vd_cid cid;

	vd_cid_read(&r, &cid);
	cr_assert(eq(int, r.err, VD_OK));
	cr_assert(eq(sz, vd_read_left(&r), 1));
	cr_assert(eq(u64, cid.codec, VD_CODEC_RAW));
}
