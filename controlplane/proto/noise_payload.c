/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise_payload.h"

#include "base/pb.h"

enum { FIELD_IDENTITY_KEY = 1, FIELD_IDENTITY_SIG = 2, FIELD_EXTENSIONS = 4 };
enum { FIELD_VIADUCT = 1042 };
enum {
	FIELD_SETUP = 1,
	FIELD_WIDTH = 2,
	FIELD_CIPHERS = 3,
	FIELD_BOOT = 4,
	FIELD_TOKEN = 5,
	FIELD_PADDING = 15,
};
enum { WIDTH_MAX = 24 };

static const char SIGNED_PREFIX[] = "noise-libp2p-static-key:";
enum { SIGNED_BYTES = sizeof SIGNED_PREFIX - 1 + NOISE_KEY_BYTES };

/* ---- reading ---- */

static void read_cipher(struct noise_payload *payload, struct vd_bytes name)
{
	if (payload->cipher_count < NOISE_PAYLOAD_CIPHERS)
		payload->ciphers[payload->cipher_count++] = name;
}

static struct vd_bytes read_token(struct vd_read *r, const struct vd_pb_field *f)
{
	struct vd_bytes token = vd_pb_bytes(r, f);

	if (token.len > VD_TOKEN_MAX)
		vd_read_fail(r, VD_EPEER_RANGE);
	return token;
}

static enum vd_err read_viaduct(struct vd_bytes in, struct noise_payload *payload)
{
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	payload->has_viaduct = true;
	while (vd_pb_next(&r, &f)) {
		switch (f.number) {
		case FIELD_SETUP: payload->setup = vd_pb_bytes(&r, &f); break;
		case FIELD_WIDTH: payload->width = (uint32_t)vd_pb_uint(&r, &f, WIDTH_MAX); break;
		case FIELD_CIPHERS: read_cipher(payload, vd_pb_bytes(&r, &f)); break;
		case FIELD_BOOT: payload->boot = vd_pb_fixed64(&r, &f); break;
		case FIELD_TOKEN: payload->token = read_token(&r, &f); break;
		default: break;
		}
	}
	return vd_read_end(&r);
}

static enum vd_err read_extensions(struct vd_bytes in, struct noise_payload *payload)
{
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f)) {
		if (f.number == FIELD_VIADUCT)
			vd_read_fail(&r, read_viaduct(vd_pb_bytes(&r, &f), payload));
	}
	return vd_read_end(&r);
}

enum vd_err noise_payload_read(struct vd_bytes in, struct noise_payload *payload_out)
{
	struct noise_payload payload = { 0 };
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f)) {
		if (f.number == FIELD_IDENTITY_KEY)
			payload.identity_key = vd_pb_bytes(&r, &f);
		else if (f.number == FIELD_IDENTITY_SIG)
			payload.identity_sig = vd_pb_bytes(&r, &f);
		else if (f.number == FIELD_EXTENSIONS)
			vd_read_fail(&r, read_extensions(vd_pb_bytes(&r, &f), &payload));
	}

	enum vd_err err = vd_read_end(&r);

	if (!err)
		*payload_out = payload;
	return err;
}

/* ---- writing ---- */

/* A bytes field, left out when empty. */
static size_t optional_len(uint32_t number, size_t len)
{
	return len ? vd_pb_bytes_len(number, len) : 0;
}

static void write_optional(struct vd_write *w, uint32_t number, struct vd_bytes bytes)
{
	if (bytes.len)
		vd_pb_write_bytes(w, number, bytes);
}

static size_t viaduct_len(const struct noise_payload *payload, size_t padding)
{
	size_t len =
	    optional_len(FIELD_SETUP, payload->setup.len) + optional_len(FIELD_PADDING, padding);

	if (payload->width)
		len += vd_pb_uint_len(FIELD_WIDTH, payload->width);
	for (uint32_t i = 0; i < payload->cipher_count; i++)
		len += vd_pb_bytes_len(FIELD_CIPHERS, payload->ciphers[i].len);
	if (payload->boot)
		len += 1 + 8;
	return len + optional_len(FIELD_TOKEN, payload->token.len);
}

static size_t payload_len(const struct noise_payload *payload, size_t padding)
{
	size_t extensions = vd_pb_bytes_len(FIELD_VIADUCT, viaduct_len(payload, padding));

	return optional_len(FIELD_IDENTITY_KEY, payload->identity_key.len) +
	       optional_len(FIELD_IDENTITY_SIG, payload->identity_sig.len) +
	       vd_pb_bytes_len(FIELD_EXTENSIONS, extensions);
}

/* Field heads grow with what is in them: the first guess is too small by a few bytes. */
static size_t padding_for(const struct noise_payload *payload, size_t padded_len)
{
	size_t bare = payload_len(payload, 0);
	size_t padding = padded_len > bare + 8 ? padded_len - bare - 8 : 0;

	if (padded_len <= bare)
		return 0;
	while (payload_len(payload, padding) < padded_len)
		padding++;
	return padding;
}

static void write_viaduct(struct vd_write *w, const struct noise_payload *payload, size_t padding)
{
	write_optional(w, FIELD_SETUP, payload->setup);
	if (payload->width)
		vd_pb_write_uint(w, FIELD_WIDTH, payload->width);
	for (uint32_t i = 0; i < payload->cipher_count; i++)
		vd_pb_write_bytes(w, FIELD_CIPHERS, payload->ciphers[i]);
	if (payload->boot)
		vd_pb_write_fixed64(w, FIELD_BOOT, payload->boot);
	write_optional(w, FIELD_TOKEN, payload->token);
	if (padding) {
		vd_pb_write_head(w, FIELD_PADDING, padding);
		vd_write_zeros(w, padding);
	}
}

enum vd_err noise_payload_write(struct vd_write *w, const struct noise_payload *payload,
				size_t padded_len)
{
	size_t padding = padding_for(payload, padded_len);
	size_t viaduct = viaduct_len(payload, padding);

	write_optional(w, FIELD_IDENTITY_KEY, payload->identity_key);
	write_optional(w, FIELD_IDENTITY_SIG, payload->identity_sig);
	vd_pb_write_head(w, FIELD_EXTENSIONS, vd_pb_bytes_len(FIELD_VIADUCT, viaduct));
	vd_pb_write_head(w, FIELD_VIADUCT, viaduct);
	write_viaduct(w, payload, padding);
	return vd_write_end(w);
}

/* ---- identity ---- */

static void signed_text(const uint8_t static_key[NOISE_KEY_BYTES], uint8_t out[SIGNED_BYTES])
{
	memcpy(out, SIGNED_PREFIX, sizeof SIGNED_PREFIX - 1);
	memcpy(out + sizeof SIGNED_PREFIX - 1, static_key, NOISE_KEY_BYTES);
}

void noise_payload_sign(const struct vd_identity *identity,
			const uint8_t static_key[NOISE_KEY_BYTES],
			uint8_t signature_out[VD_SIGNATURE_BYTES])
{
	uint8_t text[SIGNED_BYTES];

	signed_text(static_key, text);
	vd_identity_sign(identity, vd_bytes(text, sizeof text), signature_out);
}

enum vd_err noise_payload_verify(const struct noise_payload *payload,
				 const uint8_t static_key[NOISE_KEY_BYTES],
				 struct vd_peer_id *peer_out)
{
	uint8_t text[SIGNED_BYTES];
	enum vd_err err;

	signed_text(static_key, text);
	err = vd_key_verify(payload->identity_key, vd_bytes(text, sizeof text),
			    payload->identity_sig);
	return err ? err : vd_peer_id_of_public_key(payload->identity_key, peer_out);
}
