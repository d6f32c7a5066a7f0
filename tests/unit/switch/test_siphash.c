/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/siphash.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>
#include <string.h>

#include "switch/forward.h"

static struct sw_siphash lanes;

/* Random frames in all lanes, and libsodium's tag of each. */
static void fill(uint64_t expected[SW_BURST_MAX])
{
	cr_assert(ge(int, sodium_init(), 0));
	for (unsigned i = 0; i < SW_BURST_MAX; i++) {
		uint8_t key[16], input[43];
		uint16_t len = (uint16_t)randombytes_random();

		randombytes_buf(key, sizeof key);
		randombytes_buf(input, sizeof input);
		input[40] = (uint8_t)(len >> 8);
		input[41] = (uint8_t)len;
		input[42] = 6;
		for (unsigned w = 0; w < 5; w++)
			memcpy(&lanes.words[w][i], input + 8 * w, 8);
		lanes.words[5][i] = sw_siphash_last(len);
		memcpy(&lanes.k0[i], key, 8);
		memcpy(&lanes.k1[i], key + 8, 8);
		crypto_shorthash((uint8_t *)&expected[i], input, sizeof input, key);
	}
}

static void assert_agrees(sw_siphash_fn *burst)
{
	uint64_t expected[SW_BURST_MAX];
	const unsigned counts[] = { 0, 1, 2, 7, 8, 9, 31, 32, 255, 256 };

	fill(expected);
	for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
		memset(lanes.tags, 0, sizeof lanes.tags);
		burst(&lanes, counts[c]);
		cr_assert(eq(int, memcmp(lanes.tags, expected, counts[c] * sizeof *expected), 0),
			  "burst of %u", counts[c]);
	}
}

Test(siphash, the_baseline_build_agrees_with_libsodium)
{
	assert_agrees(sw_siphash_burst_baseline);
}

#ifdef SW_HAVE_X86_64_LEVELS
Test(siphash, the_avx2_build_agrees_with_libsodium)
{
	if (!__builtin_cpu_supports("avx2"))
		cr_skip_test("this CPU has no AVX2");
	assert_agrees(sw_siphash_burst_v3);
}

Test(siphash, the_avx512_build_agrees_with_libsodium)
{
	if (!__builtin_cpu_supports("avx512vl"))
		cr_skip_test("this CPU has no AVX-512");
	assert_agrees(sw_siphash_burst_v4);
}
#endif

Test(siphash, the_build_chosen_has_a_name)
{
	const char *isa = sw_siphash_choose().isa;

	cr_assert(strcmp(isa, "baseline") == 0 || strcmp(isa, "x86-64-v3") == 0 ||
		  strcmp(isa, "x86-64-v4") == 0);
	assert_agrees(sw_siphash_choose().burst);
}

/* switch/SPEC.md, section 6.1, the example. */
Test(siphash, the_example_of_the_specification_has_its_tag)
{
	static const uint8_t frame[] =
	    "\x06\x01\x02\x03\x04\0\0\0\0\0\0\0\x01\0\0\0\0\0\x05\xa7\xe9"
	    "\0\0\xb8\0\x4f\xb5\x6a\xc2\x26\x45\x1d\x9ahello";
	uint8_t key[16];
	uint64_t tag;

	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	memcpy(&tag, frame + SW_AT_TAG, sizeof tag);
	cr_assert(eq(u64, sw_tag(key, frame, SW_HEADER + 5), tag));
}
