/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/cookie.h"

#include <sodium.h>

static_assert((int)HANDSHAKE_COOKIE_BYTES >= (int)crypto_generichash_BYTES_MIN, "a MAC");

void cookie_jar_init(struct cookie_jar *jar)
{
	*jar = (struct cookie_jar){ 0 };
	randombytes_buf(jar->secret, sizeof jar->secret);
	randombytes_buf(jar->previous, sizeof jar->previous);
}

void cookie_jar_fini(struct cookie_jar *jar)
{
	sodium_memzero(jar, sizeof *jar);
}

/* Changes at multiples of the period, so that nothing lives longer because nobody asked. */
static void renew(struct cookie_jar *jar, vd_ns now)
{
	vd_ns since = now - now % COOKIE_PERIOD;

	if (since == jar->since)
		return;
	if (since == jar->since + COOKIE_PERIOD)
		memcpy(jar->previous, jar->secret, sizeof jar->previous);
	else
		randombytes_buf(jar->previous, sizeof jar->previous);
	randombytes_buf(jar->secret, sizeof jar->secret);
	jar->since = since;
}

/* BLAKE2b-128, keyed, over path ‖ e ‖ sender index. */
static void mac(const uint8_t secret[COOKIE_SECRET_BYTES], struct vd_bytes path,
		const struct handshake_frame *frame, uint8_t out[HANDSHAKE_COOKIE_BYTES])
{
	uint8_t input[COOKIE_PATH_MAX + NOISE_KEY_BYTES + 4] = { 0 };

	memcpy(input, path.at, path.len < COOKIE_PATH_MAX ? path.len : COOKIE_PATH_MAX);
	memcpy(input + COOKIE_PATH_MAX, frame->noise.at, NOISE_KEY_BYTES);
	vd_be32_store(input + COOKIE_PATH_MAX + NOISE_KEY_BYTES, frame->sender);
	(void)crypto_generichash(out, HANDSHAKE_COOKIE_BYTES, input, sizeof input, secret,
				 COOKIE_SECRET_BYTES);
}

void cookie_make(struct cookie_jar *jar, struct vd_bytes path, const struct handshake_frame *frame,
		 vd_ns now, uint8_t out[HANDSHAKE_COOKIE_BYTES])
{
	renew(jar, now);
	mac(jar->secret, path, frame, out);
}

bool cookie_fits(struct cookie_jar *jar, struct vd_bytes path, const struct handshake_frame *frame,
		 vd_ns now)
{
	uint8_t want[HANDSHAKE_COOKIE_BYTES];

	if (sodium_is_zero(frame->cookie.at, HANDSHAKE_COOKIE_BYTES))
		return false; /* none: the common case of a flood */
	renew(jar, now);
	mac(jar->secret, path, frame, want);
	if (sodium_memcmp(want, frame->cookie.at, sizeof want) == 0)
		return true;
	mac(jar->previous, path, frame, want);
	return sodium_memcmp(want, frame->cookie.at, sizeof want) == 0;
}
