/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/utf8.h"

#include <string.h>

/* First byte, and the bounds of the second; what follows is 80 to BF. */
static const struct sequence {
	uint8_t first_low, first_high, second_low, second_high, len;
} sequences[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static bool follows(struct vd_bytes in, const struct sequence *sequence)
{
	if (in.len < sequence->len || in.at[1] < sequence->second_low ||
	    in.at[1] > sequence->second_high)
		return false;
	for (size_t i = 2; i < sequence->len; i++)
		if ((in.at[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t vd_utf8_len(struct vd_bytes in)
{
	if (in.len == 0)
		return 0;
	if (in.at[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++)
		if (in.at[0] >= sequences[i].first_low && in.at[0] <= sequences[i].first_high)
			return follows(in, &sequences[i]) ? sequences[i].len : 0;
	return 0;
}

bool vd_utf8_is_control(const uint8_t *at, size_t len)
{
	return at[0] < 0x20 || at[0] == 0x7f || (len == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

bool vd_utf8_is_plain(struct vd_bytes in)
{
	while (in.len > 0) {
		size_t len = vd_utf8_len(in);

		if (len == 0 || vd_utf8_is_control(in.at, len))
			return false;
		in = vd_bytes(in.at + len, in.len - len);
	}
	return true;
}

void vd_utf8_make_plain(char *text)
{
	struct vd_bytes in = vd_bytes_of_text(text);

	while (in.len > 0) {
		size_t len = vd_utf8_len(in);
		bool plain = len && !vd_utf8_is_control(in.at, len);

		len = len ? len : 1;
		if (plain)
			memmove(text, in.at, len);
		else
			*text = '?';
		text += plain ? len : 1;
		in = vd_bytes(in.at + len, in.len - len);
	}
	*text = '\0';
}
