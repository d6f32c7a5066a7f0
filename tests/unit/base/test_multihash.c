/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/multihash.h"

#include "tests/unit/base/vectors.h"

static enum vd_err parse(const char *hex, struct vd_multihash *hash_out)
{
	static struct hex in; /* the digest borrows from it */

	in = hex_of(hex);
	return vd_multihash_of_bytes(hex_bytes(&in), hash_out);
}

/* multiformats/multihash b43ec10, tests/values/test_cases.csv. */
Test(multihash, a_published_value_is_read)
{
	struct vd_multihash hash;
	struct hex digest =
	    hex_of("ffb31f07aa15348368c90c73a834dbf9f8710365860fa0fd4ddce9ac2782cc17");

	cr_assert(
	    eq(int,
	       parse("1220ffb31f07aa15348368c90c73a834dbf9f8710365860fa0fd4ddce9ac2782cc17", &hash),
	       VD_OK));
	cr_assert(eq(u64, hash.code, VD_MH_SHA2_256));
	assert_bytes(hash.digest, hex_bytes(&digest));
	cr_assert(eq(str, (char *)vd_multihash_name(hash.code), "sha2-256"));
}

/* FIPS 180-4 examples: SHA-256("abc"), SHA-512("abc"). */
Test(multihash, sha2_is_computed)
{
	uint8_t out[VD_MULTIHASH_MAX];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct hex want =
	    hex_of("1220ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
		   "ad");

	cr_assert(eq(int, vd_multihash_make(VD_MH_SHA2_256, vd_bytes_of_text("abc"), &w), VD_OK));
	assert_bytes(vd_write_done(&w), hex_bytes(&want));

	want = hex_of("1340ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a"
		      "274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
	w = vd_write_to(out, sizeof out);
	cr_assert(eq(int, vd_multihash_make(VD_MH_SHA2_512, vd_bytes_of_text("abc"), &w), VD_OK));
	assert_bytes(vd_write_done(&w), hex_bytes(&want));
}

Test(multihash, identity_holds_the_data_itself_up_to_the_limit)
{
	uint8_t data[VD_MULTIHASH_DIGEST_MAX + 1] = { 1 }, out[200];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct vd_multihash hash;

	cr_assert(eq(int, vd_multihash_make(VD_MH_IDENTITY, vd_bytes(data, 128), &w), VD_OK));
	cr_assert(eq(int, vd_multihash_of_bytes(vd_write_done(&w), &hash), VD_OK));
	assert_bytes(hash.digest, vd_bytes(data, 128));
	w = vd_write_to(out, sizeof out);
	cr_assert(
	    eq(int, vd_multihash_make(VD_MH_IDENTITY, vd_bytes(data, 129), &w), VD_EBUG_ROOM));
}

Test(multihash, functions_that_are_not_computed_are_told)
{
	uint8_t out[100];
	struct vd_write w = vd_write_to(out, sizeof out);

	cr_assert(
	    eq(int, vd_multihash_make(VD_MH_BLAKE3, vd_bytes_of_text("abc"), &w), VD_ENOTFOUND));
	w = vd_write_to(out, 33);
	cr_assert(
	    eq(int, vd_multihash_make(VD_MH_SHA2_256, vd_bytes_of_text("abc"), &w), VD_EBUG_ROOM));
}

Test(multihash, every_proper_prefix_is_truncated)
{
	struct hex in = hex_of("1114e861e452cfd84dca9a176258c3d06e020a0c93d8");
	struct vd_multihash hash;

	for (size_t len = 0; len < in.len; len++)
		cr_assert(
		    eq(int, vd_multihash_of_bytes(vd_bytes(in.at, len), &hash), VD_EPEER_TRUNC));
	cr_assert(eq(int, vd_multihash_of_bytes(hex_bytes(&in), &hash), VD_OK));
	in.len++;
	cr_assert(eq(int, vd_multihash_of_bytes(hex_bytes(&in), &hash), VD_EPEER_FORMAT));
}

Test(multihash, a_length_the_function_does_not_have_is_out_of_range)
{
	struct vd_multihash hash;

	cr_assert(eq(int, parse("1221", &hash), VD_EPEER_RANGE), "33 bytes of sha2-256");
	cr_assert(eq(int, parse("1209", &hash), VD_EPEER_RANGE), "72 bits");
	cr_assert(eq(int, parse("008101", &hash), VD_EPEER_RANGE), "129 bytes of identity");
	cr_assert(eq(int, parse("808001ffffffffffffffff7f", &hash), VD_EPEER_RANGE), "unknown");
}

Test(multihash, an_unknown_function_is_read_by_its_structure)
{
	struct vd_multihash hash;

	cr_assert(eq(int, parse("80800103aabbcc", &hash), VD_OK));
	cr_assert(eq(u64, hash.code, 0x4000));
	cr_assert(eq(sz, hash.digest.len, 3));
	cr_assert(zero(ptr, (void *)vd_multihash_name(hash.code)));
}

Test(multihash, varints_longer_than_needed_are_refused)
{
	struct vd_multihash hash;

	cr_assert(eq(int, parse("800001aa", &hash), VD_EPEER_FORMAT));
	cr_assert(eq(int, parse("008100aa", &hash), VD_EPEER_FORMAT));
}

Test(multihash, published_vectors_are_read_and_sha2_agrees)
{
	FILE *file = open_vectors("multiformats/multihash-test_cases.csv");
	char line[1024];
	int rows = 0, computed = 0;

	cr_assert(fgets(line, sizeof line, file) != NULL);
	while (fgets(line, sizeof line, file)) {
		char *name = strtok(line, ","), *bits = strtok(NULL, ","),
		     *input = strtok(NULL, ","), *value = strtok(NULL, ",\n");
		struct hex want = hex_of(value);
		struct vd_multihash hash;
		uint8_t out[VD_MULTIHASH_MAX];
		struct vd_write w = vd_write_to(out, sizeof out);

		cr_assert(eq(int, vd_multihash_of_bytes(hex_bytes(&want), &hash), VD_OK), "%s",
			  value);
		cr_assert(eq(sz, hash.digest.len * 8, strtoul(bits, NULL, 10)));
		cr_assert(zero(int, strncmp(vd_multihash_name(hash.code), name, strlen(name))));
		rows++;
		if (vd_multihash_make(hash.code, vd_bytes_of_text(input), &w))
			continue;
		/* Shorter rows are truncations. */
		cr_assert(zero(int, memcmp(out + 2, hash.digest.at, hash.digest.len)));
		computed++;
	}
	cr_assert(eq(int, rows, 260));
	cr_assert(eq(int, computed, 140));
	fclose(file);
}

Test(multihash, names_are_those_of_the_multicodec_table)
{
	FILE *file = open_vectors("multiformats/multicodec-table.csv");
	char line[1024];
	int found = 0;

	while (fgets(line, sizeof line, file)) {
		char *name = strtok(line, ", "), *tag = strtok(NULL, ", "),
		     *code = strtok(NULL, ", ");

		if (!code || strcmp(tag, "multihash") != 0)
			continue;
		const char *ours = vd_multihash_name(strtoul(code, NULL, 16));
		if (!ours)
			continue;
		cr_assert(eq(str, (char *)ours, name));
		found++;
	}
	cr_assert(eq(int, found, 29), "each of ours is in the table");
	fclose(file);
}
