/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/multibase.h"

/* `bits` a character where the base is a power of two, else 0. */
struct encoding {
	char prefix;
	uint8_t base;
	uint8_t bits;
	uint8_t group; /* texts are padded to multiples of it; 0: no padding */
	bool fold;     /* decoding takes both cases */
	const char *name;
	const char *digits;
};

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX    DIGITS "abcdefghijklmnopqrstuv"
#define HEX_UP DIGITS "ABCDEFGHIJKLMNOPQRSTUV"

static const struct encoding encodings[] = {
	{ '0', 2, 1, 0, false, "base2", "01" },
	{ '7', 8, 3, 0, false, "base8", "01234567" },
	{ '9', 10, 0, 0, false, "base10", DIGITS },
	{ 'f', 16, 4, 0, true, "base16", DIGITS "abcdef" },
	{ 'F', 16, 4, 0, true, "base16upper", DIGITS "ABCDEF" },
	{ 'v', 32, 5, 0, true, "base32hex", HEX },
	{ 'V', 32, 5, 0, true, "base32hexupper", HEX_UP },
	{ 't', 32, 5, 8, true, "base32hexpad", HEX },
	{ 'T', 32, 5, 8, true, "base32hexpadupper", HEX_UP },
	{ 'b', 32, 5, 0, true, "base32", LOWER "234567" },
	{ 'B', 32, 5, 0, true, "base32upper", UPPER "234567" },
	{ 'c', 32, 5, 8, true, "base32pad", LOWER "234567" },
	{ 'C', 32, 5, 8, true, "base32padupper", UPPER "234567" },
	{ 'h', 32, 5, 0, false, "base32z", "ybndrfg8ejkmcpqxot1uwisza345h769" },
	{ 'k', 36, 0, 0, true, "base36", DIGITS LOWER },
	{ 'K', 36, 0, 0, true, "base36upper", DIGITS UPPER },
	{ 'z', 58, 0, 0, false, "base58btc",
	  "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz" },
	{ 'Z', 58, 0, 0, false, "base58flickr",
	  "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ" },
	{ 'm', 64, 6, 0, false, "base64", UPPER LOWER DIGITS "+/" },
	{ 'M', 64, 6, 4, false, "base64pad", UPPER LOWER DIGITS "+/" },
	{ 'u', 64, 6, 0, false, "base64url", UPPER LOWER DIGITS "-_" },
	{ 'U', 64, 6, 4, false, "base64urlpad", UPPER LOWER DIGITS "-_" },
};

static const struct encoding *encoding_of(char prefix)
{
	for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
		if (encodings[i].prefix == prefix)
			return &encodings[i];
	return NULL;
}

const char *vd_multibase_name(char prefix)
{
	const struct encoding *encoding = encoding_of(prefix);

	return encoding ? encoding->name : NULL;
}

/* The value of a character; -1 when it is none of the encoding's. */
static int digit_of(const struct encoding *encoding, uint8_t character)
{
	for (int i = 0; i < encoding->base; i++) {
		uint8_t digit = (uint8_t)encoding->digits[i];
		bool letter = (digit | 0x20) >= 'a' && (digit | 0x20) <= 'z';

		if (character == digit || (encoding->fold && letter && (character ^ 0x20) == digit))
			return i;
	}
	return -1;
}

/* ---- powers of two: bits are regrouped, first bit first ---- */

/* The digit of the lowest bits. */
static void write_digit(const struct encoding *encoding, unsigned bits, struct vd_write *w)
{
	vd_write_u8(w, (uint8_t)encoding->digits[bits & (encoding->base - 1u)]);
}

static void encode_bits(const struct encoding *encoding, struct vd_bytes bytes, struct vd_write *w)
{
	unsigned held = 0, count = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		held = held << 8 | bytes.at[i];
		for (count += 8; count >= encoding->bits; count -= encoding->bits)
			write_digit(encoding, held >> (count - encoding->bits), w);
	}
	if (count)
		write_digit(encoding, held << (encoding->bits - count), w);
	while (encoding->group && vd_write_len(w) % encoding->group && !w->err)
		vd_write_u8(w, '=');
}

/* Removes the padding; false unless it is just what the length asks for. */
static bool strip_padding(const struct encoding *encoding, struct vd_bytes *text)
{
	size_t padded = text->len;

	if (!encoding->group)
		return true;
	while (text->len && text->at[text->len - 1] == '=')
		text->len--;
	return padded % encoding->group == 0 && padded - text->len < encoding->group;
}

static enum vd_err decode_bits(const struct encoding *encoding, struct vd_bytes text,
			       struct vd_write *w)
{
	unsigned held = 0, count = 0;

	if (!strip_padding(encoding, &text))
		return VD_EUSER;
	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(encoding, text.at[i]);

		if (digit < 0)
			return VD_EUSER;
		held = held << encoding->bits | (unsigned)digit;
		count += encoding->bits;
		if (count >= 8) {
			count -= 8;
			vd_write_u8(w, (uint8_t)(held >> count));
			held &= (1u << count) - 1;
		}
	}
	/* What is left is too short for a byte: less than one character, and zero. */
	return count >= encoding->bits || held ? VD_EUSER : VD_OK;
}

/* ---- other bases: the bytes are one big number, leading zeros kept one for one ---- */

static size_t leading(struct vd_bytes in, uint8_t value)
{
	size_t count = 0;

	while (count < in.len && in.at[count] == value)
		count++;
	return count;
}

/* number = number * base + add, little-endian limbs below `limit`; the new length. */
static size_t multiply_add(uint8_t *limbs, size_t len, unsigned base, unsigned add, unsigned limit)
{
	for (size_t i = 0; i < len; i++) {
		add += limbs[i] * base;
		limbs[i] = (uint8_t)(add % limit);
		add /= limit;
	}
	for (; add; add /= limit)
		limbs[len++] = (uint8_t)(add % limit);
	return len;
}

/* Base 10 is the longest: under 2.41 characters a byte. */
enum { RADIX_TEXT_MAX = VD_BASE_RADIX_MAX * 5 / 2 };

static enum vd_err encode_radix(const struct encoding *encoding, struct vd_bytes bytes,
				struct vd_write *w)
{
	uint8_t limbs[RADIX_TEXT_MAX];
	size_t len = 0;

	if (bytes.len > VD_BASE_RADIX_MAX)
		return VD_EUSER;
	for (size_t i = 0; i < bytes.len; i++)
		len = multiply_add(limbs, len, 256, bytes.at[i], encoding->base);
	for (size_t i = leading(bytes, 0); i > 0; i--)
		vd_write_u8(w, (uint8_t)encoding->digits[0]);
	while (len > 0)
		vd_write_u8(w, (uint8_t)encoding->digits[limbs[--len]]);
	return VD_OK;
}

static enum vd_err decode_radix(const struct encoding *encoding, struct vd_bytes text,
				struct vd_write *w)
{
	uint8_t limbs[RADIX_TEXT_MAX];
	size_t len = 0;

	if (text.len > RADIX_TEXT_MAX)
		return VD_EUSER;
	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(encoding, text.at[i]);

		if (digit < 0)
			return VD_EUSER;
		len = multiply_add(limbs, len, encoding->base, (unsigned)digit, 256);
	}
	vd_write_zeros(w, leading(text, (uint8_t)encoding->digits[0]));
	while (len > 0)
		vd_write_u8(w, limbs[--len]);
	return VD_OK;
}

/* ---- both ---- */

enum vd_err vd_base_encode(char prefix, struct vd_bytes bytes, char *out, size_t cap)
{
	const struct encoding *encoding = encoding_of(prefix);
	struct vd_write w = vd_write_to(out, cap);
	enum vd_err err = VD_OK;

	if (!encoding)
		return VD_EUSER;
	if (encoding->bits)
		encode_bits(encoding, bytes, &w);
	else
		err = encode_radix(encoding, bytes, &w);
	vd_write_u8(&w, 0);
	return err ? err : vd_write_end(&w);
}

enum vd_err vd_base_decode(char prefix, struct vd_bytes text, uint8_t *out, size_t cap,
			   size_t *len_out)
{
	const struct encoding *encoding = encoding_of(prefix);
	struct vd_write w = vd_write_to(out, cap);

	if (!encoding)
		return VD_EUSER;

	enum vd_err err =
	    encoding->bits ? decode_bits(encoding, text, &w) : decode_radix(encoding, text, &w);
	if (err)
		return err;
	if (vd_write_end(&w))
		return VD_ELIMIT;
	*len_out = vd_write_len(&w);
	return VD_OK;
}

enum vd_err vd_multibase_encode(char prefix, struct vd_bytes bytes, char *out, size_t cap)
{
	if (cap < 2)
		return VD_EBUG_ROOM;

	enum vd_err err = vd_base_encode(prefix, bytes, out + 1, cap - 1);
	if (!err)
		out[0] = prefix;
	return err;
}

enum vd_err vd_multibase_decode(struct vd_bytes text, uint8_t *out, size_t cap, size_t *len_out)
{
	if (text.len == 0)
		return VD_EUSER;
	return vd_base_decode((char)text.at[0], vd_bytes(text.at + 1, text.len - 1), out, cap,
			      len_out);
}
