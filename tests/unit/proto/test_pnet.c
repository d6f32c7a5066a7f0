/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/pnet.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/init.h"

/* NaCl 20110221, tests/stream.c and stream3.c: key, nonce, the first bytes of XSalsa20's key
 * stream, and SHA-256 of its first 4 MiB. */
static const char key_hex[] = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
static const char nonce_hex[] = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
static const char stream_hex[] = "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880";
static const char digest_hex[] = "662b9d0e3463029156069b12f918691a98f7dfb2ca0393c96bbfc6b1fbd630a2";

enum { STREAM = 4 << 20, ROOM = 65536 };

static struct pnet_key key;
static uint8_t nonce[PNET_NONCE];

static void of_hex(uint8_t *out, size_t len, const char *hex)
{
	cr_assert(eq(int, sodium_hex2bin(out, len, hex, strlen(hex), NULL, NULL, NULL), 0));
}

static void begin(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	of_hex(key.bytes, sizeof key.bytes, key_hex);
	of_hex(nonce, sizeof nonce, nonce_hex);
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[129];

	sodium_bin2hex(text, sizeof text, bytes, len);
	cr_assert(eq(str, text, (char *)hex));
}

/* `len` zeros sealed, in pieces of `piece`. */
static void seal_zeros(struct pnet *p, uint8_t *out, size_t len, size_t piece)
{
	static const uint8_t zeros[ROOM];
	static uint8_t wire[ROOM + PNET_NONCE];

	for (size_t at = 0; at < len;) {
		size_t n = len - at < piece ? len - at : piece, took;
		struct vd_bytes sealed = pnet_seal(p, vd_bytes(zeros, n), wire, sizeof wire, &took);

		cr_assert(eq(sz, took, n));
		memcpy(out + at, sealed.at + (sealed.len - n), n);
		at += n;
	}
}

/* ---- the cipher ---- */

Test(pnet, is_xsalsa20_however_it_is_cut)
{
	static const size_t pieces[] = { ROOM, 64, 63, 65, 1000, 1 };
	uint8_t *stream = malloc(STREAM), digest[32];

	begin();
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct pnet p;

		pnet_init(&p, &key, nonce);
		seal_zeros(&p, stream, STREAM, pieces[i]);
		assert_hex(stream, 32, stream_hex);
		crypto_hash_sha256(digest, stream, STREAM);
		assert_hex(digest, sizeof digest, digest_hex);
	}
	free(stream);
}

Test(pnet, a_nonce_leads_and_may_go_alone)
{
	uint8_t wire[100];
	size_t took = 1;
	struct pnet p;
	struct vd_bytes out;

	begin();
	pnet_init(&p, &key, nonce);
	out = pnet_seal(&p, vd_bytes(NULL, 0), wire, sizeof wire, &took);
	cr_assert(eq(sz, out.len, PNET_NONCE));
	cr_assert(eq(sz, took, 0));
	assert_hex(out.at, out.len, nonce_hex);
	out = pnet_seal(&p, vd_bytes("x", 1), wire, sizeof wire, &took);
	cr_assert(eq(sz, out.len, 1));
	cr_assert(eq(u8, wire[0], 'x' ^ 0xee));
}

Test(pnet, takes_no_more_than_there_is_room_for)
{
	uint8_t plain[50] = { 0 }, wire[30];
	size_t took;
	struct pnet p;

	begin();
	pnet_init(&p, &key, nonce);
	cr_assert(eq(sz, pnet_seal(&p, vd_bytes(plain, 50), wire, sizeof wire, &took).len, 30));
	cr_assert(eq(sz, took, 6));
	cr_assert(eq(sz, pnet_seal(&p, vd_bytes(plain, 44), wire, sizeof wire, &took).len, 30));
	cr_assert(eq(sz, took, 30));
}

/* What the other side of `b` reads, byte after byte, of what `a` sealed. */
static size_t carry(struct pnet *a, struct pnet *b, const char *text, char *out)
{
	uint8_t wire[256];
	size_t took, len = 0;
	struct vd_bytes sealed = pnet_seal(a, vd_bytes_of_text(text), wire, sizeof wire, &took);

	for (size_t i = 0; i < sealed.len; i++) {
		struct vd_bytes plain = pnet_open(b, wire + i, 1);

		if (plain.len)
			out[len++] = (char)*plain.at;
	}
	out[len] = 0;
	return len;
}

Test(pnet, two_sides_read_each_other)
{
	uint8_t other[PNET_NONCE] = { 7 };
	struct pnet a, b;
	char got[256];

	begin();
	pnet_init(&a, &key, nonce);
	pnet_init(&b, &key, other);
	for (unsigned i = 0; i < 3; i++) {
		carry(&a, &b, "over the key to the other side, and a bit more than a block of it",
		      got);
		cr_assert(eq(str, got,
			     "over the key to the other side, and a bit more than a "
			     "block of it"));
		carry(&b, &a, "back", got);
		cr_assert(eq(str, got, "back"));
	}
}

Test(pnet, with_another_key_nothing_is_read)
{
	struct pnet_key other = key;
	struct pnet a, b;
	char got[256];

	begin();
	pnet_init(&a, &key, nonce);
	pnet_init(&b, &other, nonce);
	cr_assert(eq(sz, carry(&a, &b, "/multistream/1.0.0", got), 18));
	cr_assert(ne(str, got, "/multistream/1.0.0"));
}

static bool is_in(const void *memory, size_t len, const void *what, size_t what_len)
{
	return memmem(memory, len, what, what_len) != NULL;
}

Test(pnet, the_key_is_wiped_when_both_nonces_are_known)
{
	struct pnet p;
	uint8_t wire[PNET_NONCE] = { 1 };

	begin();
	pnet_init(&p, &key, nonce);
	cr_assert(is_in(&p, sizeof p, &key, sizeof key));
	pnet_open(&p, wire, sizeof wire);
	cr_assert(not(is_in(&p, sizeof p, &key, sizeof key)));
	pnet_fini(&p);
	cr_assert(sodium_is_zero((uint8_t *)&p, sizeof p));
}

/* ---- key files ---- */

#define HEAD "/key/swarm/psk/1.0.0/\n"
#define HEX  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define B64  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define BIN                                                                                        \
	"\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b" \
	"\x1c\x1d\x1e\x1f"

static enum vd_err read_key(const char *text, size_t len, struct pnet_key *out)
{
	const char *reason = NULL;
	char *exact = malloc(len ? len : 1); /* so that a sanitizer sees its end */
	enum vd_err err;

	memcpy(exact, text, len);
	err = pnet_key_read(vd_bytes(exact, len), out, &reason);
	cr_assert(eq(int, err != VD_OK, reason != NULL));
	free(exact);
	return err;
}

#define READ(text, out) read_key("" text, sizeof(text) - 1, out)

static void assert_counts(const struct pnet_key *got)
{
	for (unsigned i = 0; i < PNET_KEY; i++)
		cr_assert(eq(uint, got->bytes[i], i));
}

Test(pnet, keys_are_read_in_each_encoding)
{
	struct pnet_key got[7] = { 0 };

	begin();
	cr_assert(eq(int, READ(HEAD "/base16/\n" HEX, &got[0]), VD_OK));
	cr_assert(eq(int, READ(HEAD "/base16/\n" HEX "\n", &got[1]), VD_OK));
	cr_assert(
	    eq(int, READ("/key/swarm/psk/1.0.0/\r\n/base16/\r\n" HEX "\r\n", &got[2]), VD_OK));
	cr_assert(eq(int, READ(HEAD "/base64/\n" B64, &got[3]), VD_OK));
	cr_assert(eq(int, READ(HEAD "/base64/\n" B64 "\n\n", &got[4]), VD_OK));
	cr_assert(eq(int, READ(HEAD "/bin/\n" BIN, &got[5]), VD_OK));
	cr_assert(eq(int,
		     READ(HEAD "/base16/\n"
			       "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
			  &got[6]),
		     VD_OK));
	for (size_t i = 0; i < 7; i++)
		assert_counts(&got[i]);
}

Test(pnet, keys_that_are_none_change_nothing)
{
	struct pnet_key got, before;

	begin();
	memset(&got, 0x5a, sizeof got);
	before = got;
	cr_assert(eq(int, READ("", &got), VD_EUSER));
	cr_assert(eq(int, READ("/key/swarm/psk/1.0.0/", &got), VD_EUSER));
	cr_assert(eq(int, READ("/key/swarm/psk/2.0.0/\n/base16/\n" HEX, &got), VD_EUSER));
	cr_assert(eq(int, READ(HEX, &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD, &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base16/", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base16/\n", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base16/\n" HEX "00", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base16/\n" HEX "\nmore", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base16/\n0" HEX, &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base16/\n0001", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base16/\n" HEX "\0", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base32/\n" HEX, &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base64/\n", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base64/\nAAEC", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/base64/\nAAEC" B64, &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/bin/\n" BIN "\n", &got), VD_EUSER));
	cr_assert(eq(int, READ(HEAD "/bin/\n0", &got), VD_EUSER));
	cr_assert(eq(int, memcmp(&got, &before, sizeof got), 0));
}

/* Made with kubo's recipe in Go (golang.org/x/crypto 0.54 salsa20, crypto/sha3), 2026-11-28. */
Test(pnet, a_fingerprint_is_kubos)
{
	uint8_t got[PNET_FINGERPRINT];
	struct pnet_key counts;

	begin();
	cr_assert(eq(int, READ(HEAD "/base16/\n" HEX, &counts), VD_OK));
	cr_assert(eq(int, pnet_key_fingerprint(&counts, got), VD_OK));
	assert_hex(got, sizeof got, "41dfbf48d882a8ee665983adfa7a48f7");
}
