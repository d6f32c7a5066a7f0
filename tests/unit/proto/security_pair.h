/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * security_pair: two ends of a secure channel and the wire between them, which cuts bytes into
 * pieces, and can spoil them. For tests of every security machine.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/formats/key.h"
#include "controlplane/proto/security.h"

struct security_pair {
	struct security *ends[2]; /* initiator, responder */
	size_t piece;             /* bytes carried at once; 0: all */
	uint64_t carried[2];      /* bytes sent by each */
	enum vd_err err[2];       /* first failure of receive at each end */
};

/* Carries what `from` has to send, once; whether there was anything. */
static inline bool pair_carry(struct security_pair *pair, unsigned from)
{
	struct vd_bytes out = security_next_output(pair->ends[from]);
	size_t len = pair->piece && out.len > pair->piece ? pair->piece : out.len, used;

	if (!len)
		return false;

	enum vd_err err = security_receive(pair->ends[!from], vd_bytes(out.at, len), &used);

	if (err) {
		if (!pair->err[!from])
			pair->err[!from] = err;
		used = len; /* a failed end drops what comes */
	}
	security_sent(pair->ends[from], used);
	pair->carried[from] += used;
	return used > 0;
}

static inline void pair_run(struct security_pair *pair)
{
	bool carried;

	do {
		carried = pair_carry(pair, 0);
		carried = pair_carry(pair, 1) || carried;
	} while (carried);
}

/* Moves `len` bytes of a pattern from an end to the other; asserts that they arrive. */
static inline void pair_transfer(struct security_pair *pair, unsigned from, size_t len)
{
	size_t wrote = 0, read = 0;
	uint8_t bytes[4096];

	while (read < len) {
		struct vd_bytes got;
		size_t took, count = len - wrote < sizeof bytes ? len - wrote : sizeof bytes;

		for (size_t i = 0; i < count; i++)
			bytes[i] = (uint8_t)((wrote + i) * 7 >> 3);
		if (count &&
		    security_write(pair->ends[from], vd_bytes(bytes, count), &took) == VD_OK)
			wrote += took;
		(void)pair_carry(pair, from);
		(void)pair_carry(pair, !from);
		while ((got = security_input(pair->ends[!from])).len) {
			for (size_t i = 0; i < got.len; i++)
				cr_assert(eq(u8, got.at[i], (uint8_t)((read + i) * 7 >> 3)));
			read += got.len;
			security_taken(pair->ends[!from], got.len);
		}
		cr_assert(eq(int, pair->err[!from], VD_OK));
	}
	cr_assert(eq(sz, read, len));
}

/* Of a record, `first` bytes arrive: what then waits is counted, and after the rest nothing is. */
static inline void pair_assert_begun_counts(struct security_pair *pair, size_t first,
					    size_t at_least)
{
	static const uint8_t plain[16000];
	size_t took, used;

	cr_assert(eq(sz, security_buffered(pair->ends[1]), 0));
	cr_assert(
	    eq(int, security_write(pair->ends[0], vd_bytes(plain, sizeof plain), &took), VD_OK));

	struct vd_bytes out = security_next_output(pair->ends[0]);

	cr_assert(ge(sz, security_buffered(pair->ends[0]), out.len));
	cr_assert(eq(int, security_receive(pair->ends[1], vd_bytes(out.at, first), &used), VD_OK));
	cr_assert(eq(sz, used, first));
	cr_assert(ge(sz, security_buffered(pair->ends[1]), at_least), "%zu bytes", first);
	security_sent(pair->ends[0], first);
	cr_assert(pair_carry(pair, 0));
	cr_assert(ge(sz, security_buffered(pair->ends[1]), sizeof plain));
	security_taken(pair->ends[1], security_input(pair->ends[1]).len);
	cr_assert(eq(sz, security_buffered(pair->ends[0]), 0));
	cr_assert(eq(sz, security_buffered(pair->ends[1]), 0));
}

static inline void pair_free(struct security_pair *pair)
{
	security_free(pair->ends[0]);
	security_free(pair->ends[1]);
}
