/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * utf8: well-formed UTF-8 and nothing else (RFC 3629, section 4): no overlong forms,
 * no surrogates, nothing above U+10FFFF.
 *
 * Threads: no shared state. Memory: borrows.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Length of the character at the start of `in`, 1 to 4; 0 when there is none. */
size_t vd_utf8_len(struct vd_bytes in);

/* Whether a character at `at` is a control character (C0, DEL, C1): what a terminal may act upon.
 * `len` is its length. */
bool vd_utf8_is_control(const uint8_t *at, size_t len);

/* Whether all of `in` is UTF-8 without control characters. */
bool vd_utf8_is_plain(struct vd_bytes in);

/* Makes it so, in place: '?' for each control character, and for each byte that is of no character,
 * such as what is left of one that was cut. */
void vd_utf8_make_plain(char *text);
