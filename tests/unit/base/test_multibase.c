/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/multibase.h"

#include "tests/unit/base/vectors.h"

/* multiformats/multibase d7406cd, tests/basic.csv: "yes mani !". */
static const char *const yes_mani[] = {
	"f796573206d616e692021", "F796573206D616E692021", "bpfsxgidnmfxgsibb", "BPFSXGIDNMFXGSIBB",
	"cpfsxgidnmfxgsibb",     "vf5in683dc5n6i811",     "hxf1zgedpcfzg1ebb", "k2lcpzo5yikidynfl",
	"K2LCPZO5YIKIDYNFL",     "Z7Pznk19XTTzBtx",       "z7paNL19xttacUY",   "meWVzIG1hbmkgIQ",
	"MeWVzIG1hbmkgIQ==",     "ueWVzIG1hbmkgIQ",       "UeWVzIG1hbmkgIQ==",
};

static void assert_decodes(const char *text, struct vd_bytes want)
{
	uint8_t out[256];
	size_t len = 0;

	cr_assert(
	    eq(int, vd_multibase_decode(vd_bytes_of_text(text), out, sizeof out, &len), VD_OK),
	    "%s", text);
	assert_bytes(vd_bytes(out, len), want);
}

static void assert_encodes(char prefix, struct vd_bytes bytes, const char *want)
{
	char out[512];

	cr_assert(eq(int, vd_multibase_encode(prefix, bytes, out, sizeof out), VD_OK), "%s", want);
	cr_assert(eq(str, out, (char *)want));
}

static bool is_refused(const char *text)
{
	uint8_t out[256];
	size_t len = 4242;
	enum vd_err err = vd_multibase_decode(vd_bytes_of_text(text), out, sizeof out, &len);

	cr_assert(not(err && len != 4242), "untouched on failure");
	return err == VD_EUSER;
}

Test(multibase, published_texts_are_written_and_read)
{
	for (size_t i = 0; i < sizeof yes_mani / sizeof yes_mani[0]; i++) {
		assert_decodes(yes_mani[i], vd_bytes_of_text("yes mani !"));
		assert_encodes(yes_mani[i][0], vd_bytes_of_text("yes mani !"), yes_mani[i]);
	}
}

static void run_file(const char *name, struct vd_bytes value, bool encode)
{
	FILE *file = open_vectors(name);
	char line[1024], *base, *text;
	int count = 0;

	(void)next_row(file, line, sizeof line, &base, &text); /* the heading */
	while (next_row(file, line, sizeof line, &base, &text)) {
		if (!vd_multibase_name(text[0]))
			continue; /* base256emoji */
		cr_assert(eq(str, (char *)vd_multibase_name(text[0]), base));
		assert_decodes(text, value);
		if (encode)
			assert_encodes(text[0], value, text);
		count++;
	}
	cr_assert(ge(int, count, encode ? 22 : 12));
	fclose(file);
}

Test(multibase, published_basic_vectors_hold)
{
	run_file("multiformats/multibase-basic.csv", vd_bytes_of_text("yes mani !"), true);
}

Test(multibase, published_vectors_with_a_leading_zero_hold)
{
	run_file("multiformats/multibase-leading_zero.csv", vd_bytes("\0yes mani !", 11), true);
}

Test(multibase, published_vectors_with_two_leading_zeros_hold)
{
	run_file("multiformats/multibase-two_leading_zeros.csv", vd_bytes("\0\0yes mani !", 12),
		 true);
}

Test(multibase, published_vectors_in_the_other_case_are_read)
{
	run_file("multiformats/multibase-case_insensitivity.csv", vd_bytes_of_text("hello world"),
		 false);
}

/* RFC 4648, section 10. */
Test(multibase, padding_as_in_rfc_4648)
{
	assert_encodes('M', vd_bytes_of_text("f"), "MZg==");
	assert_encodes('M', vd_bytes_of_text("fo"), "MZm8=");
	assert_encodes('M', vd_bytes_of_text("foobar"), "MZm9vYmFy");
	assert_encodes('C', vd_bytes_of_text("f"), "CMY======");
	assert_encodes('C', vd_bytes_of_text("foob"), "CMZXW6YQ=");
	assert_encodes('C', vd_bytes_of_text("fooba"), "CMZXW6YTB");
	assert_decodes("CMZXW6YQ=", vd_bytes_of_text("foob"));
}

Test(multibase, every_encoding_gives_back_what_it_was_given)
{
	static const char prefixes[] = "079fFvVtTbBcChkKzZmMuU";
	uint8_t bytes[64], back[64];
	char text[600];
	size_t len = 0;

	for (size_t n = 0; n <= sizeof bytes; n++) {
		for (size_t i = 0; i < n; i++)
			bytes[i] = i < n % 4 ? 0 : (uint8_t)(i * 59 + n * 31);
		for (const char *p = prefixes; *p; p++) {
			cr_assert(zero(
			    int, vd_multibase_encode(*p, vd_bytes(bytes, n), text, sizeof text)));
			cr_assert(zero(int, vd_multibase_decode(vd_bytes_of_text(text), back,
								sizeof back, &len)));
			assert_bytes(vd_bytes(back, len), vd_bytes(bytes, n));
		}
	}
}

Test(multibase, foreign_characters_and_unknown_prefixes_are_refused)
{
	static const char *const wrong[] = {
		"",     "fzz",   "z0OIl", "z7paNL19xttacU=",
		"b1",   "k!",    "!abc",  "Qabc",
		"m+_A", "u+/AA", "0012",  "78",
		"9a",   "hl",    "f 0",   "\xf0\x9f\x9a\x80",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		cr_assert(is_refused(wrong[i]), "%s", wrong[i]);
}

Test(multibase, base58_and_base64_do_not_fold_case)
{
	uint8_t a[32], b[32];
	size_t a_len, b_len;

	cr_assert(zero(int, vd_multibase_decode(vd_bytes_of_text("zaaaa"), a, 32, &a_len)));
	cr_assert(zero(int, vd_multibase_decode(vd_bytes_of_text("zAAAA"), b, 32, &b_len)));
	cr_assert(not(vd_bytes_equal(vd_bytes(a, a_len), vd_bytes(b, b_len))));
}

Test(multibase, lengths_that_encode_nothing_are_refused)
{
	cr_assert(is_refused("f0"));
	cr_assert(is_refused("f123"));
	cr_assert(is_refused("ba"), "5 bits");
	cr_assert(is_refused("baaa"), "15 bits: one character too many");
	cr_assert(is_refused("mA"));
	cr_assert(is_refused("mAAAAA"));
}

Test(multibase, bits_after_the_last_byte_must_be_zero)
{
	assert_decodes("mAA", vd_bytes("\0", 1));
	cr_assert(is_refused("mAB"));
	assert_decodes("baa", vd_bytes("\0", 1));
	cr_assert(is_refused("bab"));
}

Test(multibase, padding_must_be_what_the_length_asks_for)
{
	cr_assert(is_refused("MeWVzIG1hbmkgIQ"), "missing");
	cr_assert(is_refused("MeWVzIG1hbmkgIQ="), "short");
	cr_assert(is_refused("MeWVzIG1hbmkgIQ======"), "long");
	cr_assert(is_refused("meWVzIG1hbmkgIQ=="), "not for this base");
	cr_assert(is_refused("M===="));
	cr_assert(is_refused("Mab=c"));
	cr_assert(is_refused("C========"));
}

Test(multibase, bytes_that_do_not_fit_are_over_the_limit)
{
	uint8_t out[9];
	size_t len;

	cr_assert(eq(int,
		     vd_multibase_decode(vd_bytes_of_text("f796573206d616e692021"), out, 9, &len),
		     VD_ELIMIT));
	cr_assert(eq(int, vd_multibase_decode(vd_bytes_of_text("z7paNL19xttacUY"), out, 9, &len),
		     VD_ELIMIT));
}

Test(multibase, text_that_does_not_fit_is_refused_at_every_size)
{
	for (size_t i = 0; i < sizeof yes_mani / sizeof yes_mani[0]; i++) {
		size_t need = strlen(yes_mani[i]) + 1;
		char out[32];

		for (size_t cap = 0; cap <= need; cap++)
			cr_assert(eq(int,
				     vd_multibase_encode(yes_mani[i][0],
							 vd_bytes_of_text("yes mani !"), out, cap),
				     cap < need ? VD_EBUG_ROOM : VD_OK));
	}
}

Test(multibase, long_input_of_bases_with_quadratic_time_is_refused)
{
	static uint8_t bytes[VD_BASE_RADIX_MAX + 1];
	static char text[4 * VD_BASE_RADIX_MAX];
	size_t len;

	memset(bytes, 0xff, sizeof bytes);
	cr_assert(
	    eq(int, vd_multibase_encode('9', vd_bytes(bytes, VD_BASE_RADIX_MAX), text, sizeof text),
	       VD_OK));
	assert_decodes(text, vd_bytes(bytes, VD_BASE_RADIX_MAX));
	cr_assert(eq(int,
		     vd_multibase_encode('z', vd_bytes(bytes, sizeof bytes), text, sizeof text),
		     VD_EUSER));
	memset(text, '1', sizeof text - 1);
	text[0] = 'z';
	cr_assert(eq(int, vd_multibase_decode(vd_bytes_of_text(text), bytes, sizeof bytes, &len),
		     VD_EUSER));
}
