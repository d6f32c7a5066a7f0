/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/envelope.h"

#include "base/pb.h"
#include "controlplane/proto/public_key.h"

enum {
	FIELD_PUBLIC_KEY = 1,
	FIELD_PAYLOAD_TYPE = 2,
	FIELD_PAYLOAD = 3,
	FIELD_SIGNATURE = 5,
};

enum { SIGNED_MAX = ENVELOPE_DOMAIN_MAX + ENVELOPE_TYPE_MAX + ENVELOPE_PAYLOAD_MAX + 3 * 2 };

static void write_counted(struct vd_write *w, struct vd_bytes bytes)
{
	vd_write_uvarint(w, bytes.len);
	vd_write_bytes(w, bytes);
}

/* RFC 0002, "Signature Production / Verification". */
static struct vd_bytes signed_text(const char *domain, struct vd_bytes type,
				   struct vd_bytes payload, uint8_t out[SIGNED_MAX])
{
	struct vd_write w = vd_write_to(out, SIGNED_MAX);

	write_counted(&w, vd_bytes_of_text(domain));
	write_counted(&w, type);
	write_counted(&w, payload);
	return vd_write_end(&w) ? vd_bytes(NULL, 0) : vd_write_done(&w);
}

static enum vd_err decode(struct vd_bytes in, struct envelope *envelope)
{
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f)) {
		switch (f.number) {
		case FIELD_PUBLIC_KEY: envelope->public_key = vd_pb_bytes(&r, &f); break;
		case FIELD_PAYLOAD_TYPE: envelope->payload_type = vd_pb_bytes(&r, &f); break;
		case FIELD_PAYLOAD: envelope->payload = vd_pb_bytes(&r, &f); break;
		case FIELD_SIGNATURE: envelope->signature = vd_pb_bytes(&r, &f); break;
		default: break;
		}
	}
	return vd_read_end(&r);
}

struct vd_bytes envelope_type(struct vd_bytes in)
{
	struct envelope envelope = { 0 };

	return decode(in, &envelope) ? vd_bytes(NULL, 0) : envelope.payload_type;
}

enum vd_err envelope_read(struct vd_bytes in, const char *domain, struct envelope *envelope_out)
{
	struct envelope envelope = { 0 };
	uint8_t text[SIGNED_MAX];
	enum vd_err err = decode(in, &envelope);

	if (err)
		return err;
	if (envelope.payload.len > ENVELOPE_PAYLOAD_MAX ||
	    envelope.payload_type.len > ENVELOPE_TYPE_MAX)
		return VD_EPEER_RANGE;
	if (!envelope.payload_type.len || !envelope.public_key.len)
		return VD_EPEER_FORMAT;

	struct vd_bytes signed_bytes =
	    signed_text(domain, envelope.payload_type, envelope.payload, text);

	if (!signed_bytes.len)
		return VD_EBUG_ROOM;
	err = public_key_verify(envelope.public_key, signed_bytes, envelope.signature);
	if (!err)
		err = vd_peer_id_of_public_key(envelope.public_key, &envelope.signer);
	if (!err)
		*envelope_out = envelope;
	return err;
}

enum vd_err envelope_write(struct vd_write *w, const struct vd_identity *identity,
			   const char *domain, struct vd_bytes payload_type,
			   struct vd_bytes payload)
{
	uint8_t text[SIGNED_MAX], signature[VD_SIGNATURE_BYTES];
	struct vd_bytes signed_bytes = signed_text(domain, payload_type, payload, text);

	if (!signed_bytes.len)
		return VD_EBUG_ROOM;
	vd_identity_sign(identity, signed_bytes, signature);
	vd_pb_write_bytes(w, FIELD_PUBLIC_KEY, vd_bytes(identity->public_key, VD_PUBLIC_KEY_BYTES));
	vd_pb_write_bytes(w, FIELD_PAYLOAD_TYPE, payload_type);
	vd_pb_write_bytes(w, FIELD_PAYLOAD, payload);
	vd_pb_write_bytes(w, FIELD_SIGNATURE, vd_bytes(signature, sizeof signature));
	return vd_write_end(w);
}
