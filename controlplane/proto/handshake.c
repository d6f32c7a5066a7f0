/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/handshake.h"

#include <sodium.h>

#include "controlplane/proto/noise_payload.h"
#include "multigram/frame.h"

/* ---- frames ---- */

static void read_body(struct vd_read *r, struct handshake_frame *frame)
{
	size_t left = vd_read_left(r);

	switch (frame->type) {
	case HANDSHAKE_1:
		if (left < HANDSHAKE_1_MIN - HANDSHAKE_HEADER)
			vd_read_fail(r, VD_EPEER_TRUNC);
		else
			frame->noise = vd_read_bytes(r, left - HANDSHAKE_COOKIE_BYTES);
		frame->cookie = vd_read_bytes(r, HANDSHAKE_COOKIE_BYTES);
		return;
	case HANDSHAKE_2:
	case HANDSHAKE_3: frame->noise = vd_read_rest(r); return;
	case HANDSHAKE_COOKIE:
		frame->echo = vd_read_bytes(r, HANDSHAKE_ECHO_BYTES);
		frame->cookie = vd_read_bytes(r, HANDSHAKE_COOKIE_BYTES);
		return;
	}
	vd_read_fail(r, VD_EPEER_FORMAT);
}

/* Index 0 is never assigned: only where there is none yet. */
static bool indices_fit(const struct handshake_frame *frame)
{
	return (frame->receiver == 0) == (frame->type == HANDSHAKE_1) &&
	       (frame->sender == 0) == (frame->type == HANDSHAKE_COOKIE);
}

enum vd_err handshake_frame_read(struct vd_bytes in, struct handshake_frame *frame_out)
{
	struct vd_read r = vd_read_of(in);
	struct handshake_frame frame = { 0 };

	if (in.len > HANDSHAKE_RECV_MAX)
		return VD_EPEER_RANGE;
	if (vd_read_u8(&r) != MG_HANDSHAKE)
		vd_read_fail(&r, in.len ? VD_EPEER_FORMAT : VD_EPEER_TRUNC);
	frame.type = (enum handshake_type)vd_read_u8(&r);
	frame.sender = vd_read_be32(&r);
	frame.receiver = vd_read_be32(&r);
	if (!r.err)
		read_body(&r, &frame);

	enum vd_err err = vd_read_end(&r);

	if (err)
		return err;
	if (!indices_fit(&frame))
		return VD_EPEER_RANGE;
	*frame_out = frame;
	return VD_OK;
}

static void write_header(uint8_t out[HANDSHAKE_HEADER], enum handshake_type type, uint32_t sender,
			 uint32_t receiver)
{
	out[0] = MG_HANDSHAKE;
	out[1] = (uint8_t)type;
	vd_be32_store(out + 2, sender);
	vd_be32_store(out + 6, receiver);
}

/* ---- cookies ---- */

static void cookie_echo(const uint8_t e[NOISE_KEY_BYTES], uint8_t out[HANDSHAKE_ECHO_BYTES])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, e, NOISE_KEY_BYTES);
	memcpy(out, hash, HANDSHAKE_ECHO_BYTES);
}

void handshake_cookie_write(const struct handshake_frame *first,
			    const uint8_t cookie[HANDSHAKE_COOKIE_BYTES],
			    uint8_t out[HANDSHAKE_COOKIE_FRAME])
{
	write_header(out, HANDSHAKE_COOKIE, 0, first->sender);
	cookie_echo(first->noise.at, out + HANDSHAKE_HEADER);
	memcpy(out + HANDSHAKE_HEADER + HANDSHAKE_ECHO_BYTES, cookie, HANDSHAKE_COOKIE_BYTES);
}

enum vd_err handshake_take_cookie(struct handshake *hs, const struct handshake_frame *frame)
{
	uint8_t echo[HANDSHAKE_ECHO_BYTES];

	cookie_echo(hs->noise.e.public_key, echo);
	if (memcmp(echo, frame->echo.at, sizeof echo) != 0)
		return VD_EPEER_STATE;
	memcpy(hs->sent + hs->sent_len - HANDSHAKE_COOKIE_BYTES, frame->cookie.at,
	       HANDSHAKE_COOKIE_BYTES);
	return VD_OK;
}

/* ---- what we are ---- */

static uint32_t ciphers_at_hand(void)
{
	uint32_t bits = 0;

	for (unsigned cipher = 0; cipher < VD_CIPHER_COUNT; cipher++) {
		if (vd_cipher_available((enum vd_cipher)cipher))
			bits |= UINT32_C(1) << cipher;
	}
	return bits;
}

void handshake_self_init(struct handshake_self *self, enum handshake_kind kind,
			 const struct vd_identity *identity, uint64_t boot, uint32_t width,
			 uint32_t ciphers)
{
	*self = (struct handshake_self){
		.kind = kind, .identity = identity, .boot = boot, .width = width
	};
	self->ciphers = ciphers_at_hand() & (ciphers ? ciphers : UINT32_MAX);
	noise_keypair_generate(&self->static_key);
	noise_payload_sign(identity, self->static_key.public_key, self->signature);
}

void handshake_self_fini(struct handshake_self *self)
{
	sodium_memzero(self, sizeof *self);
}

static struct vd_bytes prologue(const struct handshake_self *self)
{
	return vd_bytes_of_text(self->kind == HANDSHAKE_LINK ? "viaduct link 1"
							     : "viaduct session 1");
}

static struct noise_payload own_payload(const struct handshake_self *self)
{
	return (struct noise_payload){
		.identity_key = vd_bytes(self->identity->public_key, VD_PUBLIC_KEY_BYTES),
		.identity_sig = vd_bytes(self->signature, VD_SIGNATURE_BYTES),
		.width = self->kind == HANDSHAKE_LINK ? self->width : 0,
		.boot = self->boot,
	};
}

/* In order of preference: AES only if it is in hardware, and then it is faster. */
static const enum vd_cipher PREFERENCE[] = { VD_AES_256_GCM, VD_CHACHA20_POLY1305 };

static bool does(const struct handshake_self *self, enum vd_cipher cipher)
{
	return self->ciphers >> cipher & 1;
}

static void offer_ciphers(const struct handshake_self *self, struct noise_payload *payload)
{
	for (size_t i = 0; i < sizeof PREFERENCE / sizeof PREFERENCE[0]; i++) {
		if (does(self, PREFERENCE[i]))
			payload->ciphers[payload->cipher_count++] =
			    vd_bytes_of_text(vd_cipher_name(PREFERENCE[i]));
	}
}

/* The first of the peer's ciphers that we do; of `most` at most. */
static enum vd_err choose_cipher(const struct handshake_self *self,
				 const struct noise_payload *payload, uint32_t most,
				 enum vd_cipher *cipher_out)
{
	if (self->kind == HANDSHAKE_LINK) {
		*cipher_out = VD_CHACHA20_POLY1305;
		return VD_OK;
	}
	if (payload->cipher_count > most)
		return VD_EPEER_FORMAT;
	for (uint32_t i = 0; i < payload->cipher_count; i++) {
		enum vd_cipher cipher;

		if (!vd_cipher_of_name(payload->ciphers[i], &cipher) && does(self, cipher)) {
			*cipher_out = cipher;
			return VD_OK;
		}
	}
	return VD_EPEER_STATE;
}

/* ---- keys (switch/SPEC.md, 3.5) ---- */

static void derive(const uint8_t key[32], const char *label, const char *name,
		   const uint8_t hash[32], uint8_t *out, size_t len)
{
	crypto_auth_hmacsha256_state state;
	uint8_t full[32];

	crypto_auth_hmacsha256_init(&state, key, 32);
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)label, strlen(label));
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)name, strlen(name));
	crypto_auth_hmacsha256_update(&state, hash, 32);
	crypto_auth_hmacsha256_final(&state, full);
	memcpy(out, full, len);
	sodium_memzero(&state, sizeof state);
	sodium_memzero(full, sizeof full);
}

static enum vd_err derive_keys(const struct noise *noise, enum vd_cipher cipher,
			       struct handshake_keys *out)
{
	struct noise_keys k;
	enum vd_err err = noise_split(noise, &k);
	const char *name = vd_cipher_name(cipher);

	if (err)
		return err;
	derive(k.send, "tag", "", k.hash, out->tx_tag, sizeof out->tx_tag);
	derive(k.recv, "tag", "", k.hash, out->rx_tag, sizeof out->rx_tag);
	derive(k.send, "control", "", k.hash, out->tx_control, sizeof out->tx_control);
	derive(k.recv, "control", "", k.hash, out->rx_control, sizeof out->rx_control);
	derive(k.send, "aead ", name, k.hash, out->tx_aead, sizeof out->tx_aead);
	derive(k.recv, "aead ", name, k.hash, out->rx_aead, sizeof out->rx_aead);
	sodium_memzero(&k, sizeof k);
	return VD_OK;
}

/* ---- setup inside the payloads ---- */

static size_t offer_of(const struct handshake_self *self, const struct mg_entry *entry)
{
	size_t i = 0;

	while (i < self->offer_count && strcmp(self->offer[i], entry->name) != 0)
		i++;
	return i;
}

/* No more and no larger ones are ever granted or offered. */
static void find_inner(const struct handshake_self *self, const struct mg_table *table,
		       uint8_t inner[HANDSHAKE_OFFERS][MG_SAME_NAME])
{
	const struct mg_entry *at = mg_table_from(table, MG_FIRST_NEGOTIATED);
	size_t found[HANDSHAKE_OFFERS] = { 0 };

	memset(inner, 0, HANDSHAKE_OFFERS * MG_SAME_NAME);
	for (; at && at->index <= MG_INDEX_BYTE; at = mg_table_from(table, at->index + 1)) {
		size_t offer = offer_of(self, at);

		if (offer < self->offer_count && found[offer] < MG_SAME_NAME)
			inner[offer][found[offer]++] = (uint8_t)at->index;
	}
}

static enum vd_err answer_setup(struct handshake *hs, const struct handshake_self *self,
				struct vd_bytes offer, struct vd_write *w)
{
	struct mg_table table;

	if (offer.len == 0)
		return VD_OK;
	mg_table_init(&table, MG_TABLE_VIADUCT);

	enum vd_err err = mg_setup_answer(&table, self->offer, self->offer_count, offer, w);

	if (!err)
		find_inner(self, &table, hs->inner);
	return err;
}

static enum vd_err accept_setup(const struct handshake *hs, const struct handshake_self *self,
				struct vd_bytes answer,
				uint8_t inner[HANDSHAKE_OFFERS][MG_SAME_NAME])
{
	struct mg_table table;

	if (self->offer_count == 0 || answer.len == 0)
		return VD_OK;
	mg_table_init(&table, MG_TABLE_VIADUCT);

	enum vd_err err = mg_setup_accept(&table, &hs->offer, answer);

	if (!err)
		find_inner(self, &table, inner);
	return err;
}

/* ---- messages ---- */

/* Writes the payload as the next Noise message, and the frame around it, to hs->sent. */
static enum vd_err send_message(struct handshake *hs, struct noise *noise, enum handshake_type type,
				const struct noise_payload *payload, size_t padded_len,
				uint32_t remote_index)
{
	uint8_t plain[HANDSHAKE_SEND_MAX], sent[HANDSHAKE_SEND_MAX];
	size_t trailer = type == HANDSHAKE_1 ? HANDSHAKE_COOKIE_BYTES : 0;
	struct vd_write w = vd_write_to(plain, sizeof plain);
	size_t len;
	enum vd_err err = noise_payload_write(&w, payload, padded_len);

	if (!err)
		err = noise_write(noise, vd_write_done(&w), sent + HANDSHAKE_HEADER,
				  sizeof sent - HANDSHAKE_HEADER - trailer, &len);
	sodium_memzero(plain, sizeof plain); /* a token may be in it */
	if (err)
		return err;
	write_header(sent, type, hs->index, remote_index);
	memset(sent + HANDSHAKE_HEADER + len, 0, trailer);
	hs->sent_len = (uint16_t)(HANDSHAKE_HEADER + len + trailer);
	memcpy(hs->sent, sent, hs->sent_len);
	return VD_OK;
}

enum vd_err handshake_start(struct handshake *hs, const struct handshake_self *self, uint32_t index)
{
	enum { AROUND = HANDSHAKE_HEADER + NOISE_MESSAGE_1_OVERHEAD + HANDSHAKE_COOKIE_BYTES };
	uint8_t setup[MG_OP_BYTES];
	struct vd_write w = vd_write_to(setup, sizeof setup);
	struct noise_payload payload = { 0 };
	enum vd_err err = VD_OK;

	*hs = (struct handshake){ .index = index };
	noise_init(&hs->noise, NOISE_INITIATOR, prologue(self), &self->static_key);
	if (self->offer_count)
		err = mg_setup_offer(&hs->offer, self->offer, self->offer_count, &w);
	if (err)
		return err;
	payload.setup = vd_write_done(&w);
	if (self->kind == HANDSHAKE_SESSION)
		offer_ciphers(self, &payload);
	return send_message(hs, &hs->noise, HANDSHAKE_1, &payload, HANDSHAKE_1_MIN - AROUND, 0);
}

/* Reads the next Noise message and the payload in it; `plain` holds what it borrows. */
static enum vd_err recv_message(struct noise *noise, const struct handshake_frame *frame,
				uint8_t plain[HANDSHAKE_RECV_MAX],
				struct noise_payload *payload_out)
{
	size_t len;
	enum vd_err err = noise_read(noise, frame->noise, plain, HANDSHAKE_RECV_MAX, &len);

	return err ? err : noise_payload_read(vd_bytes(plain, len), payload_out);
}

/* The same, of a message that says who sent it. */
static enum vd_err recv_identified(const struct handshake_self *self, struct noise *noise,
				   const struct handshake_frame *frame,
				   uint8_t plain[HANDSHAKE_RECV_MAX],
				   struct noise_payload *payload_out,
				   struct handshake_result *result)
{
	enum vd_err err = recv_message(noise, frame, plain, payload_out);

	if (err)
		return err;
	if (payload_out->boot == 0)
		return VD_EPEER_RANGE;
	result->remote_index = frame->sender;
	result->boot = payload_out->boot;
	result->width = self->kind == HANDSHAKE_LINK ? payload_out->width : 0;
	return noise_payload_verify(payload_out, noise->rs, &result->peer);
}

static enum vd_err answer(struct handshake *hs, const struct handshake_self *self,
			  const struct handshake_frame *frame)
{
	uint8_t plain[HANDSHAKE_RECV_MAX], setup[MG_OP_BYTES];
	struct vd_write w = vd_write_to(setup, sizeof setup);
	struct noise_payload theirs, ours = own_payload(self);
	enum vd_err err = recv_message(&hs->noise, frame, plain, &theirs);

	if (!err)
		err = choose_cipher(self, &theirs, NOISE_PAYLOAD_CIPHERS, &hs->cipher);
	if (!err)
		err = answer_setup(hs, self, theirs.setup, &w);
	if (err)
		return err;
	ours.setup = vd_write_done(&w);
	if (self->kind == HANDSHAKE_SESSION)
		ours.ciphers[ours.cipher_count++] = vd_bytes_of_text(vd_cipher_name(hs->cipher));
	return send_message(hs, &hs->noise, HANDSHAKE_2, &ours, 0, frame->sender);
}

enum vd_err handshake_answer(struct handshake *hs, const struct handshake_self *self,
			     const struct handshake_frame *frame, uint32_t index)
{
	*hs = (struct handshake){ .index = index, .remote_index = frame->sender };
	noise_init(&hs->noise, NOISE_RESPONDER, prologue(self), &self->static_key);

	enum vd_err err = answer(hs, self, frame);
	size_t asked = HANDSHAKE_HEADER + frame->noise.len + frame->cookie.len;

	if (!err && hs->sent_len > asked)
		err = VD_EPEER_STATE; /* a cookie would have to come first */
	if (err)
		handshake_fini(hs);
	return err;
}

static enum vd_err finish(struct handshake *hs, struct noise *work,
			  const struct handshake_self *self, const struct handshake_frame *frame,
			  const struct vd_peer_id *expected, struct handshake_result *result)
{
	uint8_t plain[HANDSHAKE_RECV_MAX];
	struct noise_payload theirs, ours = own_payload(self);
	enum vd_err err = recv_identified(self, work, frame, plain, &theirs, result);

	if (err)
		return err;
	if (!vd_peer_id_equal(&result->peer, expected))
		return VD_EPEER_REFUSED;
	err = choose_cipher(self, &theirs, 1, &result->cipher);
	if (!err)
		err = accept_setup(hs, self, theirs.setup, result->inner);
	ours.token = vd_bytes(hs->token, hs->token_len);
	return err ? err : send_message(hs, work, HANDSHAKE_3, &ours, 0, frame->sender);
}

enum vd_err handshake_finish(struct handshake *hs, const struct handshake_self *self,
			     const struct handshake_frame *frame, const struct vd_peer_id *expected,
			     struct handshake_result *result_out)
{
	struct noise work = hs->noise;
	struct handshake_result result = { 0 };
	enum vd_err err = finish(hs, &work, self, frame, expected, &result);

	if (!err)
		err = derive_keys(&work, result.cipher, &result.keys);
	if (!err) {
		hs->noise = work;
		hs->remote_index = frame->sender;
		*result_out = result;
	}
	noise_fini(&work);
	handshake_result_fini(&result);
	return err;
}

static enum vd_err conclude(struct handshake *hs, struct noise *work,
			    const struct handshake_self *self, const struct handshake_frame *frame,
			    struct handshake_result *result)
{
	uint8_t plain[HANDSHAKE_RECV_MAX];
	struct noise_payload theirs;

	if (frame->sender != hs->remote_index)
		return VD_EPEER_STATE;

	enum vd_err err = recv_identified(self, work, frame, plain, &theirs, result);

	if (!err && vd_peer_id_equal(&result->peer, &self->identity->id))
		err = VD_EPEER_REFUSED;
	if (err)
		goto out;
	result->cipher = hs->cipher;
	memcpy(result->inner, hs->inner, sizeof result->inner);
	result->has_token = theirs.token.len > 0;
	if (result->has_token)
		crypto_hash_sha256(result->token_hash, theirs.token.at, theirs.token.len);
	err = derive_keys(work, hs->cipher, &result->keys);
out:
	sodium_memzero(plain, sizeof plain); /* the peer's token */
	return err;
}

enum vd_err handshake_conclude(struct handshake *hs, const struct handshake_self *self,
			       const struct handshake_frame *frame,
			       struct handshake_result *result_out)
{
	struct noise work = hs->noise;
	struct handshake_result result = { 0 };
	enum vd_err err = conclude(hs, &work, self, frame, &result);

	if (!err) {
		hs->noise = work;
		*result_out = result;
	}
	noise_fini(&work);
	handshake_result_fini(&result);
	return err;
}

void handshake_result_fini(struct handshake_result *result)
{
	sodium_memzero(result, sizeof *result);
}

void handshake_fini(struct handshake *hs)
{
	sodium_memzero(hs, sizeof *hs);
}
