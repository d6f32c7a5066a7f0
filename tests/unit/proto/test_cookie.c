/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/cookie.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/init.h"

static const uint8_t here[48] = { 198, 18, 0, 1 }, there[48] = { 198, 18, 0, 2 };
static const vd_ns start = VD_SECONDS(1200); /* a period begins */

/* A message 1 whose cookie is in `made`. */
struct first {
	struct cookie_jar jar;
	uint8_t e[NOISE_KEY_BYTES];
	uint8_t made[HANDSHAKE_COOKIE_BYTES];
	struct handshake_frame frame;
};

static void begin(struct first *first)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	*first = (struct first){ .e = { 1 } };
	first->frame = (struct handshake_frame){
		.type = HANDSHAKE_1,
		.sender = 7,
		.noise = vd_bytes(first->e, sizeof first->e),
		.cookie = vd_bytes(first->made, sizeof first->made),
	};
	cookie_jar_init(&first->jar);
	cookie_make(&first->jar, vd_bytes(here, sizeof here), &first->frame, start, first->made);
}

static bool fits(struct first *first, vd_ns now)
{
	return cookie_fits(&first->jar, vd_bytes(here, sizeof here), &first->frame, now);
}

Test(cookie, fits_what_it_was_made_for)
{
	struct first first;

	begin(&first);
	cr_assert(fits(&first, start));
}

Test(cookie, fits_no_other_path_e_or_sender_index)
{
	struct first first;

	begin(&first);
	cr_assert(not(cookie_fits(&first.jar, vd_bytes(there, sizeof there), &first.frame, start)));
	first.e[31] ^= 1;
	cr_assert(not(fits(&first, start)));
	first.e[31] ^= 1;
	first.frame.sender++;
	cr_assert(not(fits(&first, start)));
	first.frame.sender--;
	cr_assert(fits(&first, start));
}

Test(cookie, fits_with_no_bit_changed)
{
	struct first first;

	begin(&first);
	for (unsigned bit = 0; bit < 128; bit++) {
		first.made[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert(not(fits(&first, start)));
		first.made[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(cookie, of_zeros_is_none)
{
	struct first first;

	begin(&first);
	memset(first.made, 0, sizeof first.made);
	cr_assert(not(fits(&first, start)));
}

Test(cookie, secret_is_new_every_120_s_and_the_one_before_still_accepted)
{
	struct first first;
	uint8_t later[HANDSHAKE_COOKIE_BYTES];

	begin(&first);
	cookie_make(&first.jar, vd_bytes(here, sizeof here), &first.frame, start + VD_SECONDS(119),
		    later);
	cr_assert(zero(int, memcmp(first.made, later, sizeof later)), "the same secret");
	cookie_make(&first.jar, vd_bytes(here, sizeof here), &first.frame, start + VD_SECONDS(120),
		    later);
	cr_assert(ne(int, memcmp(first.made, later, sizeof later), 0), "another secret");
	cr_assert(fits(&first, start + VD_SECONDS(239)));
	cr_assert(not(fits(&first, start + VD_SECONDS(240))));
}

Test(cookie, does_not_live_longer_because_nobody_asked)
{
	struct first first;

	begin(&first);
	cr_assert(not(fits(&first, start + VD_SECONDS(240))));
	begin(&first);
	cr_assert(not(fits(&first, start + VD_SECONDS(100000))));
}

Test(cookie, of_one_node_does_not_fit_another)
{
	struct first first;

	begin(&first);
	cookie_jar_fini(&first.jar);
	cookie_jar_init(&first.jar);
	cr_assert(not(fits(&first, start)));
}
