/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * sim_flood: handshakes under attack, in virtual time. Each seed floods a responder for some
 * minutes, across changes of the cookies' secret, with spoofed first messages, repeats, stale and
 * made-up cookies, and with liars who do bring their cookies back, while a genuine peer
 * comes again and again. Then:
 *
 *	- without loss the peer was up within 3 s each time, with loss within 20 s;
 *	- at no time was more kept than 64 half-open handshakes and the liars' share;
 *	- nothing was allocated;
 *	- no input from a stranger was answered with more bytes than it had (README, invariant 6);
 *	- 30 s later nothing is left of it.
 */
#include <stdint.h>

/* What went wrong first, or NULL. */
const char *sim_flood(uint64_t seed);
