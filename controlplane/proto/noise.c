/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise.h"

#include <sodium.h>

/* Noise Protocol Framework, revision 34; XX (section 7.5):
 *
 *	-> e
 *	<- e, ee, s, es
 *	-> s, se
 */
static const char PROTOCOL_NAME[] = "Noise_XX_25519_ChaChaPoly_SHA256";
static_assert(sizeof PROTOCOL_NAME - 1 == 32, "the name is the first h, unhashed (5.2)");

enum { NOISE_DONE = 4 };

void noise_keypair_generate(struct noise_keypair *pair_out)
{
	uint8_t secret[NOISE_KEY_BYTES];

	randombytes_buf(secret, sizeof secret);
	noise_keypair_of_secret(secret, pair_out);
	sodium_memzero(secret, sizeof secret);
}

void noise_keypair_of_secret(const uint8_t secret[NOISE_KEY_BYTES], struct noise_keypair *pair_out)
{
	memmove(pair_out->secret, secret, NOISE_KEY_BYTES);
	(void)crypto_scalarmult_base(pair_out->public_key, pair_out->secret);
}

/* ---- SymmetricState (5.2) ---- */

static void mix_hash(struct noise *noise, struct vd_bytes data)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, noise->h, sizeof noise->h);
	crypto_hash_sha256_update(&state, data.at, data.len);
	crypto_hash_sha256_final(&state, noise->h);
}

static void hmac(const uint8_t key[32], struct vd_bytes data, uint8_t end, uint8_t out[32])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, 32);
	crypto_auth_hmacsha256_update(&state, data.at, data.len);
	if (end)
		crypto_auth_hmacsha256_update(&state, &end, 1);
	crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof state);
}

/* HKDF with two outputs (4.3). */
static void hkdf(const uint8_t ck[32], struct vd_bytes input, uint8_t first[32], uint8_t second[32])
{
	uint8_t prk[32], block[33];

	hmac(ck, input, 0, prk);
	hmac(prk, vd_bytes(NULL, 0), 1, block);
	block[32] = 2;
	hmac(prk, vd_bytes(block, sizeof block), 0, second);
	memcpy(first, block, 32);
	sodium_memzero(prk, sizeof prk);
	sodium_memzero(block, sizeof block);
}

static void nonce_of(uint64_t n, uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES])
{
	memset(nonce, 0, 4);
	memcpy(nonce + 4, &n, 8); /* little-endian, as we are (base/bytes.h asserts it) */
}

/* EncryptAndHash; the caller has made sure of the room. Returns what was written. */
static size_t seal_and_hash(struct noise *noise, struct vd_bytes plain, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	size_t len = plain.len;

	if (noise->has_key) {
		nonce_of(noise->n++, nonce);
		(void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.at, plain.len,
								noise->h, sizeof noise->h, NULL,
								nonce, noise->k);
		len += NOISE_TAG_BYTES;
	} else if (len) {
		memmove(out, plain.at, len);
	}
	mix_hash(noise, vd_bytes(out, len));
	return len;
}

/* DecryptAndHash; `out` has room for sealed.len bytes. */
static enum vd_err open_and_hash(struct noise *noise, struct vd_bytes sealed, uint8_t *out,
				 size_t *len_out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	size_t len = sealed.len;

	if (noise->has_key) {
		if (sealed.len < NOISE_TAG_BYTES)
			return VD_EPEER_TRUNC;
		len -= NOISE_TAG_BYTES;
		nonce_of(noise->n, nonce);
		if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.at,
							      sealed.len, noise->h, sizeof noise->h,
							      nonce, noise->k))
			return VD_EPEER_AUTH;
		noise->n++;
	} else if (len) {
		memmove(out, sealed.at, len);
	}
	mix_hash(noise, sealed);
	*len_out = len;
	return VD_OK;
}

/* MixKey(DH(ours, theirs)); fails for points of low order (their DH is zero). */
static enum vd_err mix_dh(struct noise *noise, const struct noise_keypair *ours,
			  const uint8_t theirs[NOISE_KEY_BYTES])
{
	uint8_t shared[32];

	if (crypto_scalarmult(shared, ours->secret, theirs))
		return VD_EPEER_AUTH;
	hkdf(noise->ck, vd_bytes(shared, sizeof shared), noise->ck, noise->k);
	sodium_memzero(shared, sizeof shared);
	noise->n = 0;
	noise->has_key = true;
	return VD_OK;
}

/* "es" and "se" seen from either side: which of our keys meets which of theirs. */
static enum vd_err mix_es(struct noise *noise)
{
	return noise->role == NOISE_INITIATOR ? mix_dh(noise, &noise->e, noise->rs)
					      : mix_dh(noise, &noise->s, noise->re);
}

static enum vd_err mix_se(struct noise *noise)
{
	return noise->role == NOISE_INITIATOR ? mix_dh(noise, &noise->s, noise->re)
					      : mix_dh(noise, &noise->e, noise->rs);
}

/* ---- HandshakeState (5.3) ---- */

void noise_init_with(struct noise *noise, enum noise_role role, struct vd_bytes prologue,
		     const struct noise_keypair *static_key, const struct noise_keypair *ephemeral)
{
	*noise = (struct noise){ .role = role, .next = 1, .s = *static_key, .e = *ephemeral };
	memcpy(noise->h, PROTOCOL_NAME, sizeof noise->h);
	memcpy(noise->ck, noise->h, sizeof noise->ck);
	mix_hash(noise, prologue);
}

void noise_init(struct noise *noise, enum noise_role role, struct vd_bytes prologue,
		const struct noise_keypair *static_key)
{
	struct noise_keypair ephemeral;

	noise_keypair_generate(&ephemeral);
	noise_init_with(noise, role, prologue, static_key, &ephemeral);
	sodium_memzero(&ephemeral, sizeof ephemeral);
}

void noise_fini(struct noise *noise)
{
	sodium_memzero(noise, sizeof *noise);
}

bool noise_is_ours(const struct noise *noise)
{
	bool odd = noise->next & 1;

	return noise->next >= 1 && noise->next < NOISE_DONE &&
	       odd == (noise->role == NOISE_INITIATOR);
}

static size_t overhead(unsigned message)
{
	static const size_t bytes[] = { [1] = NOISE_MESSAGE_1_OVERHEAD,
					[2] = NOISE_MESSAGE_2_OVERHEAD,
					[3] = NOISE_MESSAGE_3_OVERHEAD };
	return bytes[message];
}

static size_t write_e(struct noise *noise, uint8_t *out)
{
	memcpy(out, noise->e.public_key, NOISE_KEY_BYTES);
	mix_hash(noise, vd_bytes(out, NOISE_KEY_BYTES));
	return NOISE_KEY_BYTES;
}

static size_t write_s(struct noise *noise, uint8_t *out)
{
	return seal_and_hash(noise, vd_bytes(noise->s.public_key, NOISE_KEY_BYTES), out);
}

static enum vd_err write_message(struct noise *noise, struct vd_bytes payload, uint8_t *out,
				 size_t *len_out)
{
	enum vd_err err = VD_OK;
	size_t len = 0;

	if (noise->next == 1) {
		len = write_e(noise, out);
	} else if (noise->next == 2) {
		len = write_e(noise, out);
		err = mix_dh(noise, &noise->e, noise->re);
		if (err)
			return err;
		len += write_s(noise, out + len);
		err = mix_es(noise);
	} else {
		len = write_s(noise, out);
		err = mix_se(noise);
	}
	if (err)
		return err;
	*len_out = len + seal_and_hash(noise, payload, out + len);
	return VD_OK;
}

enum vd_err noise_write(struct noise *noise, struct vd_bytes payload, uint8_t *out, size_t cap,
			size_t *len_out)
{
	if (!noise_is_ours(noise))
		return VD_EBUG_STATE;
	if (cap < payload.len || cap - payload.len < overhead(noise->next))
		return VD_EBUG_ROOM;

	struct noise work = *noise; /* committed when all of it worked */
	enum vd_err err = write_message(&work, payload, out, len_out);

	if (!err) {
		work.next++;
		*noise = work;
	}
	sodium_memzero(&work, sizeof work);
	return err;
}

static void read_e(struct noise *noise, struct vd_read *r)
{
	vd_read_copy(r, noise->re, NOISE_KEY_BYTES);
	mix_hash(noise, vd_bytes(noise->re, NOISE_KEY_BYTES));
}

static enum vd_err read_s(struct noise *noise, struct vd_read *r)
{
	uint8_t plain[NOISE_KEY_BYTES + NOISE_TAG_BYTES];
	size_t len;
	enum vd_err err = open_and_hash(noise, vd_read_bytes(r, sizeof plain), plain, &len);

	if (!err)
		memcpy(noise->rs, plain, NOISE_KEY_BYTES);
	return err;
}

static enum vd_err read_message(struct noise *noise, struct vd_bytes message, uint8_t *payload_out,
				size_t *len_out)
{
	struct vd_read r = vd_read_of(message);
	enum vd_err err = VD_OK;

	if (noise->next <= 2)
		read_e(noise, &r);
	if (noise->next == 2)
		err = mix_dh(noise, &noise->e, noise->re);
	if (!err && noise->next >= 2)
		err = read_s(noise, &r);
	if (!err && noise->next == 2)
		err = mix_es(noise);
	if (!err && noise->next == 3)
		err = mix_se(noise);
	return err ? err : open_and_hash(noise, vd_read_rest(&r), payload_out, len_out);
}

enum vd_err noise_read(struct noise *noise, struct vd_bytes message, uint8_t *payload_out,
		       size_t cap, size_t *len_out)
{
	if (noise_is_ours(noise) || noise->next < 1 || noise->next >= NOISE_DONE)
		return VD_EBUG_STATE;
	if (message.len < overhead(noise->next))
		return VD_EPEER_TRUNC;
	if (cap < message.len - overhead(noise->next))
		return VD_EBUG_ROOM;

	struct noise work = *noise;
	enum vd_err err = read_message(&work, message, payload_out, len_out);

	if (!err) {
		work.next++;
		*noise = work;
	}
	sodium_memzero(&work, sizeof work);
	return err;
}

bool noise_is_answer(const struct noise *noise, struct vd_bytes message)
{
	struct noise work = *noise;
	struct vd_read r = vd_read_of(message);
	bool is = noise->role == NOISE_RESPONDER && noise->next == 3 &&
		  message.len >= NOISE_MESSAGE_3_OVERHEAD && read_s(&work, &r) == VD_OK;

	sodium_memzero(&work, sizeof work);
	return is;
}

enum vd_err noise_split(const struct noise *noise, struct noise_keys *keys_out)
{
	if (noise->next != NOISE_DONE)
		return VD_EBUG_STATE;

	bool initiator = noise->role == NOISE_INITIATOR;

	hkdf(noise->ck, vd_bytes(NULL, 0), initiator ? keys_out->send : keys_out->recv,
	     initiator ? keys_out->recv : keys_out->send);
	memcpy(keys_out->hash, noise->h, sizeof keys_out->hash);
	return VD_OK;
}
