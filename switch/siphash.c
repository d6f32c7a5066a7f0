/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012), a frame to a vector lane. Built once per
 * instruction set, under the name SW_SIPHASH_BURST; plain C, the compiler vectorises.
 */
#include "switch/siphash.h"

static inline uint64_t rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

#define SIP_ROUND                                                                                  \
	do {                                                                                       \
		v0 += v1, v2 += v3;                                                                \
		v1 = rotl(v1, 13) ^ v0, v3 = rotl(v3, 16) ^ v2;                                    \
		v0 = rotl(v0, 32);                                                                 \
		v2 += v1, v0 += v3;                                                                \
		v1 = rotl(v1, 17) ^ v2, v3 = rotl(v3, 21) ^ v0;                                    \
		v2 = rotl(v2, 32);                                                                 \
	} while (0)

#define SIP_WORD(w)                                                                                \
	do {                                                                                       \
		uint64_t m = lanes->words[w][i];                                                   \
		v3 ^= m;                                                                           \
		SIP_ROUND;                                                                         \
		SIP_ROUND;                                                                         \
		v0 ^= m;                                                                           \
	} while (0)

void SW_SIPHASH_BURST(struct sw_siphash *restrict lanes, unsigned count)
{
	count = (count + SW_SIPHASH_STEP - 1) & ~(unsigned)(SW_SIPHASH_STEP - 1);
	for (unsigned i = 0; i < count; i++) {
		uint64_t v0 = lanes->k0[i] ^ UINT64_C(0x736f6d6570736575);
		uint64_t v1 = lanes->k1[i] ^ UINT64_C(0x646f72616e646f6d);
		uint64_t v2 = lanes->k0[i] ^ UINT64_C(0x6c7967656e657261);
		uint64_t v3 = lanes->k1[i] ^ UINT64_C(0x7465646279746573);

		SIP_WORD(0);
		SIP_WORD(1);
		SIP_WORD(2);
		SIP_WORD(3);
		SIP_WORD(4);
		SIP_WORD(5);
		v2 ^= 0xff;
		SIP_ROUND;
		SIP_ROUND;
		SIP_ROUND;
		SIP_ROUND;
		lanes->tags[i] = v0 ^ v1 ^ v2 ^ v3;
	}
}
